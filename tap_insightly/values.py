"""Converts values of the API to the types of the catalog.

A converter takes a JSON value and returns one of the type in its schema, or None if it is empty.
It does not guess: it raises a ValueError, the record gets null, and `ConversionWarnings` counts it.
"""

from __future__ import annotations

import re
from datetime import datetime, timezone
from decimal import Decimal
from typing import TYPE_CHECKING, Any

from tap_insightly.conversion_warnings import ConversionWarnings

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from datetime import date, timedelta

    Converter = Callable[[Any], Any]
    Schema = Mapping[str, Any]

FIRST = datetime.min.replace(tzinfo=timezone.utc)
LAST = datetime.max.replace(tzinfo=timezone.utc)
"""The first moment that Python has, and the last."""

EMPTY_DATES = frozenset({"", "0000-00-00", "0000-00-00 00:00:00"})
"""What a record has for no date (seen live)."""

_NUMBER = re.compile(r"[+-]?[0-9]+(\.[0-9]+)?([eE][+-]?[0-9]{1,4})?")
_BOOLEANS = {"true": True, "false": False, "1": True, "0": False}
_SCALARS = (str, bool, int, Decimal)
_USUAL = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2} [0-9]{2}:[0-9]{2}:[0-9]{2}")  # seen live


def utc_text(moment: datetime) -> str:
    """Write a moment as RFC 3339 in UTC: ``2026-04-09T16:58:14Z``. Without a zone, it is UTC."""
    aware = moment if moment.tzinfo else moment.replace(tzinfo=timezone.utc)
    try:
        utc = aware.astimezone(timezone.utc)
    except OverflowError:  # the zone moves the year below 1 or above 9999
        utc = FIRST if aware.year == 1 else LAST
    return utc.replace(tzinfo=None).isoformat() + "Z"


def before(moment: datetime, duration: timedelta) -> datetime:
    """Go back in time, at most to `FIRST`."""
    return moment - duration if moment - FIRST > duration else FIRST


def parse_moment(text: str) -> datetime:
    """Read a moment as Insightly or ISO 8601 write it; without a zone, it is UTC (seen live)."""
    try:
        moment = _parsed(text)
        aware = moment if moment.tzinfo else moment.replace(tzinfo=timezone.utc)
        return aware.astimezone(timezone.utc)
    except OverflowError as error:
        msg = f"{text.strip()} is in a year below 1 or above 9999, by UTC"
        raise ValueError(msg) from error


def parse_day(text: str) -> date:
    """Read the day of a text as it is written; no zone moves it."""
    return _parsed(text).date()


def _parsed(text: str) -> datetime:
    text = text.strip()
    if text[-1:] in {"Z", "z"}:
        text = text[:-1] + "+00:00"
    # Python 3.10 reads fractions of three or six digits only.
    text = re.sub(r"\.(\d{1,6})\d*", lambda match: f".{match[1]:0<6}", text)
    return datetime.fromisoformat(text)


def is_before(value: object, moment: str) -> bool:
    """Tell whether the value of a record is not after a moment; true also if it is no moment."""
    try:
        return not isinstance(value, str) or parse_moment(value) <= parse_moment(moment)
    except (ValueError, OverflowError):
        return True


def _date_time(value: object) -> str | None:
    if not isinstance(value, str):
        raise ValueError  # noqa: TRY004 - to the caller it is one failure, whatever the type
    if value in EMPTY_DATES:
        return None
    if _USUAL.fullmatch(value):
        datetime.fromisoformat(value)  # raises ValueError for the 30th of February
        return f"{value[:10]}T{value[11:]}Z"
    return utc_text(parse_moment(value))


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
    """Split the value of a multi-select at its semicolons (seen live); None if it is empty."""
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


def _object_of(
    properties: Mapping[str, Schema], field: str, warnings: ConversionWarnings
) -> Converter:
    parts: dict[str, tuple[str, type | None, Converter]] = {}
    for name, schema in properties.items():
        path = f"{field}.{name}"
        convert_part = converter(schema, path, warnings)
        parts[name] = (path, type_as_it_is(convert_part), convert_part)

    def convert(value: object) -> dict[str, Any]:
        if not isinstance(value, dict):
            raise ValueError  # noqa: TRY004 - as above
        result = dict.fromkeys(parts)
        for name, given in value.items():
            part = parts.get(name)
            if part is None:
                warnings.unknown[f"{field}.{name}"] += 1
            elif type(given) is part[1]:
                result[name] = given
            elif given is not None:
                result[name] = warnings.attempt(part[0], part[2], given)
        return result

    return convert


def type_as_it_is(convert: Converter) -> type | None:
    """Name the exact type of values that a converter returns as they are, if there is one.

    Most values are of it, and need not be converted at all.
    """
    return _AS_IT_IS.get(convert)


_AS_IT_IS: dict[Converter, type] = {
    _string: str,
    _integer: int,
    _number: Decimal,
    _boolean: bool,
    _scalar: str,
}


def types_of(schema: Schema) -> set[str]:
    """Name the types that a value may have besides null; none if it may have any."""
    given = schema.get("type", ())
    return ({given} if isinstance(given, str) else set(given)) - {"null"}


def converter(
    schema: Schema, field: str = "", warnings: ConversionWarnings | None = None
) -> Converter:
    """Find the converter of a property; what is lost inside arrays and objects is counted."""
    counted = ConversionWarnings() if warnings is None else warnings
    types = types_of(schema)
    if types == {"array"}:
        items = schema.get("items", {})
        return (
            split_choices
            if items.get("type") == "string"
            else _list_of(converter(items, field, counted))
        )
    if types == {"object"}:
        properties = schema.get("properties")
        return _object_of(properties, field, counted) if properties else _as_it_is
    if types == {"string"}:
        return _date_time if schema.get("format") == "date-time" else _string
    simple = {"integer": _integer, "number": _number, "boolean": _boolean}
    if len(types) == 1 and (only := next(iter(types))) in simple:
        return simple[only]
    return _as_it_is if not types or types & {"array", "object"} else _scalar
