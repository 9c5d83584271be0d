"""What a rolling refresh promises: each record again in time, for few requests."""

from __future__ import annotations

import json
from collections import Counter
from datetime import timedelta
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from tap_insightly.sync.refresh_schedule import RefreshSchedule
from tests.changing import EPOCH
from tests.refreshing import Runs, contacts

if TYPE_CHECKING:
    from tests.changing import Account

DAY = timedelta(days=1)
MINUTE = timedelta(minutes=1)
RECORDS = 100_000
MOST_A_DAY = 32

changes = st.one_of(
    st.tuples(st.just("create")),
    st.tuples(st.just("update"), st.integers(0, 400)),
    st.tuples(st.just("delete"), st.integers(0, 400), st.integers(1, 30)),
)
gaps = st.one_of(
    st.integers(5, 60),
    st.integers(60, 60 * 24),
    st.integers(60 * 24, 60 * 240),
).map(lambda minutes: minutes * MINUTE)


def overdue_at_most(interval: timedelta, days: timedelta) -> timedelta:
    """By how much a record may be overdue when runs are an interval apart."""
    return timedelta() if interval <= days / 12 else interval / 4


def spent(minutes: int, span: timedelta) -> Counter[int]:
    """What runs so many minutes apart cost on each day: a page at a time, of a list at rest."""
    schedule, now, requests = RefreshSchedule(7), EPOCH, Counter[int]()
    schedule.begin(EPOCH, RECORDS)
    while now - EPOCH < span:
        now += minutes * MINUTE
        schedule = RefreshSchedule(7, schedule.saved())
        for until in schedule.due(now):
            last = -1
            while last < RECORDS - 1 and not (until and until.is_passed(last, last)):
                last = min(schedule.skip + 499, RECORDS - 1)
                schedule.advance(last, last, now)
                requests[(now - EPOCH).days] += 1
            if last == RECORDS - 1:
                schedule.begin_round(now)
        schedule.end(now)
    return requests


@settings(max_examples=60)
@given(minutes=st.integers(5, 24 * 60))
@example(minutes=5)
@example(minutes=1301)  # the shortest interval with which seven runs make a round
@example(minutes=1269)  # with which eight do, because the last of it may be a little late
@example(minutes=840)
@example(minutes=24 * 60)
def test_100_000_records_in_a_week_cost_32_requests_a_day_whatever_the_interval(
    minutes: int,
) -> None:
    days = 7 if minutes < 30 else 70
    assert sum(spent(minutes, days * DAY).values()) <= MOST_A_DAY * days


@pytest.mark.parametrize("minutes", [15, 60, 240, 480, 720, 1440])
def test_with_usual_intervals_no_day_costs_more_than_that(minutes: int) -> None:
    assert max(spent(minutes, 16 * DAY).values()) <= MOST_A_DAY


@settings(max_examples=150)
@given(
    count=st.integers(0, 300),
    page_size=st.integers(2, 40),
    days=st.sampled_from([1, 7, 30, 0.5]),
    is_begun=st.booleans(),
    runs=st.lists(
        st.tuples(
            gaps,
            st.dictionaries(st.integers(1, 8), changes, max_size=2),
            st.one_of(st.none(), st.none(), st.integers(0, 10)),
        ),
        min_size=1,
        max_size=40,
    ),
)
@example(
    count=3,
    page_size=2,
    days=1,
    is_begun=False,
    runs=[(5 * MINUTE, {}, 0), (1192 * MINUTE, {}, None), (297 * MINUTE, {}, None)],
)
def test_after_each_run_nothing_will_be_overdue_at_the_next_one(
    count: int,
    page_size: int,
    days: float,
    runs: list[tuple[timedelta, dict[int, tuple[Any, ...]], int | None]],
    *,
    is_begun: bool,
) -> None:
    """If that is as late as this one was; whatever is created, deleted and cut off meanwhile."""
    world = Runs(contacts(count), days, page_size)
    if is_begun:
        world.begin()
    for gap, happens, cut_at in runs:
        before = world.ran
        world.account.happens = {at: _doing(*change) for at, change in happens.items()}
        age = world.run(gap, cut_at)
        if world.ran != world.now or before is None:
            continue  # it was cut off, or only began
        interval = world.now - before
        late = overdue_at_most(interval, days * DAY)
        assert age <= max(timedelta(), days * DAY + late - interval)


