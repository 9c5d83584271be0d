"""What a load left out, because the API ended it: kept in dlt's state, beside the bookmarks."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from tap_insightly.api import InsightlyError

if TYPE_CHECKING:
    from collections.abc import Mapping, MutableMapping

    from dlt import Pipeline

SOURCE = "insightly"
"""The name of the source, and of its part of the state."""

_KEY = "unfinished"


def note_unfinished(source_state: MutableMapping[str, Any], resource: str, reason: str) -> None:
    """Keep why a resource was not read to its end."""
    source_state.setdefault(_KEY, {})[resource] = reason


def note_finished(source_state: MutableMapping[str, Any], resource: str) -> None:
    """Forget that a resource was not read to its end, now that it was."""
    left = source_state.get(_KEY)
    if left is not None:
        left.pop(resource, None)
        if not left:
            del source_state[_KEY]


def unfinished(pipeline: Pipeline, source: str = SOURCE) -> Mapping[str, str]:
    """Tell what the last loads of a pipeline did not read to its end.

    What they had read until then is loaded, and the next run goes on from there.

    Args:
        pipeline: The pipeline of dlt.
        source: The name of the source, a text, if it was given another one.

    Returns:
        Reasons, each a sentence, by the names of resources; empty if all was read.
    """
    state: dict[str, Any] = dict(pipeline.state)
    found: Mapping[str, str] = state.get("sources", {}).get(source, {}).get(_KEY, {})
    return dict(found)


def raise_if_unfinished(pipeline: Pipeline, source: str = SOURCE) -> None:
    """Raise an error if the last loads of a pipeline did not read everything to its end.

    For programs whose success or failure others look at, such as schedulers.

    Args:
        pipeline: The pipeline of dlt, after its run.
        source: The name of the source, a text, if it was given another one.

    Raises:
        InsightlyError: If something was not; it says what, and why.
    """
    left = unfinished(pipeline, source)
    if left:
        reasons = " ".join(dict.fromkeys(left.values()))
        msg = (
            f"Not read to the end: {', '.join(left)}. What was read is loaded, and the next run "
            f"goes on from there. {reasons}"
        )
        raise InsightlyError(msg)
