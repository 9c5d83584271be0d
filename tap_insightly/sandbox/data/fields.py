"""Custom fields that an account of a machine builder might have defined, one of each type."""

from __future__ import annotations

from datetime import timedelta
from decimal import Decimal
from typing import TYPE_CHECKING, NamedTuple

from tap_insightly.sandbox.account.moments import timestamp
from tap_insightly.sandbox.data import words
from tap_insightly.sandbox.data.life import day
from tap_insightly.sandbox.data.maker import Field

if TYPE_CHECKING:
    from collections.abc import Mapping

    from tap_insightly.sandbox.data.life import Life
    from tap_insightly.sandbox.data.maker import Make, Maker


def _any_of(*choices: object) -> Make:
    return lambda maker, _life, _options: maker.rng.choice(choices)


def _bit(probability: float) -> Make:
    return lambda maker, _life, _options: maker.chance(probability)


def _number(low: int, high: int) -> Make:
    return lambda maker, _life, _options: maker.rng.randint(low, high)


def _money(low: int, high: int) -> Make:
    return lambda maker, _life, _options: maker.money(low, high)


def _day_within(days: int) -> Make:
    return lambda _maker, life, _options: day(life.later(days))


def _day_after(days: int) -> Make:
    return lambda maker, life, _options: day(
        life.created + timedelta(days=maker.rng.randint(1, days))
    )


def _moment_within(days: int) -> Make:
    return lambda _maker, life, _options: timestamp(life.later(days))


def _text(form: str, low: int = 1, high: int = 99_999) -> Make:
    return lambda maker, _life, _options: form.format(maker.rng.randint(low, high))


def _one(maker: Maker, _life: Life, options: tuple[str, ...]) -> object:
    return maker.rng.choice(options)


def _several(maker: Maker, _life: Life, options: tuple[str, ...]) -> object:
    return ";".join(maker.some(options, 3, 1))  # joined in this way (seen live)


def _remark(maker: Maker, _life: Life, _options: tuple[str, ...]) -> object:
    return maker.remark()


def _remarks(maker: Maker, _life: Life, _options: tuple[str, ...]) -> object:
    return "\n".join(maker.some(words.REMARKS, 3, 1))


def _user(maker: Maker, _life: Life, _options: tuple[str, ...]) -> object:
    return maker.user()


def _company(maker: Maker, life: Life, _options: tuple[str, ...]) -> object:
    return maker.pick("/Organisations", life)["ORGANISATION_ID"]


_RATED_BY_SIZE = {  # only large departments are rated A, and none of them C
    "CONTROLLING_FIELD_ID": "Größe__c",
    "OPTIONS_FILTERS": [
        {"CONTROLLING_VALUE": "klein", "OPTION_IDS": [2, 3]},
        {"CONTROLLING_VALUE": "mittel", "OPTION_IDS": [2, 3]},
        {"CONTROLLING_VALUE": "groß", "OPTION_IDS": [1, 2]},
    ],
}
_FAMILIES = ("Pumps", "Valves", "Electronics", "Services", "Spares")

