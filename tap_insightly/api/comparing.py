"""Whether a record already is what is to be written."""

from __future__ import annotations

import unicodedata
from contextlib import suppress
from typing import TYPE_CHECKING, Any

from tap_insightly.api.fields import CUSTOM_FIELDS

if TYPE_CHECKING:
    from collections.abc import Mapping

    from tap_insightly.api.fields import Field, Fields

_EMPTY: tuple[object, ...] = (None, "", [])


def changes(fields: Fields, body: Mapping[str, Any], record: Mapping[str, Any]) -> dict[str, Any]:
    """Find out what of a body is not in a record yet.

    Args:
        fields: The fields of the object.
        body: What is to be written, as `Fields.body` makes it.
        record: The record as the API answered it.

    Returns:
        The part of the body that would change the record; empty if all of it is there.
    """
    changed = {}
    for name, value in body.items():
        if name == CUSTOM_FIELDS:
            custom = _changed_custom(fields, value, record)
            if custom:
                changed[name] = custom
        elif not is_same(fields.find(name), value, record.get(name)):
            changed[name] = value
    return changed


def is_same(field: Field | None, wanted: object, found: object) -> bool:
    """Compare a value that is to be written with one that was read.

    Args:
        field: The field; None if nothing is known of it.
        wanted: What is to be written, as the API takes it.
        found: What the API answered.

    Returns:
        Whether it is the same value, however it is spelled; nothing is the same as an empty text.
    """
    if field is not None:
        with suppress(ValueError):  # what was read need not be valid: an option that is gone
            wanted, found = field.convert(wanted), field.convert(found)
    if wanted in _EMPTY or found in _EMPTY:
        return wanted in _EMPTY and found in _EMPTY
    if isinstance(wanted, list) and isinstance(found, list):
        return _is_same_list(wanted, found)
    return wanted == found


def _changed_custom(fields: Fields, wanted: Any, record: Mapping[str, Any]) -> list[Any]:  # noqa: ANN401 - JSON
    items = record.get(CUSTOM_FIELDS) or ()
    found = {item.get("FIELD_NAME"): item.get("FIELD_VALUE") for item in items}
    return [
        item
        for item in wanted
        if not is_same(
            fields.find(item["FIELD_NAME"]), item["FIELD_VALUE"], found.get(item["FIELD_NAME"])
        )
    ]


def _is_same_list(wanted: list[Any], found: list[Any]) -> bool:
    """Compare lists of tags, dates and the like; ids that were not sent do not count."""
    if len(wanted) != len(found):
        return False
    left = list(found)
    for item in wanted:
        match = next((one for one in left if _is_inside(item, one)), None)
        if match is None:
            return False
        left.remove(match)
    return True


def _is_inside(item: object, other: object) -> bool:
    if not isinstance(item, dict) or not isinstance(other, dict):
        return item == other
    return all(
        is_same(None, value, other.get(name)) or _moment(value) == _moment(other.get(name)) != ""
        for name, value in item.items()
    )


def _moment(value: object) -> str:
    """Spell a date in the one way, as far as it is one: ISO 8601 without a zone."""
    text = value if isinstance(value, str) else ""
    return text.replace("T", " ").removesuffix("Z") if text[:4].isdigit() else ""


def is_alike(one: object, other: object) -> bool:
    """Compare two texts as a person would: without case, spaces, and ways to write an accent.

    Args:
        one: A text; other values are compared as they are.
        other: Another.

    Returns:
        Whether they are the same.
    """
    if not isinstance(one, str) or not isinstance(other, str):
        return one == other
    return _plain(one) == _plain(other)


def _plain(text: str) -> str:
    return " ".join(unicodedata.normalize("NFKC", text).casefold().split())
