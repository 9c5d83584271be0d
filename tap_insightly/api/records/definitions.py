"""The definitions of custom fields: which of them are those of an object."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, TypeGuard

from tap_insightly.api.http.errors import NotAvailableError
from tap_insightly.openapi.objects import custom_object

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from tap_insightly.api.http.response import Response
    from tap_insightly.openapi.objects import InsightlyObject


def same_object(one: str, other: str) -> bool:
    """Compare names of objects as loosely as the API spells them.

    How it spells objects of several words is not known, so case, underscores and a plural s
    do not count.

    Args:
        one: A name such as ``CONTACT``.
        other: Another such as ``Contacts``.

    Returns:
        Whether both mean the same object.
    """
    return _plain(one) == _plain(other)


def _plain(name: str) -> str:
    return name.replace("_", "").casefold().removesuffix("s")


def custom_objects(ask: Callable[[], Response]) -> list[InsightlyObject]:
    """Make the objects that an account has defined; none if this user or plan has none."""
    try:
        return objects_in(ask().records)
    except NotAvailableError:
        return []


def objects_in(definitions: Iterable[object]) -> list[InsightlyObject]:
    """Make objects of what ``GET /CustomObjects`` answered, of what has a name in it."""
    return [custom_object(one) for one in definitions if _is_named(one)]


def _is_named(definition: object) -> TypeGuard[Mapping[str, Any]]:
    name = definition.get("OBJECT_NAME") if isinstance(definition, Mapping) else None
    return isinstance(name, str) and name != ""


def definitions_of(
    object_name: str, definitions: Iterable[Mapping[str, Any]]
) -> list[dict[str, Any]]:
    """Pick the definitions of one object's custom fields, once each.

    Asked for an object that cannot have custom fields, or that it does not know, the API answers
    every field of the account (seen live), so its answer alone proves nothing.

    Args:
        object_name: The object, such as ``CONTACT``.
        definitions: What ``GET /CustomFields/{object}`` answered.

    Returns:
        The definitions, in the order given.
    """
    own = {
        str(definition.get("FIELD_NAME")): dict(definition)
        for definition in definitions
        if isinstance(definition, Mapping)
        and same_object(str(definition.get("FIELD_FOR") or ""), object_name)
    }
    return list(own.values())
