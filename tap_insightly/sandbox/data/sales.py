"""Products and prices, opportunities that move through a pipeline, and quotes."""

from __future__ import annotations

from decimal import Decimal
from typing import TYPE_CHECKING

from tap_insightly.sandbox.data import words
from tap_insightly.sandbox.store import timestamp

if TYPE_CHECKING:
    from tap_insightly.sandbox.data.maker import Maker
    from tap_insightly.sandbox.store import Record

_STAGES = ("Qualified", "Needs analysis", "Offer sent", "Negotiation")
_PRICEBOOKS = (("Standard", "USD", True), ("Europa", "EUR", False), ("Partners", "GBP", False))
_CENT = Decimal("0.01")


def fill(maker: Maker) -> None:
    """Make pipelines, products, opportunities and quotes.

    Args:
        maker: The maker.
    """
    _pipelines(maker)
    _products(maker)
    for number in range(maker.share(0.35, 6)):
        opportunity = _opportunity(maker, number)
        items = _line_items(maker, opportunity)
        if items and maker.chance(0.6):
            _quote(maker, opportunity, items)
    _convert_leads(maker)


def _pipelines(maker: Maker) -> None:
    sets = [
        maker.add(
            "/ActivitySets",
            NAME=name,
            FOR_CONTACTS=False,
            FOR_ORGANISATIONS=False,
            FOR_OPPORTUNITIES=True,
            FOR_PROJECTS=True,
            FOR_LEADS=False,
            OWNER_USER_ID=maker.user(),
            ACTIVITIES=[],
        )
        for name in ("First contact", "Offer", "Kick-off")
    ]
    for number, activity_set in enumerate(sets):
        activity = dict.fromkeys(("ACTIVITY_DETAILS", "REMINDER_TIME", "EVENT_TIME"))
        activity_set["ACTIVITIES"] = [
            {
                "ACTIVITY_ID": 8000 + number,
                "ACTIVITYSET_ID": activity_set["ACTIVITYSET_ID"],
                "ACTIVITY_NAME": "Call",
                "ACTIVITY_TYPE": "TASK",
                "REMINDER": False,
                "CATEGORY_ID": maker.pick("/TaskCategories")["CATEGORY_ID"],
                **activity,
            }
        ]
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


def stages_of(maker: Maker, pipeline: Record) -> list[Record]:
    """List the stages of a pipeline.

    Args:
        maker: The maker.
        pipeline: The pipeline.

    Returns:
        Its stages, in order.
    """
    return [
        stage
        for stage in maker.rows("/PipelineStages")
        if stage["PIPELINE_ID"] == pipeline["PIPELINE_ID"]
    ]


def _products(maker: Maker) -> None:
    for number, (name, family, price) in enumerate(words.PRODUCTS):
        maker.add(
            "/Product",
            PRODUCT_NAME=name,
            PRODUCT_CODE=f"C{number:03}",
            PRODUCT_SKU=f"SKU-{number:05}",
            PRODUCT_FAMILY=family,
            CURRENCY_CODE="USD",
            DEFAULT_PRICE=Decimal(price).quantize(_CENT),
            ACTIVE=True,
            **maker.stamps(),
            CUSTOMFIELDS=maker.custom_values("/Product"),
        )
    for name, currency, is_standard in _PRICEBOOKS:
        book = maker.add(
            "/Pricebook",
            NAME=name,
            CURRENCY_CODE=currency,
            IS_STANDARD=is_standard,
            ACTIVE=True,
            **maker.stamps(),
        )
        for product in maker.rows("/Product"):
            stamps = maker.stamps()
            del stamps["OWNER_USER_ID"]
            price = product["DEFAULT_PRICE"] * (1 if is_standard else Decimal("0.9"))
            maker.add(
                "/PricebookEntry",
                PRICEBOOK_ID=book["PRICEBOOK_ID"],
                PRODUCT_ID=product["PRODUCT_ID"],
                CURRENCY_CODE=currency,
                PRICE=price.quantize(_CENT),
                USE_STANDARD_PRICE=is_standard,
                ACTIVE=True,
                CUSTOMFIELDS=maker.custom_values("/PricebookEntry"),
                **stamps,
            )


