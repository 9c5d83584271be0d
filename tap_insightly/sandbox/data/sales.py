"""Products and prices, opportunities that move through a pipeline, and quotes."""

from __future__ import annotations

from datetime import timedelta
from decimal import Decimal
from typing import TYPE_CHECKING

from tap_insightly.sandbox.data import words
from tap_insightly.sandbox.data.life import day
from tap_insightly.sandbox.data.people import activity, address, place_of

if TYPE_CHECKING:
    from tap_insightly.sandbox.account.records import Record
    from tap_insightly.sandbox.data.life import Life
    from tap_insightly.sandbox.data.maker import Maker

_STAGES = ("Qualified", "Needs analysis", "Offer sent", "Negotiation")
_PRICEBOOKS = (
    ("Standard", "USD", True, "Prices for everyone."),
    ("Europa", "EUR", False, "Preise für Europa, ohne Steuern."),
    ("Partners", "GBP", False, None),
)
_CENT = Decimal("0.01")
_CLOSED_AFTER = 240  # days: deals made earlier have mostly come to an end


def fill(maker: Maker) -> None:
    """Make pipelines, products, opportunities and quotes."""
    _pipelines(maker)
    _products(maker)
    _pricebooks(maker)
    for number, life in enumerate(maker.lives(maker.share(0.35, 6), 500)):
        opportunity = _opportunity(maker, life, number)
        items = _line_items(maker, life, opportunity)
        if items and maker.chance(0.6):
            _quote(maker, life.child(20), opportunity, items)
    _convert_leads(maker)


def _pipelines(maker: Maker) -> None:
    sets = [_activity_set(maker, name) for name in ("First contact", "Offer", "Kick-off")]
    for name, for_projects, stages in (
        ("Sales", False, _STAGES),
        ("Partner sales", False, _STAGES[1:]),
        ("Delivery", True, ("Planning", "Doing", "Acceptance")),
    ):
        pipeline = maker.add(
            "/Pipelines",
            PIPELINE_NAME=name,
            FOR_OPPORTUNITIES=not for_projects,
            FOR_PROJECTS=for_projects,
            OWNER_USER_ID=maker.user(),
        )
        for order, stage in enumerate(stages, 1):
            maker.add(
                "/PipelineStages",
                PIPELINE_ID=pipeline["PIPELINE_ID"],
                STAGE_NAME=stage,
                STAGE_ORDER=order,
                OWNER_USER_ID=pipeline["OWNER_USER_ID"],
                ACTIVITYSET_ID=maker.maybe(maker.rng.choice(sets)["ACTIVITYSET_ID"], 0.3),
            )
    for state, reasons in (
        ("WON", ("Price", "Quality")),
        ("LOST", ("Too late", "Prix trop élevé")),
        ("ABANDONED", ("No budget",)),
        ("SUSPENDED", ("On hold",)),
    ):
        for reason in reasons:
            maker.add("/OpportunityStateReasons", STATE_REASON=reason, FOR_OPPORTUNITY_STATE=state)


def _activity_set(maker: Maker, name: str) -> Record:
    number = len(maker.rows("/ActivitySets"))
    activity_set = maker.add(
        "/ActivitySets",
        NAME=name,
        FOR_CONTACTS=False,
        FOR_ORGANISATIONS=False,
        FOR_OPPORTUNITIES=True,
        FOR_PROJECTS=True,
        FOR_LEADS=False,
        OWNER_USER_ID=maker.user(),
    )
    empty = dict.fromkeys(("ACTIVITY_DETAILS", "REMINDER_TIME", "EVENT_TIME"))
    activity_set["ACTIVITIES"] = [
        {
            "ACTIVITY_ID": 8000 + number,
            "ACTIVITYSET_ID": activity_set["ACTIVITYSET_ID"],
            "ACTIVITY_NAME": "Call",
            "ACTIVITY_TYPE": "TASK",
            "REMINDER": False,
            "CATEGORY_ID": maker.pick("/TaskCategories")["CATEGORY_ID"],
            **empty,
        }
    ]
    return activity_set


