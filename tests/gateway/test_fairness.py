"""Who is next: each client gets its part, whatever the others do, and nobody waits for ever."""

from __future__ import annotations

import asyncio
from collections import Counter
from itertools import pairwise
from typing import TYPE_CHECKING

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tap_insightly.api.http.rate_limit import AdaptiveRate
from tap_insightly.server.gateway.fair_queue import FairQueue
from tap_insightly.server.gateway.pace import Pace, TooBusyError, Turn
from tests.gateway.ticking import Ticking

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

WEIGHTS = st.dictionaries(st.sampled_from("abcde"), st.floats(0.1, 10), min_size=2, max_size=5)
NAMES = "abcd"


@given(WEIGHTS, st.integers(1, 300))
def test_clients_that_always_ask_get_their_parts(weights: Mapping[str, float], number: int) -> None:
    queue = FairQueue[int]()
    served = Counter[str]()
    for client, weight in weights.items():
        for _ in range(number + 1):
            queue.push(client, weight, ord(client))
    for _ in range(number):
        item = queue.pop()
        assert item is not None
        served[chr(item)] += 1
    parts = {client: served[client] / weight for client, weight in weights.items()}
    for one in weights:
        for other in weights:
            apart = abs(parts[one] - parts[other])
            assert apart <= 1 / weights[one] + 1 / weights[other] + 1e-6


# A step: a client that asks, or one that is served.
STEPS = st.lists(st.sampled_from([*NAMES, ""]), max_size=200)


@given(STEPS, st.lists(st.floats(0.1, 10), min_size=4, max_size=4))
def test_whoever_asks_is_served_before_the_others_get_more_than_their_parts(
    steps: Sequence[str], weights: Sequence[float]
) -> None:
    weight = dict(zip(NAMES, weights, strict=True))
    queue = FairQueue[tuple[str, int]]()
    order: list[tuple[str, int]] = []
    pushed = dict.fromkeys(NAMES, 0)
    joined: dict[tuple[str, int], int] = {}
    for step in steps:
        if step:
            item = (step, pushed[step])
            pushed[step] += 1
            joined[item] = len(order)
            queue.push(step, weight[step], item)
        elif (served := queue.pop()) is not None:
            order.append(served)
    while (served := queue.pop()) is not None:
        order.append(served)
    assert len(queue) == 0
    assert sorted(order) == sorted(joined), "all are served, once"
    for client in NAMES:
        own = [item for item in order if item[0] == client]
        assert own == sorted(own), "in the order in which it asked"
        if not own:
            continue
        # Between two of its turns, or from its first request to its turn, each other client
        # gets no more than its part of that time, and what rounding makes.
        places = {item: place for place, item in enumerate(order)}
        for before, item in pairwise([None, *own]):
            since = max(joined[item], places[before] + 1 if before else 0)
            meanwhile = Counter(one[0] for one in order[since : places[item]])
            for other, count in meanwhile.items():
                assert count <= weight[other] / weight[client] + 2 + 1e-6


def test_who_was_away_has_saved_nothing_up() -> None:
    queue = FairQueue[str]()
    for _ in range(100):
        queue.push("busy", 1, "busy")
        assert queue.pop() == "busy"
    for _ in range(10):
        queue.push("busy", 1, "busy")
        queue.push("new", 1, "new")
    assert Counter(queue.pop() for _ in range(10)) == {"busy": 5, "new": 5}


class World:
    """Clients that ask an account, by a clock that is made up."""

    def __init__(self, per_second: float = 10, latency: float = 0.3) -> None:
        self.clock = Ticking()
        self.pace = Pace(AdaptiveRate(per_second, 20, lambda: 0.5), clock=self.clock)
        self.latency = latency
        self.starts: list[tuple[float, str]] = []

    def ask(self, client: str, weight: float = 1.0, *, is_eager: bool = False) -> Turn:
        """Ask once; an eager client asks again whenever it was answered."""

        def started() -> None:
            self.starts.append((self.clock.now, client))
            self.clock.call_later(self.latency, answered)

        def answered() -> None:
            self.pace.release(turn, is_refused=False)
            if is_eager:
                self.ask(client, weight, is_eager=True)

        turn = self.pace.enqueue(client, weight, started)
        return turn

    def counts(self, since: float, until: float) -> Counter[str]:
        return Counter(client for at, client in self.starts if since <= at < until)


