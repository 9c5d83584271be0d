"""What follows from what is written: totals, and the members that a team shows.

What exactly Insightly works out, and when, is not known. This does it as the made-up data has it.
"""

from __future__ import annotations

from decimal import Decimal, localcontext
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from tap_insightly.sandbox.account.account import Account
    from tap_insightly.sandbox.account.records import Record

_CENT = Decimal("0.01")
MEMBERS = "TEAMMEMBERS"
"""The array that a team shows its members in."""


def derive(account: Account, path: str, record: Record) -> None:
    """Work out what follows from a change."""
    if path in _DERIVED:
        with localcontext() as context:
            context.prec = 200  # products of numbers of 19 characters fit, so that none fails
            _DERIVED[path](account, record)


def set_members(account: Account, team_id: int, members: list[Record]) -> None:
    """Give a team other members; those who are in it already stay as they are."""
    table = account.tables["/TeamMembers"]
    wanted = [one["MEMBER_USER_ID"] for one in members]
    for row in _of(account, "/TeamMembers", "TEAM_ID", team_id):
        if row["MEMBER_USER_ID"] in wanted:
            wanted.remove(row["MEMBER_USER_ID"])
        else:
            table.remove(row["PERMISSION_ID"])
    for user in wanted:
        account.create("/TeamMembers", TEAM_ID=team_id, MEMBER_USER_ID=user)
    _member(account, {"TEAM_ID": team_id})


def _of(account: Account, path: str, name: str, value: int | None) -> list[Record]:
    return [row for row in account.tables[path].rows if row[name] == value]


def _sum(rows: list[Record], name: str) -> Decimal:
    return sum((Decimal(row[name] or 0) for row in rows), Decimal(0))


def _line_item(account: Account, path: str, item: Record) -> None:
    subtotal = Decimal(item["UNIT_PRICE"] or 0) * Decimal(item["QUANTITY"] or 0)
    total = (subtotal * (100 - Decimal(item["DISCOUNT"] or 0)) / 100).quantize(_CENT)
    table = account.tables[path]
    # Not of an item that was deleted: then there is nothing to change.
    table.change(item[table.keys[0]], {"SUBTOTAL": subtotal, "TOTAL_PRICE": total})


def _opportunity_item(account: Account, item: Record) -> None:
    _line_item(account, "/OpportunityLineItem", item)
    if deal := account.tables["/Opportunities"].find(item["OPPORTUNITY_ID"] or 0):
        _opportunity(account, deal)


def _opportunity(account: Account, deal: Record) -> None:
    key = deal["OPPORTUNITY_ID"]
    if items := _of(account, "/OpportunityLineItem", "OPPORTUNITY_ID", key):
        value = _sum(items, "TOTAL_PRICE")
    elif (value := deal["BID_AMOUNT"]) is not None and deal["BID_DURATION"]:
        value = Decimal(value) * deal["BID_DURATION"]
    account.tables["/Opportunities"].change(key, {"OPPORTUNITY_VALUE": value})


def _quote_item(account: Account, item: Record) -> None:
    _line_item(account, "/QuotationLineItem", item)
    if quote := account.tables["/Quotation"].find(item["QUOTE_ID"] or 0):
        _quote(account, quote)


def _quote(account: Account, quote: Record) -> None:
    key = quote["QUOTE_ID"]
    items = _of(account, "/QuotationLineItem", "QUOTE_ID", key)
    subtotal, total = _sum(items, "SUBTOTAL"), _sum(items, "TOTAL_PRICE")
    added = _sum([quote], "SHIPPING_HANDLING") + _sum([quote], "TAX")
    totals = {
        "LINE_ITEM_COUNT": len(items),
        "SUBTOTAL": subtotal,
        "DISCOUNT": subtotal - total,
        "TOTAL_PRICE": total,
        "GRAND_TOTAL": total + added,
    }
    account.tables["/Quotation"].change(key, totals)


def _member(account: Account, member: Record) -> None:
    team_id = member["TEAM_ID"]
    if team_id is not None:
        rows = _of(account, "/TeamMembers", "TEAM_ID", team_id)
        account.update("/Teams", team_id, **{MEMBERS: [dict(row) for row in rows]})


_DERIVED: Mapping[str, Callable[[Account, Record], None]] = {
    "/OpportunityLineItem": _opportunity_item,
    "/Opportunities": _opportunity,
    "/QuotationLineItem": _quote_item,
    "/Quotation": _quote,
    "/TeamMembers": _member,
}
