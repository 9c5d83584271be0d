"""What comes inside of records, if a sync is cut off."""

from __future__ import annotations

import json
import signal
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tap_insightly.sandbox import Faults
from tests.conftest import entry, new_sandbox
from tests.relating import (
    Direct,
    catalog,
    counted,
    selected,
    sync,
    ticking,
    unserved,
)
from tests.syncing import Memory
from tests.test_arrays import (
    wanted,
)
from tests.test_children_cut import (
    acknowledged,
    change,
    happenings,
    lines_until,
    ways_to_end,
)

if TYPE_CHECKING:
    from pathlib import Path

    from singer_sdk.singerlib import Message

    from tap_insightly.sandbox import Sandbox
    from tap_insightly.tap import TapInsightly

__all__ = ["unserved"]  # a fixture


def test_a_quota_that_ends_half_way_is_gone_on_from_together(sandbox: Sandbox) -> None:
    names = ["contacts", "links", "contact_dates"]
    sandbox.faults = Faults(daily_quota=3)
    first = sync(sandbox, selected(*names), page=15, max_concurrency=1)
    assert "0 of 3 are left" in str(first.error)
    states = first.state["bookmarks"]
    (links,) = states["links"]["partitions"]
    checkpoint = states["contacts"]["unfinished"]
    assert checkpoint == states["contact_dates"]["unfinished"] == links["unfinished"]
    pages = first.asked.count("/Contacts")
    assert checkpoint["last_id"] == sandbox.records("/Contacts")[14 * pages]["CONTACT_ID"]
    sandbox.faults = Faults()
    second = sync(sandbox, selected(*names), first.state, page=15, max_concurrency=1)
    assert 0 < pages < 3
    assert second.asked.count("/Contacts") == 5 - pages + 1, "the page that it was in once more"
    assert not [path for path in second.asked if "Search" in path]
    for name in ("links", "contact_dates"):
        rows = first.rows(name) + second.rows(name)
        assert counted(rows) == counted(wanted(sandbox, name))


@pytest.mark.parametrize(
    ("stream", "key"),
    [("contact_dates", "CONTACT_ID"), ("links", "PARENT_ID"), ("note_comments", "NOTE_ID")],
)
def test_the_state_is_never_ahead_of_what_was_sent(
    unserved: Sandbox, stream: str, key: str
) -> None:
    """A signal writes it after whatever row is being written."""
    ahead: list[bool] = []

    def run(tap: TapInsightly) -> None:
        class Watching(Memory):
            def write_message(self, message: Message) -> None:
                content = message.to_dict()
                if content["type"] == "RECORD" and content["stream"] == stream:
                    own, row = tap.state["bookmarks"][stream], content["record"]
                    for one in own.get("partitions", [own]):
                        kind = one.get("context", {}).get("PARENT_TYPE")
                        if kind == row.get("PARENT_TYPE") and "unfinished" in one:
                            ahead.append(one["unfinished"]["last_id"] >= row[key])

        tap.message_writer = Watching()
        tap.sync_all()

    sync(unserved, selected("contacts", "notes", stream), run=run)
    assert len(ahead) > 5
    assert not any(ahead)


def test_what_stands_elsewhere_than_its_records_catches_up_by_itself(unserved: Sandbox) -> None:
    """Cut off at another record, or left out of some syncs."""
    rows, state = [], None
    for names, cut_at in (
        (["contact_dates"], 3),
        (["contacts"], 5),
        (["contacts", "contact_dates"], None),
    ):
        session = Direct(unserved, cut_at=cut_at, max_concurrency=1)
        done = sync(unserved, selected(*names), state, session=session, page=15)
        assert (done.error is None) == (cut_at is None)
        state = done.state
        rows += done.rows("contact_dates")
    assert counted(rows) == counted(wanted(unserved, "contact_dates"))
    ticking(unserved, step=100)
    both = selected("contacts", "contact_dates")
    numbers = sorted({row["CONTACT_ID"] for row in rows})[:3]
    for number in numbers:
        unserved.update("/Contacts", number)
        done = sync(unserved, selected("contacts"), state)
        state = done.state
    assert numbers[0] not in {row["CONTACT_ID"] for row in done.rows("contacts")}
    done = sync(unserved, both, state)
    assert {row["CONTACT_ID"] for row in done.rows("contact_dates")} >= set(numbers)
    assert sync(unserved, both, done.state).asked == ["/Contacts/Search"]


