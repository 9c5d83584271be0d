"""Whether what is to be written can be: every value by the kind of its field."""

from __future__ import annotations

import re
from datetime import datetime
from decimal import Decimal
from typing import TYPE_CHECKING, Any, Protocol

import msgspec

from tap_insightly.sandbox.handlers.replies import Refusal

if TYPE_CHECKING:
    from tap_insightly.sandbox.account.records import Record
    from tap_insightly.sandbox.handlers.operations import Body, Field

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


class Lookup(Protocol):
    """What is to be known of an account to check what is written into it."""

    def is_there(self, path: str, key: int) -> bool:
        """Tell whether there is a record."""

    def default_of(self, field: Field) -> Any:  # noqa: ANN401 - any JSON value
        """Find out what a field that is required has where nothing was sent."""


def sent(body: bytes) -> Any:  # noqa: ANN401 - any JSON value
    """Read the body of a request."""
    try:
        return _decode(body)
    except (msgspec.DecodeError, ArithmeticError):  # the latter: an exponent without measure
        raise Refusal(400, "The body is not JSON.") from None


def trimmed(given: Any) -> Any:  # noqa: ANN401 - any JSON value
    """Cut outer spaces off every text."""
    if isinstance(given, dict):
        return {name: trimmed(value) for name, value in given.items()}
    if isinstance(given, list):
        return [trimmed(value) for value in given]
    return given.strip() if isinstance(given, str) else given


def is_date(text: str) -> bool:
    """Tell whether a text is a date-time as it is written in bodies (docs).

    Whether the API takes others is not known. None is taken here, so that clients that rely on
    more are found.
    """
    if not re.fullmatch(r"[0-9]{4}-[0-9]{2}-[0-9]{2} [0-9]{2}:[0-9]{2}:[0-9]{2}", text):
        return False
    try:
        datetime.fromisoformat(text)
    except ValueError:
        return False
    return True


def is_a(value: object, *kinds: str) -> bool:
    """Tell whether a value is of a kind."""
    if isinstance(value, bool):  # which Python takes for a number
        return "boolean" in kinds
    return any(isinstance(value, _KINDS[kind]) for kind in kinds)


def checked(body: Body, given: object, lookup: Lookup) -> Record:
    """Check an object that is to be written.

    What is not a field of it, or not one that can be written, is left out: assumed, as what the
    API does with it is not known.
    """
    if not isinstance(given, dict):
        raise Refusal(400, "What is to be written is not a JSON object.")
    for name in sorted(body.required):
        if given.get(name) in _EMPTY:
            default = _default(body.fields.get(name), given.get(name), lookup)
            if default is None:
                raise Refusal(400, f"{name} is missing.")
            given = given | {name: default}
    for name in sorted(body.kept):
        if name in given and given[name] in _EMPTY:
            raise Refusal(400, f"{name} cannot be empty.")
    fields = {name: value for name, value in given.items() if name in body.fields}
    for name, value in fields.items():
        fields[name] = _value(body.fields[name], value, lookup)
    return fields


def _default(field: Field | None, given: object, lookup: Lookup) -> Any:  # noqa: ANN401 - as above
    if field is None or (given is not None and not is_a(given, *field.types)):
        return None
    return lookup.default_of(field)


def _value(field: Field, value: Any, lookup: Lookup) -> Any:  # noqa: ANN401 - any JSON value
    name = field.name
    if not is_a(value, *field.types):
        raise Refusal(400, f"{name} is not of the type {' or '.join(sorted(field.types))}.")
    if field.inner is not None and value is not None:
        if not isinstance(value, list):
            return checked(field.inner, value, lookup)
        return [checked(field.inner, one, lookup) for one in value]
    if isinstance(value, str):
        _text(field, value)
    elif is_a(value, "number"):
        _number(field, value)
    if field.joins is not None and value is not None:
        # Some ids are texts here and numbers there (spec).
        if isinstance(value, str) and not re.fullmatch(r"[0-9]{1,18}", value):
            raise Refusal(400, f"{name} is not an id.")
        if not lookup.is_there(field.joins, int(value)):
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
