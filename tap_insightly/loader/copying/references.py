"""Which fields refer to records of which lists, and in which order lists are written."""

from __future__ import annotations

from contextlib import suppress
from functools import cache
from typing import TYPE_CHECKING

from tap_insightly.api import UnknownObjectError
from tap_insightly.api.records.definitions import definitions_of
from tap_insightly.openapi import COMPONENTS
from tap_insightly.openapi.objects import references_of

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from tap_insightly.api import InsightlyClient, InsightlyObject

NAMES: Mapping[str, tuple[str, ...]] = {
    "/Users": ("EMAIL_ADDRESS",),
    "/Teams": ("TEAM_NAME",),
    "/TeamMembers": ("TEAM_ID", "MEMBER_USER_ID"),
    "/Pipelines": ("PIPELINE_NAME",),
    "/PipelineStages": ("PIPELINE_ID", "STAGE_NAME"),
    "/ActivitySets": ("NAME",),
    "/Relationships": ("FORWARD_TITLE", "REVERSE_TITLE"),
    "/LeadSources": ("LEAD_SOURCE",),
    "/LeadStatuses": ("LEAD_STATUS",),
    "/OpportunityStateReasons": ("FOR_OPPORTUNITY_STATE", "STATE_REASON"),
    "/OpportunityCategories": ("CATEGORY_NAME",),
    "/ProjectCategories": ("CATEGORY_NAME",),
    "/TaskCategories": ("CATEGORY_NAME",),
    "/FileCategories": ("CATEGORY_NAME",),
    "/ForumCategories": ("CATEGORY_NAME",),
}
"""The lists that belong to the settings of an account, and the fields that name a record there."""


def lookups_of(client: InsightlyClient, obj: InsightlyObject) -> dict[str, str]:
    """Tell which custom fields have ids of other records, as far as the account says so.

    Args:
        client: The account.
        obj: The object.

    Returns:
        The path of the list that each leads to, by field; those that lead to what is no object of
        the account are not among them.

    Raises:
        InsightlyError: If the account does not tell of its custom fields.
    """
    found: dict[str, str] = {}
    if not obj.has_custom_fields:
        return found
    response = client.session.get(f"/CustomFields/{obj.name}")
    for one in definitions_of(obj.name, response.records):
        if one.get("JOIN_OBJECT"):
            with suppress(UnknownObjectError):
                found[str(one["FIELD_NAME"])] = client.object(str(one["JOIN_OBJECT"])).path
    return found


@cache
def foreign_fields(component: str) -> frozenset[str]:
    """Tell which fields have ids of things of an account that the API has no list of.

    Args:
        component: The name of the component.

    Returns:
        The fields, such as ``BRAND_ID`` of a ticket.
    """
    schema = COMPONENTS[component]
    known = {*schema.get("x-primary-key", ()), *references_of(component)}
    return frozenset(
        name
        for name, one in schema["properties"].items()
        if name.endswith("_ID") and "integer" in one.get("type", ()) and name not in known
    )


def in_order(objects: Iterable[InsightlyObject]) -> list[InsightlyObject]:
    """Sort objects so that, as far as that can be, each comes after those that it refers to.

    Args:
        objects: The objects.

    Returns:
        The objects: those that belong to the settings of an account come first, notes last.
    """
    by_path = {one.path: one for one in objects}
    found: dict[str, InsightlyObject] = {}
    seen: set[str] = set()

    def visit(obj: InsightlyObject) -> None:
        if obj.path in seen:
            return
        seen.add(obj.path)
        references = references_of(obj.component)
        wanted = NAMES.get(obj.path, tuple(references))
        others = [references[name] for name in wanted if name in references]
        others += [below.path for below in obj.below]
        for path in others:
            if path in by_path:
                visit(by_path[path])
        found[obj.path] = obj

    for obj in sorted(by_path.values(), key=lambda obj: (obj.path not in NAMES, obj.path)):
        visit(obj)
    return list(found.values())
