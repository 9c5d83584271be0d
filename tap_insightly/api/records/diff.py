"""Whether a record already is what is to be written."""

from __future__ import annotations

import unicodedata
from contextlib import suppress
from typing import TYPE_CHECKING, Any

from tap_insightly.api.records.conversions import exact, to_number
from tap_insightly.openapi.objects import CUSTOM_FIELDS

if TYPE_CHECKING:
    from collections.abc import Mapping

    from tap_insightly.api.records.fields import Field, Fields

_NOTHING: tuple[object, ...] = (None, "")


def changes(fields: Fields, body: Mapping[str, Any], record: Mapping[str, Any]) -> dict[str, Any]:
    """Find what of a body, as `Fields.body` makes it, a record does not have yet."""
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

    The two are the same however they are spelled: options in any order, plain dates at any time
    of the day, moments by the second, numbers by what they are. Nothing is the same as an empty
    text, and as false. A text is the same as what is left of it without the spaces around it,
    which an API may cut, but not the other way round. `field` is None if nothing is known of it.
    """
    ours, theirs = _normalize(field, wanted), _normalize(field, found)
    if isinstance(ours, list) or isinstance(theirs, list):
        ours, theirs = ours or [], theirs or []
        is_list = isinstance(ours, list) and isinstance(theirs, list)
        return is_list and _is_same_list(field, ours, theirs)
    if isinstance(ours, str) and isinstance(theirs, str):
        return _is_same_text(ours, theirs)
    return _is_same_scalar(ours, theirs)


def _normalize(field: Field | None, value: Any) -> Any:  # noqa: ANN401 - any value
    """Spell a value in the one way, as far as it is of its kind; nothing is an empty text."""
    with suppress(ValueError):
        value = exact(value) if field is None else field.normalize(value)
    if field is not None and field.kind == "boolean" and value in _NOTHING:
        return False
    if field is not None and field.kind == "choices" and value not in _NOTHING:
        return frozenset(value.split(";")) if isinstance(value, str) else value
    return "" if value is None else value


def _is_same_text(wanted: str, found: str) -> bool:
    wanted, found = wanted.replace("\r\n", "\n"), found.replace("\r\n", "\n")
    return found in {wanted, wanted.strip(), wanted.lstrip(), wanted.rstrip()}


def _is_same_scalar(wanted: Any, found: Any) -> bool:  # noqa: ANN401 - any value
    if isinstance(wanted, bool) or isinstance(found, bool):  # which Python takes for numbers
        return wanted is found
    if isinstance(wanted, str) != isinstance(found, str):
        with suppress(ValueError):  # of which one is no number
            return bool(to_number(wanted) == to_number(found))
    return bool(wanted == found)


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


def _is_same_list(field: Field | None, wanted: list[Any], found: list[Any]) -> bool:
    """Compare lists of tags, dates and the like; ids that were not sent do not count."""
    if len(wanted) != len(found):
        return False
    left, spelled, rest = list(found), list(map(repr, found)), []
    for item in wanted:
        if (spelling := repr(item)) in spelled:
            at = spelled.index(spelling)
            del left[at], spelled[at]
        else:
            rest.append(item)
    inside = {one.name: one for one in field.inside} if field is not None else {}
    fitting = [[n for n, one in enumerate(left) if _is_inside(inside, w, one)] for w in rest]
    return _is_each_placed(fitting)


def _is_each_placed(fitting: list[list[int]]) -> bool:
    """Tell whether each can have a place of its own, of those where it fits."""
    placed: dict[int, int] = {}

    def place(one: int, tried: set[int]) -> bool:
        for at in fitting[one]:
            if at in tried:
                continue
            tried.add(at)
            if at not in placed or place(placed[at], tried):
                placed[at] = one
                return True
        return False

    return all(place(one, set()) for one in range(len(fitting)))


def _is_inside(inside: Mapping[str, Field], item: object, other: object) -> bool:
    if not isinstance(item, dict) or not isinstance(other, dict):
        return is_same(None, item, other)
    return all(is_same(inside.get(name), value, other.get(name)) for name, value in item.items())


def is_alike(one: object, other: object) -> bool:
    """Compare two texts as a person would: without case, spaces, and ways to write an accent."""
    if not isinstance(one, str) or not isinstance(other, str):
        return one == other
    return normalized(one) == normalized(other)


def normalized(text: str) -> str:
    """Write a text in small letters, with single spaces, and accents written in the one way."""
    return " ".join(unicodedata.normalize("NFKC", text).casefold().split())