def stages_of(maker: Maker, pipeline: Record) -> list[Record]:
    """List the stages of a pipeline."""
    return [
        stage
        for stage in maker.rows("/PipelineStages")
        if stage["PIPELINE_ID"] == pipeline["PIPELINE_ID"]
    ]


def _products(maker: Maker) -> None:
    lives = maker.lives(len(words.PRODUCTS), 1200)
    for number, (name, family, price, description) in enumerate(words.PRODUCTS):
        maker.add(
            "/Product",
            next(lives),
            PRODUCT_NAME=name,
            PRODUCT_CODE=f"C{number:03}",
            PRODUCT_SKU=f"SKU-{number:05}",
            PRODUCT_FAMILY=family,
            PRODUCT_IMAGE_URL=maker.maybe(f"https://images.sandbox.example/c{number:03}.png"),
            DESCRIPTION=description,
            CURRENCY_CODE="USD",
            DEFAULT_PRICE=Decimal(price).quantize(_CENT),
            ACTIVE=True,
        )


def _pricebooks(maker: Maker) -> None:
    lives = maker.lives(len(_PRICEBOOKS), 1100)
    for life, (name, currency, is_standard, description) in zip(lives, _PRICEBOOKS, strict=True):
        book = maker.add(
            "/Pricebook",
            life,
            NAME=name,
            DESCRIPTION=description,
            CURRENCY_CODE=currency,
            IS_STANDARD=is_standard,
            ACTIVE=True,
        )
        for product in maker.rows("/Product"):
            price = product["DEFAULT_PRICE"] * (1 if is_standard else Decimal("0.9"))
            maker.add(
                "/PricebookEntry",
                life.child(1),
                PRICEBOOK_ID=book["PRICEBOOK_ID"],
                PRODUCT_ID=product["PRODUCT_ID"],
                CURRENCY_CODE=currency,
                PRICE=price.quantize(_CENT),
                USE_STANDARD_PRICE=is_standard,
                ACTIVE=True,
            )


def _outcome(maker: Maker, life: Life) -> str:
    if life.age < _CLOSED_AFTER and maker.chance(0.75):
        return "OPEN"
    return maker.rng.choice(("OPEN", *("WON",) * 4, *("LOST",) * 3, "ABANDONED", "SUSPENDED"))


def _progress(maker: Maker, life: Life, stages: list[Record]) -> Record:
    """Say how far a deal has come: further the older it is, and to the end if it was won."""
    state = _outcome(maker, life)
    furthest = min(len(stages) - 1, int(life.age / _CLOSED_AFTER * len(stages)))
    at = len(stages) - 1 if state == "WON" else maker.rng.randint(0, furthest)
    forecast, closed = maker.ahead(200), maker.rng.choice((None, ""))
    if state in {"WON", "LOST", "ABANDONED"}:
        end = life.later(_CLOSED_AFTER)
        forecast, closed = end + timedelta(days=maker.rng.randint(0, 30)), day(end)
    return {
        "OPPORTUNITY_STATE": state,
        "STAGE_ID": stages[at]["STAGE_ID"],
        "PROBABILITY": {"WON": 100, "LOST": 0, "ABANDONED": 0}.get(state, 20 + at * 20),
        "FORECAST_CLOSE_DATE": maker.maybe_date(day(forecast), 0.95),
        "ACTUAL_CLOSE_DATE": closed,
    }


