"""From what the API sends to what the catalog promises.

A converter takes a JSON value and returns one of the type that its schema names, or None for an
empty one. What it cannot convert without guessing raises ValueError; the record then carries
null, and one warning a field says how often and where.
"""

from __future__ import annotations

import re
from collections import Counter
from datetime import datetime, timezone
from decimal import Decimal
from typing import TYPE_CHECKING, Any

from tap_insightly.custom_fields import RAW

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence

    Converter = Callable[[Any], Any]
    Schema = Mapping[str, Any]

_EMPTY_DATES = frozenset({"", "0000-00-00", "0000-00-00 00:00:00"})  # seen live
_NUMBER = re.compile(r"[+-]?[0-9]+(\.[0-9]+)?([eE][+-]?[0-9]{1,4})?")
_BOOLEANS = {"true": True, "false": False, "1": True, "0": False}
_SCALARS = (str, bool, int, Decimal)


def utc_text(moment: datetime) -> str:
    """Write a moment the way all of the tap's timestamps leave it: RFC 3339, UTC, with Z.

    Args:
        moment: A datetime; one without a zone is taken as UTC.

    Returns:
        Text such as ``2026-04-09T16:58:14Z``; a fraction of a second only where there is one.
    """
    aware = moment if moment.tzinfo else moment.replace(tzinfo=timezone.utc)
    return aware.astimezone(timezone.utc).replace(tzinfo=None).isoformat() + "Z"


def parse_moment(text: str) -> datetime:
    """Read a moment in any of the spellings met: Insightly's own or ISO 8601.

    Args:
        text: Such as ``2026-04-09 16:58:14``, ``2026-04-09T16:58:14.5Z`` or ``2026-04-09``.

    Returns:
        An aware datetime; UTC where the text names no zone (seen live).

    Raises:
        ValueError: If it is none of these.
    """
    text = text.strip()
    if text[-1:] in {"Z", "z"}:
        text = text[:-1] + "+00:00"
    # Python 3.10 reads fractions of three or six digits only.
    text = re.sub(r"\.(\d{1,6})\d*", lambda match: f".{match[1]:0<6}", text)
    moment = datetime.fromisoformat(text)
    return moment if moment.tzinfo else moment.replace(tzinfo=timezone.utc)


def _date_time(value: object) -> str | None:
    if not isinstance(value, str):
        raise ValueError  # noqa: TRY004 - to the caller it is one failure, whatever the type
    if value in _EMPTY_DATES:
        return None
    try:
        return utc_text(parse_moment(value))
    except OverflowError as error:  # a zone that moves the year below 1 or above 9999
        raise ValueError from error


def _string(value: object) -> str:
    if isinstance(value, str):
        return value
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, int | Decimal):
        return str(value)
    raise ValueError


def _decimal(value: object) -> Decimal | int:
    if isinstance(value, Decimal) or (isinstance(value, int) and not isinstance(value, bool)):
        return value
    if isinstance(value, str) and _NUMBER.fullmatch(value):
        return Decimal(value)
    raise ValueError


def _number(value: object) -> Decimal | int | None:
    return None if value == "" else _decimal(value)


def _integer(value: object) -> int | None:
    if value == "":
        return None
    number = _decimal(value)
    if isinstance(number, Decimal):
        # Before int(): 1E+9999 is a short text and a number of ten thousand digits.
        if number.adjusted() > 30 or number != number.to_integral_value():  # noqa: PLR2004
            raise ValueError
        number = int(number)
    return number


def _boolean(value: object) -> bool | None:
    if isinstance(value, bool):
        return value
    if value == "":
        return None
    if isinstance(value, int | str) and str(value).lower() in _BOOLEANS:
        return _BOOLEANS[str(value).lower()]
    raise ValueError


def _scalar(value: object) -> object:
    if isinstance(value, _SCALARS):
        return value
    raise ValueError


def _as_it_is(value: object) -> object:
    return value


def split_choices(value: object) -> list[str] | None:
    """Read the value of a multi-select: one text, joined by semicolons (seen live).

    Args:
        value: What the API sent.

    Returns:
        The chosen options, texts in the order given; None if nothing is chosen.

    Raises:
        ValueError: If it is neither text nor a list of texts.
    """
    parts = value.split(";") if isinstance(value, str) else value
    if not isinstance(parts, list) or not all(isinstance(part, str) for part in parts):
        raise ValueError
    return [part.strip() for part in parts if part.strip()] or None


def _list_of(convert: Converter) -> Converter:
    def converter(value: object) -> list[Any]:
        if not isinstance(value, list):
            raise ValueError  # noqa: TRY004 - as above
        return [None if item is None else convert(item) for item in value]

    return converter


