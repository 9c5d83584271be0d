"""What can be written, and what is below records, as the OpenAPI document of writing has it."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any

from tap_insightly.openapi import COMPONENTS, WRITE
from tap_insightly.openapi.objects import ANY_CUSTOM_OBJECT, objects_by_path
from tap_insightly.sandbox.account.records import STAMPS

if TYPE_CHECKING:
    from collections.abc import Mapping


@dataclass(frozen=True)
class Field:
    """A field that can be written."""

    name: str
    types: frozenset[str]
    """What its value can be in JSON, ``null`` included."""

    is_date: bool
    bits: int
    """The size of the number, if it is a whole one."""

    max_length: int | None
    joins: str | None
    """The path of the list that it has an id of, such as ``/Users``."""

    inner: Body | None
    """What is in it, if it is an array or an object that is described."""


@dataclass(frozen=True)
class Body:
    """What a request may carry."""

    fields: Mapping[str, Field]
    required: frozenset[str] = frozenset()
    """What has to be there."""

    kept: frozenset[str] = frozenset()
    """What must not be emptied: a record cannot have been made without it."""


@dataclass(frozen=True)
class Operation:
    """One method at one path."""

    status: int
    body: Body | None
    is_list: bool
    """Whether the answer is an array, even of one."""


@dataclass(frozen=True)
class Place:
    """A path, with all that can be done there."""

    name: str
    """The last word of the path, such as ``Links``."""

    operations: Mapping[str, Operation] = field(default_factory=dict)
    """By method."""

    part_of: str | None = None
    """The array of the record that it holds, such as ``LINKS``."""

    list_path: str | None = None
    """The list that what is here is in as well, such as ``/Milestones``."""

    parent_field: str | None = None
    """The field there that has the id of the record above."""


_COMPONENTS: Mapping[str, Any] = {**COMPONENTS, **WRITE["components"]["schemas"]}


def _name(schema: Mapping[str, Any]) -> str:
    reference: str = schema["$ref"]
    return reference.rpartition("/")[2]


def _schema(content: Mapping[str, Any]) -> Mapping[str, Any]:
    schema: Mapping[str, Any] = (
        content.get("content", {}).get("application/json", {}).get("schema", {})
    )
    return schema


def _needed() -> Mapping[str, frozenset[str]]:
    needed: dict[str, frozenset[str]] = {}
    for methods in WRITE["paths"].values():
        schema = _schema(methods.get("post", {}).get("requestBody", {}))
        if schema:
            needed[_name(schema)] = frozenset(schema.get("required", ()))
    return needed


_NEEDED = _needed()
"""What a new record has to have, by component. It holds in arrays of a record, too: assumed."""


def _field(name: str, schema: Mapping[str, Any]) -> Field:
    reference = schema.get("$ref") or schema.get("items", {}).get("$ref")
    types = schema.get("type", "object")
    return Field(
        name=name,
        types=frozenset([types] if isinstance(types, str) else types),
        is_date=schema.get("format") == "date-time",
        bits=32 if schema.get("format") == "int32" else 64,
        max_length=schema.get("maxLength"),
        joins=schema.get("x-references"),
        inner=_body({"items": {"$ref": reference}}) if reference else None,
    )


def _body(schema: Mapping[str, Any]) -> Body:
    is_list = "items" in schema
    schema = schema.get("items", schema)
    component = _COMPONENTS[_name(schema)]
    # A record's dates are not for the client to choose, also where the document does not call
    # them read-only, as for events: assumed.
    left_out = {*schema.get("x-except", ()), *component.get("x-primary-key", ()), *STAMPS}
    kept = _NEEDED.get(_name(schema), frozenset())
    return Body(
        fields={
            name: _field(name, one)
            for name, one in component["properties"].items()
            if name in schema.get("x-also", ())
            or not (one.get("readOnly") or one.get("x-added-by-tap") or name in left_out)
        },
        required=kept if is_list else frozenset(schema.get("required", ())),
        kept=kept,
    )


def _operation(described: Mapping[str, Any]) -> Operation:
    status, answer = next(
        (int(status), answer)
        for status, answer in described["responses"].items()
        if status.startswith("2")
    )
    schema = _schema(described.get("requestBody", {}))
    return Operation(
        status=status,
        body=_body(schema) if schema else None,
        is_list="items" in _schema(answer),
    )


def _template(path: str) -> str:
    first, *rest = path.strip("/").split("/")
    return "/".join(("", first, *("{id}" if part.startswith("{") else part for part in rest)))


_PLACES: Mapping[str, Place] = {
    _template(path).lower(): Place(
        name=path.rpartition("/")[2],
        operations={
            method.upper(): _operation(described[method])
            for method in ("get", "post", "put", "delete")
            if method in described
        },
        part_of=described.get("x-part-of"),
        list_path=described.get("x-list"),
        parent_field=described.get("x-parent-field"),
    )
    for path, described in WRITE["paths"].items()
}


def place_at(path: str, *rest: str) -> Place | None:
    """Look up what can be done at a path."""
    first = path if path in objects_by_path() else ANY_CUSTOM_OBJECT
    place = _PLACES.get("/".join((first, *rest)).lower())
    if place is None or len(rest) < 3:  # noqa: PLR2004 - id, name and the id of an entry
        return place
    # The document says what an entry is part of where it describes all entries.
    return replace(_PLACES["/".join((first, *rest[:2])).lower()], operations=place.operations)
