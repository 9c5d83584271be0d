"""The objects of Insightly: what each is called, where it is, and what can be done with it.

The one registry that streams, library, command line and sandbox share. It is made from the OpenAPI
documents, so that it knows of nothing that they do not say.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field, replace
from functools import cache
from typing import TYPE_CHECKING, Any

from tap_insightly.openapi import COMPONENTS, READ, WRITE

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

ANY_CUSTOM_OBJECT = "/{OBJECT_NAME}"
"""What the documents have instead of the path of a custom object."""

CUSTOM_FIELDS = "CUSTOMFIELDS"
"""The array in which records carry their custom fields."""

RECORD_TYPES: tuple[str, ...] = tuple(
    READ["components"]["parameters"]["record_type"]["schema"]["enum"]
)
"""The kinds of record whose tags are listed (spec)."""

_ACTIONS = {"PIPELINE_ID": "Pipeline", "STAGE_ID": "PipelineStage", "LINKS": "Links"}


@dataclass(frozen=True)
class ParentPath:
    """Another record below which records of an object are written, such as notes of a contact."""

    path: str
    """The path of the list of the other, such as ``/Projects``."""

    name: str
    """How it goes on after the other's id, such as ``Milestones``."""

    parent_field: str | None
    """The field that names the other, such as ``PROJECT_ID``; None if links do."""

    can: frozenset[str]
    """Which methods it takes."""


@dataclass(frozen=True)
class InsightlyObject:
    """One kind of record, in all that the documents say of it as a whole."""

    name: str
    """Its name in the singular, as links have it: ``Contact``, ``Fruit__c``."""

    path: str
    """The path of its list: ``/Contacts``."""

    component: str
    """What its records look like: the name of a component of the OpenAPI document."""

    key: str | None
    """The field with the id; None if records have no numeric id."""

    can: frozenset[str]
    """What can be done: ``list``, ``search``, ``get``, ``create``, ``update``, ``delete``."""

    direct: frozenset[str] = frozenset()
    """The methods for that at its own path, without another record: POST, PUT, DELETE."""

    required: tuple[str, ...] = ()
    """The fields that a new record needs (spec)."""

    set_once: frozenset[str] = frozenset()
    """Fields that a new record may be given, and that are read-only from then on (assumed)."""

    elsewhere: Mapping[str, str] = field(default_factory=dict)
    """Fields that are written in another way than with the record, and how: a path, or nothing."""

    below: tuple[ParentPath, ...] = ()
    """Below which other records it is written."""

    parts: Mapping[str, str] = field(default_factory=dict)
    """Arrays of the record that can be written alone, and the end of their path."""

    actions: frozenset[str] = frozenset()
    """The ends of all paths below a record, such as ``Notes`` and ``PipelineStage``."""

    labels: tuple[str, ...] = ()
    """What else the account calls it; of custom objects."""

    parameters: frozenset[str] = frozenset()
    """What the query of its list takes, such as ``top``."""

    needs: Mapping[str, str] = field(default_factory=dict)
    """With what its list is asked to be answered, and not in part (spec). Tags are those of one
    kind of record."""

    searched_by: str | None = None
    """The field that ``updated_after_utc`` of its search compares, if it has one."""

    custom_fields_for: str | None = None
    """The name by which its custom fields are asked for; None if it cannot have any."""

    is_single: bool = False
    """Whether there is one of it, and no list."""

    @property
    def has_custom_fields(self) -> bool:
        """Whether it can have custom fields."""
        return self.custom_fields_for is not None

    @property
    def is_paged(self) -> bool:
        """Whether its list is handed out in pages; a few short ones are not (spec)."""
        return "top" in self.parameters

    @property
    def has_stages(self) -> bool:
        """Whether its records can be put into a pipeline and a stage."""
        return "Pipeline" in self.actions

    @property
    def is_about_another(self) -> bool:
        """Whether a new one names the other record that it is about by words: a note does."""
        return any(below.parent_field is None for below in self.below)

    def path_of(self, record_id: int, *rest: object) -> str:
        """Write the path of one record, or of something below it.

        Args:
            record_id: The id, a number.
            *rest: The other parts of the path.

        Returns:
            Text such as ``/Contacts/12/Links``.
        """
        return "/".join((self.path, str(record_id), *(str(part) for part in rest)))


