"""The quota: nothing is sent that would use more than there is, or than may be used."""

from __future__ import annotations

import threading
from datetime import datetime, timezone
from typing import TYPE_CHECKING

import pytest

from tap_insightly.api import ClosedError, Quota, QuotaExhaustedError

if TYPE_CHECKING:
    from collections.abc import Callable


def headers(limit: str, remaining: str) -> dict[str, str]:
    return {"X-RateLimit-Limit": limit, "X-RateLimit-Remaining": remaining}


def in_thread(work: Callable[[], None]) -> tuple[threading.Thread, list[BaseException | None]]:
    """Start something that may have to wait; its end is in the list, once it has one."""
    ends: list[BaseException | None] = []

    def do() -> None:
        try:
            work()
        except Exception as error:  # noqa: BLE001 - the test looks at it
            ends.append(error)
        else:
            ends.append(None)

    thread = threading.Thread(target=do)
    thread.start()
    return thread, ends


def test_without_a_word_from_the_server_there_is_no_quota() -> None:
    quota = Quota()
    for _ in range(50):
        quota.acquire()
    quota.release({"X-RateLimit-Remaining": "many"})
    quota.acquire()
    assert quota.remaining is None


@pytest.mark.parametrize(
    ("reserve", "remaining", "stops"),
    [(0, 1, False), (0, 0, True), (50, 51, False), (50, 50, True)],
)
def test_the_reserve_is_left_alone(reserve: int, remaining: int, *, stops: bool) -> None:
    quota = Quota(reserve)
    quota.acquire()
    quota.release(headers("100000", str(remaining)))
    if not stops:
        quota.acquire()
        return
    with pytest.raises(QuotaExhaustedError, match=f"{remaining} of 100,000 are left"):
        quota.acquire()


def test_the_message_says_when_the_next_day_begins() -> None:
    quota = Quota()
    quota.acquire()
    quota.release(headers("100", "0"), datetime(2026, 12, 31, 23, 59, tzinfo=timezone.utc))
    with pytest.raises(QuotaExhaustedError, match="2027-01-01T00:00:00Z"):
        quota.acquire()


def test_requests_under_way_do_not_use_more_together_than_there_is() -> None:
    quota = Quota()
    quota.acquire()
    quota.release(headers("100", "2"))
    quota.acquire()
    quota.acquire()
    third, ends = in_thread(quota.acquire)
    assert ends == [], "the third has to wait for what the answers say"
    quota.release(headers("100", "1"))
    assert ends == []
    quota.release(headers("100", "0"))
    third.join(60)
    assert isinstance(ends[0], QuotaExhaustedError)
    assert "0 of 100 are left" in str(ends[0]), "it says what is left, not what was left before"


def test_a_request_that_was_not_counted_can_be_taken_again() -> None:
    quota = Quota()
    quota.acquire()
    quota.release(headers("100", "1"))
    quota.acquire()
    second, ends = in_thread(quota.acquire)
    quota.release(None)  # the connection was lost
    second.join(60)
    assert ends == [None]


def test_with_a_reserve_the_first_request_goes_alone() -> None:
    quota = Quota(reserve=40)
    quota.acquire()
    second, ends = in_thread(quota.acquire)
    assert ends == []
    quota.release(headers("100", "40"))
    second.join(60)
    assert isinstance(ends[0], QuotaExhaustedError)


def test_answers_may_overtake_each_other() -> None:
    quota = Quota()
    for remaining in ("7", "5", "6"):
        quota.acquire()
        quota.release(headers("100", remaining))
    assert quota.remaining == 5


def test_a_new_day_gives_the_quota_back() -> None:
    quota = Quota()
    for remaining in ("1", "100000"):
        quota.acquire()
        quota.release(headers("100000", remaining))
    assert quota.remaining == 100_000
    quota.acquire()


def test_whoever_waits_is_told_when_the_quota_is_closed() -> None:
    quota = Quota(reserve=1)
    quota.acquire()
    thread, ends = in_thread(quota.acquire)
    quota.close()
    thread.join(60)
    assert isinstance(ends[0], ClosedError)
