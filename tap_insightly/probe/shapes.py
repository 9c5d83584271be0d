"""Checks of records against the OpenAPI documents: fields, types, keys, values."""

from __future__ import annotations

import re
from collections import Counter
from decimal import Decimal
from typing import TYPE_CHECKING, Any

from tap_insightly.api.records.objects import standard_objects
from tap_insightly.openapi import COMPONENTS
from tap_insightly.openapi.objects import objects_by_path
from tap_insightly.probe.account import UPDATED
from tap_insightly.probe.lists import NO_LIST
from tap_insightly.probe.registry import checks
from tap_insightly.probe.verdict import (
    Piece,
    Private,
    Verdict,
    comma_list,
    count_of,
    fails,
    holds,
    unseen,
    verdict_on,
)
from tap_insightly.values import EMPTY_DATES, converter

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from tap_insightly.probe.account import ProbedAccount

NESTED = ("CUSTOMFIELDS", "TAGS", "LINKS", "DATES", "EMAILDOMAINS", "TEAMMEMBERS")
ACTIVITY = "LAST_ACTIVITY_DATE_UTC"
STATES = ("OPEN", "WON", "LOST", "ABANDONED", "SUSPENDED")
MOST_CHARACTERS = 19  # of an amount of money (spec)
_date_time = converter({"type": "string", "format": "date-time"})
_DATE = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2} [0-9]{2}:[0-9]{2}:[0-9]{2}")

Record = dict[str, Any]


def records(account: ProbedAccount) -> Iterator[tuple[str, str, Record]]:
    """Go through all records that were read, with their paths and components."""
    for one in account.readable:
        for row in one.rows:
            yield one.obj.path, one.obj.component, row
    if account.custom_records is not None:
        for row in account.custom_records.rows:
            yield "/{OBJECT_NAME}", account.custom_records.obj.component, row
    response = account.client.get("/Instance")
    for row in response.rows if response is not None else ():
        yield "/Instance", objects_by_path()["/Instance"].component, row


def _values(account: ProbedAccount) -> Iterator[tuple[str, str, Mapping[str, Any], Any]]:
    """Go through all values of known fields, also inside of arrays."""
    for path, component, record in records(account):
        yield from _inside(path, COMPONENTS[component]["properties"], record)


def _inside(
    path: str, properties: Mapping[str, Any], record: Record, before: str = ""
) -> Iterator[tuple[str, str, Mapping[str, Any], Any]]:
    for name, value in record.items():
        schema = properties.get(name)
        if schema is None:
            continue
        yield path, f"{before}{name}", schema, value
        inner = _inner(schema)
        if inner and isinstance(value, list):
            for entry in value:
                if isinstance(entry, dict):
                    yield from _inside(path, inner, entry, f"{before}{name}.")


def _inner(schema: Mapping[str, Any]) -> Mapping[str, Any]:
    """Give the fields of the objects in an array; none if it holds no objects."""
    items = schema.get("items", {})
    named = str(items.get("$ref", "")).rpartition("/")[2]
    properties: Mapping[str, Any] = COMPONENTS.get(named, items).get("properties", {})
    return properties


@checks("fields-known")
def _(account: ProbedAccount) -> Verdict:
    unknown: dict[tuple[str, str], str] = {}
    number = 0
    for path, component, record in records(account):
        number += 1
        for before, properties, entry in _objects(COMPONENTS[component]["properties"], record):
            for name in entry:
                if name not in properties:
                    unknown.setdefault((path, before + name), _type(entry[name]))
    wrong: list[Piece] = []
    for (path, name), kind in unknown.items():
        wrong += [f"{path} ({kind}): ", Private("unknown field", name), "; "]
    if wrong:
        return fails(*wrong[:-1], ".")
    return holds(f"{count_of(number, 'record')}.") if number else unseen("There are no records.")


def _objects(
    properties: Mapping[str, Any], record: Record
) -> Iterator[tuple[str, Mapping[str, Any], Record]]:
    yield "", properties, record
    for name, value in record.items():
        inner = _inner(properties.get(name, {}))
        for entry in value if inner and isinstance(value, list) else ():
            if isinstance(entry, dict):
                yield f"{name}.", inner, entry


@checks("types-fit")
def _(account: ProbedAccount) -> Verdict:
    wrong: Counter[str] = Counter()
    number = 0
    for path, name, schema, value in _values(account):
        number += 1
        if value is not None and not _fits(schema, value):
            kind = schema.get("format") or _first(schema)
            wrong[f"{path} {name} ({_type(value)} where {kind} is expected)"] += 1
    every = [f"{text}: {times:,}" for text, times in wrong.items()]
    return verdict_on(every, [count_of(number, "value")] if number else [], "no values")