def _opportunity(maker: Maker, life: Life, number: int) -> Record:
    contact = maker.pick("/Contacts", life)
    known = maker.find("/Organisations", contact["ORGANISATION_ID"])
    company = known or maker.pick("/Organisations", life)
    pipeline = maker.rng.choice([p for p in maker.rows("/Pipelines") if p["FOR_OPPORTUNITIES"]])
    book = maker.pick("/Pricebook")
    is_by_month = maker.chance(0.1)
    amount = maker.money(50, 4_000) if is_by_month else maker.money(500, 250_000)
    opportunity = maker.add(
        "/Opportunities",
        life,
        OPPORTUNITY_NAME=f"{company['ORGANISATION_NAME']}: {maker.rng.choice(words.PRODUCTS)[0]}",
        OPPORTUNITY_DETAILS=maker.maybe(maker.remark()),
        RESPONSIBLE_USER_ID=maker.user(),
        CATEGORY_ID=maker.pick("/OpportunityCategories")["CATEGORY_ID"],
        BID_CURRENCY=book["CURRENCY_CODE"],
        BID_AMOUNT=amount,
        BID_TYPE="Per Month" if is_by_month else "Fixed Bid",
        BID_DURATION=12 if is_by_month else None,
        OPPORTUNITY_VALUE=amount * 12 if is_by_month else amount,
        PIPELINE_ID=pipeline["PIPELINE_ID"],
        ORGANISATION_ID=company["ORGANISATION_ID"],
        PRICEBOOK_ID=book["PRICEBOOK_ID"],
        TAGS=maker.tags(),
        LINKED_EMAIL_ADDRESS=f"sandbox-O{number}@mailbox.example",
        **_progress(maker, life, stages_of(maker, pipeline)),
        **activity(maker, life),
    )
    own = ("Opportunity", opportunity["OPPORTUNITY_ID"])
    opportunity["LINKS"] = [maker.link(own, ("Organisation", company["ORGANISATION_ID"]))]
    if known is not None:
        person = ("Contact", contact["CONTACT_ID"])
        opportunity["LINKS"].append(maker.link(own, person, "Decision maker"))
    return opportunity


def _line_items(maker: Maker, life: Life, opportunity: Record) -> list[Record]:
    entries = [
        entry
        for entry in maker.rows("/PricebookEntry")
        if entry["PRICEBOOK_ID"] == opportunity["PRICEBOOK_ID"]
    ]
    if opportunity["BID_DURATION"] is not None:
        return []
    items = [
        maker.add(
            "/OpportunityLineItem",
            life.child(5),
            OPPORTUNITY_ID=opportunity["OPPORTUNITY_ID"],
            DESCRIPTION=maker.maybe(maker.remark(), 0.2),
            SERVICE_DATE=maker.maybe_date(day(life.created + timedelta(days=90)), 0.3),
            **_amounts(maker, entry),
        )
        for entry in maker.some(entries, 4)
    ]
    if items:
        total = sum((item["TOTAL_PRICE"] for item in items), Decimal(0))
        opportunity["BID_AMOUNT"] = opportunity["OPPORTUNITY_VALUE"] = total
    return items


def _amounts(maker: Maker, entry: Record) -> Record:
    quantity = Decimal(maker.rng.randint(1, 20))
    discount = Decimal(maker.rng.choice((0, 0, 0, 5, 10)))  # in per cent
    subtotal = entry["PRICE"] * quantity
    return {
        "PRICEBOOK_ENTRY_ID": entry["PRICEBOOK_ENTRY_ID"],
        "CURRENCY_CODE": entry["CURRENCY_CODE"],
        "LIST_PRICE": entry["PRICE"],
        "UNIT_PRICE": entry["PRICE"],
        "QUANTITY": quantity,
        "SUBTOTAL": subtotal,
        "DISCOUNT": discount,
        "TOTAL_PRICE": (subtotal * (100 - discount) / 100).quantize(_CENT),
    }


