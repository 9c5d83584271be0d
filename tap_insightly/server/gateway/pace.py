"""When the next request of an account may start, and which client's it is.

What Insightly takes is learned as everywhere (`AdaptiveRate`); who is next, `FairQueue` decides. If
several gateways share the account, a `SharedPace` has to agree, too.
"""

from __future__ import annotations

import asyncio
import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

from tap_insightly.server.gateway.clock import LoopClock
from tap_insightly.server.gateway.fair_queue import FairQueue

if TYPE_CHECKING:
    from collections.abc import Callable

    from tap_insightly.api.http.rate_limit import AdaptiveRate, Permit
    from tap_insightly.server.gateway.clock import Clock, Timer

SPARED = 6  # one in so many of the requests under way is for clients that have none under way


class TooBusyError(Exception):
    """A request would have to wait for longer than it may."""

    def __init__(self, seconds: float) -> None:
        """Say when to come again.

        Args:
            seconds: The seconds until then, at least.
        """
        super().__init__(f"Come again in {seconds:.0f} s.")
        self.seconds = seconds


class SharedPace(Protocol):
    """What several gateways agree by."""

    async def reserve(self) -> float:
        """Reserve the next start; return the seconds until then."""

    async def pause(self, seconds: float) -> None:
        """Let nobody start for so long."""


@dataclass(eq=False)
class Turn:
    """A request's place in the line, and then its leave to start."""

    client: str
    weight: float
    started: Callable[[], object]
    """Called when it may start."""
    permit: Permit | None = None
    waited_since: float = 0.0


class Pace:
    """Lets the clients of one account start their requests."""

    def __init__(
        self, rate: AdaptiveRate, shared: SharedPace | None = None, clock: Clock | None = None
    ) -> None:
        """Start with nobody waiting.

        Args:
            rate: What is learned of the server.
            shared: What several gateways agree by; None for one alone.
            clock: The time, and timers.
        """
        self.rate = rate
        self._shared = shared
        self._clock = clock or LoopClock()
        self._queue = FairQueue[Turn]()
        self._under_way: dict[str, int] = {}
        self._paused_until = -math.inf
        self._timer: Timer | None = None
        self._reserving: asyncio.Task[None] | None = None

    @property
    def waiting(self) -> int:
        """How many requests wait."""
        return len(self._queue)

    def estimate(self, client: str, weight: float) -> float:
        """Say how many seconds another request of a client would wait, at its share."""
        paused = max(0.0, self._paused_until - self._clock.time())
        per_second = self.rate.per_second * self._queue.part(client, weight)
        return paused + self._queue.waiting(client) / per_second

    async def acquire(self, client: str, weight: float, longest: float) -> Turn:
        """Wait until a request may start.

        Args:
            client: Whose it is.
            weight: The client's part, beside that of others.
            longest: The most seconds to wait.

        Returns:
            What to hand to `release`, whatever becomes of the request.

        Raises:
            TooBusyError: If that takes longer.
        """
        seconds = self.estimate(client, weight)
        if seconds > longest:
            raise TooBusyError(seconds - longest)
        turn_has_come = asyncio.Event()
        turn = self.enqueue(client, weight, turn_has_come.set)
        try:
            if turn.permit is None:
                await asyncio.wait_for(turn_has_come.wait(), longest)
        except asyncio.TimeoutError:
            if turn.permit is None:
                self.withdraw(turn)
                raise TooBusyError(max(1.0, self.estimate(client, weight))) from None
        except BaseException:
            self.withdraw(turn)
            raise
        return turn

    def enqueue(self, client: str, weight: float, started: Callable[[], object]) -> Turn:
        """Put a request into the line; `started` is called when it may start."""
        turn = Turn(client, weight, started, waited_since=self._clock.time())
        self._queue.push(client, weight, turn)
        self._go_on()
        return turn

    def withdraw(self, turn: Turn) -> None:
        """Take a request out of the line, or give its leave back unused."""
        if turn.permit is not None:
            self.release(turn, is_refused=None)
        elif self._queue.remove(turn.client, turn):
            self._go_on()

    def waited(self, turn: Turn) -> float:
        """Say how many seconds a request waited for its turn."""
        return 0.0 if turn.permit is None else turn.permit.at - turn.waited_since

    def sent(self, turn: Turn) -> None:
        """Note that a request is on its way only now; whoever is next is so much later."""
        if turn.permit is not None:
            turn.permit.at = max(turn.permit.at, self._clock.time())

    def release(self, turn: Turn, *, is_refused: bool | None) -> None:
        """Note that a request has ended, and learn from the response.

        Args:
            turn: What `acquire` returned.
            is_refused: Whether the response was 429; None if there was none.
        """
        permit, turn.permit = turn.permit, None
        if permit is None:
            return
        now = self._clock.time()
        self.rate.release(permit, now, is_refused=is_refused)
        self._under_way[turn.client] -= 1
        if not self._under_way[turn.client]:
            del self._under_way[turn.client]
        self._go_on()

    def pause(self, seconds: float) -> None:
        """Start nothing for so long, as the server asked."""
        until = self._clock.time() + seconds
        self._paused_until = max(self._paused_until, until)
        self.rate.pause_until(until)

    def close(self) -> None:
        """Let nobody start any more."""
        self._stop_timer()
        if self._reserving is not None:
            self._reserving.cancel()

    def _go_on(self) -> None:
        """Start what may start now, and set a timer for the next."""
        self._stop_timer()
        while self._queue and self._reserving is None:
            delay = self.rate.delay(self._clock.time())
            if delay > 0:
                if not math.isinf(delay):  # else a response has to come first
                    self._timer = self._clock.call_later(delay, self._go_on)
                return
            if self._shared is not None:
                self._reserving = asyncio.create_task(self._reserve(self._shared))
                return
            if not self._start_next():
                return

    def _start_next(self) -> bool:
        """Start the request that is next; tell whether there was one that may."""
        limit = self.rate.concurrency.value
        is_scarce = self.rate.under_way >= limit - limit // SPARED
        among = (lambda client: client not in self._under_way) if is_scarce else (lambda _: True)
        turn = self._queue.pop(among=among)
        if turn is None:
            return False
        turn.permit = self.rate.acquire(self._clock.time())
        self._under_way[turn.client] = self._under_way.get(turn.client, 0) + 1
        turn.started()
        return True

    async def _reserve(self, shared: SharedPace) -> None:
        """Agree with the other gateways on one start, and use it if that can still be."""
        try:
            seconds = await shared.reserve()
            if seconds > 0:
                await asyncio.sleep(seconds)
            if self._queue and self.rate.delay(self._clock.time()) <= 0:
                self._start_next()
        finally:
            self._reserving = None
        self._go_on()

    def _stop_timer(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