@settings(max_examples=40)
@given(
    minutes=st.integers(5, 10 * 24 * 60),
    count=st.integers(0, 120),
    days=st.sampled_from([1, 7, 30]),
)
@example(minutes=1440, count=120, days=7)
@example(minutes=14400, count=120, days=7)
def test_each_record_is_read_every_so_many_days_with_any_regular_interval(
    minutes: int, count: int, days: int
) -> None:
    """If runs are at least 12 in that time; with fewer, a quarter of their interval later."""
    world = Runs(contacts(count), days, 10)
    interval = minutes * MINUTE
    world.begin()
    for _ in range(min(400, 3 + 2 * days * DAY // interval)):
        # Just before it is read again, a record is as old as it gets.
        age = max((world.now + interval - one for one in world.read.values()), default=interval)
        late = overdue_at_most(interval, days * DAY)
        assert age <= max(interval, days * DAY + late)
        world.run(interval)


def test_with_a_run_a_day_each_record_is_read_every_seventh_day_even_if_runs_jitter() -> None:
    world = Runs(contacts(700), 7, 11)
    world.begin()
    requests = []
    for number in range(70):
        world.run(DAY + ((number * 7) % 5 - 2) * 5 * MINUTE)
        requests.append(world.requests)
    assert sum(requests) <= 70 * (10 + 1)
    assert max(requests) <= 11, "a seventh in each run, not a sixth"


def test_a_sync_after_a_long_break_reads_all_that_is_overdue_and_no_more() -> None:
    world = Runs(contacts(700), 7, 11)
    world.begin()
    for _ in range(7):
        world.run(DAY)
    world.run(30 * DAY)
    assert world.requests in {70, 71}
    world.run(30 * DAY / 1000)
    assert world.requests == 0


anything = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=3), inner),
    max_leaves=6,
)
numbers = st.one_of(st.none(), st.integers(-1, 100), st.sampled_from([2**31, 2**63, 10**30]))
times = st.one_of(
    st.sampled_from(
        [
            "2026-01-01T00:00:00Z",
            "2025-12-28T00:00:00Z",
            "2030-01-01T00:00:00Z",
            "0001-01-01T00:00:00+23:59",
            "9999-12-31T23:59:59-23:59",
            "soon",
            "",
        ]
    ),
    st.datetimes().map(lambda moment: moment.isoformat() + "Z"),
    st.none(),
)
parts = st.lists(st.tuples(numbers, numbers, times).map(list), max_size=4)
states = st.one_of(
    anything,
    st.fixed_dictionaries(
        {
            "after": numbers,
            "skip": numbers,
            "records": numbers,
            "ran": times,
            "ahead": st.one_of(parts, anything),
            "behind": st.one_of(parts, parts, anything),
        }
    ),
)


@settings(max_examples=400)
@given(saved=states, count=st.integers(0, 60))
@example(
    saved={
        "after": 10**9,
        "skip": 10**6,
        "records": 10**6,
        "ran": "2025-12-31T00:00:00Z",
        "ahead": [[10**10, 10**6, "2025-12-29T00:00:00Z"]],
        "behind": [[10**9, 10**6, "2025-12-30T00:00:00Z"]],
    },
    count=40,
)
@example(
    saved={
        "after": None,
        "skip": 0,
        "records": 40,
        "ran": "2030-01-01T00:00:00Z",
        "ahead": [[40, 39, "2030-01-01T00:00:00Z"]],
        "behind": [],
    },
    count=40,
)
def test_whatever_the_state_holds_all_is_read_within_so_many_days(saved: Any, count: int) -> None:
    world = Runs(contacts(count), 7, 10, saved=saved)
    world.run(timedelta())  # what is not read in it is taken for read, by what the state says
    world.read = dict.fromkeys(world.account.ids, EPOCH)
    for _ in range(8):
        age = world.run(DAY)
    assert age < 8 * DAY


def test_what_was_created_behind_the_last_record_is_read_with_it_even_after_a_cut() -> None:
    schedule = RefreshSchedule(7)
    schedule.begin(EPOCH, 10)
    schedule.due(EPOCH + 6 * DAY)
    schedule.end(EPOCH + 6 * DAY)
    assert schedule.due(EPOCH + 7 * DAY) == [None]
    schedule.advance(11, 10, EPOCH + 7 * DAY)  # of more than ten, and no further
    assert RefreshSchedule(7, schedule.saved()).due(EPOCH + 7 * DAY + MINUTE) == [None]


def test_a_state_stays_small() -> None:
    """As large as with runs that read a page each."""
    schedule = RefreshSchedule(7)
    schedule.begin(EPOCH, RECORDS)
    for number in range(1, 201):
        schedule.advance(number * 499, number * 499, EPOCH + number * 7 * DAY / 201)
    assert len(json.dumps(schedule.saved())) < 4000


def _doing(kind: str, *args: int) -> Any:
    def do(account: Account) -> None:
        getattr(account, kind)(*args)

    return do
