"""Companies, the people who work there, and people who may become customers."""

from __future__ import annotations

import re
import unicodedata
from bisect import bisect_left
from typing import TYPE_CHECKING

from tap_insightly.sandbox.account.moments import timestamp
from tap_insightly.sandbox.data import words
from tap_insightly.sandbox.data.life import day

if TYPE_CHECKING:
    from tap_insightly.sandbox.account.records import Record
    from tap_insightly.sandbox.data.life import Life
    from tap_insightly.sandbox.data.maker import Maker
    from tap_insightly.sandbox.data.words import Place

_IMAGES = "https://images.sandbox.example"


def fill(maker: Maker) -> None:
    """Make organisations, contacts, leads and prospects."""
    names: set[str] = set()
    for life in maker.lives(maker.share(0.25), 1300):
        _organisation(maker, life, names)
    for number, life in enumerate(maker.lives(maker.records, 900)):
        _contact(maker, life, number)
    for number, life in enumerate(maker.lives(maker.share(0.3), 500)):
        _lead(maker, life, number)
    for number, life in enumerate(maker.lives(maker.share(0.1), 300)):
        _prospect(maker, life, number)


def _ascii(text: str) -> str:
    plain = unicodedata.normalize("NFKD", text).encode("ascii", "ignore").decode().lower()
    return re.sub(r"[^a-z0-9]+", "", plain)


def place_of(country: str) -> Place:
    """Find a country."""
    return next(place for place in words.PLACES if place.country == country)


def address(maker: Maker, place: Place, prefix: str) -> Record:
    """Make the fields of an address."""
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


def activity(maker: Maker, life: Life) -> Record:
    """Say when something happened with a record, and when something will."""
    return {
        "LAST_ACTIVITY_DATE_UTC": maker.maybe_date(timestamp(life.moment(300))),
        "NEXT_ACTIVITY_DATE_UTC": maker.maybe_date(timestamp(maker.ahead(90)), 0.3),
    }


def _social(maker: Maker, name: str) -> Record:
    handle = _ascii(name) or f"user{maker.rng.randint(1, 9999)}"
    return {
        "SOCIAL_LINKEDIN": maker.maybe(f"https://linkedin.example/{handle}", 0.3),
        "SOCIAL_FACEBOOK": maker.maybe(f"https://facebook.example/{handle}", 0.1),
        "SOCIAL_TWITTER": maker.maybe(f"@{handle}", 0.1),
    }


def _company_name(maker: Maker, place: Place, taken: set[str]) -> str:
    name = maker.rng.choice(place.companies).format(maker.rng.choice(place.last_names))
    if name in taken:
        name = f"{name}, {maker.rng.choice(place.cities)[0]}"
    number, base = 1, name
    while name in taken:
        number += 1
        name = f"{base} ({number})"
    taken.add(name)
    return name


def _organisation(maker: Maker, life: Life, names: set[str]) -> None:
    place, number = maker.place(), len(names)
    name = _company_name(maker, place, names)
    domain = f"{_ascii(name) or 'company'}{number}.example"
    parent = maker.pick("/Organisations") if number and maker.chance(0.05) else None
    company = maker.add(
        "/Organisations",
        life,
        ORGANISATION_NAME=name,
        BACKGROUND=maker.maybe(maker.remark()),
        IMAGE_URL=maker.maybe(f"{_IMAGES}/logo{number}.png", 0.3),
        PHONE=_phone(maker, place),
        PHONE_FAX=maker.maybe(_phone(maker, place), 0.2),
        WEBSITE=f"https://www.{domain}",
        EMAILDOMAINS=[{"EMAIL_DOMAIN_ID": 5_000_000 + number, "EMAIL_DOMAIN": domain}],
        DATES=_dates(maker, life, 9_000_000 + number, "Founded"),
        TAGS=maker.tags(),
        **address(maker, place, "ADDRESS_BILLING"),
        **(address(maker, place, "ADDRESS_SHIP") if maker.chance(0.3) else {}),
        **_social(maker, name),
        **activity(maker, life),
    )
    if parent is not None:
        own = ("Organisation", company["ORGANISATION_ID"])
        link = maker.link(own, ("Organisation", parent["ORGANISATION_ID"]))
        relation = next(r for r in maker.rows("/Relationships") if r["FORWARD"] == "is parent of")
        link |= {"RELATIONSHIP_ID": relation["RELATIONSHIP_ID"], "IS_FORWARD": False}
        company["LINKS"] = [link]


