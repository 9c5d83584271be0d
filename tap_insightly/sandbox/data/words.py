"""Words and names to make data of, in several languages and scripts."""

from __future__ import annotations

from typing import NamedTuple


class Place(NamedTuple):
    """A country, and what people, streets and companies are called there."""

    country: str
    currency: str
    dial: str
    timezone: str
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
        "America/New_York",
        (("Portland", "OR", "97205"), ("Austin", "TX", "78701"), ("Columbus", "OH", "43215")),
        ("Maple Avenue", "2nd Street", "Harbor Road"),
        ("Amber", "James", "Olivia", "Marcus", "Denise", "Ethan", "Rosa", "Tyrone", "Grace"),
        (
            "Alvarez",
            "Brooks",
            "Carter",
            "Fitzgerald",
            "Hoffman",
            "Kowalski-Reed",
            "Nguyen",
            "O'Neill",
            "Sandoval",
            "Whitaker",
        ),
        ("{} Logistics Inc.", "{} & Sons", "{} Analytics", "{} Foods", "{} Water Works"),
    ),
    Place(
        "United Kingdom",
        "GBP",
        "+44",
        "Europe/London",
        (("Leeds", "West Yorkshire", "LS1 4AP"), ("Bristol", "Avon", "BS1 5TY")),
        ("Church Lane", "Station Road", "Victoria Terrace"),
        ("Harriet", "Alfie", "Imogen", "Callum", "Priya", "Rhys", "Siobhán"),
        ("Whitfield", "Ashworth", "Patel", "MacLeod", "Okafor", "Llewellyn", "Birch", "Thorne"),
        ("{} Ltd", "{} Engineering plc", "The {} Company", "{} & Daughters"),
    ),
    Place(
        "Germany",
        "EUR",
        "+49",
        "Europe/Berlin",
        (("Köln", "Nordrhein-Westfalen", "50667"), ("München", "Bayern", "80331")),
        ("Hauptstraße", "Gärtnerweg", "Am Großen Tor"),
        ("Jürgen", "Anneliese", "Björn", "Käthe", "Emine", "Lars", "Sabine"),
        ("Müller", "Weiß", "Schröder", "Größmann", "Şimşek", "Kaiser", "Vogt", "Über"),
        ("{} GmbH", "{} Maschinenbau AG", "Gebrüder {}", "{} Anlagentechnik KG"),
    ),
    Place(
        "France",
        "EUR",
        "+33",
        "Europe/Paris",
        (("Orléans", "Centre-Val de Loire", "45000"), ("Nîmes", "Occitanie", "30000")),
        ("rue de l'Église", "avenue Émile-Zola", "impasse du Chêne"),
        ("Chloé", "Aurélien", "Noëlle", "François", "Inès", "Mathieu"),
        ("Lefèvre", "Brûlé", "D'Angély", "Garçon", "Benoît", "Maçon", "Hervé", "Noël"),
        ("{} et Fils", "Société {}", "Établissements {}", "{} Hydraulique SA"),
    ),
    Place(
        "Spain",
        "EUR",
        "+34",
        "Europe/Madrid",
        (("Málaga", "Andalucía", "29001"), ("A Coruña", "Galicia", "15001")),
        ("calle Peñón", "avenida de la Constitución"),
        ("Íñigo", "Begoña", "José", "Lucía", "Núria", "Andrés"),
        ("Muñoz", "Ibáñez", "Peña", "Agüero", "Núñez", "Márquez", "Piñol", "Yáñez"),
        ("{} e Hijos S.L.", "Construcciones {}", "Bodegas {}", "Riegos {}"),
    ),
    Place(
        "Poland",
        "PLN",
        "+48",
        "Europe/Warsaw",
        (("Łódź", "łódzkie", "90-001"), ("Kraków", "małopolskie", "30-001")),
        ("ulica Świętojańska", "aleja Żołnierzy"),
        ("Żaneta", "Łukasz", "Małgorzata", "Paweł", "Agnieszka", "Michał"),
        ("Wójcik", "Dąbrowski", "Źródlak", "Świątek", "Zając", "Król", "Gąsior", "Łęcki"),
        ("{} Sp. z o.o.", "Zakłady {}", "Hydraulika {}"),
    ),
    Place(
        "Japan",
        "JPY",
        "+81",
        "Asia/Tokyo",
        (("大阪市", "大阪府", "530-0001"), ("札幌市", "北海道", "060-0001")),
        ("梅田1丁目", "大通西4丁目"),
        ("美咲", "健太", "陽子", "翔", "由美", "大輔"),
        ("佐藤", "鈴木", "髙橋", "渡邉", "齋藤", "中村", "小林", "山﨑"),
        ("株式会社{}", "{}工業", "{}商事", "{}製作所"),
    ),
    Place(
        "Egypt",
        "EGP",
        "+20",
        "Africa/Cairo",
        (("القاهرة", "القاهرة", "11511"), ("الإسكندرية", "الإسكندرية", "21500")),
        ("شارع التحرير", "طريق الكورنيش"),
        ("فاطمة", "أحمد", "ليلى", "يوسف", "مريم", "عمر"),
        ("حسن", "المصري", "إبراهيم", "عبد الله", "منصور", "الشافعي"),
        ("شركة {}", "مؤسسة {}", "مصانع {}"),
    ),
)