def _object_of(properties: Mapping[str, Schema]) -> Converter:
    converters = {name: converter(schema) for name, schema in properties.items()}

    def convert(value: object) -> dict[str, Any]:
        if not isinstance(value, dict):
            raise ValueError  # noqa: TRY004 - as above
        return {
            name: None if value.get(name) is None else convert_one(value[name])
            for name, convert_one in converters.items()
        }

    return convert


def converter(schema: Schema) -> Converter:
    """Find the converter for a property.

    Args:
        schema: The property's JSON schema.

    Returns:
        A function from a JSON value other than null to a value valid by the schema, or None.
    """
    given = schema.get("type", ())
    types = {given} if isinstance(given, str) else set(given)
    types.discard("null")
    if types == {"array"}:
        items = schema.get("items", {})
        return split_choices if items.get("type") == "string" else _list_of(converter(items))
    if types == {"object"}:
        return _object_of(schema["properties"]) if schema.get("properties") else _as_it_is
    if types == {"string"}:
        return _date_time if schema.get("format") == "date-time" else _string
    simple = {"integer": _integer, "number": _number, "boolean": _boolean}
    if len(types) == 1 and (only := next(iter(types))) in simple:
        return simple[only]
    return _as_it_is if not types or types & {"array", "object"} else _scalar


class Conformer:
    """Turns the records of one stream into rows that are valid by the stream's schema."""

    def __init__(
        self,
        schema: Schema,
        *,
        key_properties: Sequence[str] = (),
        custom: Mapping[str, str] | None = None,
    ) -> None:
        """Prepare the converters of a stream.

        Args:
            schema: The stream's JSON schema.
            key_properties: The names of the primary key's properties.
            custom: The columns that come from custom fields: field name → column name.
        """
        self._custom = {
            field: (column, converter(schema["properties"][column]))
            for field, column in (custom or {}).items()
        }
        columns = {column for column, _ in self._custom.values()}
        self._standard = {
            name: converter(prop)
            for name, prop in schema["properties"].items()
            if name not in columns
        }
        self._empty = dict.fromkeys(schema["properties"])
        self._keys = tuple(key_properties)
        self._bad: Counter[str] = Counter()
        self._example: dict[str, tuple[object, ...]] = {}
        self._unknown: Counter[str] = Counter()
        self._unknown_custom: Counter[str] = Counter()
        self._without_key = 0

    def __call__(self, record: Mapping[str, Any]) -> dict[str, Any] | None:
        """Convert a record.

        Args:
            record: A record as the API sent it.

        Returns:
            A row with every property of the schema; None if the record lacks its primary key.
        """
        row = self._empty.copy()
        for name, value in record.items():
            if name in self._standard:
                if value is not None:
                    row[name] = self._convert(name, self._standard[name], value, record)
            elif name != RAW:
                self._unknown[name] += 1
        self._add_custom(row, record)
        if any(row[key] is None for key in self._keys):
            self._without_key += 1
            return None
        return row

    def _add_custom(self, row: dict[str, Any], record: Mapping[str, Any]) -> None:
        fields = record.get(RAW)
        for field in fields if isinstance(fields, list) else ():
            name = field.get("FIELD_NAME") if isinstance(field, dict) else None
            if name in self._custom:
                value = field.get("FIELD_VALUE")
                if value is not None:
                    column, convert = self._custom[name]
                    row[column] = self._convert(column, convert, value, record)
            elif isinstance(name, str) and (self._custom or RAW not in self._standard):
                self._unknown_custom[name] += 1

    def _convert(
        self, column: str, convert: Converter, value: object, record: Mapping[str, Any]
    ) -> object:
        try:
            return convert(value)
        except ValueError:
            self._bad[column] += 1
            self._example.setdefault(column, tuple(record.get(key) for key in self._keys))
            return None

    def warnings(self) -> Iterator[str]:
        """Say what could not be kept: once for each field, not for each record.

        Yields:
            Sentences for the log.
        """
        for column, count in self._bad.items():
            where = ", ".join(
                f"{key} {value}"
                for key, value in zip(self._keys, self._example[column], strict=True)
            )
            yield (
                f"{column}: {count} values are not of the type that the catalog says and were "
                f"left empty, the first in the record with {where}."
            )
        if self._unknown:
            yield (
                f"The API sent fields that the catalog does not know, which were left out: "
                f"{', '.join(sorted(self._unknown))}."
            )
        if self._unknown_custom:
            yield (
                "Custom fields that the catalog does not know were left out: "
                f"{', '.join(sorted(self._unknown_custom))}. Discover the catalog again to get "
                "them, then load the stream anew for the records of the past."
            )
        if self._without_key:
            yield (
                f"{self._without_key} records came without a primary key "
                f"({', '.join(self._keys)}) and were left out."
            )
