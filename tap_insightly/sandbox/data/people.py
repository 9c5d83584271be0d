"""Companies, the people who work there, and people who may become customers."""

from __future__ import annotations

import re
import unicodedata
from typing import TYPE_CHECKING

from tap_insightly.sandbox.data import words
from tap_insightly.sandbox.store import timestamp

if TYPE_CHECKING:
    from tap_insightly.sandbox.data.maker import Maker
    from tap_insightly.sandbox.data.words import Place
    from tap_insightly.sandbox.store import Record


def fill(maker: Maker) -> None:
    """Make organisations, contacts, leads and prospects.

    Args:
        maker: The maker.
    """
    for number in range(maker.share(0.25)):
        _organisation(maker, number)
    for number in range(maker.records):
        _contact(maker, number)
    for number in range(maker.share(0.3)):
        _lead(maker, number)
    for number in range(maker.share(0.1)):
        _prospect(maker, number)


def _ascii(text: str) -> str:
    plain = unicodedata.normalize("NFKD", text).encode("ascii", "ignore").decode().lower()
    return re.sub(r"[^a-z0-9]+", "", plain)


def _place_of(country: str) -> Place:
    return next(place for place in words.PLACES if place.country == country)


def address(maker: Maker, place: Place, prefix: str) -> Record:
    """Make the fields of an address.

    Args:
        maker: The maker.
        place: The country.
        prefix: What the fields begin with, such as ``ADDRESS_MAIL``.

    Returns:
        Fields.
    """
    city, state, postcode = maker.rng.choice(place.cities)
    return {
        f"{prefix}_STREET": f"{maker.rng.choice(place.streets)} {maker.rng.randint(1, 180)}",
        f"{prefix}_CITY": city,
        f"{prefix}_STATE": state,
        f"{prefix}_POSTCODE": postcode,
        f"{prefix}_COUNTRY": place.country,
    }


def _phone(maker: Maker, place: Place) -> str:
    return f"{place.dial} 555 {maker.rng.randint(100, 999)} {maker.rng.randint(1000, 9999)}"


def _visibility() -> Record:
    return {"VISIBLE_TO": "EVERYONE", "VISIBLE_TEAM_ID": None}


def _activity(maker: Maker) -> Record:
    return {
        "LAST_ACTIVITY_DATE_UTC": maker.maybe_date(timestamp(maker.moment(300))),
        "NEXT_ACTIVITY_DATE_UTC": maker.maybe_date(timestamp(maker.moment(0, -90)), 0.3),
    }


def _organisation(maker: Maker, number: int) -> None:
    place = maker.rng.choice(words.PLACES)
    name = maker.rng.choice(place.companies).format(maker.rng.choice(place.last_names))
    domain = f"{_ascii(name) or 'company'}{number}.example"
    maker.add(
        "/Organisations",
        ORGANISATION_NAME=name,
        BACKGROUND=maker.maybe(maker.rng.choice(words.REMARKS)),
        PHONE=_phone(maker, place),
        WEBSITE=f"https://www.{domain}",
        EMAILDOMAINS=[{"EMAIL_DOMAIN_ID": 5_000_000 + number, "EMAIL_DOMAIN": domain}],
        TAGS=maker.tags(),
        CUSTOMFIELDS=maker.custom_values("/Organisations"),
        **address(maker, place, "ADDRESS_BILLING"),
        **(address(maker, place, "ADDRESS_SHIP") if maker.chance(0.3) else {}),
        **maker.stamps(),
        **_visibility(),
        **_activity(maker),
    )


def _contact(maker: Maker, number: int) -> None:
    company = maker.pick("/Organisations")
    place = _place_of(company["ADDRESS_BILLING_COUNTRY"])
    first, last = maker.rng.choice(place.first_names), maker.rng.choice(place.last_names)
    box = ".".join(filter(None, (_ascii(first), _ascii(last)))) or "contact"
    domain = company["EMAILDOMAINS"][0]["EMAIL_DOMAIN"]
    works_there = maker.chance(0.9)
    contact = maker.add(
        "/Contacts",
        SALUTATION=maker.rng.choice(words.SALUTATIONS),
        FIRST_NAME=first,
        LAST_NAME=last,
        TITLE=maker.rng.choice(words.TITLES),
        BACKGROUND=maker.maybe(" ".join(maker.some(words.REMARKS, 4)), 0.4),
        EMAIL_ADDRESS=f"{box}.{number}@{domain if works_there else 'mail.example'}",
        PHONE=_phone(maker, place),
        PHONE_MOBILE=maker.maybe(_phone(maker, place)),
        DATE_OF_BIRTH=maker.maybe_date(maker.day(25_000, 8_000), 0.4),
        EMAIL_OPTED_OUT=maker.chance(0.1),
        ORGANISATION_ID=company["ORGANISATION_ID"] if works_there else None,
        TAGS=maker.tags(),
        CUSTOMFIELDS=maker.custom_values("/Contacts"),
        **address(maker, place, "ADDRESS_MAIL"),
        **maker.stamps(),
        **_visibility(),
        **_activity(maker),
    )
    contact["DATES"] = [
        {
            "DATE_ID": 6_000_000 + number,
            "OCCASION_NAME": "Anniversary 🎉",
            "OCCASION_DATE": maker.day(3000),
            "REPEAT_YEARLY": True,
            "CREATE_TASK_YEARLY": False,
        }
        for _ in range(maker.chance(0.15))
    ]
    if works_there:
        contact["LINKS"] = [
            maker.link(
                ("Contact", contact["CONTACT_ID"]),
                ("Organisation", company["ORGANISATION_ID"]),
                contact["TITLE"],
            )
        ]


