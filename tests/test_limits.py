"""The pace and the quota, by a clock that only moves when it is told to."""

from __future__ import annotations

from datetime import datetime, timezone

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tap_insightly.api import Pace, Quota, QuotaExhaustedError


class Clock:
    """A clock that moves by sleeping."""

    def __init__(self) -> None:
        self.now = 1000.0

    def __call__(self) -> float:
        return self.now

    def sleep(self, seconds: float) -> None:
        assert seconds > 0
        self.now += seconds


@given(
    per_second=st.floats(0.1, 100),
    pauses=st.lists(st.floats(0, 3), min_size=1, max_size=60),
)
def test_never_more_than_the_allowed_requests_in_any_second(
    per_second: float, pauses: list[float]
) -> None:
    clock = Clock()
    pace = Pace(per_second, clock=clock, sleep=clock.sleep)
    starts = []
    for pause in pauses:
        clock.now += pause
        pace.wait()
        starts.append(clock.now)
    for first in starts:
        # A hair is taken off for the rounding of floating-point sums.
        within = sum(first <= start < first + 1 - 1e-6 for start in starts)
        assert within <= max(1, -(-per_second // 1))


def test_a_pace_that_is_not_used_up_does_not_wait() -> None:
    clock, waits = Clock(), list[float]()
    pace = Pace(10, clock=clock, sleep=waits.append)
    for _ in range(5):
        pace.wait()
        clock.now += 0.1
    assert waits == []


def headers(limit: str, remaining: str) -> dict[str, str]:
    return {"X-RateLimit-Limit": limit, "X-RateLimit-Remaining": remaining}


def test_without_a_word_from_the_server_there_is_no_quota() -> None:
    quota = Quota(reserve=10)
    quota.check(None)
    quota.note({"X-RateLimit-Remaining": "many"})
    quota.check(None)
    assert quota.remaining is None


@pytest.mark.parametrize(
    ("reserve", "remaining", "stops"),
    [(0, 1, False), (0, 0, True), (50, 51, False), (50, 50, True)],
)
def test_the_reserve_is_left_alone(reserve: int, remaining: int, *, stops: bool) -> None:
    quota = Quota(reserve)
    quota.note(headers("100000", str(remaining)))
    if not stops:
        quota.check(None)
        return
    with pytest.raises(QuotaExhaustedError, match=f"{remaining} of 100,000 are left"):
        quota.check(None)


def test_the_message_says_when_the_next_day_begins() -> None:
    quota = Quota()
    quota.note(headers("100", "0"))
    now = datetime(2026, 12, 31, 23, 59, tzinfo=timezone.utc)
    with pytest.raises(QuotaExhaustedError, match="2027-01-01T00:00:00Z"):
        quota.check(now)