TITLES = (
    "Managing Director",
    "Head of Purchasing",
    "Plant Manager",
    "Maintenance Engineer",
    "Einkaufsleiterin",
    "Chef de projet",
    "CTO",
    "営業部長",
    "مدير المشتريات",
    None,
)
SALUTATIONS = ("Dr", "Prof.", "Mx", None, None, None)
INDUSTRIES = ("Manufacturing", "Software", "Retail", "Healthcare", "Construction", "Logistics")
TAGS = ("vip", "Paris", "Washington", "trade-fair 2026", "Großkunde", "新規", "partner")
INTERESTS = ("Art", "Food", "Music", "Sports", "Technology", "Travel")
HOBBIES = ("Skiing", "Bergsteigen", "chess", "囲碁", "la pétanque", "gardening 🌱", "فن الخط")
LANGUAGES = ("English", "Deutsch", "français", "español", "polski", "日本語", "العربية")
REMARKS = (
    "Call back after the holidays.",
    "Prefers written offers, no phone calls.",
    "Asked for references in the food industry.",
    "Deliver to gate 3, mornings only.",
    "Has a spare pump on loan until the repair is done.",
    "Met at the trade fair 🎪, wants a demo.",
    'Said: "we\'ll decide in Q3" \\ budget open',
    "Bevorzugt Rechnung per Post.",
    "Möchte vor der Bestellung das Werk besichtigen.",
    "Très satisfait de la dernière livraison.",
    "Attend l'accord du siège, rappeler fin septembre.",
    "Pide descuento por volumen a partir de 20 unidades.",
    "Umowa ramowa do końca roku, później przetarg.",
    "納期は厳守してください。",
    "来月、工場見学の予定。",
    "العميل مهتم بالعرض",
)
PARAGRAPHS = (
    "<p>{}</p>",
    "<h3>Minutes</h3><p>{}</p>",
    "<ul><li>Budget: <b>€ 12.500</b></li><li>{}</li></ul>",
    "<ol><li>{}</li><li>Send the drawing &amp; the offer</li></ol>",
    '<p style="color:#333">{} <a href="https://example.com/?a=1&amp;b=2">Agenda</a></p>',
    "<blockquote>{}</blockquote><br/>",
    "<table><tr><td>DN 50</td><td>16 bar</td><td>{}</td></tr></table>",
)
PRODUCTS = (
    ("Pump P-100", "Pumps", 1290, "Centrifugal pump, 40 l/min."),
    ("Pump P-200", "Pumps", 2480, "Centrifugal pump, 90 l/min, stainless."),
    ("Valve V-7", "Valves", 189, "Ball valve, DN 50, 16 bar."),
    ("Control unit", "Electronics", 3150, "Controls up to eight pumps."),
    ("Sensor set", "Electronics", 420, "Pressure, flow & temperature (-20…+120 °C)."),
    ("Maintenance, 1 year", "Services", 960, "Two visits, spares included."),
    ("Installation", "Services", 1500, "On site, by two engineers."),
    ("Training day", "Services", 1100, "Up to eight people."),
    ("Dichtungssatz Ü40", "Spares", 39, "Für alle Pumpen ab Baujahr 2015."),
    ("Filter", "Spares", 24, None),
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
MILESTONES = ("Design", "Delivery", "Abnahme")
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
COMMENTS = (
    "Done ✅",
    "👍🏽",
    "Who takes this over? 🤷‍♀️",
    'Customer called: "not before Monday".',
    "Second try.\r\nNobody there either.",
    "Erledigt, siehe Angebot unten. Grüße aus Köln!",
    "J'ai relancé le client, réponse attendue jeudi.",
    "Zadzwonię jeszcze raz w środę, proszę o cierpliwość.",
    "来週までに返事をください。🙏",
    "تم إرسال العرض",
    "1 < 2 && C:\\temp\\plan.txt 100% = \t?",
)
_WORD = "application/vnd.openxmlformats-officedocument.wordprocessingml.document"
FILES = (
    # Name, media type, and size in bytes at the most.
    ("Contract, signed.pdf", "application/pdf", 2_400_000),
    ("Zeichnung Größe Ü40 (geprüft).dwg", "image/vnd.dwg", 9_800_000),
    ("契約書・最終版.pdf", "application/pdf", 1_100_000),
    ("عرض السعر.docx", _WORD, 400_000),
    ("Pump on site 📷🔧.jpg", "image/jpeg", 6_300_000),
    ("Umowa ramowa, żółta wersja.pdf", "application/pdf", 900_000),
    ("Bon de livraison n° 7 'déjà signé'.PDF", "application/pdf", 300_000),
    ("Hall 3, all of it, in 4K.mp4", "video/mp4", 12_000_000_000),
    ("readings;2026,01.csv", "text/csv", 80_000),
    ("noextension", "application/octet-stream", 4),
)
