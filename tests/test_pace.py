"""The pace, by a clock that only moves when it is told to: fast, but never too fast."""

from __future__ import annotations

import math
import threading

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tap_insightly.api import ClosedError, RateLimiter
from tap_insightly.api.http.rate_limit import AdaptiveRate
from tests.simulation import Client, Server, adaptive_rate, run, run_together, sharing

LATENCIES = [0.05, 0.3, 1.0]


class Clock:
    """A clock that moves by waiting."""

    def __init__(self) -> None:
        self.now = 1000.0
        self.waits: list[float] = []

    def __call__(self) -> float:
        return self.now

    def wait(self, _condition: threading.Condition, seconds: float | None) -> None:
        assert seconds is not None, "waiting for an answer that nobody will give"
        assert seconds > 0
        self.waits.append(seconds)
        self.now += seconds


def most_in_a_second(starts: list[float], second: float = 1.0) -> int:
    """The most starts in any one second; a hair is taken off for the sums of fractions."""
    return max(
        sum(first <= permit < first + second - 1e-6 for permit in starts) for first in starts
    )


@settings(max_examples=60)
@given(
    per_second=st.floats(0.1, 100),
    width=st.integers(1, 100),
    allowed=st.integers(1, 100),
    latency=st.floats(0.001, 5),
    lost=st.sampled_from([0.0, 0.3]),
    seed=st.integers(0, 99),
)
def test_never_more_than_the_setting_in_any_second_nor_under_way(
    per_second: float, width: int, allowed: int, latency: float, lost: float, seed: int
) -> None:
    watched = adaptive_rate(seed, per_second, width)
    most_under_way = 0

    class Watched(Server):
        pass

    def watch(_: float) -> float:
        nonlocal most_under_way
        most_under_way = max(most_under_way, watched.under_way)
        return math.inf

    server = Watched(lambda _: allowed, watch, latency=latency, lost=lost)
    starts = run(watched, server, requests=200, seed=seed).starts
    assert most_in_a_second(starts) <= max(1, math.floor(per_second))
    if per_second < 1:
        assert most_in_a_second(starts, 1 / per_second) == 1
    assert most_under_way <= width


@pytest.mark.parametrize("seed", [1, 2, 3])
@pytest.mark.parametrize("latency", LATENCIES)
@pytest.mark.parametrize("allowed", [3, 5, 10])
def test_the_rate_of_the_server_is_found(allowed: int, latency: float, seed: int) -> None:
    server = Server(per_second=lambda _: allowed, latency=latency)
    outcome = run(adaptive_rate(seed), server, seed=seed)
    assert outcome.rate(since=20) >= 0.95 * allowed
    assert len(outcome.refused) <= 10


@pytest.mark.parametrize("seed", [1, 2, 3])
@pytest.mark.parametrize(("latency", "refused"), [(0.5, 10), (0.7, 10), (1.0, 12)])
def test_the_width_of_the_server_is_found(latency: float, refused: int, seed: int) -> None:
    server = Server(under_way=lambda _: 4, latency=latency)
    outcome = run(adaptive_rate(seed), server, seed=seed)
    # Half of the most that the answers and the requests of the simulation take longer.
    round_trip = latency + 0.01 / 2 + server.jitter / 2
    assert outcome.rate(since=40) >= 0.95 * min(10, 4 / round_trip)
    assert len(outcome.refused) <= refused


@pytest.mark.parametrize("seed", [1, 2, 3])
@pytest.mark.parametrize("latency", LATENCIES)
def test_a_server_that_takes_less_half_way_is_followed(latency: float, seed: int) -> None:
    """It looks as if others came, who may go again: so it is alert for some minutes."""
    server = Server(per_second=lambda now: 10 if now < 50 else 4, latency=latency)
    outcome = run(adaptive_rate(seed), server, seed=seed)
    assert outcome.rate(since=60) >= 0.92 * 4
    assert len(outcome.refused) <= 20


@pytest.mark.parametrize("seed", [1, 2, 3])
@pytest.mark.parametrize("latency", LATENCIES)
@pytest.mark.parametrize(("at", "seconds"), [(5, 20), (30, 25), (600, 150)])
def test_a_server_that_takes_more_is_found_out(
    at: float, seconds: float, latency: float, seed: int
) -> None:
    """The longer it was always the same, the less 429 are spent on looking."""
    outcome = Client(adaptive_rate(seed))
    server = Server(per_second=lambda now: 4 if now < at else 10, latency=latency)
    run_together([outcome], server, until=at + seconds + 30, seed=seed)
    assert outcome.rate(at + seconds, at + seconds + 30) >= 0.9 * 10


@pytest.mark.parametrize("allowed", [3, 5, 8])
def test_where_nothing_changes_one_request_in_a_hundred_is_refused_at_most(allowed: int) -> None:
    outcome = run(adaptive_rate(1), Server(per_second=lambda _: allowed), requests=20_000)
    assert len(outcome.refused) <= 0.005 * 20_000
    assert outcome.rate(since=20) >= 0.95 * allowed


SHARED = [([0.05], 1), ([0.3], 2), ([1.0], 3), ([0.05, 1.0, 0.3], 4)]
END = 300.0


