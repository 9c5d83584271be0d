"""What is left out between tap and target changes nothing of what the target has in the end."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from insightly_dagster import messages
from insightly_dagster.messages import Changes

if TYPE_CHECKING:
    from collections.abc import Sequence

Message = dict[str, Any]


def schema(stream: str, **more: Any) -> Message:
    return {"type": "SCHEMA", "stream": stream, "schema": more, "key_properties": ["id"]}


def record(stream: str, key: int, value: Any = None, at: str = "2026-01-01") -> Message:
    row = {"id": key, "value": value}
    return {"type": "RECORD", "stream": stream, "record": row, "time_extracted": at}


def state(value: Any) -> Message:
    return {"type": "STATE", "value": value}


class Target:
    """A target that upserts, with a state that is kept as the package keeps it."""

    def __init__(self) -> None:
        self.tables: dict[str, dict[int, Any]] = {}
        self.sent: dict[str, str] = {}
        self.state: Any = None
        self.got: list[Message] = []

    def run(self, run: Sequence[Message]) -> list[Message]:
        """Let a run pass; return what the target was sent."""
        changes = self.run_in_part(run)
        changes.settle()
        self.sent = changes.digests
        return self.got

    def run_in_part(self, run: Sequence[Message]) -> Changes:
        """Let a run pass that does not come to its end."""
        self.got = []
        changes = Changes(dict(self.sent), self._take, self._keep, self._forget)
        for message in run:
            changes.take(json.dumps(message).encode() + b"\n")
        return changes

    def _take(self, line: bytes) -> None:
        message = json.loads(line)
        self.got.append(message)
        match message:
            case {"type": "SCHEMA", "stream": stream}:
                self.tables.setdefault(stream, {})
            case {"type": "RECORD", "stream": stream, "record": row}:
                self.tables[stream][row["id"]] = row["value"]  # fails without a schema before
            case {"type": "STATE", "value": value}:
                self.state = value

    def _keep(self, value: bytes) -> None:
        self.state = json.loads(value)

    def _forget(self, stream: str) -> None:
        self.sent.pop(stream, None)


QUIET = [schema("a"), record("a", 1), state(1), schema("b"), state(2)]


def test_a_run_like_the_last_one_sends_nothing_and_keeps_its_state() -> None:
    target = Target()
    assert target.run(QUIET) == QUIET
    assert target.run([*QUIET[:-1], state(3)]) == []
    assert target.state == 3


def test_the_time_of_reading_is_no_change() -> None:
    target = Target()
    target.run(QUIET)
    assert target.run([schema("a"), record("a", 1, at="2027-01-01"), state(1)]) == []


@pytest.mark.parametrize(
    "other",
    [
        [schema("a", new="column"), record("a", 1), state(1)],
        [schema("a"), record("a", 1, "changed"), state(1)],
        [schema("a"), record("a", 1), record("a", 2), state(1)],
        [schema("a"), state(1)],
        [schema("a"), record("a", 1), schema("a", own=1), record("a", 1), state(1)],
    ],
)
def test_whatever_differs_is_sent_whole_and_only_the_stream_that_differs(
    other: list[Message],
) -> None:
    target = Target()
    target.run(QUIET)
    assert target.run([*other, *QUIET[3:]]) == [*other, state(2)]


def test_what_comes_after_the_state_at_which_a_stream_was_dropped_has_its_schema_before() -> None:
    target = Target()
    target.run(QUIET)
    more = [schema("a"), record("a", 1), state(1), record("a", 2), state(2)]
    assert target.run(more) == [schema("a"), record("a", 2), state(2)]


def test_after_a_run_that_was_cut_off_the_last_but_one_is_sent_again() -> None:
    target = Target()
    target.run(QUIET)
    target.run_in_part([schema("a"), record("a", 1, "changed"), state(1), schema("b")])
    assert target.tables["a"] == {1: "changed"}
    assert target.run(QUIET)[:2] == [schema("a"), record("a", 1)]
    assert target.tables["a"] == {1: None}


def test_a_batch_is_sent_as_its_files_are_new() -> None:
    target = Target()
    batch = {"type": "BATCH", "stream": "a", "encoding": {}, "manifest": ["file:///1"]}
    target.run([schema("a"), batch, state(1)])
    again = [schema("a"), {**batch, "manifest": ["file:///2"]}, state(2)]
    assert target.run(again) == again


def test_what_is_large_is_not_held_back(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(messages, "MOST_BYTES", 1000)
    target = Target()
    large = [schema("a"), *(record("a", key, "x" * 100) for key in range(20)), state(1)]
    assert target.run(large) == large
    assert target.run(large) == large
    assert target.sent == {}


streams = st.sampled_from("ab")
contents = st.lists(
    st.one_of(
        st.builds(record, streams, st.integers(0, 2), st.sampled_from([None, 1, "1", 1.5])),
        st.builds(schema, streams),
        st.builds(state, st.integers(0, 9)),
    ),
    max_size=8,
)
runs = contents.map(lambda rest: [schema("a"), schema("b"), *rest, state(99)])


@given(
    st.lists(runs, min_size=1, max_size=3),
    st.lists(st.tuples(st.integers(0, 2), st.none() | st.integers(0, 12)), max_size=6),
)
def test_whatever_runs_follow_and_are_cut_off_the_target_has_what_the_last_one_told(
    pool: list[list[Message]], order: list[tuple[int, int | None]]
) -> None:
    """After a run that was cut off, the target may have more than is known."""
    target = Target()
    for number, cut in order:
        run = pool[number % len(pool)]
        if cut is not None:
            target.run_in_part(run[:cut])
            continue
        target.run(run)
        told: dict[str, dict[int, Any]] = {}
        for message in run:
            if message["type"] == "RECORD":
                row = message["record"]
                told.setdefault(message["stream"], {})[row["id"]] = row["value"]
        for stream, rows in told.items():
            assert rows.items() <= target.tables[stream].items()
        assert target.state == run[-1]["value"]