def _dates(maker: Maker, life: Life, key: int, occasion: str) -> list[Record]:
    return [
        {
            "DATE_ID": key,
            "OCCASION_NAME": occasion,
            "OCCASION_DATE": day(life.created),
            "REPEAT_YEARLY": True,
            "CREATE_TASK_YEARLY": False,
        }
        for _ in range(maker.chance(0.15))
    ]


def _contact(maker: Maker, life: Life, number: int) -> None:
    company = maker.pick("/Organisations", life)
    place = place_of(company["ADDRESS_BILLING_COUNTRY"])
    first, last = maker.rng.choice(place.first_names), maker.rng.choice(place.last_names)
    box = ".".join(filter(None, (_ascii(first), _ascii(last)))) or "contact"
    domain = company["EMAILDOMAINS"][0]["EMAIL_DOMAIN"]
    works_there = maker.chance(0.9)
    has_assistant = maker.chance(0.1)
    contact = maker.add(
        "/Contacts",
        life,
        SALUTATION=maker.rng.choice(words.SALUTATIONS),
        FIRST_NAME=first,
        LAST_NAME=last,
        TITLE=maker.rng.choice(words.TITLES),
        IMAGE_URL=maker.maybe(f"{_IMAGES}/person{number}.jpg", 0.2),
        BACKGROUND=maker.maybe(" ".join(maker.some(words.REMARKS, 4)), 0.4),
        EMAIL_ADDRESS=f"{box}.{number}@{domain if works_there else 'mail.example'}",
        PHONE=_phone(maker, place),
        PHONE_MOBILE=maker.maybe(_phone(maker, place)),
        PHONE_HOME=maker.maybe(_phone(maker, place), 0.1),
        PHONE_OTHER=maker.maybe(_phone(maker, place), 0.05),
        PHONE_FAX=maker.maybe(_phone(maker, place), 0.05),
        PHONE_ASSISTANT=_phone(maker, place) if has_assistant else None,
        ASSISTANT_NAME=maker.rng.choice(place.first_names) if has_assistant else None,
        DATE_OF_BIRTH=maker.maybe_date(_birthday(maker), 0.4),
        EMAIL_OPTED_OUT=maker.chance(0.1),
        ORGANISATION_ID=company["ORGANISATION_ID"] if works_there else None,
        DATES=_dates(maker, life, 6_000_000 + number, "Anniversary 🎉"),
        TAGS=maker.tags(),
        **address(maker, place, "ADDRESS_MAIL"),
        **(address(maker, place, "ADDRESS_OTHER") if maker.chance(0.1) else {}),
        **_social(maker, first + last),
        **activity(maker, life),
    )
    if works_there:
        contact["LINKS"] = [
            maker.link(
                ("Contact", contact["CONTACT_ID"]),
                ("Organisation", company["ORGANISATION_ID"]),
                contact["TITLE"],
            )
        ]


def _birthday(maker: Maker) -> str:
    year, month = maker.rng.randint(1955, 2005), maker.rng.randint(1, 12)
    return f"{year}-{month:02}-{maker.rng.randint(1, 28):02} 00:00:00"


def _became(maker: Maker, life: Life) -> Record | None:
    """Find a contact that a lead may have become: one made a little later."""
    contacts = maker.rows("/Contacts")
    made = timestamp(life.created)
    first = bisect_left(contacts, made, key=lambda row: str(row["DATE_CREATED_UTC"]))
    if first == len(contacts) or not maker.chance(0.2):
        return None
    return contacts[maker.rng.randrange(first, min(len(contacts), first + 10))]


def _lead(maker: Maker, life: Life, number: int) -> None:
    contact = _became(maker, life)
    is_converted = contact is not None
    place = place_of(contact["ADDRESS_MAIL_COUNTRY"]) if contact else maker.place()
    statuses = maker.rows("/LeadStatuses")
    company = maker.rng.choice(place.companies).format(maker.rng.choice(place.last_names))
    lead = maker.add(
        "/Leads",
        life,
        SALUTATION=maker.rng.choice(words.SALUTATIONS),
        FIRST_NAME=maker.rng.choice(place.first_names),
        LAST_NAME=maker.rng.choice(place.last_names),
        TITLE=maker.rng.choice(words.TITLES),
        ORGANISATION_NAME=maker.maybe(company, 0.7),
        WEBSITE=maker.maybe(f"https://www.{_ascii(company) or 'company'}.example", 0.4),
        LEAD_SOURCE_ID=maker.pick("/LeadSources")["LEAD_SOURCE_ID"],
        LEAD_STATUS_ID=statuses[-1 if is_converted else maker.rng.randint(0, 2)]["LEAD_STATUS_ID"],
        CONVERTED=is_converted,
        EMAIL=maker.rng.choice(("", f"lead{number}@mail.example")),
        EMPLOYEE_COUNT=maker.rng.choice((0, 5, 40, 900)),
        INDUSTRY=maker.rng.choice(words.INDUSTRIES),
        LEAD_DESCRIPTION=maker.rng.choice(("", maker.remark())),
        LEAD_RATING=maker.maybe(maker.rng.randint(1, 5)),
        PHONE=maker.maybe(_phone(maker, place)),
        MOBILE=maker.maybe(_phone(maker, place), 0.3),
        FAX=maker.maybe(_phone(maker, place), 0.05),
        IMAGE_URL=maker.maybe(f"{_IMAGES}/lead{number}.jpg", 0.1),
        RESPONSIBLE_USER_ID=maker.user(),
        EMAIL_OPTED_OUT=maker.chance(0.05),
        TAGS=maker.tags(),
        LINKED_EMAIL_ADDRESS=f"sandbox-L{number}@mailbox.example",
        **address(maker, place, "ADDRESS"),
        **activity(maker, life),
    )
    if contact is not None:
        _convert(maker, lead, contact)


