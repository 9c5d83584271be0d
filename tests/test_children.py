"""What the API tells of a record only when asked for that record: comments, files, histories."""

from __future__ import annotations

import json
import random
import threading
from datetime import timedelta
from itertools import count
from typing import TYPE_CHECKING, Any

import pytest

from tap_insightly.values import parse_moment
from tests.conftest import Tap, entry, new_sandbox
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
    updated,
    wanted,
)

if TYPE_CHECKING:
    from tap_insightly.api import Response
    from tap_insightly.sandbox import Sandbox

__all__ = ["unserved"]  # a fixture


@pytest.mark.parametrize("stream", STREAMS)
def test_every_row_arrives_once_with_the_key_of_its_record(
    shared_sandbox: Sandbox, stream: str
) -> None:
    done = sync(shared_sandbox, selected(stream))
    rows = done.rows(stream)
    assert counted(rows) == counted(wanted(shared_sandbox, stream))
    keys = entry(catalog(), stream)["key_properties"]
    assert len({tuple(row[key] for key in keys) for row in rows}) == len(rows) > 0
    assert None not in {row[key] for row in rows for key in keys}


@pytest.mark.parametrize("stream", STREAMS)
def test_it_costs_a_request_for_each_record_that_was_changed(sandbox: Sandbox, stream: str) -> None:
    name, paths = STREAMS[stream]
    lists = len(paths) + (stream == "file_attachments")  # which asks for the custom objects
    first = sync(sandbox, selected(stream))
    assert sorted(parents_asked(first)) == sorted(all_parents(sandbox, stream))
    assert len(first.asked) == lists + len(all_parents(sandbox, stream))
    briefs = [q for p, q in zip(first.asked, first.queries, strict=True) if p in paths]
    assert [query["brief"] for query in briefs] == ["true"] * len(paths)
    path, *_ = paths
    ticking(sandbox)
    for record in sandbox.records(path)[:2]:
        sandbox.create_child(path, record[key_of(sandbox, path)], name)
    second = sync(sandbox, selected(stream), first.state)
    own = first.own_state(stream)
    marks = {
        p: next(
            one for one in own.get("partitions", [own]) if not k or k in one["context"].values()
        )["replication_key_value"]
        for p, k in paths.items()
    }
    changed = [
        f"{p}/{record[key_of(sandbox, p)]}"
        for p in paths
        for record in sandbox.records(p)
        if parse_moment(updated(record)) > parse_moment(marks[p]) - timedelta(seconds=60)
    ]
    assert sorted(parents_asked(second)) == sorted(changed)
    assert len(second.asked) == lists + len(changed) < len(first.asked)
    assert all(f"{p}/Search" in second.asked for p in paths)


def test_many_records_come_in_pages_and_so_do_many_children(sandbox: Sandbox) -> None:
    ticket = sandbox.records("/Ticket")[0]["TICKET_ID"]
    for _ in range(1100):
        sandbox.create_child("/Ticket", ticket, "Comments", touch=False)
    done = sync(sandbox, selected("ticket_comments"))
    assert counted(done.rows("ticket_comments")) == counted(wanted(sandbox, "ticket_comments"))
    assert done.asked.count(f"/Ticket/{ticket}/Comments") == 3
    done = sync(sandbox, selected("note_comments"), page=20)
    assert counted(done.rows("note_comments")) == counted(wanted(sandbox, "note_comments"))
    assert (done.asked.count("/Notes"), len(parents_asked(done))) == (2, sandbox.count("/Notes"))