def _quote(maker: Maker, life: Life, opportunity: Record, items: list[Record]) -> None:
    subtotal = sum((item["SUBTOTAL"] for item in items), Decimal(0))
    total = sum((item["TOTAL_PRICE"] for item in items), Decimal(0))
    shipping, tax = maker.money(0, 200), (total * Decimal("0.19")).quantize(_CENT)
    status = {"WON": "Accepted", "OPEN": maker.rng.choice(("Draft", "Sent"))}
    quote = maker.add(
        "/Quotation",
        life,
        QUOTATION_NAME=f"Quote for {opportunity['OPPORTUNITY_NAME']}"[:255],
        QUOTATION_DESCRIPTION=maker.maybe(maker.remark(), 0.3),
        OPPORTUNITY_ID=opportunity["OPPORTUNITY_ID"],
        ORGANISATION_ID=opportunity["ORGANISATION_ID"],
        PRICEBOOK_ID=opportunity["PRICEBOOK_ID"],
        QUOTATION_NUMBER=f"Q-{len(maker.rows('/Quotation')) + 1:05}",
        QUOTE_STATUS=status.get(opportunity["OPPORTUNITY_STATE"], "Sent"),
        QUOTATION_EXPIRATION_DATE=day(life.created + timedelta(days=60)),
        LINE_ITEM_COUNT=len(items),
        IS_SYNCING=False,
        QUOTATION_CURRENCY_CODE=opportunity["BID_CURRENCY"],
        SUBTOTAL=subtotal,
        DISCOUNT=subtotal - total,
        TOTAL_PRICE=total,
        SHIPPING_HANDLING=shipping,
        TAX=tax,
        GRAND_TOTAL=total + shipping + tax,
        **_recipient(maker, opportunity),
    )
    copied = (
        "OPPORTUNITY_ITEM_ID",
        "PRICEBOOK_ENTRY_ID",
        "DESCRIPTION",
        "CURRENCY_CODE",
        "LIST_PRICE",
        "UNIT_PRICE",
        "QUANTITY",
        "SUBTOTAL",
        "DISCOUNT",
        "TOTAL_PRICE",
    )
    for order, item in enumerate(items, 1):
        maker.add(
            "/QuotationLineItem",
            life.child(0),
            QUOTE_ID=quote["QUOTE_ID"],
            SORT_ORDER=order,
            **{name: item[name] for name in copied},
        )


def _recipient(maker: Maker, opportunity: Record) -> Record:
    company = maker.find("/Organisations", opportunity["ORGANISATION_ID"]) or {}
    people = [one for one in opportunity["LINKS"] if one["LINK_OBJECT_NAME"] == "Contact"]
    contact = maker.find("/Contacts", people[0]["LINK_OBJECT_ID"]) if people else None
    name = company["ORGANISATION_NAME"]
    fields = {
        "ADDRESS_BILLING_NAME": name,
        **{key: value for key, value in company.items() if key.startswith("ADDRESS_BILLING_")},
        "QUOTATION_PHONE": company["PHONE"],
        "QUOTATION_FAX": company["PHONE_FAX"],
    }
    if contact is not None:
        fields["CONTACT_ID"] = contact["CONTACT_ID"]
        fields["QUOTATION_EMAIL"] = contact["EMAIL_ADDRESS"]
    if maker.chance(0.3):
        place = place_of(company["ADDRESS_BILLING_COUNTRY"])
        fields |= {"ADDRESS_SHIPPING_NAME": name, **address(maker, place, "ADDRESS_SHIPPING")}
    return fields


def _convert_leads(maker: Maker) -> None:
    """Let some converted leads have become a deal, too: one of their company, made later."""
    deals: dict[int, list[Record]] = {}
    for deal in maker.rows("/Opportunities"):
        deals.setdefault(deal["ORGANISATION_ID"], []).append(deal)
    for lead in maker.rows("/Leads"):
        for deal in deals.get(lead["CONVERTED_ORGANISATION_ID"] or 0, ()):
            if deal["DATE_CREATED_UTC"] >= lead["CONVERTED_DATE_UTC"]:
                lead["CONVERTED_OPPORTUNITY_ID"] = deal["OPPORTUNITY_ID"]
                break
