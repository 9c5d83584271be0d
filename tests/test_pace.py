"""The pace, by a clock that only moves when it is told to: fast, but never too fast."""

from __future__ import annotations

import math
import threading

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tap_insightly.api import ClosedError, Pace
from tap_insightly.api.limits import Regulator
from tests.simulation import Server, run

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
    return max(sum(first <= start < first + second - 1e-6 for start in starts) for first in starts)


@settings(max_examples=30)
@given(
    per_second=st.floats(0.1, 100),
    width=st.integers(1, 100),
    allowed=st.integers(1, 100),
    latency=st.floats(0.001, 5),
    seed=st.integers(0, 99),
)
def test_never_more_than_the_setting_in_any_second_nor_under_way(
    per_second: float, width: int, allowed: int, latency: float, seed: int
) -> None:
    regulator = Regulator(per_second, width)
    most_under_way = 0

    class Watched(Server):
        pass

    def watch(_: float) -> float:
        nonlocal most_under_way
        most_under_way = max(most_under_way, regulator.under_way)
        return math.inf

    server = Watched(lambda _: allowed, watch, latency=latency)
    starts = run(regulator, server, requests=200, seed=seed).starts
    assert most_in_a_second(starts) <= max(1, math.floor(per_second))
    if per_second < 1:
        assert most_in_a_second(starts, 1 / per_second) == 1
    assert most_under_way <= width


@pytest.mark.parametrize("seed", [1, 2, 3])
@pytest.mark.parametrize("latency", LATENCIES)
@pytest.mark.parametrize("allowed", [3, 5, 10])
def test_the_rate_of_the_server_is_found(allowed: int, latency: float, seed: int) -> None:
    server = Server(per_second=lambda _: allowed, latency=latency)
    outcome = run(Regulator(10, 20), server, seed=seed)
    assert outcome.rate(since=20) >= 0.95 * allowed
    assert len(outcome.refused) <= 10


@pytest.mark.parametrize("seed", [1, 2, 3])
@pytest.mark.parametrize("latency", [0.5, 0.7, 1.0])
def test_the_width_of_the_server_is_found(latency: float, seed: int) -> None:
    server = Server(under_way=lambda _: 4, latency=latency)
    outcome = run(Regulator(10, 20), server, seed=seed)
    # Half of the most that the answers and the requests of the simulation take longer.
    round_trip = latency + 0.01 / 2 + server.jitter / 2
    assert outcome.rate(since=40) >= 0.95 * min(10, 4 / round_trip)
    assert len(outcome.refused) <= 10


@pytest.mark.parametrize("seed", [1, 2, 3])
@pytest.mark.parametrize("latency", LATENCIES)
def test_a_server_that_takes_less_half_way_is_followed(latency: float, seed: int) -> None:
    server = Server(per_second=lambda now: 10 if now < 50 else 4, latency=latency)
    outcome = run(Regulator(10, 20), server, seed=seed)
    assert outcome.rate(since=60) >= 0.95 * 4
    assert len(outcome.refused) <= 10


@pytest.mark.parametrize("latency", LATENCIES)
def test_a_server_that_takes_more_again_is_found_out(latency: float) -> None:
    server = Server(per_second=lambda now: 4 if now < 30 else 10, latency=latency)
    outcome = run(Regulator(10, 20), server, requests=5000)
    assert outcome.rate(since=400) >= 0.9 * 10
    assert len(outcome.refused) <= 50


def test_looking_for_more_room_gets_ever_more_seldom() -> None:
    outcome = run(Regulator(10, 20), Server(per_second=lambda _: 5), requests=20_000)
    hours = outcome.taken[-1] / 3600
    assert hours > 1
    assert len([moment for moment in outcome.refused if moment > 1200]) <= 8 * hours


def test_a_server_that_takes_all_is_never_slowed_down() -> None:
    outcome = run(Regulator(10, 20), Server())
    assert outcome.refused == []
    assert outcome.rate(since=0) >= 0.96 * 10


def test_a_second_is_made_up_for_after_the_first_answer() -> None:
    """The first page of a list goes alone; the time until its answer need not be lost whole."""
    regulator = Regulator(10, 20)
    first = regulator.start(0.0)
    regulator.answer(first, 1.0, is_refused=False)
    now, started = 1.0, 0
    while (delay := regulator.delay(now)) < 1:
        now += delay
        if now >= 2.0:
            break
        regulator.start(now)
        started += 1
    assert started >= 10


def test_one_refusal_out_of_the_blue_does_not_bring_it_to_a_stop() -> None:
    regulator = Regulator(10, 20)
    start = regulator.start(0.0)
    regulator.answer(start, 0.1, is_refused=True)
    assert regulator.rate.value == 5
    assert regulator.delay(0.2) <= 0


def test_a_request_without_an_answer_tells_nothing() -> None:
    """Such as with a server that is down: it did not take what it never saw."""
    regulator = Regulator(10, 20)
    for number in range(6):
        start = regulator.start(number / 10)
        regulator.answer(start, number / 10 + 0.05, is_refused=None)
    assert regulator.under_way == 0
    assert (regulator.rate.value, regulator.rate.proven) == (10, 0)
    assert (regulator.width.value, regulator.width.proven) == (6, 0)


def test_retry_after_holds_everyone() -> None:
    clock = Clock()
    pace = Pace(10, clock=clock, wait=clock.wait)
    start = pace.start()
    pace.answer(start, is_refused=True, hold=17.5)
    pace.start()
    assert clock.waits == [17.5]


def test_a_pace_that_is_not_used_up_does_not_wait() -> None:
    clock = Clock()
    pace = Pace(10, clock=clock, wait=clock.wait)
    for _ in range(20):
        pace.answer(pace.start(), is_refused=False)
        clock.now += 0.11
    assert clock.waits == []


def test_whoever_waits_is_told_when_the_pace_is_closed() -> None:
    pace = Pace(10, 1)
    pace.start()  # never answered, so the next has to wait for it
    raised = threading.Event()

    def wait() -> None:
        try:
            pace.start()
        except ClosedError:
            raised.set()

    thread = threading.Thread(target=wait)
    thread.start()
    pace.close()
    thread.join(10)
    assert raised.is_set()


def test_an_answer_lets_the_next_one_start() -> None:
    pace = Pace(100, 1)
    first = pace.start()
    started = threading.Event()

    def start() -> None:
        pace.start()
        started.set()

    thread = threading.Thread(target=start)
    thread.start()
    pace.answer(first, is_refused=False)
    assert started.wait(10)
    thread.join(10)
