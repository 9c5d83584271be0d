"""The definitions of custom fields: which of them are those of an object."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterable


def same_object(one: str, other: str) -> bool:
    """Compare names of objects as loosely as the API spells them.

    How it spells objects of several words is not known, so case, underscores and a plural s
    do not count.

    Args:
        one: A name, text such as ``CONTACT``.
        other: Another, text such as ``Contacts``.

    Returns:
        Whether both mean the same object.
    """
    return _plain(one) == _plain(other)


def _plain(name: str) -> str:
    return name.replace("_", "").casefold().removesuffix("s")


def named(definition: object) -> str | None:
    """Read the name of a custom object.

    Args:
        definition: An entry of what ``GET /CustomObjects`` answered.

    Returns:
        Text such as ``Fruit__c``; None if it has none.
    """
    name = definition.get("OBJECT_NAME") if isinstance(definition, Mapping) else None
    return name if isinstance(name, str) and name else None


def definitions_of(
    object_name: str, definitions: Iterable[Mapping[str, Any]]
) -> list[dict[str, Any]]:
    """Pick the definitions of one object's custom fields, once each.

    Asked for an object that cannot have custom fields, or that it does not know, the API answers
    every field of the account (seen live), so its answer alone proves nothing.

    Args:
        object_name: The object, text such as ``CONTACT``.
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
