"""Words and names to make data of, in several languages and scripts."""

from __future__ import annotations

from typing import NamedTuple


class Place(NamedTuple):
    """A country, and what people, streets and companies are called there."""

    country: str
    currency: str
    dial: str
    cities: tuple[tuple[str, str, str], ...]
    streets: tuple[str, ...]
    first_names: tuple[str, ...]
    last_names: tuple[str, ...]
    companies: tuple[str, ...]


PLACES = (
    Place(
        "United States",
        "USD",
        "+1",
        (("Portland", "OR", "97205"), ("Austin", "TX", "78701"), ("Columbus", "OH", "43215")),
        ("Maple Avenue", "2nd Street", "Harbor Road"),
        ("Pamela", "James", "Olivia", "Marcus", "Denise", "Ethan"),
        ("Huber", "Nguyen", "Anthony", "Brooks", "O'Neill", "Washington"),
        ("{} Logistics Inc.", "{} & Sons", "{} Analytics", "Blue {} Foods"),
    ),
    Place(
        "United Kingdom",
        "GBP",
        "+44",
        (("Leeds", "West Yorkshire", "LS1 4AP"), ("Bristol", "Avon", "BS1 5TY")),
        ("Church Lane", "Station Road", "Victoria Terrace"),
        ("Harriet", "Alfie", "Imogen", "Callum"),
        ("Whitfield", "Ashworth", "Patel", "MacLeod"),
        ("{} Ltd", "{} Engineering plc", "The {} Company"),
    ),
    Place(
        "Germany",
        "EUR",
        "+49",
        (("Köln", "Nordrhein-Westfalen", "50667"), ("München", "Bayern", "80331")),
        ("Hauptstraße", "Gärtnerweg", "Am Großen Tor"),
        ("Jürgen", "Anneliese", "Björn", "Käthe"),
        ("Müller", "Weiß", "Schröder", "Größmann"),
        ("{} GmbH", "{} Maschinenbau AG", "Gebrüder {}"),
    ),
    Place(
        "France",
        "EUR",
        "+33",
        (("Orléans", "Centre-Val de Loire", "45000"), ("Nîmes", "Occitanie", "30000")),
        ("rue de l'Église", "avenue Émile-Zola", "impasse du Chêne"),
        ("Chloé", "Aurélien", "Noëlle", "François"),
        ("Lefèvre", "Brûlé", "D'Angély", "Garçon"),
        ("{} et Fils", "Société {}", "Établissements {}"),
    ),
    Place(
        "Spain",
        "EUR",
        "+34",
        (("Málaga", "Andalucía", "29001"), ("A Coruña", "Galicia", "15001")),
        ("calle Peñón", "avenida de la Constitución"),
        ("Íñigo", "Begoña", "José", "Lucía"),
        ("Muñoz", "Ibáñez", "Peña", "Agüero"),
        ("{} e Hijos S.L.", "Construcciones {}", "Bodegas {}"),
    ),
    Place(
        "Poland",
        "PLN",
        "+48",
        (("Łódź", "łódzkie", "90-001"), ("Kraków", "małopolskie", "30-001")),
        ("ulica Świętojańska", "aleja Żołnierzy"),
        ("Żaneta", "Łukasz", "Małgorzata", "Paweł"),
        ("Wójcik", "Dąbrowski", "Źródlak", "Świątek"),
        ("{} Sp. z o.o.", "Zakłady {}"),
    ),
    Place(
        "Japan",
        "JPY",
        "+81",
        (("大阪市", "大阪府", "530-0001"), ("札幌市", "北海道", "060-0001")),
        ("梅田1丁目", "大通西4丁目"),
        ("美咲", "健太", "陽子", "翔"),
        ("佐藤", "鈴木", "髙橋", "渡邉"),
        ("株式会社{}", "{}工業", "{}商事"),
    ),
    Place(
        "Egypt",
        "EGP",
        "+20",
        (("القاهرة", "القاهرة", "11511"), ("الإسكندرية", "الإسكندرية", "21500")),
        ("شارع التحرير", "طريق الكورنيش"),
        ("فاطمة", "أحمد", "ليلى", "يوسف"),
        ("حسن", "المصري", "إبراهيم", "عبد الله"),
        ("شركة {}", "مؤسسة {}"),
    ),
)

TITLES = ("Managing Director", "Einkaufsleiterin", "Chef de projet", "CTO", "営業部長", None)
SALUTATIONS = ("Ms", "Mr", "Mx", "Dr", None)
INDUSTRIES = ("Manufacturing", "Software", "Retail", "Healthcare", "Construction", "Logistics")
TAGS = ("vip", "Paris", "Washington", "trade-fair 2026", "Großkunde", "新規", "partner")
HOBBIES = ("Art", "Food", "Music", "Sports", "Technology", "Travel")
REMARKS = (
    "Call back after the holidays.",
    "Prefers written offers, no phone calls.",
    "Bevorzugt Rechnung per Post.",
    "Très satisfait de la dernière livraison.",
    "納期は厳守してください。",
    "Met at the trade fair 🎪, wants a demo.",
    'Said: "we\'ll decide in Q3" \\ budget open',
    "العميل مهتم بالعرض",
)
PRODUCTS = (
    ("Pump P-100", "Pumps", 1290),
    ("Pump P-200", "Pumps", 2480),
    ("Valve V-7", "Valves", 189),
    ("Control unit", "Electronics", 3150),
    ("Sensor set", "Electronics", 420),
    ("Maintenance, 1 year", "Services", 960),
    ("Installation", "Services", 1500),
    ("Training day", "Services", 1100),
    ("Dichtungssatz Ü40", "Spares", 39),
    ("Filter", "Spares", 24),
)
TASKS = (
    "Call back",
    "Send the offer",
    "Prepare the demo",
    "Check the contract",
    "Angebot nachfassen",
    "Relancer le client",
    "見積書を送る",
    "Order samples",
    "Book a room",
)
PROJECTS = ("Roll-out", "Plant extension", "Website relaunch", "Umbau Halle 3", "Audit")
SUBJECTS = (
    "Cannot log in",
    "Pump is leaking",
    "Rechnung doppelt erhalten",
    "How do I export data?",
    "Livraison incomplète",
    "Feature wish: dark mode",
    "エラーが表示されます",
)
ARTICLES = ("Getting started", "Resetting a password", "Reading the display", "Pumpe entlüften")
FORUMS = ("Questions", "Ideas", "Show and tell")
