"""What a delivery says: the object, the record, when it was updated; or why that cannot be told.

A workflow of Insightly sends ``{"entity": {…}}`` with the fields of a record (docs). Nothing in it
names the object, so that is known from the field with the id.
"""

from __future__ import annotations

import codecs
import json
from collections import defaultdict
from decimal import Decimal
from functools import cache
from typing import TYPE_CHECKING, Any, NamedTuple

import msgspec

from tap_insightly.api.http.codec import decode
from tap_insightly.openapi import COMPONENTS
from tap_insightly.openapi.objects import standard_objects
from tap_insightly.webhooks.dates import text_of_date
from tap_insightly.webhooks.event import ANY_CUSTOM_OBJECT_RECORD, Understood

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

ENTITY = "entity"
UPDATED = "DATE_UPDATED_UTC"
CUSTOM_KEY, CUSTOM_COMPONENT = "RECORD_ID", "CustomObjectRecord"

_OBJECT_NAME = "OBJECT_NAME"
_LARGEST_ID = 2**63 - 1
_MOST_LEVELS = 100
_LONGEST_NAME = 100  # characters of the name of an object


class Kind(NamedTuple):
    """An object that a delivery can be about."""

    name: str
    key: str
    component: str
    fields: frozenset[str]


class Delivery(NamedTuple):
    """A delivery that was understood, and its record as it came."""

    understood: Understood
    kind: Kind
    record: Mapping[str, Any]


class RejectedError(ValueError):
    """A delivery cannot be understood; the text says why."""


def understand(body: bytes) -> Understood:
    """Tell what a delivery is about, or why that cannot be told.

    Args:
        body: As it came, whatever it is.

    Returns:
        The object, the record, and when that was updated; or a reason.
    """
    try:
        return read(body).understood
    except RejectedError as error:
        return Understood(reason=str(error))


def read(body: bytes) -> Delivery:
    """Read a delivery.

    Args:
        body: As it came, whatever it is.

    Returns:
        What it says.

    Raises:
        RejectedError: If it cannot be understood.
    """
    record = _entity(_parsed(body))
    kind = _kind_of(record)
    record_id = _id_of(kind.key, record[kind.key])
    name = kind.name
    if kind.component == CUSTOM_COMPONENT:
        name = _custom_object_of(record)
    return Delivery(Understood(name, record_id, text_of_date(record.get(UPDATED))), kind, record)


def _parsed(body: bytes) -> Any:  # noqa: ANN401 - anything that JSON can be
    body = body.removeprefix(codecs.BOM_UTF8)
    if not body.strip():
        msg = "It is empty."
        raise RejectedError(msg)
    try:
        text = body.decode()
        value = decode(text)
    except UnicodeDecodeError as error:
        msg = f"It is no text in UTF-8 (byte {error.start})."
    except RecursionError:
        msg = f"It is nested more than {_MOST_LEVELS} levels deep."
    except msgspec.ValidationError:  # of what is JSON, numbers alone can be wrong
        msg = "It has a number that is too large."
    except msgspec.DecodeError as error:
        msg = f"It is no JSON: {str(error).removeprefix('JSON is malformed: ').rstrip('.')}."
    except ArithmeticError:
        msg = "It has a number that is too large."
    else:
        _check(text, value)
        return value
    raise RejectedError(msg)


def _check(text: str, value: object) -> None:
    """Reject what different programs would read in different ways, or not at all."""
    if text.count("[") + text.count("{") > _MOST_LEVELS and _is_deep(value):
        msg = f"It is nested more than {_MOST_LEVELS} levels deep."
        raise RejectedError(msg)
    try:
        json.loads(text, object_pairs_hook=_check_names, parse_int=len, parse_float=len)
    except json.JSONDecodeError as error:
        msg = f"It is no JSON: {error}."
        raise RejectedError(msg) from None


def _is_deep(value: object) -> bool:
    level = [value]
    for _ in range(_MOST_LEVELS + 1):
        level = [
            inner
            for one in level
            if isinstance(one, list | dict)
            for inner in (one.values() if isinstance(one, dict) else one)
        ]
        if not level:
            return False
    return True


def _check_names(pairs: Sequence[tuple[str, object]]) -> None:
    if len({name for name, _ in pairs}) < len(pairs):
        msg = "It has two values of one name, and nothing says which one counts."
        raise RejectedError(msg)


def _entity(value: object) -> Mapping[str, Any]:
    if not isinstance(value, dict):
        msg = "It is no JSON object."
    elif ENTITY not in value:
        msg = f'It has no "{ENTITY}".'
    elif not isinstance(entity := value[ENTITY], dict):
        msg = f'Its "{ENTITY}" is no JSON object.'
    else:
        return entity
    raise RejectedError(msg)


def _kind_of(record: Mapping[str, Any]) -> Kind:
    """Find the object most of whose fields these are; of several, the one whose id comes first."""
    by_key = _kinds_by_key()
    kinds = [kind for name in record if name in by_key for kind in by_key[name]]
    if not kinds:
        msg = "It has no field with the id of a record of any object that is known."
        raise RejectedError(msg)
    known = [len(kind.fields & record.keys()) for kind in kinds]
    best = kinds[known.index(max(known))]
    alike = [one.name for one in kinds if one.component == best.component]
    if len(alike) > 1:
        msg = f"Nothing tells which of these it is: {', '.join(alike)}."
        raise RejectedError(msg)
    return best


def _id_of(key: str, value: object) -> int:
    number = value
    if isinstance(value, str) and value.isascii() and value.isdecimal() and len(value) < 20:  # noqa: PLR2004 - digits of the largest
        number = int(value)
    if isinstance(value, Decimal) and value.adjusted() < 19 and value == value.to_integral_value():  # noqa: PLR2004 - as above
        number = int(value)
    if isinstance(number, bool) or not isinstance(number, int) or not 0 < number <= _LARGEST_ID:
        what = "null" if value is None else "no number of a record"
        msg = f"Its {key} is {what}."
        raise RejectedError(msg)
    return number


def _custom_object_of(record: Mapping[str, Any]) -> str:
    """Name the custom object, if the record does.

    No sample of such a delivery is at hand. Its fields are as in the API, where only definitions
    of objects have a name.
    """
    name = record.get(_OBJECT_NAME)
    is_name = (
        isinstance(name, str)
        and len(name) <= _LONGEST_NAME
        and name.isascii()
        and name.endswith("__c")
        and name.isidentifier()
    )
    return str(name) if is_name else ANY_CUSTOM_OBJECT_RECORD


@cache
def _kinds_by_key() -> Mapping[str, Sequence[Kind]]:
    found: dict[str, list[Kind]] = defaultdict(list)
    for one in standard_objects():
        if one.key is not None:
            found[one.key].append(Kind(one.name, one.key, one.component, _fields(one.component)))
    found[CUSTOM_KEY].append(
        Kind(ANY_CUSTOM_OBJECT_RECORD, CUSTOM_KEY, CUSTOM_COMPONENT, _fields(CUSTOM_COMPONENT))
    )
    return dict(found)


def _fields(component: str) -> frozenset[str]:
    return frozenset(COMPONENTS[component]["properties"])