def test_comments_that_are_no_update_are_found_by_looking_back(unserved: Sandbox) -> None:
    state = sync(unserved, selected("note_comments")).state
    bookmark = parse_moment(state["bookmarks"]["note_comments"]["replication_key_value"])
    records = sorted(unserved.records("/Notes"), key=updated)
    older, old = records[0], records[len(records) // 2]
    days = (bookmark - parse_moment(updated(old))).days + 1
    assert parse_moment(updated(older)) < bookmark - timedelta(days=days + 1)
    for record in (older, old):
        unserved.create_child("/Notes", record["NOTE_ID"], "Comments", touch=False, BODY="late")
    late = [
        [row["NOTE_ID"] for row in done.rows("note_comments") if row["BODY"] == "late"]
        for done in (
            sync(unserved, selected("note_comments"), state),
            sync(unserved, selected("note_comments"), state, child_streams_lookback_days=days),
            sync(unserved, selected("note_comments", method="FULL_TABLE"), state),
        )
    ]
    assert late[:2] == [[], [old["NOTE_ID"]]]
    assert sorted(late[2]) == sorted([old["NOTE_ID"], older["NOTE_ID"]])


def test_many_are_asked_for_at_once_but_never_more_than_allowed() -> None:
    sandbox, most = new_sandbox(), 8
    meeting, under_way, seen = threading.Barrier(most), count(), []
    now, lock = 0, threading.Lock()

    class Together(Direct):
        def get(self, path: str, *args: Any, **options: Any) -> Response:
            nonlocal now
            with lock:
                now += 1
                seen.append(now)
            if path.endswith("Comments") and next(under_way) < most:
                meeting.wait(30)  # breaks, and fails the sync, if not so many come together
            try:
                return super().get(path, *args, **options)
            finally:
                with lock:
                    now -= 1

    done = sync(sandbox, selected("note_comments"), session=Together(sandbox, max_concurrency=most))
    assert done.error is None
    assert max(seen) == most
    assert counted(done.rows("note_comments")) == counted(wanted(sandbox, "note_comments"))


# State


def test_each_kind_of_record_has_a_bookmark_that_is_not_newer_than_what_was_read(
    sandbox: Sandbox,
) -> None:
    ticking(sandbox)
    sandbox.update("/Leads", sandbox.records("/Leads")[3]["LEAD_ID"], TITLE="new")
    done = sync(sandbox, selected("note_comments", "file_attachments"))
    newest = {path: max(map(updated, sandbox.records(path))) for path in FILES}
    key = "PARENT_UPDATED_UTC"
    assert done.state["bookmarks"] == {
        "note_comments": {"replication_key": key, "replication_key_value": newest["/Notes"]},
        "file_attachments": {
            "partitions": [
                {
                    "context": {"PARENT_TYPE": kind},
                    "replication_key": key,
                    "replication_key_value": newest[path],
                }
                for path, kind in FILES.items()
            ]
        },
    }


@pytest.mark.parametrize("stream", ["note_comments", "file_attachments", HISTORY])
def test_what_is_created_while_a_sync_runs_comes_in_this_one_or_the_next(
    unserved: Sandbox, stream: str
) -> None:
    name, paths = STREAMS[stream]
    ticking(unserved, step=100)
    chance = random.Random(stream)

    def create(_: Any) -> None:
        path = chance.choice([*paths])
        if path != "/Emails":  # have no date of an update
            record = chance.choice(unserved.records(path))
            unserved.create_child(path, record[key_of(unserved, path)], name)

    unserved.on_request = create
    first = sync(unserved, selected(stream), page=4, lookback_seconds=1, max_concurrency=2)
    unserved.on_request = None
    second = sync(unserved, selected(stream), first.state, lookback_seconds=1)
    rows = {}
    for row in first.rows(stream) + second.rows(stream):
        rows[json.dumps([row[key] for key in entry(catalog(), stream)["key_properties"]])] = row
    assert counted([*rows.values()]) == counted(wanted(unserved, stream))


# The history, which has no ids


def history(done: Done) -> dict[str, str]:
    return {
        row["STATE_HISTORY_ID"]: json.dumps({**row, "PARENT_UPDATED_UTC": None}, sort_keys=True)
        for row in done.rows(HISTORY)
    }


def test_changes_of_state_are_called_the_same_in_every_sync(unserved: Sandbox) -> None:
    first = sync(unserved, selected(HISTORY))
    rows = counted(wanted(unserved, HISTORY))
    assert max(rows.values()) > 1, "some say the same"
    assert len(history(first)) == rows.total()
    below = unserved.below.of(
        "/Opportunities", unserved.below.kind("/Opportunities", "StateHistory")
    )
    gone, *others = unserved.records("/Opportunities")
    unserved.delete("/Opportunities", gone["OPPORTUNITY_ID"])
    for number in below:
        random.Random(number).shuffle(below[number])
    for record in others:
        unserved.update("/Opportunities", record["OPPORTUNITY_ID"], PROBABILITY=1)
    second = sync(unserved, selected(HISTORY), first.state)
    left = [row for row in first.rows(HISTORY) if row["OPPORTUNITY_ID"] != gone["OPPORTUNITY_ID"]]
    assert history(second) == {
        row["STATE_HISTORY_ID"]: history(first)[row["STATE_HISTORY_ID"]] for row in left
    }


def test_a_change_of_state_is_called_as_in_earlier_versions() -> None:
    """Another key would make a second row of each in every warehouse."""
    sandbox = new_sandbox(records=1)
    ticking(sandbox)
    number = sandbox.create("/Opportunities", OPPORTUNITY_STATE="OPEN")["OPPORTUNITY_ID"]
    done = sync(sandbox, selected(HISTORY), session=Direct(sandbox))
    (row,) = [row for row in done.rows(HISTORY) if row["OPPORTUNITY_ID"] == number]
    assert (number, row["DATE_CHANGED_UTC"]) == (309000011, "2027-03-01T12:00:00Z")
    assert row["STATE_HISTORY_ID"] == "0a6b2afd0cb87ee6a59d819f141ca093"


# Whoever does not ask for it


def test_nobody_pays_who_has_not_selected_them(tap: Tap, shared_sandbox: Sandbox) -> None:
    shared_sandbox.requests.clear()
    run = tap(sandbox=shared_sandbox)
    assert run.code == 0
    sent = {message.get("stream") for message in run.messages}
    assert "contacts" in sent
    related = {s["tap_stream_id"] for s in catalog()["streams"]} - sent
    assert set(STREAMS) < related
    assert len(related) == 15
    names = {name for name, _ in STREAMS.values()}
    assert not [r.path for r in shared_sandbox.requests if r.path.rpartition("/")[2] in names]
    assert not [r.query for r in shared_sandbox.requests if "brief" in r.query]
