"""Whether a body is what was asked for: JSON, and of the shape that belongs there."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

import msgspec

from tap_insightly.api.http.errors import BrokenResponseError
from tap_insightly.api.http.json_repair import mended, unmarked, where_it_breaks
from tap_insightly.api.http.server_text import sentence, told
from tap_insightly.api.http.shapes import Shape, shape_of

if TYPE_CHECKING:
    from collections.abc import Callable

    from tap_insightly.api.http.request import Request


class _Record(msgspec.Struct, gc=False):
    """An object of which nothing is looked at; all of its text is gone through all the same."""


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
    request: Request, content: bytes, kind: str, clean: Callable[[object], str]
) -> tuple[bytes, int | None]:
    """Make sure that a body is what was asked for, and count its records on the way.

    Args:
        request: What was asked.
        content: What was answered.
        kind: What the server calls that, text such as ``text/html``.
        clean: Takes the key out of what is told.

    Returns:
        The body, mended if need be, and how many records it has; None if they do not matter.

    Raises:
        BrokenResponseError: If it is something else.
    """
    shape = shape_of(request.path, request.params) if request.method == "GET" else None
    try:
        body, count = _checked(content, shape)
    except msgspec.ValidationError as error:
        raise BrokenResponseError(_misfit(content, shape, error, clean)) from None
    except (msgspec.DecodeError, RecursionError) as error:
        where, said = where_it_breaks(content), ""
        if not re.match(rb"\W*[\[{]", content[:64]):
            said = clean(told(content))
        msg = f"the answer is not JSON ({kind}): {error}{where}. {sentence(said)}".rstrip()
        raise BrokenResponseError(msg, is_json=False) from error
    if request.method != "GET" and _is_failure(body):
        said = sentence(clean(told(content)))
        msg = f"the answer is no success, though its status says so: {said}"
        raise BrokenResponseError(msg)
    return body, count


def _checked(content: bytes, shape: Shape | None) -> tuple[bytes, int | None]:
    body = unmarked(content)
    try:
        return body, _count(body, shape)
    except msgspec.ValidationError:
        raise
    except msgspec.DecodeError:
        body = mended(body)
        return body, _count(body, shape)


def _is_failure(body: bytes) -> bool:
    """Tell whether what was to be done was answered by what servers say of a failure."""
    try:
        found = _anything_named(body)
    except msgspec.DecodeError:
        return False
    names = {name.casefold() for name in found}
    return "message" in names and names <= _OF_FAILURES


def _count(body: bytes, shape: Shape | None) -> int | None:
    """Go through the whole text, make nothing of it, and so find all that is wrong with it."""
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
) -> str:
    """Say what is there and what belongs there."""
    found = re.search(r"got `(\w+)`(?: - at `\$\[(\d+)\])?", str(error))
    what, place = (found[1], found[2]) if found else ("", None)
    kind = _KINDS.get(what, "something else")
    if place is not None:
        return f"the answer has {kind} for record {int(place) + 1} of its list."
    belongs = shape.value if shape else "something else"
    said = sentence(clean(told(content))) if what in {"object", "str"} else ""
    if not said or said.startswith("{"):  # no message, but maybe somebody's data
        return f"the answer is {kind} where {belongs} belongs."
    return f"the answer is {kind} where {belongs} belongs: {said}"