def _convert(maker: Maker, lead: Record, contact: Record) -> None:
    for name in ("SALUTATION", "FIRST_NAME", "LAST_NAME", "TITLE"):
        lead[name] = contact[name]
    company = maker.find("/Organisations", contact["ORGANISATION_ID"])
    lead |= {
        "EMAIL": contact["EMAIL_ADDRESS"],
        "ORGANISATION_NAME": company["ORGANISATION_NAME"] if company else None,
        "CONVERTED_CONTACT_ID": contact["CONTACT_ID"],
        "CONVERTED_ORGANISATION_ID": contact["ORGANISATION_ID"],
        "CONVERTED_DATE_UTC": contact["DATE_CREATED_UTC"],
        "DATE_UPDATED_UTC": max(lead["DATE_UPDATED_UTC"], contact["DATE_CREATED_UTC"]),
    }
    if maker.chance(0.3):
        own = ("Lead", lead["LEAD_ID"])
        lead["LINKS"] = [maker.link(own, ("Contact", contact["CONTACT_ID"]))]


def _prospect(maker: Maker, life: Life, number: int) -> None:
    contact = maker.pick("/Contacts", life)
    company = maker.find("/Organisations", contact["ORGANISATION_ID"])
    copied = ("CONTACT_ID", "ORGANISATION_ID", "SALUTATION", "FIRST_NAME", "LAST_NAME", "TITLE")
    home = {
        f"ADDRESS_{part}": contact[f"ADDRESS_MAIL_{part}"]
        for part in ("STREET", "CITY", "STATE", "POSTCODE", "COUNTRY")
    }
    prospect = maker.add(
        "/Prospect",
        life,
        EMAIL_ADDRESS=contact["EMAIL_ADDRESS"],
        ORGANISATION_NAME=company["ORGANISATION_NAME"] if company else None,
        WEBSITE=company["WEBSITE"] if company else None,
        PHONE=contact["PHONE"],
        MOBILE=contact["PHONE_MOBILE"],
        INDUSTRY=maker.rng.choice(words.INDUSTRIES),
        EMPLOYEE_COUNT=maker.maybe(maker.rng.choice((5, 40, 900))),
        DESCRIPTION=maker.maybe(maker.remark(), 0.2),
        SCORE=maker.rng.randint(0, 100),
        GRADE=maker.rng.choice(("A", "B+", "C")),
        DO_NOT_EMAIL=False,
        DO_NOT_CALL=maker.chance(0.1),
        DO_NOT_SYNC=False,
        OPTED_OUT=False,
        LAST_ACTIVITY_DATE_UTC=timestamp(life.moment(100)),
        TAGS=maker.tags(),
        **{name: contact[name] for name in copied},
        **home,
    )
    for _ in range(maker.rng.randint(1, 3)):
        first = life.child(200)
        medium, source = maker.rng.choice(
            (("email", "newsletter"), ("cpc", "search"), (None, None))
        )
        maker.add(
            "/MarketingVisits",
            PROSPECT_ID=prospect["PROSPECT_ID"],
            MKT_MEDIUM=medium,
            MKT_SOURCE=source,
            MKT_TERM=maker.maybe("stainless pump") if medium == "cpc" else None,
            MKT_CONTENT=f"banner {number % 5}",
            PAGE_REFERRER="https://search.example/",
            REFR_SOURCE=source,
            REFR_MEDIUM=medium,
            PAGE_VIEW_COUNT=maker.rng.randint(1, 30),
            FIRST_PAGE_VIEW_DATE_UTC=timestamp(first.created),
            LAST_PAGE_VIEW_DATE_UTC=timestamp(first.later(7)),
        )
