"""What belongs at a path, a list or one object, by the documents of the API."""

from __future__ import annotations

from enum import Enum
from typing import TYPE_CHECKING, Any

from tap_insightly.openapi import READ, WRITE

if TYPE_CHECKING:
    from collections.abc import Mapping

_CUSTOM_OBJECT = "{object_name}"
_BY_NAME = "{object}"


class Shape(Enum):
    """What a body is; the value is how messages call it."""

    LIST = "a list"
    OBJECT = "an object"
    ANY = "a list or an object"


def shape_of(path: str, params: Mapping[str, str]) -> Shape:
    """Say what belongs at a path, in any case and spelling that the API takes.

    It is `Shape.ANY` if the documents do not know the path.
    """
    first, *rest = _normalized(path)
    rest = ["{id}" if part.isdecimal() or part == "me" else part for part in rest]
    # The documents have all names that are not their own for custom objects. As there may be
    # more than they know, it has to look like one, or be asked for as a list is.
    if first.endswith("__c") or ("top" in params and first not in _FIRSTS):
        first = _CUSTOM_OBJECT
    return _SHAPES.get((first, *rest)) or _SHAPES.get((first, *rest[:-1], _BY_NAME), Shape.ANY)


def _normalized(path: str) -> tuple[str, ...]:
    """Take from a path what does not count: case, a slash at its end, American spelling."""
    return tuple(path.strip("/").casefold().replace("organization", "organisation").split("/"))


def _documented_shape(operation: Mapping[str, Any]) -> Shape:
    for status, response in operation["responses"].items():
        if status.startswith("2") and "application/json" in response.get("content", {}):
            schema = response["content"]["application/json"]["schema"]
            return Shape.LIST if schema.get("type") == "array" else Shape.OBJECT
    return Shape.ANY


_SHAPES = {
    _normalized(path): _documented_shape(methods["get"])
    for document in (READ, WRITE)
    for path, methods in document["paths"].items()
    if "get" in methods
}
_FIRSTS = {first for first, *_ in _SHAPES}