@given(
    st.lists(st.tuples(st.floats(0, 20), st.sampled_from(NAMES), st.integers(1, 15)), max_size=30),
    st.integers(1, 20),
)
def test_whenever_they_ask_no_second_has_more_starts_than_are_allowed(
    arrivals: Sequence[tuple[float, str, int]], per_second: int
) -> None:
    world = World(per_second)
    for at, client, number in sorted(arrivals):
        world.clock.run(at)
        for _ in range(number):
            world.ask(client)
    world.clock.run(10_000)
    assert len(world.starts) == sum(number for *_, number in arrivals), "nobody waits for ever"
    moments = [at for at, _ in world.starts]
    for earlier, later in zip(moments, moments[per_second:], strict=False):
        assert later - earlier >= 1.0


@pytest.mark.parametrize(
    ("weights", "callers"),
    [
        ({"a": 1, "b": 1, "c": 1}, {"a": 20, "b": 20, "c": 5}),
        ({"a": 1, "b": 3}, {"a": 20, "b": 20}),
        ({"a": 0.5, "b": 1, "c": 2.5}, {"a": 10, "b": 15, "c": 20}),
    ],
)
def test_eager_clients_get_their_parts_of_the_pace_and_all_of_it(
    weights: Mapping[str, float], callers: Mapping[str, int]
) -> None:
    world = World()
    for client, weight in weights.items():
        for _ in range(callers[client]):
            world.ask(client, weight, is_eager=True)
    world.clock.run(120)
    counts = world.counts(20, 120)
    assert counts.total() >= 0.95 * 10 * 100
    for client, weight in weights.items():
        part = counts.total() * weight / sum(weights.values())
        assert counts[client] == pytest.approx(part, rel=0.03)


def test_who_has_nothing_to_ask_leaves_its_part_to_the_others() -> None:
    world = World()
    for _ in range(15):
        world.ask("eager", is_eager=True)
    for at in range(10, 60, 10):
        world.clock.run(at)
        world.ask("rare")
    world.clock.run(60)
    assert world.counts(20, 60)["eager"] >= 0.95 * 10 * 40 - 4
    waits = [at % 10 for at, client in world.starts if client == "rare"]
    assert max(waits) < 0.35, "and it is next when it has"


def test_clients_that_answers_hold_up_do_not_hold_up_others() -> None:
    world = World(latency=10_000)
    for _ in range(100):
        world.ask("slow")
    world.clock.run(100)
    taken = world.counts(0, 100)["slow"]
    world.ask("other")
    world.clock.run(101)
    assert world.counts(100, 102) == {"other": 1}
    assert taken == 5, "of the 6 that may be under way before any was answered"


def test_who_leaves_the_line_is_not_waited_for() -> None:
    world = World(per_second=1)
    turns = [world.ask("a") for _ in range(5)]
    for turn in turns[1:4]:
        world.pace.withdraw(turn)
    assert world.pace.waiting == 1
    world.clock.run(1.5)
    assert len(world.starts) == 2


def test_a_leave_that_is_not_used_is_given_back() -> None:
    world = World(latency=10_000)
    turn = world.ask("a")
    assert world.pace.rate.under_way == 1
    world.pace.withdraw(turn)
    assert world.pace.rate.under_way == 0
    world.pace.withdraw(turn)
    world.pace.release(turn, is_refused=True)
    assert world.pace.rate.under_way == 0


@pytest.mark.parametrize(
    ("waiting", "others", "weight", "longest", "is_put_off"),
    [
        (0, 0, 1, 15, False),
        (100, 0, 1, 15, False),
        (160, 0, 1, 15, True),
        (60, 50, 1, 15, False),
        (80, 50, 1, 15, True),
        (80, 50, 3, 15, False),
    ],
)
def test_who_would_wait_too_long_at_its_part_is_told_so_at_once(
    waiting: int, others: int, weight: float, longest: float, *, is_put_off: bool
) -> None:
    world = World(latency=0.001)
    for _ in range(waiting):
        world.ask("a", weight)
    for _ in range(others):
        world.ask("b")
    estimate = world.pace.estimate("a", weight)
    assert (estimate > longest) == is_put_off
    if is_put_off:
        with pytest.raises(TooBusyError) as caught:
            asyncio.run(world.pace.acquire("a", weight, longest))
        assert caught.value.seconds == pytest.approx(estimate - longest)
        assert world.pace.waiting == waiting + others - 1, "and does not stand in the line"


def test_a_pause_that_insightly_asks_for_counts_as_a_wait() -> None:
    world = World()
    world.pace.pause(20)
    assert world.pace.estimate("a", 1) == 20
    with pytest.raises(TooBusyError):
        asyncio.run(world.pace.acquire("a", 1, 15))
    world.ask("a")
    world.clock.run(19.9)
    assert not world.starts
    world.clock.run(20.1)
    assert world.starts
