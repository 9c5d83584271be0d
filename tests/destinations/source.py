"""The source: an account whose data is awkward, and what of it a destination has to hold.

What is expected is worked out here from the sandbox's records and the types of its fields, by
other means than the tap's own.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import TYPE_CHECKING, Any

from tap_insightly.openapi import COMPONENTS
from tap_insightly.streams import STREAMS
from tests.conftest import new_sandbox

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence

    from tap_insightly.sandbox import Sandbox

LONG = "All we know of this customer. Größe, 佐藤, 🍎, \"quoted\", 'also', \\.\r\n" * 2000
assert len(LONG) > 100_000

TEXTS = {
    "emoji": "👩\u200d👩\u200d👧\u200d👦 🏳️\u200d🌈 🇩🇪 🍎",
    "right to left": "\u202bمرحبا بالعالم\u202c — שלום\u200f",  # noqa: RUF001 - meant
    "combining": "e\u0301 is not é; Å is not Å; \u0915\u094d\u0937; a\u0308\u0323",
    "outside the first plane": "𠮷野家 𝒳 𓀀",  # noqa: RUF001 - meant
    "quotes": "\"double\" 'single' `back` \\ \\N \\. \\\\",
    "separators": "a,b;c|d\te\n\nf\r\ng",
    "spaces": "  kept  ",
    "words that mean nothing elsewhere": "NULL",
    "brackets": '{"not": ["json"]} $1 %s {0} -- ;',
    "zero": "0",
    "a number": "1e3",
    "a date": "2026-01-31",
    "a comment": "# no comment",
}
"""Each makes a contact."""

NUL = "before\x00after"
"""Not in every destination: Postgres has no such character."""

MONEY = ("0", "0.01", "-0.1", "1234567.89", "9999999999999.99", 7, None)
"""No more than 15 digits, which is what a number of double precision holds."""

MUCH_MONEY = "1234567890123456789.01"
"""More than that."""

SELDOM = ("1969-12-31 23:59:59", "2024-02-29 00:00:00", "9999-12-31 23:59:59", "", None)
"""Moments."""

NEW_FIELD = "Allergies__c"
"""A custom field that `change` defines."""


@dataclass(frozen=True)
class Cell:
    """What a row has to hold in a column."""

    kind: str
    """string, integer, number, boolean, date-time, json; or any, for a field of no certain type."""

    value: Any
    """As Python has it: Decimal for a number, a datetime in UTC without a zone."""


Row = dict[str, Cell]
Loaded = dict[str, Any]


def custom(**values: Any) -> list[dict[str, Any]]:
    """Custom fields as a record carries them."""
    return [{"FIELD_NAME": name, "FIELD_VALUE": value} for name, value in values.items()]


def new_account(*, records: int = 24) -> Sandbox:
    """An account with every type of custom field, and values that are hard to carry."""
    account = new_sandbox(records=records)
    types = {d["FIELD_TYPE"] for d in account.custom_fields["/Contacts"].definitions}
    assert types >= set(_KINDS), set(_KINDS) - types
    for number, (name, text) in enumerate(TEXTS.items()):
        account.create(
            "/Contacts",
            FIRST_NAME=name,
            LAST_NAME=text,
            BACKGROUND=f"{text}\n{text}",
            CUSTOMFIELDS=custom(
                Hobby__c=text,
                Remarks__c=text * 2,
                Interests__c=f"Golf;{text.replace(';', '').strip()};🏊",
                Preferred_Contact_Method__c=text,
                Customer_Number__c=text,
                Profile__c=text,
                Newsletter_Subscription__c=number % 2 == 0,
                Credit_Limit__c=MONEY[number % len(MONEY)],
                Discount__c=MONEY[-number % len(MONEY)],
                Orders_Last_Year__c=MONEY[number * 2 % len(MONEY)],
                Customer_Since__c=SELDOM[number % len(SELDOM)],
                Last_Visit__c=SELDOM[number * 2 % len(SELDOM)],
                Account_Manager__c=341_000_000 + number,
                Score__c=number,
            ),
        )
    account.create(
        "/Contacts", FIRST_NAME="long", BACKGROUND=LONG, CUSTOMFIELDS=custom(Remarks__c=LONG)
    )
    account.create("/Notes", TITLE="long", BODY=LONG)
    return account


@dataclass(frozen=True)
class Change:
    """What `change` did to the contacts, by id."""

    created: int
    updated: int
    deleted: Sequence[int]


def change(account: Sandbox) -> Change:
    """Work in the account: a new custom field, a new contact, a changed one, two deleted ones."""
    account.add_custom_field("/Contacts", NEW_FIELD, "TEXT", "Allergies")
    contacts = account.records("/Contacts")
    made = account.create(
        "/Contacts",
        FIRST_NAME="美咲",
        LAST_NAME=TEXTS["combining"],
        CUSTOMFIELDS=custom(**{NEW_FIELD: "peanuts 🥜", "Credit_Limit__c": "0.07"}),
    )
    changed = contacts[1]["CONTACT_ID"]
    account.update(
        "/Contacts",
        changed,
        FIRST_NAME="",
        LAST_NAME=None,
        BACKGROUND=TEXTS["separators"],
        CUSTOMFIELDS=custom(**{NEW_FIELD: "none", "Discount__c": "33.333"}),
    )
    gone = [contacts[2]["CONTACT_ID"], contacts[5]["CONTACT_ID"]]
    for key in gone:
        account.delete("/Contacts", key)
    return Change(made["CONTACT_ID"], changed, gone)


def paths(account: Sandbox) -> dict[str, str]:
    """The streams whose records are lists of the account, and the paths of these."""
    standard = {
        stream.name: path
        for stream in STREAMS
        if (path := getattr(stream, "path", None)) in account.tables
    }
    del standard["permissions"]  # an object, of which the tap makes rows
    own = [definition["OBJECT_NAME"] for definition in account.records("/CustomObjects")]
    return standard | {name.lower(): f"/{name}" for name in own}


_KINDS = {
    "TEXT": "string",
    "MULTILINETEXT": "string",
    "DROPDOWN": "string",
    "MULTISELECT": "json",
    "BIT": "boolean",
    "NUMERIC": "number",
    "PERCENT": "number",
    "DATE": "date-time",
    "DATETIME": "date-time",
    "AUTONUMBER": "string",
    "CURRENCY": "number",
    "URL": "string",
    "PHONE": "string",
    "EMAIL": "string",
    "LOOKUP": "integer",
    "CALCULATED": "any",
}
"""The types of custom fields, as docs/custom-fields.md promises their columns."""


def expected(account: Sandbox, path: str) -> list[Row]:
    """What a destination has to hold of a list."""
    fields = account.tables[path].fields
    own = account.custom_fields.get(path)
    types = {d["FIELD_NAME"]: _KINDS[d["FIELD_TYPE"]] for d in own.definitions} if own else {}
    rows = []
    for record in account.records(path):
        row = {
            name: _standard(prop, record.get(name))
            for name, prop in fields.items()
            if name != "CUSTOMFIELDS"
        }
        values = {f["FIELD_NAME"]: f["FIELD_VALUE"] for f in record.get("CUSTOMFIELDS") or ()}
        for name, kind in types.items():
            value = values.get(name)
            if kind == "json" and isinstance(value, str):
                value = value.split(";")
            row[name] = Cell(kind, _plain(kind, value))
        rows.append(row)
    return rows


def nested(account: Sandbox) -> frozenset[str]:
    """The names of the columns that hold nested data, in whatever stream."""
    return frozenset(
        name
        for path in paths(account).values()
        for row in expected(account, path)[:1]
        for name, cell in row.items()
        if cell.kind == "json"
    )


def _standard(prop: Mapping[str, Any], value: Any) -> Cell:
    if "$ref" in prop:
        prop = COMPONENTS[prop["$ref"].rpartition("/")[2]]
    named = prop.get("type", "object")
    named = [named] if isinstance(named, str) else named
    kind = prop.get("format") if prop.get("format") == "date-time" else named[0]
    if kind == "array" and value is not None:
        value = [_standard(prop["items"], item).value for item in value]
    if kind == "object" and value is not None:
        value = {
            name: _inside(_standard(inner, value.get(name)))
            for name, inner in prop["properties"].items()
        }
    kind = "json" if kind in {"array", "object"} else kind
    return Cell(kind, _plain(kind, value))


def _inside(cell: Cell) -> Any:
    """A value inside of nested data, where a moment is text."""
    if isinstance(cell.value, datetime):
        return f"{cell.value:%Y-%m-%dT%H:%M:%S}Z"
    return cell.value


def _plain(kind: str, value: Any) -> Any:
    if value is None:
        return None
    if kind == "date-time":
        if not value.strip("0-: "):
            return None
        return datetime.strptime(value, "%Y-%m-%d %H:%M:%S")  # noqa: DTZ007 - UTC, as all of it
    if kind == "number":
        return Decimal(str(value))
    return value


def differences(
    rows: Sequence[Row],
    loaded: Sequence[Loaded],
    keys: Sequence[str],
    adapt: Callable[[Cell], Any],
) -> Iterator[str]:
    """Compare, and say what differs.

    Args:
        rows: What is expected.
        loaded: What the destination holds, by the names that the rows have.
        keys: The names of the columns that tell one row from another.
        adapt: What the destination makes of a cell.

    Yields:
        Sentences.
    """
    found: dict[Any, Loaded] = {}
    for row in loaded:
        key = tuple(row[name] for name in keys)
        if key in found:
            yield f"{key} is there twice"
        found[key] = row
    for row in rows:
        key = tuple(adapt(row[name]) for name in keys)
        if key not in found:
            yield f"{key} is missing"
            continue
        there = found.pop(key)
        for name, cell in row.items():
            if name not in there:
                yield f"{key} has no {name}"
                continue
            want = adapt(cell)
            got = there[name]
            if type(want) is not type(got) or want != got:
                yield f"{key}: {name} is {got!r:.120}, and should be {want!r:.120} ({cell.kind})"
    yield from (f"{key} should not be there" for key in found)


def compare(
    account: Sandbox,
    load: Callable[[str], Sequence[Loaded]],
    adapt: Callable[[Cell], Any],
    *,
    name: Callable[[str], str] = str,
    streams: Sequence[str] = (),
) -> int:
    """Compare all streams, or some, with the account; return how many values were the same.

    Args:
        account: The source.
        load: Reads the rows of a stream.
        adapt: What the destination makes of a cell.
        name: What it makes of the name of a column.
        streams: The streams; none for all.
    """
    wrong, count = [], 0
    for stream, path in paths(account).items():
        if streams and stream not in streams:
            continue
        rows = [{name(own): cell for own, cell in row.items()} for row in expected(account, path)]
        keys = [name(key) for key in account.tables[path].keys if name(key) in rows[0]]
        if stream == "tags":  # its other key is what was asked for, not part of the answer
            rows = [{"TAG_NAME": row[name("TAG_NAME")]} for row in rows]
            want = sorted(row["TAG_NAME"].value for row in rows)
            wrong += [stream] * (want != sorted(row[name("TAG_NAME")] for row in load(stream)))
        else:
            wrong += [f"{stream}: {d}" for d in differences(rows, load(stream), keys, adapt)]
        count += sum(map(len, rows))
    assert not wrong, "\n".join(wrong[:40])
    assert count
    return count
