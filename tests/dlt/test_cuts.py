"""Whatever ends a load: nothing is lost, and the next one goes on."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
from dlt.pipeline.exceptions import PipelineStepFailed

from tap_insightly.api import InsightlyError
from tap_insightly.dlt import raise_if_unfinished, unfinished
from tests.dlt.conftest import ask, contacts, ids

if TYPE_CHECKING:
    from dlt import Pipeline

    from tap_insightly.sandbox import Sandbox
    from tests.dlt.conftest import Source

STREAMS = ("contacts", "leads", "notes", "users")
KEYS = {"contacts": "CONTACT_ID", "leads": "LEAD_ID", "notes": "NOTE_ID", "users": "USER_ID"}


def is_complete(pipeline: Pipeline, sandbox: Sandbox) -> None:
    for stream, key in KEYS.items():
        there = sorted(record[key] for record in sandbox.records(f"/{stream.title()}"))
        assert ids(pipeline, stream, key.lower()) == there, stream


def spent(sandbox: Sandbox, requests: int) -> None:
    """Leave so many requests of the day, and no more."""
    sandbox.faults.daily_quota = len(sandbox.requests) + requests


def test_what_was_read_before_the_quota_ended_is_loaded_and_the_rest_follows(
    pipeline: Pipeline, sandbox: Sandbox, source: Source, caplog: pytest.LogCaptureFixture
) -> None:
    made = source(*STREAMS)
    spent(sandbox, 6)
    pipeline.run(made)
    loaded = ids(pipeline)
    assert 0 < len(loaded) < len(contacts(sandbox))
    assert loaded == contacts(sandbox)[: len(loaded)]
    assert list(unfinished(pipeline)) == list(STREAMS)
    assert "contacts: not read to its end" in caplog.text
    with pytest.raises(InsightlyError, match=r"Not read to the end: contacts, leads.*are left"):
        raise_if_unfinished(pipeline)

    sandbox.faults.daily_quota = 100_000
    before = len(sandbox.requests)
    pipeline.run(source(*STREAMS))
    asked = [one.path for one in sandbox.requests[before:]].count("/v3.1/Contacts")
    left = len(contacts(sandbox)) - len(loaded)
    assert asked <= -(-left // 9) + 1, "what was read is not read again"
    assert not unfinished(pipeline)
    raise_if_unfinished(pipeline)
    is_complete(pipeline, sandbox)


def test_a_quota_that_ends_each_run_is_enough_in_the_end(
    pipeline: Pipeline, sandbox: Sandbox, source: Source
) -> None:
    runs = 0
    while not runs or unfinished(pipeline):
        sandbox.faults.daily_quota = 100_000
        made = source(*STREAMS)
        spent(sandbox, 6)
        pipeline.run(made)
        runs += 1
        assert runs < 12
    assert runs > 2
    is_complete(pipeline, sandbox)


def test_nothing_is_made_if_nothing_was_read(
    pipeline: Pipeline, sandbox: Sandbox, source: Source
) -> None:
    made = source(*STREAMS)
    spent(sandbox, 0)
    with pytest.raises(PipelineStepFailed, match="0 of"):
        pipeline.run(made)
    sandbox.faults.daily_quota = 100_000
    pipeline.run(source(*STREAMS))
    is_complete(pipeline, sandbox)


def test_too_many_deletions_are_told_as_unfinished(
    pipeline: Pipeline, sandbox: Sandbox, source: Source
) -> None:
    for _ in range(60):
        sandbox.create("/Contacts", LAST_NAME="One of many")
    pipeline.run(source("contacts", detect_deletes=True))
    before = ids(pipeline)
    assert len(before) > 105, "a hundred may always be gone"
    for record_id in before[:105]:
        sandbox.delete("/Contacts", record_id)
    pipeline.run(source("contacts", "users", detect_deletes=True))
    assert "105 of the 120 records" in unfinished(pipeline)["contacts"]
    assert ids(pipeline) == before
    assert ids(pipeline, "users", "user_id"), "the others go on"


class TestReplaced:
    """A table that each load replaces."""

    def test_is_read_whole_each_time(
        self, pipeline: Pipeline, sandbox: Sandbox, source: Source
    ) -> None:
        for _ in range(2):
            pipeline.run(source("contacts"), write_disposition="replace")
            assert ids(pipeline) == contacts(sandbox)
            sandbox.delete("/Contacts", contacts(sandbox)[0])

    @pytest.mark.parametrize("fault", ["cut", "refused"])
    def test_is_not_replaced_by_a_part(
        self, pipeline: Pipeline, sandbox: Sandbox, source: Source, fault: str
    ) -> None:
        pipeline.run(source("users", "contacts"), write_disposition="replace")
        made = source("users", "contacts")
        if fault == "cut":
            spent(sandbox, 4)
        else:
            sandbox.faults.forbidden = {"/Contacts"}
        with pytest.raises(PipelineStepFailed, match="contacts: not read to its end"):
            pipeline.run(made, write_disposition="replace")
        assert ids(pipeline) == contacts(sandbox)

    def test_may_be_of_an_object_that_the_plan_leaves_out(
        self, pipeline: Pipeline, sandbox: Sandbox, source: Source
    ) -> None:
        sandbox.faults.forbidden = {"/Contacts"}
        for _ in range(2):
            pipeline.run(source("users", "contacts"), write_disposition="replace")
        assert ids(pipeline, "users", "user_id")


class TestOrder:
    """dlt asks resources in an order of its own."""

    @pytest.mark.parametrize("mode", ["fifo", "round_robin"])
    @pytest.mark.parametrize("is_parallel", [False, True])
    def test_whatever_it_is_all_comes_for_the_same_requests(
        self,
        pipeline: Pipeline,
        sandbox: Sandbox,
        source: Source,
        monkeypatch: pytest.MonkeyPatch,
        mode: str,
        *,
        is_parallel: bool,
    ) -> None:
        monkeypatch.setenv("EXTRACT__NEXT_ITEM_MODE", mode)
        monkeypatch.setenv("EXTRACT__WORKERS", "2")
        made = source(*STREAMS)
        before = len(sandbox.requests)
        pipeline.run(made.parallelize() if is_parallel else made)
        is_complete(pipeline, sandbox)
        pages = sum(-(-len(sandbox.records(f"/{one.title()}")) // 9) for one in STREAMS)
        assert len(sandbox.requests) - before <= pages + len(STREAMS), "nothing is read twice"

    @pytest.mark.parametrize("is_parallel", [False, True])
    def test_a_limit_leaves_the_rest_for_the_next_load(
        self, pipeline: Pipeline, sandbox: Sandbox, source: Source, *, is_parallel: bool
    ) -> None:
        counts = []
        for _ in range(30):
            made = source("contacts", "users")
            if is_parallel:
                made.resources["contacts"].parallelize()
            made.resources["contacts"].add_limit(3)
            pipeline.run(made)
            counts.append(len(ids(pipeline)))
            assert ids(pipeline) == contacts(sandbox)[: counts[-1]], "nothing is left out"
            if counts[-1] == len(contacts(sandbox)):
                break
        assert len(counts) > 1
        assert counts[-1] == len(contacts(sandbox))

    def test_a_resource_of_another_name_has_a_state_of_its_own(
        self, pipeline: Pipeline, sandbox: Sandbox, source: Source
    ) -> None:
        for _ in range(2):
            before = len(sandbox.requests)
            people = source("contacts", "users").resources["contacts"].with_name("people")
            pipeline.run(people)
        assert ids(pipeline, "people") == contacts(sandbox)
        assert len(sandbox.requests) - before <= 2 + 1


def test_a_failed_step_of_the_user_loses_nothing(
    pipeline: Pipeline, sandbox: Sandbox, source: Source
) -> None:
    calls = []

    def fail(table: Any) -> Any:
        calls.append(table)
        if len(calls) == 3:
            msg = "a mistake"
            raise ValueError(msg)
        return table

    made = source("contacts", "users")
    made.resources["contacts"].add_map(fail)
    with pytest.raises(PipelineStepFailed, match="a mistake"):
        pipeline.run(made)
    pipeline.run(made)
    assert ids(pipeline) == contacts(sandbox)
    assert ask(pipeline, "select * from crm.users")