def _first(schema: Mapping[str, Any]) -> str:
    given = schema.get("type", "any")
    return given if isinstance(given, str) else str(given[0])


_KINDS: Mapping[str, tuple[type, ...]] = {
    "string": (str,),
    "integer": (int,),
    "number": (int, Decimal),
    "boolean": (bool,),
    "array": (list,),
    "object": (dict,),
}


def _fits(schema: Mapping[str, Any], value: object) -> bool:
    given = schema.get("type", ())
    kinds = {given} if isinstance(given, str) else set(given)
    if isinstance(value, bool):  # which Python takes for a number
        return not kinds or "boolean" in kinds
    if kinds and not any(isinstance(value, _KINDS.get(kind, ())) for kind in kinds):
        return False
    if schema.get("format") != "date-time":
        return True
    try:
        _date_time(value)
    except ValueError:
        return False
    return True


def _type(value: object) -> str:
    kinds = {bool: "boolean", str: "string", int: "integer", Decimal: "number", list: "array"}
    return "null" if value is None else kinds.get(type(value), "object")


@checks("keys-there")
def _(account: ProbedAccount) -> Verdict:
    wrong, right = [], 0
    for one in account.readable:
        schema = COMPONENTS[one.obj.component]
        keys = [
            key
            for key in schema.get("x-primary-key", ())
            if not schema["properties"][key].get("x-added-by-tap")
        ]
        # As texts: a key may be anything here, an array too.
        found = [tuple(str(row.get(key) or "") for key in keys) for row in one.rows]
        if any("" in row for row in found):
            wrong.append(f"{one.obj.path} lacks {' or '.join(keys)}")
        elif keys and len({*found}) < len(found):
            wrong.append(f"{one.obj.path} has one {' and '.join(keys)} twice")
        right += bool(found)
    return verdict_on(wrong, [count_of(right, "list")] if right else [], "no records")


@checks("dates-spelled")
def _(account: ProbedAccount) -> Verdict:
    number, wrong = 0, Counter[str]()
    for path, name, schema, value in _values(account):
        is_date = schema.get("format") == "date-time" and isinstance(value, str)
        if is_date and value not in EMPTY_DATES:
            number += 1
            if not _DATE.fullmatch(value):
                shape = re.sub("[0-9]", "0", value)[:30] if _is_like_a_date(value) else ""
                wrong[f"{path} {name}: {shape}"] += 1
    return verdict_on(wrong, [count_of(number, "date")] if number else [], "no dates")


def _is_like_a_date(value: str) -> bool:
    """Tell whether a text has only characters of dates; without its digits, anybody may see it."""
    return bool(re.fullmatch(r"[0-9TZ:.+ /-]+", value))


@checks("empty-dates")
def _(account: ProbedAccount) -> Verdict:
    seen: Counter[str] = Counter()
    wrong: Counter[str] = Counter()
    for path, name, schema, value in _values(account):
        if schema.get("format") != "date-time":
            continue
        if value is None or value in EMPTY_DATES:
            seen["null" if value is None else value or "an empty text"] += 1
        elif isinstance(value, str) and value.startswith(
            ("0000", "0001", "1/1/0001", "1900-01-01")
        ):
            wrong[f"{path} {name}"] += 1
    return verdict_on(wrong, [f"{kind}: {n:,}" for kind, n in seen.items()], "no empty dates")


@checks("money-digits")
def _(account: ProbedAccount) -> Verdict:
    longest, wrong = 0, Counter[str]()
    for path, name, schema, value in _values(account):
        if _first(schema) == "number" and value is not None:
            if isinstance(value, bool) or not isinstance(value, int | Decimal):
                wrong[f"{path} {name}: {_type(value)}"] += 1
            else:
                longest = max(longest, len(str(value)))
    if longest > MOST_CHARACTERS:
        wrong[f"a number of {longest} characters"] += 1
    right = [f"the longest number has {longest} characters"] if longest else []
    return verdict_on(wrong, right, "no numbers")


@checks("brief-leaves-out")
def _(account: ProbedAccount) -> Verdict:
    response, main = account.search(1), account.main
    if response is None or main is None or not response.rows:
        return unseen(NO_LIST)
    carried = {name for row in main.rows for name in NESTED if name in row}
    left = sorted({name for row in response.rows for name in NESTED if name in row})
    if not carried:
        return unseen(f"Records of {main.obj.path} carry nothing nested.")
    return verdict_on(left, [f"without {', '.join(sorted(carried))}"], "")


