"""Where a record is in its pipeline, and the state of an opportunity: what would be sent."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from typing_extensions import override

from tap_insightly.api.http.request import Request
from tap_insightly.api.records.fields import InvalidFieldsError
from tap_insightly.api.records.finding import FindingClient
from tap_insightly.api.records.names import caseless, close_names, did_you_mean
from tap_insightly.api.records.objects import require_action
from tap_insightly.api.records.states import STATES

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from tap_insightly.api.http.session import InsightlySession
    from tap_insightly.api.records.objects import InsightlyObject

    Record = Mapping[str, Any]

STAGE = ("PIPELINE_ID", "STAGE_ID")
"""The fields of a record that say where it is."""

_MOST_LISTED = 10  # names, where none is close to what was given
_UNTOLD = object()


class StageClient(FindingClient):
    """One account, to be read, which knows how records would be put into stages and states."""

    @override
    def _open(self, session: InsightlySession) -> None:
        super()._open(session)
        self._stages: dict[int, Record] = {}

    def build_stage_request(
        self, object_name: str, record_id: int, stage: str | int, pipeline: str | int | None = None
    ) -> Request:
        """Make the request that would put a record into a stage, and send nothing.

        Args:
            object_name: The object, by any of its names.
            record_id: Its id.
            stage: The name or the id of the stage.
            pipeline: The name or the id of the pipeline; None for the one that the record is in,
                or that of the stage if it is in none.

        Returns:
            The request.

        Raises:
            UnsupportedOperationError: If such records have no stages.
            InvalidFieldsError: If there is no such stage or pipeline, or several have the name.
            InsightlyError: If the account does not tell of its stages.
        """
        obj = self.object(object_name)
        require_action(obj, "PipelineStage", "stages")
        pipelines = _Choices(obj, "pipeline", "PIPELINE", self._pipelines(obj))
        ids = [one["PIPELINE_ID"] for one in pipelines.records]
        stages = [one for one in self.records("PipelineStage") if one.get("PIPELINE_ID") in ids]
        record: Record = {}
        if pipeline is not None:
            current = pipelines.choose(pipeline)["PIPELINE_ID"]
        else:
            record = self.get(obj.name, record_id)
            current = record.get("PIPELINE_ID")  # leads do not tell theirs (spec)
        inside = [one for one in stages if current in {None, one["PIPELINE_ID"]}]
        choices = _Choices(obj, "stage", "STAGE", inside)
        if pipeline is None and not choices.matching(stage):
            for other in _Choices(obj, "stage", "STAGE", stages).matching(stage):
                name = pipelines.by_id(other["PIPELINE_ID"])["PIPELINE_NAME"]
                msg = (
                    f"The stage '{other['STAGE_NAME']}' is in another pipeline than the record. "
                    f"pipeline='{name}' moves it there."
                )
                raise InvalidFieldsError(obj.name, [msg])
        chosen = choices.choose(stage)
        stays = pipeline is None and (current is not None or "PIPELINE_ID" not in record)
        into = None if stays else chosen["PIPELINE_ID"]
        return _move(obj, record_id, chosen["STAGE_ID"], into)

    def build_state_request(
        self, object_name: str, record_id: int, state: str, reason: str | int | None = None
    ) -> Request:
        """Make the request that would put an opportunity into a state, and send nothing.

        Args:
            object_name: The object, by any of its names.
            record_id: Its id.
            state: ``OPEN``, ``WON``, ``LOST``, ``ABANDONED`` or ``SUSPENDED``, in any case.
            reason: The text or the id of one of the account's reasons for it; None for none.

        Returns:
            The request.

        Raises:
            UnsupportedOperationError: If such records have no state.
            InvalidFieldsError: If there is no such state or reason.
            InsightlyError: If the account does not tell of its reasons.
        """
        obj = self.object(object_name)
        require_action(obj, "StateChange", "states")
        state = state.strip().upper()
        if state not in STATES:
            msg = f"There is no state '{state}'. The states are {', '.join(STATES)}."
            raise InvalidFieldsError(obj.name, [msg])
        change: dict[str, Any] = {"FOR_OPPORTUNITY_STATE": state}
        if reason is not None:
            reasons = [
                one
                for one in self.records("OpportunityStateReason")
                if caseless(one.get("FOR_OPPORTUNITY_STATE")) == caseless(state)
            ]
            choices = _Choices(obj, f"reason for {state}", "STATE_REASON", reasons, "STATE_REASON")
            change["STATE_REASON_ID"] = choices.choose(reason)["STATE_REASON_ID"]
        return Request.with_json("PUT", obj.path_of(record_id, "StateChange"), change)

    def build_move_request(
        self,
        object_name: str,
        record_id: int,
        stage: Mapping[str, int | None],
        record: Mapping[str, Any] | None = None,
    ) -> Request | None:
        """Make the request that would put a record where fields say, and send nothing.

        Args:
            object_name: The object, by any of its names.
            record_id: Its id.
            stage: ``STAGE_ID``, ``PIPELINE_ID`` or both. A stage alone says which pipeline it is
                in, too; no pipeline (None) takes the record out of the one that it is in.
            record: The record as it is, to move it only if it is elsewhere; None if that does not
                matter.

        Returns:
            The request; None if it is there already.

        Raises:
            UnsupportedOperationError: If such records have no stages.
            InvalidFieldsError: If there is no such stage.
            InsightlyError: If the account does not tell of its stages.
        """
        obj = self.object(object_name)
        require_action(obj, "Pipeline", "stages")
        wanted, own = dict(stage), record or {}
        if wanted.get("STAGE_ID") is None and "PIPELINE_ID" not in wanted:
            return None  # nothing is said: no record is in a pipeline without a stage
        if record is not None and all(own.get(name, _UNTOLD) == wanted[name] for name in wanted):
            return None
        if "PIPELINE_ID" in wanted and wanted["PIPELINE_ID"] is None:
            return Request("DELETE", obj.path_of(record_id, "Pipeline"))
        stage_id = wanted.get("STAGE_ID")
        pipeline = wanted.get("PIPELINE_ID") or self.pipeline_of(obj.name, stage_id)
        # Leads do not tell their pipeline (spec): then it is taken for that of the stage.
        stays = "PIPELINE_ID" not in wanted and own.get("PIPELINE_ID", pipeline) == pipeline
        return _move(obj, record_id, stage_id, None if stays else pipeline)

    def pipeline_of(self, object_name: str, stage_id: int | None) -> int:
        """Say which pipeline a stage is in; the stages are asked for once.

        Args:
            object_name: The object whose record is to go there.
            stage_id: The stage.

        Returns:
            The id of its pipeline.

        Raises:
            InvalidFieldsError: If there is no such stage.
            InsightlyError: If the account does not tell.
        """
        with self._lock:
            if not self._stages:
                read = self.records("PipelineStage")
                self._stages |= {one["STAGE_ID"]: one for one in read if "STAGE_ID" in one}
            found = self._stages.get(stage_id or 0)
        if found is None:
            names = [f"{n} ({one.get('STAGE_NAME')})" for n, one in self._stages.items()]
            there = f" There are {', '.join(names[:_MOST_LISTED])}." if names else ""
            msg = f"STAGE_ID: there is no stage {stage_id}.{there}"
            raise InvalidFieldsError(self.object(object_name).name, [msg])
        return int(found["PIPELINE_ID"])

    def _pipelines(self, obj: InsightlyObject) -> list[Record]:
        """List the pipelines for such records; of leads they do not say (spec)."""
        column = f"FOR_{obj.path[1:].upper()}"
        return [one for one in self.records("Pipeline") if one.get(column) is not False]


class _Choices:
    """Records to choose from by a name or an id."""

    def __init__(
        self,
        obj: InsightlyObject,
        what: str,
        prefix: str,
        records: Sequence[Record],
        name: str | None = None,
    ) -> None:
        self.records = records
        self._obj, self._what = obj, what
        self._key, self._name = f"{prefix}_ID", name or f"{prefix}_NAME"

    def by_id(self, record_id: int) -> Record:
        return next(one for one in self.records if one[self._key] == record_id)

    def matching(self, given: str | int) -> list[Record]:
        """List the records that have the id, or else those that have the name, in any case."""
        text = str(given).strip()
        own = [one for one in self.records if str(one[self._key]) == text]
        return own or [
            one for one in self.records if caseless(one.get(self._name)) == text.casefold()
        ]

    def choose(self, given: str | int) -> Record:
        found = self.matching(given)
        if len(found) == 1:
            return found[0]
        if found:
            ids = " or ".join(str(one[self._key]) for one in found)
            msg = (
                f"There are {len(found)} of the name '{given}' ({self._what}): give the id, {ids}."
            )
        else:
            # Short lists are shown whole: whoever has to choose need not look them up then.
            shown = close_names(str(given), self._names()) or list(self._names())[:_MOST_LISTED]
            msg = f"There is no {self._what} '{given}'.{did_you_mean(shown)}"
        raise InvalidFieldsError(self._obj.name, [msg])

    def _names(self) -> Iterable[str]:
        """List the names, of those that differ in case alone the last."""
        names = (str(one[self._name]) for one in self.records if one.get(self._name))
        return {caseless(one): one for one in names}.values()


def _move(
    obj: InsightlyObject, record_id: int, stage_id: int | None, pipeline_id: int | None
) -> Request:
    """Say how a record is put into a stage, of another pipeline if one is given."""
    change = {"STAGE_ID": stage_id}
    if pipeline_id is None:
        return Request.with_json("PUT", obj.path_of(record_id, "PipelineStage"), change)
    # Without a stage, a record comes into the first one.
    body: dict[str, Any] = {"PIPELINE_ID": pipeline_id}
    if stage_id is not None:
        body["PIPELINE_STAGE_CHANGE"] = change
    return Request.with_json("PUT", obj.path_of(record_id, "Pipeline"), body)
