"""Records as answers have them: few fields first, texts cut, and none larger than is wanted."""

from __future__ import annotations

from decimal import Decimal
from typing import TYPE_CHECKING, Any

from tap_insightly.api import InvalidFieldsError
from tap_insightly.api.http.codec import encode
from tap_insightly.api.records.reading import value_of
from tap_insightly.openapi.objects import CUSTOM_FIELDS

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping, Sequence

    from tap_insightly.api import Field, Fields

    Record = Mapping[str, Any]

SHORT_TEXT = 200  # characters of a text in a list of records
MIDDLE_TEXT = 500  # the same if its field was asked for
SHORTEST_TEXT = 20
LONG_TEXT = 2000  # characters of a text in one record
_MOST_BRIEF = 10
# What is told of a record unless other fields are asked for: the ends of names, the first first.
_BRIEF = (
    *("FIRST_NAME", "LAST_NAME", "NAME", "TITLE", "SUBJECT", "EMAIL_ADDRESS", "PHONE"),
    *("_STATE", "STATUS", "STATUS_ID", "STAGE_ID", "_VALUE", "_AMOUNT", "_CURRENCY", "DUE_DATE"),
    *("CLOSE_DATE", "START_DATE_UTC", "ORGANISATION_ID", "OWNER_USER_ID", "DATE_UPDATED_UTC"),
)
_SELDOM = ("ADDRESS_", "ASSISTANT_", "LINKED_", "CONVERTED_")  # how others begin that end so
_NAMES = ("TITLE", "SUBJECT", "QUOTATION_NAME", "OBJECT_NAME", "TAG_NAME", "EMAIL_ADDRESS")
_NOTHING: tuple[object, ...] = (None, "", [], {})


def brief_fields(fields: Fields) -> list[Field]:
    """Choose what is told of a record in a list."""
    own = [
        one
        for one in fields
        if not one.is_custom and one.kind != "array" and not one.name.startswith(_SELDOM)
    ]
    chosen = [one for one in own if one.name == fields.obj.key]
    for end in _BRIEF:
        chosen += [one for one in own if one.name.endswith(end) and one not in chosen]
    return chosen[: _MOST_BRIEF + 1] or own[:_MOST_BRIEF]


def chosen_fields(fields: Fields, names: Sequence[str]) -> list[Field]:
    """Find fields by their names; an error lists all that are wrong, and what was meant."""
    found = [(name, fields.find(name)) for name in names]
    if problems := [fields.unknown(name) for name, one in found if one is None]:
        raise InvalidFieldsError(fields.obj.name, problems)
    return [one for _, one in found if one is not None]


def name_of(record: Record, fields: Fields | None = None) -> str | None:
    """Say what a record is called."""
    person = " ".join(filter(None, (record.get("FIRST_NAME"), record.get("LAST_NAME"))))
    if person:
        return person[:SHORT_TEXT]
    names = [one.name for one in fields or () if one.is_name]
    names += [*_NAMES, *(name for name in record if name.endswith("_NAME"))]
    found = (record.get(name) for name in names)
    return next((one[:SHORT_TEXT] for one in found if isinstance(one, str) and one), None)


def plain(value: Any) -> Any:  # noqa: ANN401 - anything that JSON can be
    """Write a value as JSON has it; a number that would lose a digit as text."""
    if isinstance(value, Decimal):
        whole = int(value) if value == value.to_integral_value() else None
        number = float(value) if whole is None else whole
        return number if Decimal(repr(number)) == value else str(value)
    if isinstance(value, dict):
        return {str(name): plain(one) for name, one in value.items()}
    return [plain(one) for one in value] if isinstance(value, list | tuple) else value


class Shape:
    """Which fields of records are told, and how much of each text."""

    def __init__(self, fields: Sequence[Field], longest: int, start: int = 0) -> None:
        """Cut texts that are longer, and begin so many characters later; no fields mean all."""
        self._names = [one.name for one in fields]
        self._longest = longest
        self._start = start
        self.cut: dict[str, int] = {}
        """The fields of which a text was cut, and how long the longest of each was."""

    def __call__(self, record: Record) -> dict[str, Any]:
        """Take of a record what is to be told: no empty values, custom fields among the others."""
        if self._names:
            found = {name: value_of(record, name) for name in self._names}
        else:
            found = {name: value for name, value in record.items() if name != CUSTOM_FIELDS}
            items = record.get(CUSTOM_FIELDS) or ()
            found |= {str(one.get("FIELD_NAME")): one.get("FIELD_VALUE") for one in items}
        return {
            name: self._fit(name, plain(value))
            for name, value in found.items()
            if value not in _NOTHING
        }

    def _fit(self, name: str, value: Any) -> Any:  # noqa: ANN401 - any value
        if isinstance(value, str):
            rest = value[self._start :] if len(value) > self._longest else value
            if len(rest) > self._longest:
                self.cut[name] = max(len(value), self.cut.get(name, 0))
                return rest[: self._longest] + "…"
            return rest
        if isinstance(value, list):
            return [self._fit(name, one) for one in value]
        if isinstance(value, dict):
            found = {key: self._fit(name, one) for key, one in value.items()}
            return {key: one for key, one in found.items() if one not in _NOTHING}
        return value


def size(answer: object) -> int:
    """Say how many characters an answer takes."""
    return len(encode(answer).decode())


def fitting(items: Sequence[Any], room: int) -> int:
    """Say how many items, from the first on, take no more than so many characters."""
    left = room
    for number, item in enumerate(items):
        left -= size(item) + 1
        if left < 0:
            return number
    return len(items)


def cut_notes(cut: Mapping[str, int], how: Callable[[str], str]) -> Iterable[str]:
    """Say which texts were cut, and how to read on."""
    for name, length in cut.items():
        yield f"{name} is cut, as it has {length:,} characters: {how(name)}."