@checks("brief-keeps-text")
def _(account: ProbedAccount) -> Verdict:
    response, main = account.search(1), account.main
    if response is None or main is None or not response.rows:
        return unseen(NO_LIST)
    whole = {name for row in main.rows for name in row} - set(NESTED) - {"ETag"}
    brief = {name for row in response.rows for name in row}
    known = COMPONENTS[main.obj.component]["properties"]
    wrong = sorted(name for name in whole - brief if name in known)
    return verdict_on(wrong, [f"all {len(whole):,} other fields of {main.obj.path} are there"], "")


@checks("single-as-listed")
def _(account: ProbedAccount) -> Verdict:
    response, main = account.one(), account.main
    if response is None or main is None or not response.rows:
        return unseen(NO_LIST)
    known = COMPONENTS[main.obj.component]["properties"]
    apart = sorted((set(main.rows[0]) ^ set(response.rows[0])) & set(known) - {"ETag"})
    return verdict_on(apart, [f"{len(main.rows[0]):,} fields of {main.obj.path}"], "")


@checks("links-named")
def _(account: ProbedAccount) -> Verdict:
    names = {obj.name for obj in standard_objects()} | {obj.name for obj in account.custom_objects}
    names |= {"StandardObject", "User"}
    seen: Counter[str] = Counter()
    wrong: dict[str, Piece] = {}
    for _, name, _, value in _values(account):
        if name in {"LINKS.LINK_OBJECT_NAME", "LINKS.OBJECT_NAME"} and isinstance(value, str):
            seen[value] += 1
            if value not in names:
                wrong[value] = Private("object", value)
    number = sum(seen.values())
    return verdict_on(wrong.values(), [count_of(number, "name")] if number else [], "no links")


@checks("states-in-capitals")
def _(account: ProbedAccount) -> Verdict:
    rows = [*account.list_of("/Opportunities"), *account.list_of("/OpportunityStateReasons")]
    names = ("OPPORTUNITY_STATE", "FOR_OPPORTUNITY_STATE")
    seen = [str(row[name]) for row in rows for name in names if row.get(name)]
    wrong = sum(one not in STATES for one in seen)
    if not seen:
        return unseen("There are no opportunities, and no reasons.")
    text = f"{len(seen) - wrong:,} of {len(seen):,} states are among {', '.join(STATES)}."
    return fails(text) if wrong else holds(text)


@checks("ticket-statuses")
def _(account: ProbedAccount) -> Verdict:
    rows = account.list_of("/Ticket")
    seen = {str(row["TICKET_STATUS"]) for row in rows if row.get("TICKET_STATUS")}
    if not seen:
        return unseen("There are no tickets.")
    done = seen & {"SOLVED", "CLOSED"}
    text = f"{len(seen):,} statuses, {len(done)} of them SOLVED or CLOSED."
    spelled = {one for one in seen if one.upper() in {"SOLVED", "CLOSED"}}
    return fails(text) if spelled != done else holds(text)


@checks("comments-whole", is_last=True)
def _(account: ProbedAccount) -> Verdict:
    rows = account.list_of("/Notes")
    ids = [row["NOTE_ID"] for row in rows if isinstance(row.get("NOTE_ID"), int)]
    if not ids:
        return unseen("There are no notes.")
    response = account.client.get(f"/Notes/{ids[0]}/Comments")
    if response is None or not response.is_list or not response.rows:
        return unseen("The note that was asked about has no comments.")
    wanted = ("COMMENT_ID", "BODY", "OWNER_USER_ID", "DATE_CREATED_UTC", "DATE_UPDATED_UTC")
    wrong = [name for name in wanted if not any(name in row for row in response.rows)]
    return verdict_on(wrong, [count_of(len(response.rows), "comment")], "")


@checks("changes-without-date")
def _(account: ProbedAccount) -> Verdict:
    rows = [row for _, _, row in records(account) if row.get(ACTIVITY) and row.get(UPDATED)]
    # Both are written in the same way, so that the later one is the greater text.
    later = sum(str(row[ACTIVITY]) > str(row[UPDATED]) for row in rows)
    text = f"Of {count_of(len(rows), 'record')}, {later:,} had an activity after their last update."
    return holds(text) if later else unseen(text)


@checks("lengths-no-promise")
def _(account: ProbedAccount) -> Verdict:
    longer: Counter[str] = Counter()
    for path, name, schema, value in _values(account):
        most = schema.get("maxLength")
        if most is not None and isinstance(value, str) and len(value) > most:
            longer[f"{path} {name}"] += 1
    if not longer:
        return unseen("No text is longer.")
    return holds(*comma_list(f"{name}: {number:,}" for name, number in longer.items()), ".")
