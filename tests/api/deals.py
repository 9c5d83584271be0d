"""Deals, and the pipelines and stages that they can be in."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from tap_insightly.sandbox import Sandbox


def pipeline(sandbox: Sandbox, name: str) -> int:
    """The id of a pipeline."""
    rows = sandbox.records("/Pipelines")
    return next(int(one["PIPELINE_ID"]) for one in rows if one["PIPELINE_NAME"] == name)


def stage(sandbox: Sandbox, pipeline_name: str, name: str) -> int:
    """The id of a stage of a pipeline."""
    wanted = (pipeline(sandbox, pipeline_name), name)
    rows = sandbox.records("/PipelineStages")
    return next(
        int(one["STAGE_ID"]) for one in rows if (one["PIPELINE_ID"], one["STAGE_NAME"]) == wanted
    )


def deal(sandbox: Sandbox, pipeline_name: str | None, stage_name: str = "Qualified") -> int:
    """A new opportunity, at a stage or in no pipeline."""
    place = {}
    if pipeline_name is not None:
        place["PIPELINE_ID"] = pipeline(sandbox, pipeline_name)
        place["STAGE_ID"] = stage(sandbox, pipeline_name, stage_name)
    made = sandbox.create("/Opportunities", OPPORTUNITY_NAME="Engine", **place)
    return int(made["OPPORTUNITY_ID"])
