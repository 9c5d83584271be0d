"""Whether what is to be written can be: every value by the kind of its field."""

from __future__ import annotations

import re
from datetime import datetime
from decimal import Decimal
from typing import TYPE_CHECKING, Any

import msgspec

from tap_insightly.sandbox.replies import Refusal

if TYPE_CHECKING:
    from collections.abc import Callable

    from tap_insightly.sandbox.operations import Body, Field
    from tap_insightly.sandbox.store import Record

    IsThere = Callable[[str, int], bool]

# Floats would lose digits of money.
_decode = msgspec.json.Decoder(float_hook=Decimal).decode
_KINDS: dict[str, tuple[type, ...]] = {
    "string": (str,),
    "integer": (int,),
    "number": (int, Decimal),
    "boolean": (bool,),
    "array": (list,),
    "object": (dict,),
    "null": (type(None),),
}
_EMPTY = (None, "")
MOST_CHARACTERS = 19
"""How long a number can be."""


def sent(body: bytes) -> Any:  # noqa: ANN401 - any JSON value
    """Read the body of a request.

    Args:
        body: The body.

    Returns:
        What it holds. Numbers with a fraction are decimals.

    Raises:
        Refusal: If it is not JSON.
    """
    try:
        return _decode(body)
    except (msgspec.DecodeError, ArithmeticError):  # the latter: an exponent without measure
        raise Refusal(400, "The body is not JSON.") from None


def is_date(text: str) -> bool:
    """Tell whether a text is a date-time as it is written in bodies (docs).

    Whether the API takes others is not known. None is taken here, so that clients that rely on
    more are found.

    Args:
        text: The text.

    Returns:
        Whether it is like ``2025-04-19 00:49:32``, and there is such a moment.
    """
    if not re.fullmatch(r"[0-9]{4}-[0-9]{2}-[0-9]{2} [0-9]{2}:[0-9]{2}:[0-9]{2}", text):
        return False
    try:
        datetime.fromisoformat(text)
    except ValueError:
        return False
    return True


def is_a(value: object, *kinds: str) -> bool:
    """Tell whether a value is of a kind.

    Args:
        value: The value.
        *kinds: Types of JSON, such as ``integer``.

    Returns:
        Whether it is of one of them.
    """
    if isinstance(value, bool):  # which Python takes for a number
        return "boolean" in kinds
    return any(isinstance(value, _KINDS[kind]) for kind in kinds)


def checked(body: Body, given: object, is_there: IsThere) -> Record:
    """Check an object that is to be written.

    What is not a field of it, or not one that can be written, is left out: assumed, as what the
    API does with it is not known.

    Args:
        body: What it may carry.
        given: The object as it was sent.
        is_there: Tells of the path of a list and an id whether there is such a record.

    Returns:
        The fields that can be written.

    Raises:
        Refusal: If it cannot be written. The message names the field.
    """
    if not isinstance(given, dict):
        raise Refusal(400, "What is to be written is not a JSON object.")
    for name in sorted(body.required):
        if given.get(name) in _EMPTY:
            raise Refusal(400, f"{name} is missing.")
    for name in sorted(body.kept):
        if name in given and given[name] in _EMPTY:
            raise Refusal(400, f"{name} cannot be empty.")
    fields = {name: value for name, value in given.items() if name in body.fields}
    for name, value in fields.items():
        fields[name] = _value(body.fields[name], value, is_there)
    return fields


def _value(field: Field, value: Any, is_there: IsThere) -> Any:  # noqa: ANN401 - any JSON value
    name = field.name
    if not is_a(value, *field.types):
        raise Refusal(400, f"{name} is not of the type {' or '.join(sorted(field.types))}.")
    if field.inner is not None and value is not None:
        if not isinstance(value, list):
            return checked(field.inner, value, is_there)
        return [checked(field.inner, one, is_there) for one in value]
    if isinstance(value, str):
        _text(field, value)
    elif is_a(value, "number"):
        _number(field, value)
    if field.joins is not None and value is not None:
        # Some ids are texts here and numbers there (spec).
        if isinstance(value, str) and not re.fullmatch(r"[0-9]{1,18}", value):
            raise Refusal(400, f"{name} is not an id.")
        if not is_there(field.joins, int(value)):
            raise Refusal(400, f"{name} leads to nothing: there is no {field.joins}/{value}.")
    return value


def _number(field: Field, value: Decimal) -> None:
    if "integer" in field.types and not -(2 ** (field.bits - 1)) <= value < 2 ** (field.bits - 1):
        raise Refusal(400, f"{field.name} is too large.")
    # Amounts of money have so many at the most (spec); of other numbers that is assumed.
    if len(str(value)) > MOST_CHARACTERS or abs(value) >= 10**MOST_CHARACTERS:
        raise Refusal(400, f"{field.name} has more than {MOST_CHARACTERS} characters.")


def _text(field: Field, value: str) -> None:
    if field.max_length is not None and len(value) > field.max_length:
        raise Refusal(400, f"{field.name} is longer than {field.max_length} characters.")
    if field.is_date and not is_date(value):
        raise Refusal(400, f"{field.name} is not a date like 2025-04-19 00:49:32.")