@dataclass(frozen=True)
class ChildList:
    """A list of what belongs to one record, such as the comments on a note."""

    parent: str
    """The path of the list of the record: ``/Notes``."""

    name: str
    """How the path goes on after the record's id: ``Comments``."""

    component: str

    status: int
    """The status that it is answered with: 200, or 201 where the API is described so (spec)."""

    parameters: frozenset[str]
    """As objects have it."""

    searched_by: str | None
    """As objects have it; the list takes the date itself."""

    @property
    def is_paged(self) -> bool:
        """Whether it is handed out in pages."""
        return "top" in self.parameters


@cache
def all_objects() -> tuple[InsightlyObject, ...]:
    """List what every account has, also what is no list, in the order of the document."""
    paths = [path for path in READ["paths"] if "{" not in path and not path.endswith("/Search")]
    components = [_component(path) for path in paths]
    return tuple(
        # Lists that share a component, as those of categories do, are named after their paths.
        _object(path, one if components.count(one) == 1 else _singular(path[1:]))
        for path, one in zip(paths, components, strict=True)
    )


@cache
def standard_objects() -> tuple[InsightlyObject, ...]:
    """List the objects that every account has.

    Returns:
        The objects, in the order of the OpenAPI document.
    """
    return tuple(one for one in all_objects() if not one.is_single)


@cache
def objects_by_path() -> Mapping[str, InsightlyObject]:
    """Give all that every account has by the path of its list."""
    return {one.path: one for one in all_objects()}


def object_name_at(path: str) -> str:
    """Name what the list at a path consists of, as links do; a custom object is its path."""
    obj = objects_by_path().get(path)
    return path[1:] if obj is None else obj.name


def custom_object(definition: Mapping[str, Any]) -> InsightlyObject:
    """Make an object of its definition.

    Args:
        definition: As ``GET /CustomObjects`` answers it.

    Returns:
        The object.
    """
    name = str(definition["OBJECT_NAME"])
    labels = [definition.get("SINGULAR_LABEL"), definition.get("PLURAL_LABEL")]
    texts = tuple(label for label in labels if isinstance(label, str) and label)
    found = _object(ANY_CUSTOM_OBJECT, name)
    return replace(found, path=f"/{name}", labels=texts, custom_fields_for=name)


@cache
def child_lists() -> tuple[ChildList, ...]:
    """List what records can have below them that is only to be had record by record."""
    found = []
    for path, item in READ["paths"].items():
        if match := re.fullmatch(r"(/[^/]+)/\{id\}/([^/]+)", path):
            operation = item["get"]
            found.append(
                ChildList(
                    parent=match[1],
                    name=match[2],
                    component=_component(path),
                    status=_success(operation),
                    parameters=_parameters(path),
                    searched_by=operation.get("x-filter", {}).get("updated_after_utc"),
                )
            )
    return tuple(found)


@cache
def references_of(component: str) -> Mapping[str, str]:
    """Tell which fields of a kind of record have ids of other records.

    Args:
        component: The name of the component of one of the OpenAPI documents.

    Returns:
        The path of the list that each leads to, by field.
    """
    schema = COMPONENTS.get(component) or WRITE["components"]["schemas"][component]
    return {
        name: one["x-references"]
        for name, one in schema["properties"].items()
        if "x-references" in one
    }


def _success(operation: Mapping[str, Any]) -> int:
    return next(int(status) for status in operation["responses"] if status.startswith("2"))


def _answer(path: str) -> Mapping[str, Any]:
    operation = READ["paths"][path]["get"]
    answer = operation["responses"][str(_success(operation))]
    schema: Mapping[str, Any] = answer["content"]["application/json"]["schema"]
    return schema


