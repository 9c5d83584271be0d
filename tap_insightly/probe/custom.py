"""Checks of custom fields: how they are described, and what records have in them."""

from __future__ import annotations

import re
from collections import Counter
from http import HTTPStatus
from typing import TYPE_CHECKING, Any

from tap_insightly.api.records.definitions import definitions_of, same_object
from tap_insightly.api.records.objects import standard_objects
from tap_insightly.custom_fields import CustomField
from tap_insightly.openapi.objects import CUSTOM_FIELDS
from tap_insightly.probe.account import UNKNOWN
from tap_insightly.probe.lists import NO_ANSWER, NO_LIST
from tap_insightly.probe.registry import checks
from tap_insightly.probe.shapes import records
from tap_insightly.probe.verdict import (
    Piece,
    Private,
    Verdict,
    comma_list,
    fails,
    holds,
    unseen,
    verdict_on,
)
from tap_insightly.values import converter

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tap_insightly.probe.account import ProbedAccount

NO_FIELDS = "no custom fields"
CALCULATED = "CALCULATED"
_NAME = re.compile(r".*__c|[A-Z]+_FIELD_[0-9]+", re.IGNORECASE)
_TYPE = re.compile(r"[A-Z][A-Z _-]{1,20}")  # as all known types are; anything else may be private

Entry = dict[str, Any]


@checks("custom-all")
def _(account: ProbedAccount) -> Verdict:
    response = account.client.get(f"/CustomFields/{UNKNOWN}")
    if response is None:
        return unseen(NO_ANSWER)
    if not response.is_list:
        return fails(f"An object that is none was answered {response.status}.")
    owners = {str(one.get("FIELD_FOR")) for one in response.rows}
    number, objects = len(response.rows), len(owners)
    text = f"An object that is none was answered {number:,} fields of {objects} objects."
    return holds(text) if owners else fails(text)


@checks("custom-own")
def _(account: ProbedAccount) -> Verdict:
    own = _own(account)
    if own is None or account.main is None:
        return unseen(NO_LIST)
    name = account.main.obj.name
    others = len(own) - len(definitions_of(name, own))
    text = f"{name} was answered {len(own):,} fields, {others:,} of them of other objects."
    if not own:
        return unseen(text)
    return fails(text) if others else holds(text)


def _own(account: ProbedAccount) -> list[Entry] | None:
    if account.main is None or not account.main.obj.has_custom_fields:
        return None
    response = account.client.get(f"/CustomFields/{account.main.obj.name}")
    return response.rows if response is not None and response.is_list else None


@checks("custom-owners")
def _(account: ProbedAccount) -> Verdict:
    standard = [obj.name for obj in standard_objects() if obj.has_custom_fields]
    own = [obj.name for obj in account.custom_objects]
    seen = sorted({str(one.get("FIELD_FOR")) for one in account.definitions})
    known = [one for one in seen if any(same_object(one, name) for name in standard)]
    custom = [one for one in seen if any(same_object(one, name) for name in own)]
    wrong: list[Piece] = [Private("object", one) for one in seen if one not in {*known, *custom}]
    right: list[Piece] = [*known, f"{len(custom)} custom objects"] if seen else []
    if wrong:
        return fails("Of no object that is known: ", *comma_list(wrong), ".")
    return verdict_on([], right, NO_FIELDS)


@checks("custom-types")
def _(account: ProbedAccount) -> Verdict:
    types = Counter(str(one.get("FIELD_TYPE")) for one in account.definitions)
    known = {kind for kind in types if kind == CALCULATED or not _is_any(_schema(kind))}
    wrong = [_shown(kind) for kind in types if kind not in known]
    right = [f"{kind}: {types[kind]:,}" for kind in sorted(known)]
    return verdict_on(wrong, right, NO_FIELDS)


def _shown(kind: str) -> Piece:
    return kind if _TYPE.fullmatch(kind) else Private("type", kind)


def _schema(kind: str) -> dict[str, Any]:
    return CustomField("any", "", kind, "", "").schema("any")


def _is_any(schema: dict[str, Any]) -> bool:
    return len(schema["type"]) > 2  # noqa: PLR2004 - one type, and null


@checks("custom-names")
def _(account: ProbedAccount) -> Verdict:
    names = [str(one.get("FIELD_NAME")) for one in account.definitions]
    wrong: list[Piece] = [Private("custom field", one) for one in names if not _NAME.fullmatch(one)]
    old = sum(not one.lower().endswith("__c") for one in names) - len(wrong)
    right = [f"{len(names):,} names, {old:,} of them of the old kind"] if names else []
    return verdict_on(wrong, right, NO_FIELDS)