@pytest.mark.slow
def test_a_process_that_is_killed_time_and_again_loses_nothing(tmp_path: Path) -> None:
    with new_sandbox(records=300).serve() as sandbox:
        names = ("contacts", "contact_dates", "links", "notes")
        state, rows, kills, code = {}, [], 0, 1
        while code != 0:
            killed_at = 150 + 31 * kills if kills < 5 else None
            messages, code = lines_until(
                tmp_path, sandbox, selected(*names), state, killed_at, signal.SIGKILL
            )
            own, state = acknowledged(messages, state)
            rows += own
            kills += code != 0
        assert kills == 5
        for stream in ("contact_dates", "links"):
            received = {json.dumps(m["record"]) for m in rows if m["stream"] == stream}
            assert counted([json.loads(r) for r in received]) == counted(wanted(sandbox, stream))
        contacts = [m["record"]["CONTACT_ID"] for m in rows if m["stream"] == "contacts"]
        assert len(contacts) < len(set(contacts)) + 10, "none of the runs began anew"
        assert len(set(contacts)) == sandbox.count("/Contacts")


methods = st.sampled_from(["INCREMENTAL", "FULL_TABLE"])
NAMES = ["contacts", "contact_dates", "links"]


def with_arrays(sandbox: Sandbox, number: int) -> None:
    """Give a contact as many dates and links as its number has ones."""
    places = [place for place in range(3) if number >> place & 1]
    for record in sandbox.records("/Contacts"):
        if record["DATES"] is None:
            sandbox.update(
                "/Contacts",
                record["CONTACT_ID"],
                DATES=[{"DATE_ID": record["CONTACT_ID"] * 10 + one} for one in places],
                LINKS=[{"LINK_ID": record["CONTACT_ID"] * 10 + one} for one in places],
            )


@settings(max_examples=100)
@given(
    many=st.integers(0, 14),
    runs=st.lists(
        st.tuples(
            happenings, ways_to_end, st.dictionaries(st.sampled_from(NAMES), methods, min_size=1)
        ),
        max_size=4,
    ),
    concurrency=st.integers(1, 4),
    detect=st.booleans(),
)
def test_whatever_is_selected_changed_and_cut_all_arrives(
    many: int,
    runs: list[tuple[list[tuple[int, str, int]], tuple[str, int], dict[str, str]]],
    concurrency: int,
    *,
    detect: bool,
) -> None:
    sandbox = new_sandbox(records=1)
    ticking(sandbox)
    for place in range(many):
        sandbox.create("/Contacts")
        with_arrays(sandbox, place)
    state: Any = {}
    received: dict[str, dict[str, dict[str, Any]]] = {name: {} for name in NAMES}
    end: Any = ([], ("whole", 0), dict.fromkeys(NAMES, "INCREMENTAL"))
    for script, (ends, at), names in [*runs, end, end]:

        def happen(_: Any, script: Any = script) -> None:
            for number, kind, place in script:
                if number == len(sandbox.requests) + 1:
                    change(sandbox, "/Contacts", "FileAttachments", (kind, place))
                    with_arrays(sandbox, place)

        sandbox.on_request = happen
        session = Direct(sandbox, cut_at=at if ends == "cut" else None, max_concurrency=concurrency)
        streams = [selected(name, method=names[name])["streams"][0] for name in sorted(names)]
        options: Any = {"session": session, "every": 3, "page": 4, "lookback_seconds": 1}
        messages = sync(
            sandbox, {"streams": streams}, state, detect_deletes=detect, **options
        ).messages
        if ends == "killed":
            messages = messages[: at % (len(messages) + 1)]
        rows, state = acknowledged(messages, state)
        for message in rows:
            stream, row = message["stream"], message["record"]
            keys = entry(catalog(), stream)["key_properties"]
            received[stream][json.dumps([row[key] for key in keys])] = row
    for stream in ("contact_dates", "links"):
        expected = (
            wanted(sandbox, stream, "Contact") if stream == "links" else wanted(sandbox, stream)
        )
        keys = entry(catalog(), stream)["key_properties"]
        got = [received[stream].get(json.dumps([row[k] for k in keys])) for row in expected]
        assert None not in got, "one is missing"
        whole = [row | expected[n] for n, row in enumerate(got) if row]
        assert counted(whole) == counted([row for row in got if row])
    contacts = {record["CONTACT_ID"] for record in sandbox.records("/Contacts")}
    assert {row["CONTACT_ID"] for row in received["contacts"].values()} >= contacts
