"""Values as the API takes them, made of what people and programs write for them."""

from __future__ import annotations

from datetime import date, datetime, timezone
from decimal import Decimal
from typing import TYPE_CHECKING, Any

from tap_insightly.api.http.codec import decode
from tap_insightly.api.records.names import caseless, close_names, did_you_mean
from tap_insightly.values import EMPTY_DATES, converter, parse_day, parse_moment

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

MOST_CHARACTERS = 19
"""How long a number can be: an amount of money (spec). Of other numbers that is assumed."""

ACCEPTED = {
    "string": "text",
    "integer": "a whole number",
    "number": "a number",
    "boolean": "true or false, also as yes or no, y or n, t or f, on or off, 1 or 0",
    "date": "a date, such as 2026-01-31",
    "date-time": "a date or a date and time, such as 2026-01-31 or 2026-01-31T08:00:00Z",
    "choices": "options, separated by semicolons",
    "array": "a list",
}
"""What is accepted of each kind, to go on with after "accepted is"."""

_WORDS = {
    True: ("true", "yes", "y", "t", "on"),
    False: ("false", "no", "n", "f", "off"),
}
_BOOLEANS = {word: is_true for is_true, words in _WORDS.items() for word in words}
_MOST_LISTED = 20  # options in one sentence
_LARGEST_POWER = 30  # of ten, up or down: beyond all that fits, and still little to write out
_PANDAS_NULLS = frozenset({"nan", "nat", "<na>"})
_text = converter({"type": "string"})
_number = converter({"type": "number"})


def exact(value: Any) -> Any:  # noqa: ANN401 - any value
    """Make decimals of floats, as they are written, wherever they are in lists and objects."""
    if isinstance(value, float):
        return Decimal(float.__repr__(value))
    if isinstance(value, list):
        return [exact(one) for one in value]
    if isinstance(value, dict):
        return {name: exact(one) for name, one in value.items()}
    return value


def is_pandas_null(value: object) -> bool:
    """Tell whether a value is what pandas writes for nothing: NaN, NaT or NA, or that as a text."""
    if isinstance(value, Decimal):
        return value.is_nan()
    if isinstance(value, float | datetime):
        return value != value  # noqa: PLR0124 - so NaN and NaT can be told
    text = value if isinstance(value, str) else repr(value) if _is_na(value) else ""
    return text.strip().casefold() in _PANDAS_NULLS


def _is_na(value: object) -> bool:
    return type(value).__name__ == "NAType"


def to_text(value: Any) -> str:  # noqa: ANN401 - any value
    """Make a text of a value; raise `ValueError` of what is no text, number or boolean.

    A whole number has no fraction, as pandas makes 7.0 of a 7 beside nulls.
    """
    if isinstance(value, Decimal):
        number = _written_out(value)
        is_whole = isinstance(number, Decimal) and number == number.to_integral_value()
        value = int(number) if is_whole else number
        return format(value, "f") if isinstance(value, Decimal) else str(value)
    return str(_text(value))


def search_text(value: Any) -> str:  # noqa: ANN401 - any value
    """Spell a converted value as a search is asked for it.

    ``7`` for 7.0, ``7.5`` for 7.50, ``true`` for True, nothing for None; a text as it is.
    """
    if value is None:
        return ""
    text = to_text(exact(value))
    if isinstance(value, Decimal | float) and "." in text:
        return text.rstrip("0").rstrip(".")
    return text


def to_number(value: Any) -> int | Decimal | None:  # noqa: ANN401 - any value
    """Make a number of a value, with every digit; None of an empty text, `ValueError` of others."""
    found = _number(value.strip() if isinstance(value, str) else value)
    return _written_out(found) if isinstance(found, Decimal) else found


def to_integer(value: Any) -> int | None:  # noqa: ANN401 - any value
    """Make a whole number of a value; `ValueError` of what has a fraction."""
    number = to_number(value)
    if isinstance(number, Decimal):
        if number != number.to_integral_value():
            raise ValueError
        return int(number)
    return number


def to_boolean(value: Any) -> bool | None:  # noqa: ANN401 - any value
    """Make true or false of a value: 1 or 0, or any word in `_WORDS`, in any case."""
    if isinstance(value, bool):
        return value
    if isinstance(value, str) and value.strip().casefold() in _BOOLEANS:
        return _BOOLEANS[value.strip().casefold()]
    number = to_number(value)
    if number not in {0, 1, None}:
        raise ValueError
    return None if number is None else number == 1


