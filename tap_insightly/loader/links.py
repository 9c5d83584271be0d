"""Links between records, from what a record has to what the client takes."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Mapping


def link_options(link: Mapping[str, Any]) -> Any:  # noqa: ANN401 - keyword arguments of a method
    """What `InsightlyClient.link` takes about a link besides its two ends."""
    names = ("ROLE", "DETAILS", "RELATIONSHIP_ID", "IS_FORWARD")
    return {name.lower(): link.get(name) for name in names}