# The names of the types CURRENCY, URL, PHONE, EMAIL, LOOKUP and CALCULATED are assumed.
CONTACTS = (
    Field("Hobby__c", "TEXT", "Hobby", _any_of(*words.HOBBIES), "What this person likes."),
    Field("Interests__c", "MULTISELECT", "Interests", _several, None, words.INTERESTS),
    Field("Newsletter_Subscription__c", "BIT", "Newsletter Subscription", _bit(0.5)),
    Field(
        "Preferred_Contact_Method__c",
        "DROPDOWN",
        "Preferred Contact Method",
        _one,
        options=("Email", "Phone", "SMS"),
    ),
    Field(
        "Customer_Since__c", "DATE", "Customer since", _day_within(90), "Day of the first order."
    ),
    Field("Last_Visit__c", "DATETIME", "Last visit", _moment_within(900)),
    Field("Remarks__c", "MULTILINETEXT", "Remarks", _remarks, "Anything worth knowing."),
    Field("Orders_Last_Year__c", "NUMERIC", "Orders last year", _number(0, 40)),
    Field(
        "Discount__c",
        "PERCENT",
        "Discount",
        _any_of(0, Decimal("2.5"), 5, Decimal("7.5"), 10),
        "On list prices, in per cent.",
    ),
    Field("Customer_Number__c", "AUTONUMBER", "Customer number", _text("C-{:05}")),
    Field("Credit_Limit__c", "CURRENCY", "Credit limit", _money(500, 90_000)),
    Field("Profile__c", "URL", "Profile", _text("https://people.example/in/{:05}")),
    Field("Private_Phone__c", "PHONE", "Private phone", _text("+1 555 01{:02}", 0, 99)),
    Field("Private_Email__c", "EMAIL", "Private email", _text("box{}@mail.example")),
    Field("Account_Manager__c", "LOOKUP", "Account manager", _user, "A user.", joins="User"),
    Field("Score__c", "CALCULATED", "Score", _number(0, 100), "Worked out from other fields."),
    Field(
        "Größe__c",
        "DROPDOWN",
        "Größe",
        _one,
        "Größe der Abteilung.",
        ("klein", "mittel", "groß"),
    ),
    Field(
        "Rating__c",
        "DROPDOWN",
        "Rating",
        _one,
        "A is best.",
        ("A", "B", "C"),
        dependency=_RATED_BY_SIZE,
    ),
    Field("Second_Language__c", "TEXT", "Second language", _any_of(*words.LANGUAGES)),
    Field(
        "Shoe_Size__c",
        "NUMERIC",
        "Shoe size",
        _any_of(37, 38, 39, 41, Decimal("42.5"), 44, 46),
        "For safety shoes on site.",
    ),
)

FIELDS: Mapping[str, tuple[Field, ...]] = {
    "/Contacts": CONTACTS,
    "/Organisations": (
        Field("Tier__c", "DROPDOWN", "Tier", _one, None, ("Gold", "Silver", "Bronze")),
        Field("Employees__c", "NUMERIC", "Employees", _any_of(4, 12, 45, 130, 900, 12_500)),
        Field("Annual_Revenue__c", "CURRENCY", "Annual revenue", _money(50_000, 90_000_000)),
        Field(
            "Certificates__c",
            "MULTISELECT",
            "Certificates",
            _several,
            None,
            ("ISO 9001", "ISO 14001", "ISO 45001", "EN 1090"),
        ),
        Field("VAT_Number__c", "TEXT", "VAT number", _text("XX{:09}", 1, 999_999_999)),
        Field("Last_Audit__c", "DATE", "Last audit", _day_within(900)),
        Field("Framework_Contract__c", "BIT", "Framework contract", _bit(0.5)),
        Field("Terms__c", "MULTILINETEXT", "Terms", _remarks, "What was agreed."),
    ),
    "/Leads": (
        Field("Budget__c", "CURRENCY", "Budget", _money(1_000, 200_000)),
        Field("Campaign__c", "TEXT", "Campaign", _any_of("Frühjahr 2026", "Expo", "Webinar 12")),
        Field("Wants_Demo__c", "BIT", "Wants a demo", _bit(0.5)),
        Field("Products__c", "MULTISELECT", "Products", _several, None, _FAMILIES),
        Field("Decision_Date__c", "DATE", "Decision date", _day_after(180)),
        Field("Call__c", "MULTILINETEXT", "First call", _remarks),
    ),
    "/Opportunities": (
        Field("Competitor__c", "TEXT", "Competitor", _any_of("Acme", "Pumpen-Maier", "山田製作所")),
        Field("Margin__c", "PERCENT", "Margin", _any_of(8, Decimal("12.5"), 18, 25)),
        Field("Next_Step__c", "TEXT", "Next step", _any_of(*words.TASKS)),
        Field("Decision_Date__c", "DATE", "Decision date", _day_after(180)),
        Field("Contract__c", "URL", "Contract", _text("https://docs.sandbox.example/{}")),
    ),
    "/Projects": (
        Field("Budget_Hours__c", "NUMERIC", "Budget in hours", _number(20, 900)),
        Field("Site__c", "TEXT", "Site", _any_of("Werk Köln", "Plant north", "大阪工場")),
        Field("Acceptance__c", "DATE", "Acceptance", _day_after(300)),
    ),
    "/Tasks": (
        Field("Billable__c", "BIT", "Billable", _bit(0.5)),
        Field("Hours__c", "NUMERIC", "Hours", _any_of(Decimal("0.25"), Decimal("0.5"), 1, 3, 8)),
    ),
    "/Product": (
        Field("Weight_kg__c", "NUMERIC", "Weight in kg", _any_of(Decimal("0.2"), 3, 48, 210)),
        Field("Discontinued__c", "BIT", "Discontinued", _bit(0.3)),
    ),
    "/PricebookEntry": (Field("Least__c", "NUMERIC", "Smallest quantity", _any_of(1, 5, 10)),),
    "/OpportunityLineItem": (Field("Delivery__c", "TEXT", "Delivery note", _remark),),
    "/Quotation": (
        Field("Incoterm__c", "DROPDOWN", "Incoterm", _one, None, ("EXW", "DAP", "DDP")),
        Field("Weeks__c", "NUMERIC", "Weeks to delivery", _number(1, 16)),
    ),
    "/QuotationLineItem": (Field("Lead_Days__c", "NUMERIC", "Lead time in days", _number(2, 60)),),
    "/Ticket": (
        Field("Cause__c", "DROPDOWN", "Cause", _one, None, ("Wear", "Handling", "Defect")),
        Field("Escalated__c", "BIT", "Escalated", _bit(0.3)),
        Field("Severity__c", "CALCULATED", "Severity", _number(1, 10)),
    ),
    "/Prospect": (
        Field("First_Touch__c", "DATETIME", "First touch", _moment_within(1)),
        Field("Topics__c", "MULTISELECT", "Topics", _several, None, _FAMILIES),
    ),
    "/KnowledgeArticle": (
        Field("Audience__c", "DROPDOWN", "Audience", _one, None, ("Customers", "Partners")),
    ),
}
"""By path of the object. Events can have custom fields too, but nobody has defined any."""

