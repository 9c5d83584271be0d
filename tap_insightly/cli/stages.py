"""Moving a record through its pipeline, and an opportunity to another state, by names or ids."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import click

from tap_insightly.api import Request, UnsupportedOperationError
from tap_insightly.api.records.objects import standard_objects
from tap_insightly.cli.choosing import choose, is_meant, plain

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from tap_insightly.api import InsightlyClient, InsightlyObject

    Record = Mapping[str, Any]

STATES = ("OPEN", "WON", "LOST", "ABANDONED", "SUSPENDED")
"""The states of an opportunity (docs); that the API spells them in capitals is assumed."""

_PIPELINE = ("PIPELINE_ID", "PIPELINE_NAME")
_STAGE = ("STAGE_ID", "STAGE_NAME")
_REASON = ("STATE_REASON_ID", "STATE_REASON")


def staging(
    client: InsightlyClient, object_name: str, record_id: int, stage: str, pipeline: str | None
) -> Request:
    """Say how a record is moved to a stage, and move nothing.

    Args:
        client: The account.
        object_name: The object, text.
        record_id: Its id, a number.
        stage: The id or the name of the stage, text.
        pipeline: The id or the name of the pipeline that it goes into, text; None for the one
            that it is in, or that of the stage if it is in none.

    Returns:
        The request.

    Raises:
        UnsupportedOperationError: If such records have no stages.
        UsageError: If there is no such stage or pipeline, or several are called so.
        InsightlyError: If the account does not tell.
    """
    obj = able(client, object_name, "PipelineStage", "stages")
    pipelines = [one for one in client.records("Pipeline") if _takes(one, obj)]
    ids = [one["PIPELINE_ID"] for one in pipelines]
    stages = [one for one in client.records("PipelineStage") if one.get("PIPELINE_ID") in ids]
    record: Record = {}
    if pipeline is not None:
        into = choose(pipeline, "pipeline", pipelines, *_PIPELINE)["PIPELINE_ID"]
    else:
        record = client.get(obj.name, record_id)
        into = record.get("PIPELINE_ID")  # leads do not tell theirs (spec)
    inside = [one for one in stages if into in {None, one["PIPELINE_ID"]}]
    if pipeline is None:
        _raise_if_elsewhere(stage, stages, inside, pipelines)
    chosen = choose(stage, "stage", inside, *_STAGE)
    change = {"STAGE_ID": chosen["STAGE_ID"]}
    if pipeline is None and (into is not None or "PIPELINE_ID" not in record):
        return Request.with_json("PUT", obj.path_of(record_id, "PipelineStage"), change)
    both = {"PIPELINE_ID": chosen["PIPELINE_ID"], "PIPELINE_STAGE_CHANGE": change}
    return Request.with_json("PUT", obj.path_of(record_id, "Pipeline"), both)


def stating(
    client: InsightlyClient, object_name: str, record_id: int, state: str, reason: str | None
) -> Request:
    """Say how a record is put into a state, and change nothing.

    Args:
        client: The account.
        object_name: The object, text.
        record_id: Its id, a number.
        state: One of `STATES`.
        reason: The id or the text of one of the account's reasons for it; None for none.

    Returns:
        The request.

    Raises:
        UnsupportedOperationError: If such records have no state.
        UsageError: If there is no such reason.
        InsightlyError: If the account does not tell.
    """
    obj = able(client, object_name, "StateChange", "states")
    change: dict[str, Any] = {"FOR_OPPORTUNITY_STATE": state}
    if reason is not None:
        reasons = [
            one
            for one in client.records("OpportunityStateReason")
            if plain(one.get("FOR_OPPORTUNITY_STATE")) == plain(state)
        ]
        what = f"reason for {state}"
        change["STATE_REASON_ID"] = choose(reason, what, reasons, *_REASON)["STATE_REASON_ID"]
    return Request.with_json("PUT", obj.path_of(record_id, "StateChange"), change)


def able(client: InsightlyClient, object_name: str, action: str, what: str) -> InsightlyObject:
    """Find an object whose records have something of their own to be written.

    Args:
        client: The account.
        object_name: The object, text.
        action: The end of the path below its records, text.
        what: What that is, text such as ``tags``.

    Returns:
        The object.

    Raises:
        UnsupportedOperationError: If its records have no such thing.
        InsightlyError: If there is no such object.
    """
    obj = client.object(object_name)
    if action not in obj.actions:
        names = ", ".join(one.name for one in standard_objects() if action in one.actions)
        msg = f"{obj.name}: the API has no {what} of these to write. It has them of {names}."
        raise UnsupportedOperationError(msg)
    return obj


def _takes(pipeline: Record, obj: InsightlyObject) -> bool:
    """Tell whether a pipeline is for such records; of leads it does not say (spec)."""
    return pipeline.get(f"FOR_{obj.path[1:].upper()}") is not False


def _raise_if_elsewhere(
    stage: str, stages: Sequence[Record], inside: Sequence[Record], pipelines: Sequence[Record]
) -> None:
    if any(is_meant(stage, one, *_STAGE) for one in inside):
        return
    for one in stages:
        if is_meant(stage, one, *_STAGE):
            names = {other["PIPELINE_ID"]: other["PIPELINE_NAME"] for other in pipelines}
            other = names[one["PIPELINE_ID"]]
            msg = (
                f"The stage '{one['STAGE_NAME']}' is in another pipeline than the record. "
                f"--pipeline '{other}' moves it there."
            )
            raise click.UsageError(msg)
