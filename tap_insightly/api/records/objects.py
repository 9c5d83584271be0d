"""The objects of Insightly: what each is called, where it is, and what can be done with it.

Made from the OpenAPI documents, so that this knows of nothing that they do not say.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field, replace
from functools import cache
from typing import TYPE_CHECKING, Any

from tap_insightly.api.http.errors import InsightlyError
from tap_insightly.api.records.names import close_names, did_you_mean
from tap_insightly.openapi import COMPONENTS, READ, WRITE

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

ANY_CUSTOM_OBJECT = "/{OBJECT_NAME}"
_SINGLE = frozenset({"/Instance", "/Permissions"})  # one object each, not a list
# What people call an object besides the names that it has in the API, without a plural s.
_ALSO = {
    "quote": "Quotation",
    "quoteproduct": "QuotationLineItem",
    "quotelineitem": "QuotationLineItem",
    "opportunityproduct": "OpportunityLineItem",
    "organization": "Organisation",
    "communityforum": "SupportForum",
    "communitypost": "SupportForumPost",
    "communitycomment": "SupportForumComment",
    "forumcategory": "SupportForumCategory",
}


class UnknownObjectError(InsightlyError):
    """There is no object of that name."""

    def __init__(self, name: str, near: Iterable[str]) -> None:
        """Say which there are that are called nearly so.

        Args:
            name: What was asked for, text.
            near: Names of objects, texts.
        """
        super().__init__(f"Insightly has no object '{name}'.{did_you_mean(near)}")


class UnsupportedOperationError(InsightlyError):
    """The API has no way to do this with an object of this kind."""


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

    @property
    def has_custom_fields(self) -> bool:
        """Whether it can have custom fields."""
        return "CUSTOMFIELDS" in COMPONENTS[self.component]["properties"]

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


def require_action(obj: InsightlyObject, action: str, what: str) -> None:
    """Raise an UnsupportedOperationError unless such records have something below their path."""
    if action not in obj.actions:
        names = ", ".join(one.name for one in standard_objects() if action in one.actions)
        msg = f"{obj.name}: the API has no {what} of these to write. It has them of {names}."
        raise UnsupportedOperationError(msg)


def spelling_key(name: str) -> str:
    """Take from a name what spellings differ in: case, what is no letter, a plural s.

    Args:
        name: Such as ``Opportunity line-items``.

    Returns:
        Such as ``opportunitylineitem``.
    """
    low = re.sub(r"[^a-z0-9]", "", name.lower())
    if low.endswith("ies"):
        return low[:-3] + "y"
    if low.endswith(("ses", "xes", "ches")):
        return low[:-2]
    return low[:-1] if low.endswith("s") and not low.endswith(("ss", "us")) else low


@cache
def standard_objects() -> tuple[InsightlyObject, ...]:
    """List the objects that every account has.

    Returns:
        The objects, in the order of the OpenAPI document.
    """
    paths = [
        path
        for path in READ["paths"]
        if "{" not in path and not path.endswith("/Search") and path not in _SINGLE
    ]
    components = [_component(path) for path in paths]
    return tuple(
        # Lists that share a component, as those of categories do, are named after their paths.
        _object(path, one if components.count(one) == 1 else _singular(path[1:]))
        for path, one in zip(paths, components, strict=True)
    )


def custom_object(definition: Mapping[str, Any]) -> InsightlyObject:
    """Make an object of its definition.

    Args:
        definition: As ``GET /CustomObjects`` answers it.

    Returns:
        The object.
    """
    name = str(definition["OBJECT_NAME"])
    labels = [definition.get("SINGULAR_LABEL"), definition.get("PLURAL_LABEL")]
    found = _object(ANY_CUSTOM_OBJECT, name)
    texts = tuple(label for label in labels if isinstance(label, str) and label)
    return replace(found, path=f"/{name}", labels=texts)


def find_object(name: str, objects: Iterable[InsightlyObject]) -> InsightlyObject:
    """Find an object by any spelling of its name.

    Args:
        name: Such as ``contact``, ``Contacts``, ``quote`` or ``fruit``.
        objects: The objects to look among.

    Returns:
        The object.

    Raises:
        UnknownObjectError: If there is none.
    """
    names: dict[str, InsightlyObject] = {}
    for one in objects:
        spellings = [one.name, one.path[1:], *one.labels, one.name.removesuffix("__c")]
        spellings += [also for also, name_of in _ALSO.items() if name_of == one.name]
        for spelling in spellings:
            names.setdefault(spelling_key(spelling), one)  # a custom object does not hide another
    key = spelling_key(name)
    if (found := names.get(key)) is not None:
        return found
    near = close_names(key, names, str)
    raise UnknownObjectError(name, dict.fromkeys(names[one].name for one in near))


def _component(path: str) -> str:
    answers = READ["paths"][path]["get"]["responses"]
    response = next(answers[status] for status in answers if status.startswith("2"))
    schema = response["content"]["application/json"]["schema"]
    return str(schema.get("items", schema)["$ref"]).rpartition("/")[2]


def _singular(name: str) -> str:
    return name[:-3] + "y" if name.endswith("ies") else name.removesuffix("s")


def _object(path: str, name: str) -> InsightlyObject:
    component = _component(path)
    schema = COMPONENTS[component]
    keys = schema.get("x-primary-key", ())
    is_numbered = len(keys) == 1 and schema["properties"][keys[0]]["type"] == "integer"
    written = WRITE["paths"].get(path, {})
    one = WRITE["paths"].get(f"{path}/{{id}}", {})
    below = tuple(_below(path))
    direct = frozenset(method.upper() for method in ("post", "put") if method in written)
    direct |= {"DELETE"} if "delete" in {**written, **one} else set()
    methods = direct.union(*(other.can for other in below))
    can = {
        "list": True,
        "search": f"{path}/Search" in READ["paths"],
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
    )


_ACTIONS = {"PIPELINE_ID": "Pipeline", "STAGE_ID": "PipelineStage", "LINKS": "Links"}


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
