"""A server and a network that are made up, with a made-up clock: a thousand requests in no time."""

from __future__ import annotations

import heapq
import itertools
import math
import random
from collections import deque
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable

    from tap_insightly.api.limits import Regulator, Start


@dataclass
class Server:
    """What a server takes, by the second since the beginning."""

    per_second: Callable[[float], float] = lambda _: math.inf
    under_way: Callable[[float], float] = lambda _: math.inf
    latency: float = 0.3
    jitter: float = 0.0055
    """The most that one request travels longer than another, in seconds."""
    lateness: float = 0.003
    """The most by which a thread wakes up late, in seconds."""


@dataclass
class Outcome:
    """What came of a run."""

    starts: list[float] = field(default_factory=list)
    taken: list[float] = field(default_factory=list)
    refused: list[float] = field(default_factory=list)

    def rate(self, since: float) -> float:
        """Requests taken in a second, since some moment."""
        late = [moment for moment in self.taken if moment >= since]
        return (len(late) - 1) / (late[-1] - late[0])


def run(regulator: Regulator, server: Server, *, requests: int = 1000, seed: int = 1) -> Outcome:
    """Send as many requests as the regulator lets through, until so many were answered."""
    chance, number, outcome = random.Random(seed), itertools.count(), Outcome()
    events: list[tuple[float, int, str, Start | None]] = [(0.0, next(number), "try", None)]
    window: deque[float] = deque()
    under_way, wake = 0, 0.0
    refused: set[Start] = set()

    def after(seconds: float, what: str, start: Start | None = None) -> None:
        heapq.heappush(events, (now + seconds, next(number), what, start))

    while len(outcome.taken) + len(outcome.refused) < requests:
        now, _, what, start = heapq.heappop(events)
        if what == "try":
            delay = regulator.delay(now)
            if delay <= 0:
                start = regulator.start(now)
                outcome.starts.append(now)
                after(chance.uniform(0, server.jitter), "arrive", start)
                after(0, "try")
            elif delay < math.inf and wake <= now:
                late = delay + chance.uniform(0, server.lateness)
                wake = now + late
                after(late, "try")
        elif what == "arrive" and start:
            under_way += 1
            while window and window[0] <= now - 1:
                window.popleft()
            if under_way > server.under_way(now) or len(window) >= server.per_second(now):
                refused.add(start)
            else:
                window.append(now)
            after(server.latency + chance.uniform(0, 0.01), "answer", start)
        elif start:
            under_way -= 1
            is_refused = start in refused
            (outcome.refused if is_refused else outcome.taken).append(now)
            regulator.answer(start, now, is_refused=is_refused)
            after(0, "try")
    return outcome