OLD_FIELDS: Mapping[str, tuple[Field, ...]] = {
    "/Organisations": (
        Field("ORGANISATION_FIELD_1", "TEXT", "Debtor number", _text("D{:05}")),
        Field("ORGANISATION_FIELD_4", "BIT", "Newsletter on paper", _bit(0.4)),
    ),
    "/Projects": (
        Field("PROJECT_FIELD_3", "TEXT", "Cost centre", _text("{:04}", 1000, 9999)),
        Field("PROJECT_FIELD_7", "NUMERIC", "Travel days", _number(0, 60)),
    ),
}
"""By path of the object, as those above; their names do not end in ``__c``."""


class CustomObject(NamedTuple):
    """A custom object, and what its records are called."""

    name: str
    label: str
    description: str
    fields: tuple[Field, ...]
    records: tuple[str, ...]


CUSTOM_OBJECTS = (
    CustomObject(
        "Fruit__c",
        "Fruit",
        "What lies in the basket at the front desk.",
        (
            Field("Weight__c", "NUMERIC", "Weight", _number(20, 1900), "In grams."),
            Field("Color__c", "TEXT", "Color", _any_of("red", "yellow", "grün", "黄色")),
        ),
        ("Apple", "Banana", "Äpfel 🍎", "Quince", "もも"),
    ),
    CustomObject(
        "Site_Visit__c",
        "Site visit",
        "Visits of our engineers to customers' plants.",
        (
            Field(
                "Plant__c", "LOOKUP", "Plant", _company, "An organisation.", joins="Organisation"
            ),
            Field("Engineer__c", "LOOKUP", "Engineer", _user, "A user.", joins="User"),
            Field("Begin__c", "DATETIME", "Begin", _moment_within(30)),
            Field("Next__c", "DATE", "Next visit", _day_after(365)),
            Field("Report__c", "AUTONUMBER", "Report", _text("V-{:05}")),
            Field("Found__c", "MULTILINETEXT", "Found", _remarks),
            Field("Passed__c", "BIT", "Passed", _bit(0.8)),
            Field("Done__c", "PERCENT", "Done", _any_of(25, 50, 75, 100)),
            Field("Costs__c", "CURRENCY", "Costs", _money(100, 9_000)),
            Field("Folder__c", "URL", "Folder", _text("https://docs.sandbox.example/visits/{}")),
            Field("Gate__c", "PHONE", "Phone of the gate", _text("+49 555 01{:02}", 0, 99)),
            Field("Contact__c", "EMAIL", "Email of the plant", _text("plant{}@mail.example")),
            Field("Hours__c", "CALCULATED", "Hours", _number(1, 40), "From begin to end."),
        ),
        ("Plant north", "Plant south", "Werk Köln", "大阪工場"),
    ),
)
