"""The account itself: users, teams, lookup lists, custom fields and custom objects."""

from __future__ import annotations

from itertools import cycle
from typing import TYPE_CHECKING

from tap_insightly.sandbox.data import fields, words

if TYPE_CHECKING:
    from tap_insightly.sandbox.data.life import Life
    from tap_insightly.sandbox.data.maker import Maker

_CURRENCIES = (
    ("EGP", "E£"),
    ("EUR", "€"),
    ("GBP", "£"),
    ("JPY", "¥"),
    ("PLN", "zł"),
    ("USD", "$"),
)


def fill(maker: Maker) -> None:
    """Make what everything else refers to."""
    _users(maker)
    _lookups(maker)
    for path, own in fields.FIELDS.items():
        maker.define(path, own)


def fill_last(maker: Maker) -> None:
    """Make what refers to everything else."""
    lives = maker.lives(len(fields.CUSTOM_OBJECTS), 900)
    for life, custom in zip(lives, fields.CUSTOM_OBJECTS, strict=True):
        _custom_object(maker, life, custom)
    for kind in ("Contact", "Organisation", "Opportunity"):
        path = {
            "Contact": "/Contacts",
            "Organisation": "/Organisations",
            "Opportunity": "/Opportunities",
        }[kind]
        key = maker.account.tables[path].keys[0]
        for row in maker.rows(path)[:3]:
            maker.add("/Follows", RECORD_TYPE=kind, RECORD_ID=row[key])
    kinds = ("contacts", "leads", "opportunities", "organisations", "projects", "emails")
    tags = maker.account.tables["/Tags"]
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
        PLAN_NAME=maker.account.plan.capitalize(),
        NEW_USER_EXPERIENCE_ENABLED=True,
    )
    lives = maker.lives(len(words.PLACES), 1600)
    for number, place in enumerate(words.PLACES):
        first, last = maker.rng.choice(place.first_names), maker.rng.choice(place.last_names)
        maker.add(
            "/Users",
            next(lives),
            FIRST_NAME=first,
            LAST_NAME=last,
            TIMEZONE_ID=place.timezone,
            EMAIL_ADDRESS=f"user{number}@sandbox.example",
            EMAIL_DROPBOX_IDENTIFIER=f"sandbox{number}",
            EMAIL_DROPBOX_ADDRESS=f"sandbox{number}@mailbox.example",
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
        )
    for life, name in zip(maker.lives(3, 1500), ("Sales", "Vertrieb Süd", None), strict=True):
        team = maker.add("/Teams", life, TEAM_NAME=name, ANONYMOUS_TEAM=name is None)
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
    maker.account.tables["/Permissions"].add(
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
    templates = (
        ("Quotation", "docx", "Opportunity"),
        ("Letter", "docx", "Contact"),
        ("Rechnung", "pdf", "Organisation"),
    )
    for life, (name, file_type, of) in zip(maker.lives(3, 1000), templates, strict=True):
        maker.add(
            "/DocumentTemplates",
            life,
            TEMPLATE_NAME=name,
            TEMPLATE_FILE_TYPE=file_type,
            RELATED_OBJECT_NAME=of,
            ACTIVE=True,
        )


def _custom_object(maker: Maker, life: Life, custom: fields.CustomObject) -> None:
    path = f"/{custom.name}"
    maker.account.define_custom_object(custom.name)
    maker.define(path, custom.fields)
    maker.add(
        "/CustomObjects",
        life,
        OBJECT_NAME=custom.name,
        SINGULAR_LABEL=custom.label,
        PLURAL_LABEL=f"{custom.label}s",
        DESCRIPTION=custom.description,
        RECORD_NAME_LABEL=f"{custom.label} Name",
        RECORD_NAME_TYPE="TEXT",
        ENABLE_NAVBAR=True,
        ENABLE_WORKFLOWS=True,
    )
    lives = maker.lives(len(custom.records) * maker.share(0.02, 1), 400)
    for one, name in zip(lives, cycle(custom.records), strict=False):
        maker.add(path, one, RECORD_NAME=name)
