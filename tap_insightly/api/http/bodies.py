"""Whether a body is what was asked for: JSON, and of the shape that belongs there."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

import msgspec

from tap_insightly.api.http.errors import BrokenResponseError, Facts
from tap_insightly.api.http.json_repair import repaired, where_it_breaks, without_byte_order_mark
from tap_insightly.api.http.server_text import as_sentence, server_message
from tap_insightly.api.http.shapes import Shape, shape_of

if TYPE_CHECKING:
    from collections.abc import Callable

    from tap_insightly.api.http.request import Request


class _Record(msgspec.Struct, gc=False):
    """Any object: all of its text is parsed, and nothing is made of it."""


_record = msgspec.json.Decoder(_Record).decode
_records = msgspec.json.Decoder(list[_Record]).decode
_anything = msgspec.json.Decoder(msgspec.Raw).decode
_things = msgspec.json.Decoder(list[msgspec.Raw]).decode

_anything_named = msgspec.json.Decoder(dict[str, msgspec.Raw]).decode
# What the object of an error has, and no record has alone.
_OF_FAILURES = {
    *("message", "messagedetail", "exceptionmessage", "exceptiontype", "stacktrace"),
    *("innerexception", "modelstate", "error", "errors"),
}

_KINDS = {
    "array": Shape.LIST.value,
    "object": Shape.OBJECT.value,
    "null": "null",
    "str": "a text",
    "int": "a number",
    "float": "a number",
    "bool": "true or false",
}


def checked_body(
    request: Request, content: bytes, kind: str, clean: Callable[[object], str], status: int = 200
) -> tuple[bytes, int | None]:
    """Make sure that a body is what was asked for, and count its records on the way.

    Raises `BrokenResponseError` if it is not. Returns the body, repaired if need be, and None for
    the count where it does not matter. `kind` is the ``Content-Type``; `clean` takes the key out of
    what the server says.
    """
    shape = shape_of(request.path, request.params) if request.method == "GET" else None
    facts = Facts(request=request, status=status)
    try:
        body, count = _checked(content, shape)
    except msgspec.ValidationError as error:
        msg, facts["said"] = _misfit(content, shape, error, clean)
        raise BrokenResponseError(msg, **facts) from None
    except (msgspec.DecodeError, RecursionError) as error:
        where, said = where_it_breaks(content), ""
        if not re.match(rb"\W*[\[{]", content[:64]):
            said = as_sentence(clean(server_message(content)))
        msg = f"the answer is not JSON ({kind}): {error}{where}. {said}".rstrip()
        facts["said"] = said
        raise BrokenResponseError(msg, is_json=False, **facts) from error
    if request.method != "GET" and _is_failure(body):
        facts["said"] = as_sentence(clean(server_message(content)))
        msg = f"the answer is no success, though its status says so: {facts['said']}"
        raise BrokenResponseError(msg, **facts)
    return body, count


def _checked(content: bytes, shape: Shape | None) -> tuple[bytes, int | None]:
    body = without_byte_order_mark(content)
    try:
        return body, _count(body, shape)
    except msgspec.ValidationError:
        raise
    except msgspec.DecodeError:
        body = repaired(body)
        return body, _count(body, shape)


def _is_failure(body: bytes) -> bool:
    """Tell whether the response to a write is what servers say of a failure."""
    try:
        found = _anything_named(body)
    except msgspec.DecodeError:
        return False
    names = {name.casefold() for name in found}
    return "message" in names and names <= _OF_FAILURES


def _count(body: bytes, shape: Shape | None) -> int | None:
    """Parse the whole body, so that all that is wrong with it shows; count its records."""
    if shape is None:
        _anything(body)
        return None
    if shape is Shape.LIST:
        return len(_records(body))
    if shape is Shape.OBJECT or not body.lstrip().startswith(b"["):
        _record(body)
        return 1
    return len(_things(body))


def _misfit(
    content: bytes, shape: Shape | None, error: msgspec.ValidationError, clean: Callable[..., str]
) -> tuple[str, str]:
    """Say what is there and what belongs there, and what the server says."""
    found = re.search(r"got `(\w+)`(?: - at `\$\[(\d+)\])?", str(error))
    what, place = (found[1], found[2]) if found else ("", None)
    kind = _KINDS.get(what, "something else")
    if place is not None:
        return f"the answer has {kind} for record {int(place) + 1} of its list.", ""
    belongs = shape.value if shape else "something else"
    said = as_sentence(clean(server_message(content))) if what in {"object", "str"} else ""
    if not said or said.startswith("{"):  # no message, but maybe somebody's data
        return f"the answer is {kind} where {belongs} belongs.", ""
    return f"the answer is {kind} where {belongs} belongs: {said}", said
