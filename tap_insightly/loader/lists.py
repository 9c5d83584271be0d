"""Reads whole lists, of which the API would leave some records out."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tap_insightly.api import InsightlyClient, InsightlyObject

# Converted statuses are left out unless they are asked for (spec).
_PARAMS = {"/LeadStatuses": {"include_converted": "true"}}


def all_records(client: InsightlyClient, obj: InsightlyObject) -> Iterator[dict[str, Any]]:
    """All records of an object."""
    yield from client.records(obj.name, params=_PARAMS.get(obj.path))
