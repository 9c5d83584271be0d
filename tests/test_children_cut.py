"""What belongs to records, if a sync is cut off."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tap_insightly.sandbox import Faults, Sandbox
from tests.conftest import KEY, entry, new_sandbox, tap_environment
from tests.relating import (
    FILES,
    HISTORY,
    STREAMS,
    Direct,
    Done,
    all_parents,
    catalog,
    counted,
    key_of,
    parents_asked,
    selected,
    sync,
    ticking,
    unserved,
    wanted,
)

if TYPE_CHECKING:
    from pathlib import Path

__all__ = ["unserved"]  # a fixture


def cut_with_quota(sandbox: Sandbox, stream: str, quota: int) -> tuple[Done, Done]:
    sandbox.faults = Faults(daily_quota=quota)
    first = sync(sandbox, selected(stream), max_concurrency=4)
    assert "0 of" in str(first.error)
    assert len(first.asked) == quota
    sandbox.faults = Faults()
    return first, sync(sandbox, selected(stream), first.state)


def test_a_quota_that_ends_half_way_is_gone_on_from(sandbox: Sandbox) -> None:
    first, second = cut_with_quota(sandbox, "note_comments", 20)
    last = first.own_state("note_comments")["unfinished"]["last_id"]
    numbers = [record["NOTE_ID"] for record in sandbox.records("/Notes")]
    left = numbers[numbers.index(last) + 1 :]
    # The list and the comments of nineteen notes, of which the last may be in any order.
    assert 19 - 4 <= len(numbers) - len(left) <= 19
    rows = first.rows("note_comments") + second.rows("note_comments")
    assert counted(rows) == counted(wanted(sandbox, "note_comments"))
    assert sorted(parents_asked(second)) == [f"/Notes/{number}" for number in left]
    assert len(second.asked) == 1 + len(left)


def test_a_cut_in_the_middle_of_another_kind_of_record_is_gone_on_from(sandbox: Sandbox) -> None:
    contacts, leads = sandbox.count("/Contacts"), sandbox.count("/Leads")
    paid = contacts + len(FILES) + 1 + 9  # all lists are asked for ahead of time
    first, second = cut_with_quota(sandbox, "file_attachments", paid)
    begun = first.own_state("file_attachments")["partitions"]
    assert [sorted(own) for own in begun] == [
        ["context", "replication_key", "replication_key_value"],
        ["context", "unfinished"],
    ]
    assert begun[1]["context"] == {"PARENT_TYPE": "Lead"}
    rows = first.rows("file_attachments") + second.rows("file_attachments")
    changed = [path for path in parents_asked(second) if "/Contacts/" in path]
    assert len(changed) < 5, "what is within the look-back"
    again = [r for r in second.rows("file_attachments") if r["PARENT_TYPE"] == "Contact"]
    assert counted(rows) - counted(again) == counted(wanted(sandbox, "file_attachments"))
    left = len([path for path in parents_asked(second) if "/Leads/" in path])
    assert leads - 9 <= left <= leads - 9 + 4


PATCHED = (
    "import tap_insightly.sync.stream_sync as stream_sync; stream_sync.RECORDS_BETWEEN_STATES = 7;"
    "from tap_insightly.tap import TapInsightly; TapInsightly.cli()"
)


def lines_until(
    folder: Path, sandbox: Sandbox, chosen: Any, state: Any, killed_at: int | None, way: int
) -> tuple[list[dict[str, Any]], int]:
    """Run the tap as a process, which gets a signal after so many messages; what it wrote."""
    (folder / "catalog.json").write_text(json.dumps(chosen))
    (folder / "state.json").write_text(json.dumps(state))
    options = ["--config=ENV", "--catalog=catalog.json", "--state=state.json"]
    env = tap_environment(api_key=KEY, api_url=sandbox.api_url, requests_per_second=100)
    messages = []
    with (
        (folder / "log.txt").open("w") as log,
        subprocess.Popen(  # noqa: S603 - our own command
            [sys.executable, "-c", PATCHED, *options],
            cwd=folder,
            env=env,
            stdout=subprocess.PIPE,
            stderr=log,
        ) as process,
    ):
        assert process.stdout is not None
        for line in process.stdout:
            if line.endswith(b"\n"):
                messages.append(json.loads(line))
            if len(messages) == killed_at:
                process.send_signal(way)
        return messages, process.wait(60)


def acknowledged(messages: list[dict[str, Any]], state: Any) -> tuple[list[dict[str, Any]], Any]:
    """What a target has of it, and the last state: what comes after that is lost."""
    last = max((n for n, m in enumerate(messages) if m["type"] == "STATE"), default=-1)
    kept = messages[: last + 1]
    return [m for m in kept if m["type"] == "RECORD"], kept[-1]["value"] if kept else state


@pytest.mark.slow
@pytest.mark.parametrize("way", [signal.SIGKILL, signal.SIGTERM])
def test_a_process_that_is_killed_time_and_again_goes_on_where_it_was(
    tmp_path: Path, way: signal.Signals
) -> None:
    with new_sandbox().serve() as sandbox:
        chosen, state, rows, kills = selected("file_attachments", "note_comments"), {}, [], 0
        while True:
            killed_at = 16 if kills < 3 else None
            messages, code = lines_until(tmp_path, sandbox, chosen, state, killed_at, way)
            own, state = acknowledged(messages, state)
            rows += own
            if code == 0:
                break
            assert code == (-way if way == signal.SIGKILL else 128 + way)
            kills += 1
        assert kills == 3
        for stream in ("file_attachments", "note_comments"):
            received = {json.dumps(m["record"]) for m in rows if m["stream"] == stream}
            assert counted([json.loads(r) for r in received]) == counted(wanted(sandbox, stream))
        parents = len(all_parents(sandbox, "file_attachments")) + sandbox.count("/Notes")
        lists = (kills + 1) * (len(FILES) + 2)
        # Each time, what is under way and what was written after the last state is asked for again.
        assert len(sandbox.requests) < parents + lists + kills * 60 < (kills + 1) * parents


def change(sandbox: Sandbox, path: str, name: str, what: tuple[str, int]) -> None:
    """Have something happen to the records of an object and to what is below them."""
    kind, place = what
    key, records = key_of(sandbox, path), sandbox.records(path)
    if kind == "create" or not records:
        sandbox.create(path)
        return
    number = records[place % len(records)][key]
    if kind == "update":
        sandbox.update(path, number)
    elif kind == "delete":
        sandbox.delete(path, number)
    elif kind == "child":
        sandbox.create_child(path, number, name, **({"LIST_ID": place} if "List" in name else {}))


happenings = st.lists(
    st.tuples(
        st.integers(1, 30),
        st.sampled_from(["create", "update", "delete", "child", "child"]),
        st.integers(0, 50),
    ),
    max_size=6,
)
ways_to_end = st.one_of(
    st.just(("whole", 0)),
    st.tuples(st.just("cut"), st.integers(1, 40)),
    st.tuples(st.just("killed"), st.integers(0, 10_000)),
)


@settings(max_examples=200)
@given(
    stream=st.sampled_from(["note_comments", "file_attachments", HISTORY, "ticket_comments"]),
    many=st.integers(0, 14),
    runs=st.lists(st.tuples(happenings, ways_to_end), max_size=4),
    concurrency=st.integers(1, 4),
    method=st.sampled_from(["INCREMENTAL", "FULL_TABLE"]),
)
def test_whatever_changes_and_whatever_is_cut_all_arrives(
    stream: str,
    many: int,
    runs: list[tuple[list[tuple[int, str, int]], tuple[str, int]]],
    concurrency: int,
    method: str,
) -> None:
    sandbox = new_sandbox(records=1)
    ticking(sandbox)
    name, paths = STREAMS[stream]
    path = "/Leads" if len(paths) > 1 else next(iter(paths))
    for place in range(many):
        change(sandbox, path, name, ("create", 0))
        change(sandbox, path, name, ("child", place * 2))
    keys = entry(catalog(), stream)["key_properties"]
    state: Any = {}
    received: dict[str, dict[str, Any]] = {}
    for script, (end, at) in [*runs, ([], ("whole", 0)), ([], ("whole", 0))]:

        def happen(_: Any, script: Any = script) -> None:
            for number, *what in script:
                if number == len(sandbox.requests) + 1:
                    change(sandbox, path, name, (what[0], what[1]))

        sandbox.on_request = happen
        cut_at = at if end == "cut" else None
        session = Direct(sandbox, cut_at=cut_at, max_concurrency=concurrency)
        options: Any = {"session": session, "every": 3, "page": 4, "lookback_seconds": 1}
        messages = sync(sandbox, selected(stream, method=method), state, **options).messages
        if end == "killed":
            messages = messages[: at % (len(messages) + 1)]
        rows, state = acknowledged(messages, state)
        received |= {json.dumps([m["record"][k] for k in keys]): m["record"] for m in rows}
    expected = wanted(sandbox, stream)
    if stream != HISTORY:
        got = [received.get(json.dumps([row[key] for key in keys]), {}) for row in expected]
        assert counted(got) == counted(expected)
    else:
        assert counted(expected) <= counted([*received.values()])
