"""Objects by name, in any spelling that people use; what they are stands in `openapi.objects`."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from tap_insightly.api.http.errors import UsageError
from tap_insightly.api.records.names import close_names, did_you_mean
from tap_insightly.openapi.objects import (
    InsightlyObject,
    custom_object,
    standard_objects,
)

if TYPE_CHECKING:
    from collections.abc import Iterable

__all__ = [
    "InsightlyObject",
    "UnknownObjectError",
    "UnsupportedOperationError",
    "custom_object",
    "find_object",
    "require_action",
    "spelling_key",
    "standard_objects",
]

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


class UnknownObjectError(UsageError):
    """There is no object of that name."""

    def __init__(self, name: str, near: Iterable[str]) -> None:
        """Say which there are that are called nearly so.

        Args:
            name: What was asked for.
            near: Names of objects, texts.
        """
        super().__init__(f"Insightly has no object '{name}'.{did_you_mean(near)}")


class UnsupportedOperationError(UsageError):
    """The API has no way to do this with an object of this kind."""


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
