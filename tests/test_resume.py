"""Whatever ends a sync, the next one goes on from what the target has, and all arrives."""

from __future__ import annotations

import itertools
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from singer_sdk.singerlib import StateMessage

from tap_insightly.sync.checkpoint import Checkpoint
from tap_insightly.tap import TapInsightly
from tests.changing import Account
from tests.conftest import KEY
from tests.syncing import CATALOG, PAGE, Memory, Session, Target, no_log, sync
from tests.test_paging import changes, happening, in_order, shuffled

if TYPE_CHECKING:
    from collections.abc import Callable

    from singer_sdk.singerlib import Message


__all__ = ["no_log"]  # a fixture

ways_to_end = st.one_of(
    st.just(("whole", 0)),
    st.tuples(st.just("cut"), st.integers(1, 12)),
    st.tuples(st.just("killed"), st.integers(0, 10_000)),
)
runs = st.lists(
    st.tuples(st.dictionaries(st.integers(1, 12), changes, max_size=4), ways_to_end), max_size=5
)


@settings(max_examples=150)
@given(
    count=st.integers(0, 150),
    runs=runs,
    concurrency=st.integers(1, 5),
    order=st.sampled_from([in_order, shuffled]),
)
def test_whatever_changes_and_whatever_is_cut_all_arrives(
    count: int,
    runs: list[tuple[dict[int, Any], tuple[str, int]]],
    concurrency: int,
    order: Callable[[list[int]], list[int]],
) -> None:
    account = Account(order(list(range(1, count + 1))), max_concurrency=concurrency)
    target = Target()
    for script, (end, moment) in runs:
        account.happens = happening(script)
        cut_at = moment if end == "cut" else None
        messages, _ = sync(account, target.state, cut_at=cut_at)
        if end == "killed":
            messages = messages[: moment % (len(messages) + 1)]
        target.load(messages)
    account.happens = {}
    for _ in range(2):  # one to finish what was cut off, one for what changed meanwhile
        messages, is_whole = sync(account, target.state)
        assert is_whole
        target.load(messages)
    expected = {number: str(account.version[number]) for number in account.ids}
    assert {number: target.rows.get(number) for number in account.ids} == expected


@settings(max_examples=100)
@given(
    count=st.integers(1, 150),
    ends=st.lists(st.integers(0, 10_000), min_size=1, max_size=6),
    every=st.integers(1, 40),
)
def test_only_what_came_after_the_last_state_comes_twice(
    count: int, ends: list[int], every: int
) -> None:
    account = Account(list(range(1, count + 1)))
    target = Target()
    for moment in ends:
        messages, _ = sync(account, target.state, every=every)
        target.load(messages[: moment % (len(messages) + 1)])
        if "replication_key_value" in target.state.get("bookmarks", {}).get("contacts", {}):
            break  # it came to its end
    else:
        target.load(sync(account, target.state, every=every)[0])
    assert set(target.received) >= set(account.ids)
    assert len(target.received) == len(set(target.received)), "what was acknowledged came again"


def test_a_cut_stream_costs_only_the_pages_that_were_not_read() -> None:
    account = Account(list(range(1, 10 * PAGE + 1)), max_concurrency=1)
    target = Target()
    messages, is_whole = sync(account, {}, cut_at=9)
    assert not is_whole
    target.load(messages)
    assert len(target.rows) == 8 * (PAGE - 1) + 1, "all that was read before it was cut"
    target.load(sync(account, target.state)[0])
    assert len(target.rows) == 10 * PAGE
    assert len(account.requests) == 4


def test_the_state_is_never_ahead_of_what_was_handed_on(monkeypatch: pytest.MonkeyPatch) -> None:
    """Whoever has asked for the third row has written the second, and may be killed before it."""
    account = Account(list(range(1, 10)))
    tap = TapInsightly(config={"api_key": KEY}, catalog=CATALOG, state={})
    monkeypatch.setattr("tap_insightly.tap.open_session", lambda *_: Session(account, None))
    rows = tap.streams["contacts"].get_records(None)
    assert [next(rows)["CONTACT_ID"] for _ in range(3)] == [1, 2, 3]
    assert tap.state["bookmarks"]["contacts"]["unfinished"]["last_id"] == 2
    rows.close()


def test_without_order_there_is_no_place_to_go_on_from() -> None:
    account = Account([2, 1, *range(3, 10 * PAGE)], max_concurrency=1)
    messages, is_whole = sync(account, {}, cut_at=5)
    assert not is_whole
    assert "unfinished" not in messages[-1]["value"]["bookmarks"]["contacts"]


def test_a_bookmark_never_goes_back() -> None:
    """As it would when the newest records were deleted."""
    account = Account([1, 2, 3])
    account.updated = {1: 10, 2: 10, 3: 100}
    account.now = 200
    state = sync(account, {})[0][-1]["value"]
    account.delete(2)
    messages, _ = sync(account, state, lookback_seconds=3600)
    assert sum(message["type"] == "RECORD" for message in messages) == 2
    bookmark = messages[-1]["value"]["bookmarks"]["contacts"]["replication_key_value"]
    assert bookmark == "2026-01-01T00:01:40Z"