@pytest.mark.parametrize(("latencies", "seed"), SHARED)
@pytest.mark.parametrize(("number", "refused"), [(2, 0.03), (3, 0.045), (4, 0.065)])
def test_several_share_a_server(
    number: int, refused: float, latencies: list[float], seed: int
) -> None:
    together = sharing(number, seed, until=END, latencies=latencies)
    run_together(together, Server(per_second=lambda _: 10), until=END + 60, seed=seed)
    rates = [one.rate(30, END) for one in together]
    assert sum(rates) >= 0.9 * 10
    assert min(rates) >= 0.5 * 10 / number
    requests = sum(len(one.starts) for one in together)
    assert sum(len(one.refused) for one in together) <= refused * requests
    assert together[0].rate(END + 20, END + 50) >= 0.9 * 10


@pytest.mark.parametrize(
    "server",
    [
        Server(per_second=lambda _: 10, is_fixed=True),
        Server(per_second=lambda _: 10, retry_after=1),
        Server(per_second=lambda _: 10, is_fixed=True, retry_after=1),
        Server(per_second=lambda _: 10, counts_refused=True),
        Server(per_second=lambda _: 10, jitter=0.05),
    ],
    ids=["fixed seconds", "Retry-After", "both", "counts what it refuses", "uneven network"],
)
def test_several_share_a_server_of_another_kind(server: Server) -> None:
    together = sharing(3, 1, until=END, latencies=[server.latency])
    run_together(together, server, until=END + 60)
    rates = [one.rate(30, END) for one in together]
    assert sum(rates) >= 0.75 * 10
    assert min(rates) >= 0.4 * 10 / 3
    requests = sum(len(one.starts) for one in together)
    assert sum(len(one.refused) for one in together) <= 0.08 * requests
    assert together[0].rate(END + 20, END + 50) >= 0.7 * 10


def test_who_asks_little_concludes_nothing() -> None:
    """What was taken while nothing was held back does not tell that more would be."""
    little = adaptive_rate(1)
    for number in range(5):  # of which a server that takes 4 a second refuses the last
        permit = little.acquire(number / 10)
        little.release(permit, number / 10 + 0.05, is_refused=number == 4)
    assert little.rate.value == 4
    for number in range(4, 1200):
        assert little.delay(number / 2) == 0
        little.release(little.acquire(number / 2), number / 2 + 0.3, is_refused=False)
    assert little.rate.value == 4


def test_less_than_one_a_second_is_kept_and_found_again() -> None:
    slow = adaptive_rate(1, 0.5, 20)
    server = Server(per_second=lambda now: 0 if 20 < now < 40 else 1)
    outcome = Client(slow)
    run_together([outcome], server, until=200)
    assert most_in_a_second(outcome.starts, 2.0) == 1
    assert outcome.rate(60, 200) >= 0.9 * 0.5


def test_a_server_that_takes_all_is_never_slowed_down() -> None:
    outcome = run(adaptive_rate(1), Server())
    assert outcome.refused == []
    assert outcome.rate(since=0) >= 0.96 * 10


def test_a_second_is_made_up_for_after_the_first_answer() -> None:
    """The first page of a list goes alone; the time until its answer need not be lost whole."""
    one = AdaptiveRate(10, 20)
    first = one.acquire(0.0)
    one.release(first, 1.0, is_refused=False)
    now, started = 1.0, 0
    while (delay := one.delay(now)) < 1:
        now += delay
        if now >= 2.0:
            break
        one.acquire(now)
        started += 1
    assert started >= 10


def test_one_refusal_out_of_the_blue_does_not_bring_it_to_a_stop() -> None:
    one = AdaptiveRate(10, 20)
    permit = one.acquire(0.0)
    one.release(permit, 0.1, is_refused=True)
    assert one.rate.value == 5
    assert one.delay(0.2) <= 2 / 5


def test_a_request_without_an_answer_tells_nothing() -> None:
    """Such as with a server that is down: it did not take what it never saw."""
    one = AdaptiveRate(10, 20)
    for number in range(6):
        permit = one.acquire(number / 10)
        one.release(permit, number / 10 + 0.05, is_refused=None)
    assert one.under_way == 0
    assert (one.rate.value, one.rate.proven) == (10, 0)
    assert (one.concurrency.value, one.concurrency.proven) == (6, 0)


def test_retry_after_holds_everyone() -> None:
    clock = Clock()
    rate_limiter = RateLimiter(10, clock=clock, wait=clock.wait)
    permit = rate_limiter.acquire()
    rate_limiter.release(permit, is_refused=True, retry_after=17.5)
    rate_limiter.acquire()
    assert clock.waits == [17.5]


def test_a_pace_that_is_not_used_up_does_not_wait() -> None:
    clock = Clock()
    rate_limiter = RateLimiter(10, clock=clock, wait=clock.wait)
    for _ in range(20):
        rate_limiter.release(rate_limiter.acquire(), is_refused=False)
        clock.now += 0.11
    assert clock.waits == []


def test_whoever_waits_is_told_when_the_pace_is_closed() -> None:
    rate_limiter = RateLimiter(10, 1)
    rate_limiter.acquire()  # never answered, so the next has to wait for it
    raised = threading.Event()

    def wait() -> None:
        try:
            rate_limiter.acquire()
        except ClosedError:
            raised.set()

    thread = threading.Thread(target=wait)
    thread.start()
    rate_limiter.close()
    thread.join(10)
    assert raised.is_set()


def test_an_answer_lets_the_next_one_start() -> None:
    rate_limiter = RateLimiter(100, 1)
    first = rate_limiter.acquire()
    started = threading.Event()

    def start() -> None:
        rate_limiter.acquire()
        started.set()

    thread = threading.Thread(target=start)
    thread.start()
    rate_limiter.release(first, is_refused=False)
    assert started.wait(10)
    thread.join(10)