def to_day(value: Any) -> str | None:  # noqa: ANN401 - any value
    """Make of a value the day that it names, at midnight: ``2026-01-31 00:00:00``, in no zone.

    None for what stands for none; `ValueError` or `TypeError` for what is no date.
    """
    if isinstance(value, str):
        if value.strip() in EMPTY_DATES:
            return None
        value = parse_day(value)
    if not isinstance(value, date) or is_pandas_null(value):
        raise TypeError
    return f"{date(value.year, value.month, value.day).isoformat()} 00:00:00"


def to_moment(value: Any) -> str | None:  # noqa: ANN401 - any value
    """Make of a value a date and time, in UTC and whole seconds (docs): ``2026-01-31 08:00:00``.

    What has no zone is UTC. None for what stands for none; `ValueError`, `TypeError` or
    `OverflowError` for what is no moment in the calendar.
    """
    if isinstance(value, date) and not isinstance(value, datetime):
        value = datetime(value.year, value.month, value.day, tzinfo=timezone.utc)
    if isinstance(value, str):
        if value.strip() in EMPTY_DATES:
            return None
        value = parse_moment(value)
    if not isinstance(value, datetime) or is_pandas_null(value):
        raise TypeError
    moment = value if value.tzinfo else value.replace(tzinfo=timezone.utc)
    return moment.astimezone(timezone.utc).replace(tzinfo=None).isoformat(" ", "seconds")


SCALARS: dict[str, Callable[[Any], Any]] = {
    "string": to_text,
    "integer": to_integer,
    "number": to_number,
    "boolean": to_boolean,
    "date": to_day,
    "date-time": to_moment,
}
"""What converts a value of each kind that is no list."""


def to_items(value: Any, key: str | None, dates: set[str]) -> list[Any]:  # noqa: ANN401 - any value
    """Make a list of objects of a list, JSON of one, or texts separated by semicolons.

    `key` is the one property of an item that may be given as a text, `dates` are those with dates.
    `ValueError` or `TypeError` for what is no list.
    """
    if isinstance(value, str):
        is_json = value.lstrip().startswith("[")
        value = decode(value) if is_json else [part.strip() for part in value.split(";")]
    if not isinstance(value, list):
        raise TypeError
    found = [{key: one} if key and isinstance(one, str) else one for one in exact(value) if one]
    if not all(isinstance(one, dict) for one in found):
        raise TypeError
    return [{n: to_moment(v) if n in dates and v else v for n, v in i.items()} for i in found]


def what_would_fit(value: Any, kind: str, bits: int) -> str | None:  # noqa: ANN401 - a converted value
    """Say what would fit into a field, to go on with after "accepted is", if a value does not."""
    if value is None:
        return None
    most = 2 ** (bits - 1)
    if kind == "integer" and not -most <= value < most:
        return f"{ACCEPTED[kind]} from {-most:,} to {most - 1:,}"
    if kind == "number" and (
        abs(value) >= 10**MOST_CHARACTERS or len(format(Decimal(value), "f")) > MOST_CHARACTERS
    ):
        return f"{ACCEPTED[kind]} of at most {MOST_CHARACTERS} characters"
    return None


def option_of(given: str, options: Sequence[str]) -> str | None:
    """Find the option that is meant: of that very spelling, or the only one nearly so.

    That differs from it in nothing but spaces around it or in case. None if there is no telling.
    """
    if given in options:
        return given
    for spelled in (str.strip, caseless):
        near = [one for one in dict.fromkeys(options) if spelled(one) == spelled(given)]
        if near:
            return near[0] if len(near) == 1 else None
    return None


def no_option(given: str, options: Sequence[str]) -> str:
    """Say, in a sentence without its end, that something is no option, and which there are."""
    near = close_names(given, options)
    text = f"{shortened(given)} is no option{did_you_mean(near, in_brackets=True)}"
    listed = list(dict.fromkeys([*near, *options]))
    if len(listed) <= _MOST_LISTED:
        return f"{text}. The options are {', '.join(map(shortened, listed))}"
    such = "" if near else f", such as {', '.join(map(shortened, listed[:3]))}"
    return f"{text}. There are {len(listed):,} options{such}"


def shortened(value: object) -> str:
    """Show a value in a sentence, cut where it is long."""
    try:
        text = repr(value)
    except (ValueError, RecursionError):
        return "what is too large to be shortened"
    return text if len(text) <= 60 else f"{text[:57]}..."  # noqa: PLR2004 - as much as a line has room


def _written_out(number: Decimal) -> int | Decimal:
    """Write a number without a power of ten; `ValueError` if it has too many digits: 1E+1 is 10."""
    if not number.is_finite() or abs(number.adjusted()) > _LARGEST_POWER:
        raise ValueError
    exponent = number.as_tuple().exponent
    return int(number) if isinstance(exponent, int) and exponent > 0 else number
