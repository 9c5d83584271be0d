"""A server and a network that are made up, with a made-up clock: an hour of requests in no time."""

from __future__ import annotations

import heapq
import itertools
import math
import random
from collections import deque
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from tap_insightly.api.http.rate_limit import AdaptiveRate

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from tap_insightly.api.http.rate_limit import Permit


@dataclass
class Server:
    """What a server takes, by the second since the beginning; all its clients share it."""

    per_second: Callable[[float], float] = lambda _: math.inf
    under_way: Callable[[float], float] = lambda _: math.inf
    latency: float = 0.3
    jitter: float = 0.0055
    """The most that one request travels longer than another, in seconds."""
    lateness: float = 0.003
    """The most by which a thread wakes up late, in seconds."""
    is_fixed: bool = False
    """Whether it counts by the seconds of a clock, instead of the second before each request."""
    counts_refused: bool = False
    """Whether what it refuses counts, too."""
    retry_after: float | None = None
    """How long it asks those whom it refuses to wait, in seconds."""
    lost: float = 0.0
    """The share of the answers that are lost."""

    def __post_init__(self) -> None:
        self._window: deque[float] = deque()

    def takes(self, now: float, under_way: int) -> bool:
        """Tell whether it takes a request that arrives now."""
        if under_way > self.under_way(now):
            return False
        since = math.floor(now) - 1e-9 if self.is_fixed else now - 1
        while self._window and self._window[0] <= since:
            self._window.popleft()
        has_room = len(self._window) < self.per_second(now)
        if has_room or self.counts_refused:
            self._window.append(now)
        return has_room


@dataclass(eq=False)
class Client:
    """Somebody who always has something to ask, and what came of it."""

    adaptive_rate: AdaptiveRate
    begins: float = 0.0
    ends: float = math.inf
    latency: float | None = None
    """Seconds, if they are others than the server's."""
    starts: list[float] = field(default_factory=list)
    taken: list[float] = field(default_factory=list)
    refused: list[float] = field(default_factory=list)
    wakes_at: float = -math.inf

    def rate(self, since: float, until: float = math.inf) -> float:
        """Requests taken in a second, since some moment."""
        late = [moment for moment in self.taken if since <= moment < until]
        if until < math.inf:
            return len(late) / (until - since)
        return (len(late) - 1) / (late[-1] - late[0])


def adaptive_rate(seed: int, per_second: float = 10, width: int = 20) -> AdaptiveRate:
    """Make one that has the chance of a seed."""
    return AdaptiveRate(per_second, width, random.Random(seed).random)


def sharing(number: int, seed: int, *, until: float, latencies: Sequence[float]) -> list[Client]:
    """Make clients that start one after the other, of which only the first goes on after a time."""
    return [
        Client(
            adaptive_rate(100 * seed + one),
            begins=one * 0.7,
            ends=until if one else math.inf,
            latency=latencies[one % len(latencies)],
        )
        for one in range(number)
    ]


def run(
    adaptive_rate: AdaptiveRate, server: Server, *, requests: int = 1000, seed: int = 1
) -> Client:
    """Send as many requests as an adaptive rate lets through, until so many were answered."""
    alone = Client(adaptive_rate)
    run_together([alone], server, requests=requests, seed=seed)
    return alone


def run_together(
    clients: Sequence[Client],
    server: Server,
    *,
    until: float = math.inf,
    requests: float = math.inf,
    seed: int = 1,
) -> None:
    """Let clients ask one server for some time, or until so many requests were answered."""
    chance, number = random.Random(seed), itertools.count()
    events: list[tuple[float, int, str, Client, Permit | None]] = []
    refused: set[Permit] = set()
    now, under_way = 0.0, 0

    def after(seconds: float, what: str, who: Client, permit: Permit | None = None) -> None:
        heapq.heappush(events, (now + seconds, next(number), what, who, permit))

    for who in clients:
        after(who.begins, "try", who)
    while events and requests > 0:
        now, _, what, who, permit = heapq.heappop(events)
        if now > until:
            break
        if permit is None:
            _try(who, now, chance.uniform(0, server.lateness), after, chance, server)
        elif what == "arrive":
            under_way += 1
            if not server.takes(now, under_way):
                refused.add(permit)
            latency = server.latency if who.latency is None else who.latency
            after(latency + chance.uniform(0, 0.01), "answer", who, permit)
        else:
            under_way -= 1
            requests -= 1
            _answer(who, permit, now, refused, chance, server)
            after(0, "try", who)


def _try(
    who: Client,
    now: float,
    lateness: float,
    after: Callable[..., None],
    chance: random.Random,
    server: Server,
) -> None:
    if now >= who.ends:
        return
    delay = who.adaptive_rate.delay(now)
    if delay <= 0:
        permit = who.adaptive_rate.acquire(now)
        who.starts.append(now)
        after(chance.uniform(0, server.jitter), "arrive", who, permit)
        after(0, "try", who)
    elif delay < math.inf and not now < who.wakes_at <= now + delay + server.lateness:
        late = delay + lateness
        who.wakes_at = now + late
        after(late, "try", who)


def _answer(
    who: Client,
    permit: Permit,
    now: float,
    refused: set[Permit],
    chance: random.Random,
    server: Server,
) -> None:
    is_refused = permit in refused
    is_lost = server.lost > 0 and chance.random() < server.lost
    (who.refused if is_refused else who.taken).append(now)
    who.adaptive_rate.release(permit, now, is_refused=None if is_lost else is_refused)
    if is_refused and server.retry_after is not None and not is_lost:
        who.adaptive_rate.pause_until(now + server.retry_after)