@checks("custom-entries")
def _(account: ProbedAccount) -> Verdict:
    wrong, number = Counter[str](), 0
    for path, entry in _entries(account):
        number += 1
        is_named = isinstance(entry.get("FIELD_NAME"), str) and "FIELD_VALUE" in entry
        if not is_named or isinstance(entry["FIELD_VALUE"], list | dict):
            wrong[path] += 1
    return verdict_on(wrong, [f"{number:,} values"] if number else [], "no values")


def _entries(account: ProbedAccount) -> Iterator[tuple[str, Entry]]:
    for path, _, record in records(account):
        value = record.get(CUSTOM_FIELDS)
        for entry in value if isinstance(value, list) else ():
            if isinstance(entry, dict):
                yield path, entry


@checks("custom-field-ids")
def _(account: ProbedAccount) -> Verdict:
    there = [one for _, one in _entries(account) if one.get("CUSTOM_FIELD_ID") is not None]
    wrong = sum(one["CUSTOM_FIELD_ID"] != one.get("FIELD_NAME") for one in there)
    if not there:
        return unseen("No value has a CUSTOM_FIELD_ID.")
    text = f"{wrong:,} of {len(there):,} values have a CUSTOM_FIELD_ID other than their FIELD_NAME."
    return fails(text) if wrong else holds(text)


@checks("custom-values")
def _(account: ProbedAccount) -> Verdict:
    right, wrong = Counter[str](), Counter[str]()
    kinds = {str(one.get("FIELD_NAME")): str(one.get("FIELD_TYPE")) for one in account.definitions}
    for _, entry in _entries(account):
        kind, value = kinds.get(str(entry.get("FIELD_NAME")), ""), entry.get("FIELD_VALUE")
        if kind and value is not None:
            shown = kind if _TYPE.fullmatch(kind) else "a type of another name"
            (right if _converts(kind, value) else wrong)[shown] += 1
    return verdict_on(
        [f"{kind}: {number:,} values do not fit" for kind, number in wrong.items()],
        [f"{kind}: {number:,}" for kind, number in right.items()],
        "no values",
    )


def _converts(kind: str, value: object) -> bool:
    try:
        converter(_schema(kind))(value)
    except (ValueError, ArithmeticError):
        return False
    return True


@checks("choices-joined")
def _(account: ProbedAccount) -> Verdict:
    options = {
        str(one.get("FIELD_NAME")): {
            str(option.get("OPTION_VALUE"))
            for option in one.get("CUSTOM_FIELD_OPTIONS") or ()
            if isinstance(option, dict)
        }
        for one in account.definitions
        if one.get("FIELD_TYPE") == "MULTISELECT"
    }
    found = [entry for _, entry in _entries(account) if entry.get("FIELD_NAME") in options]
    values = [(options[str(one["FIELD_NAME"])], one["FIELD_VALUE"]) for one in found]
    chosen = [(among, value) for among, value in values if value is not None and value != ""]
    several = sum(_is_joined(among, value) and ";" in str(value) for among, value in chosen)
    wrong = sum(not _is_joined(among, value) for among, value in chosen)
    text = f"Of {len(chosen):,} values, {several:,} are several options joined by semicolons"
    if wrong:
        return fails(f"{text}, and {wrong:,} are not made of the options of their field.")
    return holds(f"{text}.") if several else unseen(f"{text}.")


def _is_joined(among: set[str], value: object) -> bool:
    return isinstance(value, str) and {one.strip() for one in value.split(";")} <= among | {""}


@checks("custom-absent")
def _(account: ProbedAccount) -> Verdict:
    own, main = _own(account), account.main
    if own is None or main is None or not own:
        return unseen(NO_LIST)
    names = {one.get("FIELD_NAME") for one in definitions_of(main.obj.name, own)}
    lacking = 0
    for row in main.rows:
        value = row.get(CUSTOM_FIELDS)
        there = value if isinstance(value, list) else ()
        lacking += bool(names - {one.get("FIELD_NAME") for one in there if isinstance(one, dict)})
    text = f"{lacking:,} of {len(main.rows):,} records lack fields that {main.obj.name} has."
    return holds(text) if lacking else unseen(text)


@checks("custom-objects-read")
def _(account: ProbedAccount) -> Verdict:
    if not account.custom_objects:
        return unseen("There are no custom objects.")
    found = account.custom_records
    if found is None:
        return unseen(NO_ANSWER)
    number = len(account.custom_objects)
    if found.response.is_list:
        text = f"The first of {number} custom objects has {len(found.rows):,} records."
        lacking = [row for row in found.rows if not isinstance(row.get("RECORD_ID"), int)]
        return fails(text, " Some lack RECORD_ID.") if lacking else holds(text)
    text = f"A custom object was answered {found.response.status}."
    # Without access, nothing can be seen.
    return (unseen if found.response.status == HTTPStatus.FORBIDDEN else fails)(text)