def test_the_state_of_a_cut_stream_says_where_it_is() -> None:
    account = Account(list(range(1, 3 * PAGE + 1)), max_concurrency=1)
    state = {
        "bookmarks": {
            "contacts": {
                "replication_key": "DATE_UPDATED_UTC",
                "replication_key_value": "2025-12-31T23:59:59Z",
            }
        }
    }
    messages, _ = sync(account, state, cut_at=3)
    contacts = messages[-1]["value"]["bookmarks"]["contacts"]
    assert contacts["replication_key_value"] == "2025-12-31T23:59:59Z", "not before the end"
    assert contacts["unfinished"] == {
        "since": "2025-12-31T23:59:58Z",
        "began": "2026-01-01T00:00:02Z",
        "last_id": 2 * PAGE - 1,
        "skip": PAGE - 1,
        "passed": [2 * PAGE - 1, 2 * PAGE - 1],
        "newest": "2026-01-01T00:00:00Z",
    }


@pytest.mark.parametrize(
    "unfinished",
    [
        {"since": "2026-01-01T00:00:00Z", "began": None, "last_id": 40, "skip": 0},
        {"since": None, "began": "2026-01-01T00:00:00Z", "last_id": "40", "skip": 0},
        {"since": None, "began": 7, "last_id": 40, "skip": 0},
        {"since": None, "last_id": 40, "skip": -1},
        {"last_id": 40, "skip": 0},
        [40],
        None,
    ],
)
def test_a_position_that_does_not_fit_is_not_gone_on_from(unfinished: Any) -> None:
    """Such as after another start date was set, or the bookmark was moved by hand."""
    account = Account(list(range(1, 51)))
    messages, _ = sync(account, {"bookmarks": {"contacts": {"unfinished": unfinished}}})
    assert sum(message["type"] == "RECORD" for message in messages) == 50
    assert "unfinished" not in messages[-1]["value"]["bookmarks"]["contacts"]


def test_a_list_that_is_read_whole_is_gone_on_with_too() -> None:
    account = Account(list(range(1, 10 * PAGE + 1)))
    options: dict[str, Any] = {"method": "FULL_TABLE"}
    target = Target()
    target.load(sync(account, {}, cut_at=9, **options)[0])
    assert 4 * PAGE < len(target.rows) < 10 * PAGE
    target.load(sync(account, target.state, **options)[0])
    assert len(target.received) == len(target.rows) == 10 * PAGE
    # But not with versions: targets drop the rows of the version before.
    options["emit_activate_version_messages"] = True
    messages, _ = sync(account, {}, cut_at=9, **options)
    messages, _ = sync(account, messages[-1]["value"], **options)
    assert sum(message["type"] == "RECORD" for message in messages) == 10 * PAGE


def test_a_state_is_written_every_ten_seconds(monkeypatch: pytest.MonkeyPatch) -> None:
    """However slowly the target takes the records, by a clock that is made up."""
    clock = [0.0]
    # Not `time.monotonic` itself, which others in this process go by: a server would stand still.
    made_up = SimpleNamespace(monotonic=lambda: clock[0])
    monkeypatch.setattr("tap_insightly.sync.stream_sync.time", made_up)
    write = Memory.write_message

    def slowly(memory: Memory, message: Message) -> None:
        write(memory, message)
        clock[0] += 0 if isinstance(message, StateMessage) else 3

    monkeypatch.setattr(Memory, "write_message", slowly)
    messages, _ = sync(Account(list(range(1, 101))), {}, every=5000)
    states = [one["value"]["bookmarks"]["contacts"] for one in messages if one["type"] == "STATE"]
    places = [state["unfinished"]["last_id"] for state in states if "unfinished" in state]
    assert places == sorted(places)
    assert all(later - earlier <= 4 for earlier, later in itertools.pairwise(places))
    assert len(places) >= 25


def test_the_bookmark_is_the_newest_record_but_not_later_than_the_beginning() -> None:
    for newest, began, bookmark in (
        ("2026-02-01T00:00:00Z", "2026-01-01T00:00:00Z", "2026-01-01T00:00:00Z"),
        ("2026-01-01T00:00:00Z", "2026-02-01T00:00:00Z", "2026-01-01T00:00:00Z"),
        (None, "2026-02-01T00:00:00Z", None),
        ("2026-01-01T00:00:00Z", None, None),
    ):
        checkpoint = Checkpoint(None, None, is_resumable=True)
        checkpoint.begin(began)
        checkpoint.begin("2027-01-01T00:00:00Z")  # a later answer
        checkpoint.advance(1, 0, newest)
        checkpoint.advance(2, 0, "2025-01-01T00:00:00Z" if newest else None)
        assert checkpoint.finish() == bookmark
