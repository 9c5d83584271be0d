"""The account itself: users, teams, lookup lists, custom fields and custom objects."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tap_insightly.sandbox.data import words

if TYPE_CHECKING:
    from tap_insightly.sandbox.data.maker import Maker

_RATING = ("Rating__c", "DROPDOWN", "Rating", "A is best.", ("A", "B", "C"))
_DEPENDENCY = {  # only large customers are rated A, and none of them C
    "CONTROLLING_FIELD_ID": "Größe__c",
    "OPTIONS_FILTERS": [
        {"CONTROLLING_VALUE": "klein", "OPTION_IDS": [2, 3]},
        {"CONTROLLING_VALUE": "mittel", "OPTION_IDS": [2, 3]},
        {"CONTROLLING_VALUE": "groß", "OPTION_IDS": [1, 2]},
    ],
}
_EVERY_TYPE = (
    ("Hobby__c", "TEXT", "Hobby", "What this person likes.", ()),
    ("Interests__c", "MULTISELECT", "Interests", None, words.HOBBIES),
    ("Newsletter_Subscription__c", "BIT", "Newsletter Subscription", None, ()),
    (
        "Preferred_Contact_Method__c",
        "DROPDOWN",
        "Preferred Contact Method",
        None,
        ("Email", "Phone", "SMS"),
    ),
    ("Customer_Since__c", "DATE", "Customer since", "Day of the first order.", ()),
    ("Last_Visit__c", "DATETIME", "Last visit", None, ()),
    ("Remarks__c", "MULTILINETEXT", "Remarks", "Anything worth knowing.", ()),
    ("Turnover__c", "NUMERIC", "Turnover", "In thousands.", ()),
    ("Discount__c", "PERCENT", "Discount", None, ()),
    ("Customer_Number__c", "AUTONUMBER", "Customer number", None, ()),
    # The names of the types from here on are assumed.
    ("Credit_Limit__c", "CURRENCY", "Credit limit", None, ()),
    ("Profile__c", "URL", "Profile", None, ()),
    ("Private_Phone__c", "PHONE", "Private phone", None, ()),
    ("Private_Email__c", "EMAIL", "Private email", None, ()),
    ("Account_Manager__c", "LOOKUP", "Account manager", "A user.", ()),
    ("Score__c", "CALCULATED", "Score", "Worked out from other fields.", ()),
    ("Größe__c", "DROPDOWN", "Größe", None, ("klein", "mittel", "groß")),
    _RATING,
    ("Second_Language__c", "TEXT", "Second language", None, ()),
    ("Shoe_Size__c", "NUMERIC", "Shoe size", None, ()),
)
_CURRENCIES = (
    ("EGP", "E£"),
    ("EUR", "€"),
    ("GBP", "£"),
    ("JPY", "¥"),
    ("PLN", "zł"),
    ("USD", "$"),
)
_COUNTS = {  # how many of these fields each object has; events have none
    "/Contacts": 20,
    "/Organisations": 8,
    "/Leads": 6,
    "/Opportunities": 5,
    "/Projects": 3,
    "/Tasks": 2,
    "/Product": 2,
    "/Quotation": 2,
    "/Ticket": 3,
    "/Prospect": 2,
    "/OpportunityLineItem": 1,
    "/PricebookEntry": 1,
    "/QuotationLineItem": 1,
    "/KnowledgeArticle": 1,
}


def fill(maker: Maker) -> None:
    """Make what everything else refers to.

    Args:
        maker: The maker.
    """
    _users(maker)
    _lookups(maker)
    for path, count in _COUNTS.items():
        for name, kind, label, help_text, options in _EVERY_TYPE[:count]:
            maker.sandbox.add_custom_field(path, name, kind, label, help_text, options)
    rating = _EVERY_TYPE.index(_RATING)
    maker.sandbox.custom_fields["/Contacts"].definitions[rating]["DEPENDENCY"] = _DEPENDENCY
    _custom_objects(maker)


def fill_last(maker: Maker) -> None:
    """Make what refers to everything else.

    Args:
        maker: The maker.
    """
    for kind in ("Contact", "Organisation", "Opportunity"):
        path = {
            "Contact": "/Contacts",
            "Organisation": "/Organisations",
            "Opportunity": "/Opportunities",
        }[kind]
        key = maker.sandbox.tables[path].keys[0]
        for row in maker.rows(path)[:3]:
            maker.add("/Follows", RECORD_TYPE=kind, RECORD_ID=row[key])
    kinds = ("contacts", "leads", "opportunities", "organisations", "projects", "emails")
    tags = maker.sandbox.tables["/Tags"]
    for kind in kinds:
        path = f"/{kind.capitalize()}"
        used = {tag["TAG_NAME"] for row in maker.rows(path) for tag in row["TAGS"]}
        for name in sorted(used | {"vip"}):
            tags.add({"TAG_NAME": name, "RECORD_TYPE": kind})


def _users(maker: Maker) -> None:
    maker.add(
        "/Instance",
        INSTANCE_NAME="Sandbox & Söhne",
        INSTANCE_SUBDOMAIN="sandbox",
        PLAN_NAME=maker.sandbox.plan.capitalize(),
        NEW_USER_EXPERIENCE_ENABLED=True,
    )
    for place in words.PLACES:
        first, last = maker.rng.choice(place.first_names), maker.rng.choice(place.last_names)
        number = len(maker.rows("/Users"))
        maker.add(
            "/Users",
            FIRST_NAME=first,
            LAST_NAME=last,
            TIMEZONE_ID="Europe/Berlin",
            EMAIL_ADDRESS=f"user{number}@sandbox.example",
            ADMINISTRATOR=number == 0,
            ACCOUNT_OWNER=number == 0,
            ACTIVE=number < 7,
            USER_CURRENCY=place.currency,
            CONTACT_DISPLAY="FL",
            CONTACT_ORDER="LF",
            TASK_WEEK_START=1,
            INSTANCE_ID=1042,
            PROFILE_ID=10 + number % 2,
            ROLE_ID=20 + number % 3,
            **maker.stamps(owner=False),
        )
    for name, is_anonymous in (("Sales", False), ("Vertrieb Süd", False), (None, True)):
        team = maker.add(
            "/Teams", TEAM_NAME=name, ANONYMOUS_TEAM=is_anonymous, **maker.stamps(owner=False)
        )
        members = [
            dict(maker.add("/TeamMembers", TEAM_ID=team["TEAM_ID"], MEMBER_USER_ID=user["USER_ID"]))
            for user in maker.rng.sample(maker.rows("/Users"), 3)
        ]
        team["TEAMMEMBERS"] = members
    permissions = [
        {
            "OBJECT_TYPE": kind,
            "PERMISSIONS_STATE": "ENABLED",
            "CAN_READ": True,
            "CAN_CREATE": True,
            "CAN_EDIT": True,
            "CAN_DELETE": kind != "Organisation",
        }
        for kind in ("Contact", "Lead", "Opportunity", "Organisation", "Project", "Task")
    ]
    maker.sandbox.tables["/Permissions"].add(
        {"PERMISSIONS_STATE": "ENABLED", "OBJECT_PERMISSIONS": permissions}
    )


def _lookups(maker: Maker) -> None:
    for place in words.PLACES:
        maker.add("/Countries", COUNTRY_NAME=place.country)
    for code, symbol in _CURRENCIES:
        maker.add("/Currencies", CURRENCY_CODE=code, CURRENCY_SYMBOL=symbol)
    for number, name in enumerate(("Web", "Trade fair", "Empfehlung", "Cold call")):
        maker.add("/LeadSources", LEAD_SOURCE=name, DEFAULT_VALUE=number == 0, FIELD_ORDER=number)
    for number, (name, kind) in enumerate(
        (("New", 1), ("Contacted", 1), ("Disqualified", 2), ("Converted", 3))
    ):
        maker.add(
            "/LeadStatuses",
            LEAD_STATUS=name,
            DEFAULT_STATUS=number == 0,
            STATUS_TYPE=kind,
            FIELD_ORDER=number,
        )
    for forward, reverse in (
        ("is employer of", "works for"),
        ("is parent of", "is child of"),
        ("is partner of", "is partner of"),
    ):
        maker.add(
            "/Relationships",
            FORWARD_TITLE=forward,
            FORWARD=forward,
            REVERSE_TITLE=reverse,
            REVERSE=reverse,
            FOR_CONTACTS=True,
            FOR_ORGANISATIONS=True,
        )
    for path, names in (
        ("/OpportunityCategories", ("New business", "Upsell", "Renewal")),
        ("/ProjectCategories", ("Internal", "Customer", "Forschung")),
        ("/TaskCategories", ("Phone", "Meeting", "Paperwork", "To-do")),
        ("/FileCategories", ("Contract", "Drawing", "Invoice")),
    ):
        for name in names:
            maker.add(
                path,
                CATEGORY_NAME=name,
                ACTIVE=True,
                BACKGROUND_COLOR=f"{maker.rng.randint(0, 0xFFFFFF):06X}",
            )
    for name, file_type in (("Quotation", "docx"), ("Letter", "docx"), ("Rechnung", "pdf")):
        stamps = maker.stamps(owner=False)
        maker.add(
            "/DocumentTemplates",
            TEMPLATE_NAME=name,
            TEMPLATE_FILE_TYPE=file_type,
            ACTIVE=True,
            RELATED_OBJECT_NAME="Opportunity",
            DATE_CREATED_UTC=stamps["DATE_CREATED_UTC"],
        )


def _custom_objects(maker: Maker) -> None:
    sandbox = maker.sandbox
    for name, label, fields, records in (
        (
            "Fruit__c",
            "Fruit",
            (("Weight__c", "NUMERIC", "Weight"), ("Color__c", "TEXT", "Color")),
            ("Apple", "Banana", "Äpfel 🍎", "Quince", "もも"),
        ),
        (
            "Site_Visit__c",
            "Site visit",
            tuple(
                (field, kind, text) for field, kind, text, _, options in _EVERY_TYPE if not options
            ),
            ("Plant north", "Plant south", "Werk Köln"),
        ),
    ):
        sandbox.add_custom_object(name)
        stamps = maker.stamps()
        del stamps["OWNER_USER_ID"]
        maker.add(
            "/CustomObjects",
            OBJECT_NAME=name,
            SINGULAR_LABEL=label,
            PLURAL_LABEL=f"{label}s",
            RECORD_NAME_LABEL=f"{label} Name",
            RECORD_NAME_TYPE="TEXT",
            ENABLE_NAVBAR=True,
            ENABLE_WORKFLOWS=True,
            **stamps,
        )
        for field, kind, text in fields:
            sandbox.add_custom_field(f"/{name}", field, kind, text)
        for record in records * maker.share(0.02, 1):
            maker.add(
                f"/{name}",
                RECORD_NAME=record,
                VISIBLE_TO="EVERYONE",
                **maker.stamps(),
                CUSTOMFIELDS=maker.custom_values(f"/{name}"),
            )