def _component(path: str) -> str:
    schema = _answer(path)
    return str(schema.get("items", schema)["$ref"]).rpartition("/")[2]


def _parameters(path: str) -> frozenset[str]:
    parameters = READ["paths"][path]["get"].get("parameters", ())
    return frozenset(one["$ref"].rpartition("/")[2] for one in parameters)


def _needs(path: str) -> Mapping[str, str]:
    least = {"include_converted": "true", "record_type": RECORD_TYPES[0]}
    wanted = {"include_converted", *READ["paths"][path]["get"].get("x-required", ())}
    return {name: least[name] for name in sorted(wanted & _parameters(path))}


def _singular(name: str) -> str:
    return name[:-3] + "y" if name.endswith("ies") else name.removesuffix("s")


def _object(path: str, name: str) -> InsightlyObject:
    component = _component(path)
    schema = COMPONENTS[component]
    keys = schema.get("x-primary-key", ())
    is_numbered = len(keys) == 1 and schema["properties"][keys[0]]["type"] == "integer"
    search = READ["paths"].get(f"{path}/Search", {}).get("get")
    written = WRITE["paths"].get(path, {})
    one = WRITE["paths"].get(f"{path}/{{id}}", {})
    below = tuple(_below(path))
    direct = frozenset(method.upper() for method in ("post", "put") if method in written)
    direct |= {"DELETE"} if "delete" in {**written, **one} else set()
    methods = direct.union(*(other.can for other in below))
    can = {
        "list": True,
        "search": search is not None,
        "get": f"{path}/{{id}}" in READ["paths"],
        "create": "POST" in methods,
        "update": "PUT" in methods,
        "delete": "DELETE" in methods,
    }
    bodies = [_body(written[method]) for method in ("post", "put") if method in written]
    bodies += [_body(WRITE["paths"][f"{b.path}/{{id}}/{b.name}"]["post"]) for b in below]
    parts, actions = _parts(path)
    ends = {**_ACTIONS, **parts}
    elsewhere = [name for body in bodies for name in body.get("x-except", ())]
    return InsightlyObject(
        name=name,
        path=path,
        component=component,
        key=keys[0] if is_numbered else None,
        can=frozenset(verb for verb, is_possible in can.items() if is_possible),
        direct=direct,
        required=tuple(next((body["required"] for body in bodies if "required" in body), ())),
        set_once=frozenset(name for body in bodies for name in body.get("x-also", ())),
        elsewhere={name: ends[name] if ends[name] in actions else "" for name in elsewhere},
        below=below,
        parts=parts,
        actions=frozenset(actions),
        parameters=_parameters(path),
        needs=_needs(path),
        searched_by=search and search["x-filter"]["updated_after_utc"],
        custom_fields_for=schema.get("x-custom-fields-for"),
        is_single=_answer(path).get("type") != "array",
    )


def _body(operation: Mapping[str, Any]) -> Mapping[str, Any]:
    body: Mapping[str, Any] = operation["requestBody"]["content"]["application/json"]["schema"]
    return body


def _parts(path: str) -> tuple[dict[str, str], list[str]]:
    parts, actions = {}, []
    for other, item in WRITE["paths"].items():
        start, _, end = other.partition("/{id}/")
        if start == path and end and "/" not in end:
            actions.append(end)
            if "x-part-of" in item:
                parts[item["x-part-of"]] = end
    return parts, actions


def _below(path: str) -> Iterable[ParentPath]:
    for other, item in WRITE["paths"].items():
        if item.get("x-list") != path:
            continue
        parent, _, name = other.partition("/{id}/")
        can = {method.upper() for method in item if method in {"post", "put"}}
        if any(one.startswith(f"{other}/{{") for one in WRITE["paths"]):
            can.add("DELETE")
        yield ParentPath(parent, name, item.get("x-parent-field"), frozenset(can))