def _lead(maker: Maker, number: int) -> None:
    place = maker.rng.choice(words.PLACES)
    is_converted = maker.chance(0.2)
    contact = maker.pick("/Contacts")
    statuses = maker.rows("/LeadStatuses")
    maker.add(
        "/Leads",
        SALUTATION=maker.rng.choice(words.SALUTATIONS),
        FIRST_NAME=maker.rng.choice(place.first_names),
        LAST_NAME=maker.rng.choice(place.last_names),
        LEAD_SOURCE_ID=maker.pick("/LeadSources")["LEAD_SOURCE_ID"],
        LEAD_STATUS_ID=statuses[-1 if is_converted else maker.rng.randint(0, 2)]["LEAD_STATUS_ID"],
        CONVERTED=is_converted,
        CONVERTED_CONTACT_ID=contact["CONTACT_ID"] if is_converted else None,
        CONVERTED_ORGANISATION_ID=contact["ORGANISATION_ID"] if is_converted else None,
        CONVERTED_DATE_UTC=timestamp(maker.moment(200)) if is_converted else None,
        EMAIL=maker.rng.choice(("", f"lead{number}@mail.example")),
        EMPLOYEE_COUNT=maker.rng.choice((0, 5, 40, 900)),
        INDUSTRY=maker.rng.choice(words.INDUSTRIES),
        LEAD_DESCRIPTION=maker.rng.choice(("", *words.REMARKS)),
        LEAD_RATING=maker.maybe(maker.rng.randint(1, 5)),
        PHONE=maker.maybe(_phone(maker, place)),
        RESPONSIBLE_USER_ID=maker.user(),
        EMAIL_OPTED_OUT=False,
        TAGS=maker.tags(),
        CUSTOMFIELDS=maker.custom_values("/Leads"),
        LINKED_EMAIL_ADDRESS=f"sandbox-L{number}@mailbox.example",
        **address(maker, place, "ADDRESS"),
        **maker.stamps(),
        **_visibility(),
        **_activity(maker),
    )


def _prospect(maker: Maker, number: int) -> None:
    contact = maker.pick("/Contacts")
    prospect = maker.add(
        "/Prospect",
        CONTACT_ID=contact["CONTACT_ID"],
        ORGANISATION_ID=contact["ORGANISATION_ID"],
        FIRST_NAME=contact["FIRST_NAME"],
        LAST_NAME=contact["LAST_NAME"],
        EMAIL_ADDRESS=contact["EMAIL_ADDRESS"],
        INDUSTRY=maker.rng.choice(words.INDUSTRIES),
        SCORE=maker.rng.randint(0, 100),
        GRADE=maker.rng.choice(("A", "B+", "C")),
        DO_NOT_EMAIL=False,
        DO_NOT_CALL=maker.chance(0.1),
        OPTED_OUT=False,
        TAGS=maker.tags(),
        CUSTOMFIELDS=maker.custom_values("/Prospect"),
        **maker.stamps(),
    )
    for _ in range(maker.rng.randint(1, 3)):
        first = maker.moment(200, 1)
        maker.add(
            "/MarketingVisits",
            PROSPECT_ID=prospect["PROSPECT_ID"],
            MKT_MEDIUM=maker.rng.choice(("email", "cpc", None)),
            MKT_SOURCE=maker.rng.choice(("newsletter", "search", None)),
            PAGE_REFERRER="https://search.example/",
            PAGE_VIEW_COUNT=maker.rng.randint(1, 30),
            FIRST_PAGE_VIEW_DATE_UTC=timestamp(first),
            LAST_PAGE_VIEW_DATE_UTC=timestamp(first),
            MKT_CONTENT=f"banner {number % 5}",
        )