def _opportunity(maker: Maker, number: int) -> Record:
    company = maker.pick("/Organisations")
    pipeline = maker.rng.choice(
        [pipeline for pipeline in maker.rows("/Pipelines") if pipeline["FOR_OPPORTUNITIES"]]
    )
    stages = stages_of(maker, pipeline)
    at = maker.rng.randrange(len(stages))
    state = maker.rng.choice(("OPEN", "OPEN", "OPEN", "WON", "LOST", "ABANDONED", "SUSPENDED"))
    book = maker.pick("/Pricebook")
    amount = maker.money(500, 250_000)
    is_closed = state in {"WON", "LOST", "ABANDONED"}
    opportunity = maker.add(
        "/Opportunities",
        OPPORTUNITY_NAME=f"{company['ORGANISATION_NAME']}: {maker.rng.choice(words.PRODUCTS)[0]}",
        OPPORTUNITY_DETAILS=maker.maybe(maker.rng.choice(words.REMARKS)),
        OPPORTUNITY_STATE=state,
        RESPONSIBLE_USER_ID=maker.user(),
        CATEGORY_ID=maker.pick("/OpportunityCategories")["CATEGORY_ID"],
        BID_CURRENCY=book["CURRENCY_CODE"],
        BID_AMOUNT=amount,
        BID_TYPE="Fixed Bid",
        OPPORTUNITY_VALUE=amount,
        PROBABILITY={"WON": 100, "LOST": 0, "ABANDONED": 0}.get(state, 20 + at * 20),
        ACTUAL_CLOSE_DATE=maker.day(300) if is_closed else maker.rng.choice((None, "")),
        FORECAST_CLOSE_DATE=maker.day(300) if is_closed else maker.day(0, -200),
        PIPELINE_ID=pipeline["PIPELINE_ID"],
        STAGE_ID=stages[at]["STAGE_ID"],
        ORGANISATION_ID=company["ORGANISATION_ID"],
        PRICEBOOK_ID=book["PRICEBOOK_ID"],
        TAGS=maker.tags(),
        CUSTOMFIELDS=maker.custom_values("/Opportunities"),
        LINKED_EMAIL_ADDRESS=f"sandbox-O{number}@mailbox.example",
        VISIBLE_TO="EVERYONE",
        LAST_ACTIVITY_DATE_UTC=maker.maybe_date(timestamp(maker.moment(200))),
        **maker.stamps(),
    )
    opportunity["LINKS"] = [
        maker.link(
            ("Opportunity", opportunity["OPPORTUNITY_ID"]),
            ("Organisation", company["ORGANISATION_ID"]),
        )
    ]
    return opportunity


def _line_items(maker: Maker, opportunity: Record) -> list[Record]:
    entries = [
        entry
        for entry in maker.rows("/PricebookEntry")
        if entry["PRICEBOOK_ID"] == opportunity["PRICEBOOK_ID"]
    ]
    items = []
    for entry in maker.some(entries, 4):
        stamps = maker.stamps(owner=False)
        items.append(
            maker.add(
                "/OpportunityLineItem",
                OPPORTUNITY_ID=opportunity["OPPORTUNITY_ID"],
                SERVICE_DATE=maker.maybe_date(maker.day(0, -100), 0.3),
                CUSTOMFIELDS=maker.custom_values("/OpportunityLineItem"),
                **_amounts(maker, entry),
                **stamps,
            )
        )
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


def _quote(maker: Maker, opportunity: Record, items: list[Record]) -> None:
    subtotal = sum((item["SUBTOTAL"] for item in items), Decimal(0))
    total = sum((item["TOTAL_PRICE"] for item in items), Decimal(0))
    shipping, tax = maker.money(0, 200), (total * Decimal("0.19")).quantize(_CENT)
    quote = maker.add(
        "/Quotation",
        QUOTATION_NAME=f"Quote for {opportunity['OPPORTUNITY_NAME']}"[:255],
        OPPORTUNITY_ID=opportunity["OPPORTUNITY_ID"],
        ORGANISATION_ID=opportunity["ORGANISATION_ID"],
        PRICEBOOK_ID=opportunity["PRICEBOOK_ID"],
        QUOTATION_NUMBER=f"Q-{len(maker.rows('/Quotation')) + 1:05}",
        QUOTE_STATUS=maker.rng.choice(("Draft", "Sent", "Accepted")),
        QUOTATION_EXPIRATION_DATE=maker.day(0, -60),
        LINE_ITEM_COUNT=len(items),
        IS_SYNCING=False,
        QUOTATION_CURRENCY_CODE=opportunity["BID_CURRENCY"],
        SUBTOTAL=subtotal,
        DISCOUNT=subtotal - total,
        TOTAL_PRICE=total,
        SHIPPING_HANDLING=shipping,
        TAX=tax,
        GRAND_TOTAL=total + shipping + tax,
        CUSTOMFIELDS=maker.custom_values("/Quotation"),
        **maker.stamps(),
    )
    copied = (
        "OPPORTUNITY_ITEM_ID",
        "PRICEBOOK_ENTRY_ID",
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
            QUOTE_ID=quote["QUOTE_ID"],
            SORT_ORDER=order,
            CUSTOMFIELDS=maker.custom_values("/QuotationLineItem"),
            **{name: item[name] for name in copied},
            **maker.stamps(owner=False),
        )


def _convert_leads(maker: Maker) -> None:
    for lead in maker.rows("/Leads"):
        if lead["CONVERTED"] and maker.chance(0.5):
            lead["CONVERTED_OPPORTUNITY_ID"] = maker.pick("/Opportunities")["OPPORTUNITY_ID"]
