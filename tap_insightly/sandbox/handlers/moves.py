"""Requests below a record that are no lists: states, stages, comments, memberships, following."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tap_insightly.sandbox.account.moments import timestamp
from tap_insightly.sandbox.handlers.replies import Refusal

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from tap_insightly.sandbox.account.records import Record
    from tap_insightly.sandbox.handlers.below import Target
    from tap_insightly.sandbox.handlers.replies import Reply

_FIELDS = ("PIPELINE_ID", "STAGE_ID")


def _put_into(target: Target, pipeline: int | None, stage: int | None) -> None:
    """Say in which pipeline a record is, if it has fields for that; leads have none (spec)."""
    fields = zip(_FIELDS, (pipeline, stage), strict=True)
    target.update(**{name: value for name, value in fields if name in target.parent})


def _stage_in(target: Target, pipeline: int | None, stage: int | None) -> int | None:
    """Make sure that a stage belongs to a pipeline; that none means the first is assumed."""
    rows = target.account.tables["/PipelineStages"].rows
    stages = [row["STAGE_ID"] for row in rows if row["PIPELINE_ID"] == pipeline]
    if stage is None:
        return stages[0] if stages else None
    if stage not in stages:
        raise Refusal(400, f"STAGE_ID {stage} is no stage of pipeline {pipeline}.")
    return stage


def _pipeline(target: Target) -> Reply:
    if target.method == "DELETE":
        _put_into(target, None, None)
        return target.answer(None)
    given = target.checked()
    pipeline = given.get("PIPELINE_ID")
    if pipeline is None:
        raise Refusal(400, "PIPELINE_ID is missing.")
    change = given.get("PIPELINE_STAGE_CHANGE") or {}
    stage = _stage_in(target, pipeline, change.get("STAGE_ID"))
    _put_into(target, pipeline, stage)
    stored = target.parent  # where a workflow may have put it somewhere else
    return target.answer(
        given
        | {name: stored[name] for name in ("PIPELINE_ID",) if name in stored}
        | {"PIPELINE_STAGE_CHANGE": change | {"STAGE_ID": stored.get("STAGE_ID", stage)}}
    )


def _stage(target: Target) -> Reply:
    given = target.checked()
    stage = given.get("STAGE_ID")
    if stage is None:
        raise Refusal(400, "STAGE_ID is missing.")
    if "PIPELINE_ID" in target.parent:
        pipeline = target.parent["PIPELINE_ID"]
        _put_into(target, pipeline, _stage_in(target, pipeline, stage))
    else:
        target.update()
    return target.answer(given | {"STAGE_ID": target.parent.get("STAGE_ID", stage)})


def _state(target: Target) -> Reply:
    given = target.checked()
    state = given["FOR_OPPORTUNITY_STATE"]
    reasons = target.account.tables["/OpportunityStateReasons"]
    reason: Record = reasons.find(given.get("STATE_REASON_ID") or 0) or {}
    if reason and reason["FOR_OPPORTUNITY_STATE"] != state:
        raise Refusal(400, f"STATE_REASON_ID is not a reason for {state}.")
    below, before = target.account.below, target.parent["OPPORTUNITY_STATE"]
    target.account.update(target.path, target.key, OPPORTUNITY_STATE=state)
    kind = below.kind(target.path, "StateHistory")
    if before == state:  # the history goes on only by itself if the state is another: assumed
        now = timestamp(target.account.now())
        below.add(target.path, target.key, kind, {"FOR_OPPORTUNITY_STATE": state}, now)
    entry = below.of(target.path, kind)[target.key][-1]
    entry |= {name: reason.get(name) for name in ("STATE_REASON_ID", "STATE_REASON")}
    target.run_automations()
    return target.answer(entry)


def _comment(target: Target) -> Reply:
    made = target.account.create_child(
        target.path, target.key, target.place.name, touch=False, **target.checked()
    )
    target.update()
    return target.answer(made)


def _membership(target: Target) -> Reply:
    account, path, name = target.account, target.path, target.place.name
    list_id = target.checked()["LIST_ID"]
    rows = account.children(path, name).get(target.key, [])
    is_on = any(row["LIST_ID"] == list_id for row in rows)
    if target.method == "DELETE":
        if not is_on:
            raise Refusal(404, f"It is not on list {list_id}.")
        account.delete_child(path, target.key, name, list_id)
        target.update()
    elif not is_on:  # to be put on a list twice changes nothing: assumed
        account.create_child(path, target.key, name, touch=False, LIST_ID=list_id)
        target.update()
    return target.answer({"LIST_ID": list_id})


def _follow(target: Target) -> Reply:
    # It is about the key's user, not about the record, which is not updated: assumed, as is that
    # the kind of record is spelled as in links.
    table = target.account.tables["/Follows"]
    own = {"RECORD_TYPE": target.account.object_at(target.path), "RECORD_ID": target.key}
    at = table.rows.index(own) if own in table.rows else None
    if target.method == "POST" and at is None:
        table.add(own)
    elif target.method == "DELETE":
        if at is None:
            raise Refusal(404, "It is not followed.")
        table.remove_at(at)
    return target.answer({"FOLLOWING": True})


MOVES: Mapping[str, Callable[[Target], Reply]] = {
    "Pipeline": _pipeline,
    "PipelineStage": _stage,
    "StateChange": _state,
    "Comments": _comment,
    "StaticListMembership": _membership,
    "Follow": _follow,
}
"""What each of them does, by the last word of its path."""
