"""A queue of webhooks for one receiver, in a thread of its own."""

from __future__ import annotations

import heapq
import threading
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable
    from datetime import datetime

    from tap_insightly.sandbox.webhooks.receiver import Receiver

    Pause = Callable[[float, Callable[[float], object]], object]


@dataclass(order=True)
class Event:
    """What is to be sent."""

    due: datetime
    number: int
    what: str = field(compare=False)
    """What it is about, for people."""

    body: bytes = field(compare=False, repr=False)
    timeout: float = field(compare=False)
    pauses: tuple[float, ...] = field(compare=False)
    """How many seconds to wait before each further attempt."""


class Delivery:
    """Sends events to a receiver, one after the other, in the order in which they are due."""

    def __init__(
        self,
        receiver: Receiver,
        clock: Callable[[], datetime],
        pause: Pause,
        on_done: Callable[[str | None], None],
    ) -> None:
        """Begin with nothing to send.

        `pause` is what waits before further attempts: it is given seconds, and what waits for real.
        `on_done` is told of each event: a sentence for one that is dropped, else None.
        """
        self.receiver = receiver
        self._clock, self._pause, self._on_done = clock, pause, on_done
        self._changed = threading.Condition()
        self._events: list[Event] = []
        self._is_busy = self._is_stopped = False
        self._hurrying = 0
        self._hurry = threading.Event()
        self._thread: threading.Thread | None = None

    def put(self, event: Event) -> None:
        """Take an event, and send it when it is due."""
        with self._changed:
            heapq.heappush(self._events, event)
            if self._thread is None:
                self._thread = threading.Thread(target=self._run, name="webhooks", daemon=True)
                self._thread.start()
            self._changed.notify_all()

    def flush(self, seconds: float) -> bool:
        """Send all at once, whenever it is due, and tell whether that was done within a time."""
        with self._changed:
            self._hurrying += 1
            self._hurry.set()
            self._changed.notify_all()
            try:
                return self._changed.wait_for(
                    lambda: not (self._events or self._is_busy), timeout=seconds
                )
            finally:
                self._hurrying -= 1
                if not self._hurrying and not self._is_stopped:
                    self._hurry.clear()

    def catch_up(self, seconds: float) -> bool:
        """Send what is due by now, and tell whether that was done within a time."""
        with self._changed:
            self._changed.notify_all()
            return self._changed.wait_for(
                lambda: not (self._is_busy or self._is_due()), timeout=seconds
            )

    def stop(self) -> None:
        """Send nothing more, for good; an attempt under way ends by itself."""
        with self._changed:
            self._events.clear()
            self._is_stopped = True
            self._hurry.set()
            self._changed.notify_all()

    def _is_due(self) -> bool:
        return bool(self._events) and self._events[0].due <= self._clock()

    def _run(self) -> None:
        while (event := self._next()) is not None:
            self._deliver(event)

    def _next(self) -> Event | None:
        """Wait for an event that is due; None once there will be no more."""
        with self._changed:
            self._is_busy = False
            self._changed.notify_all()
            while not self._is_stopped:
                if self._events and (self._hurrying or self._is_due()):
                    self._is_busy = True
                    return heapq.heappop(self._events)
                self._changed.wait(self._seconds_to_wait())
        return None

    def _seconds_to_wait(self) -> float | None:
        if not self._events:
            return None
        return max(0.0, (self._events[0].due - self._clock()).total_seconds())

    def _deliver(self, event: Event) -> None:
        wrong = self.receiver.post(event.body, event.timeout)
        for seconds in event.pauses:
            if wrong is None:
                break
            self._pause(seconds, self._hurry.wait)
            if self._is_stopped:
                return
            wrong = self.receiver.post(event.body, event.timeout)
        if wrong is not None:
            attempts = len(event.pauses) + 1
            wrong = (
                f"The webhook of {event.what} to {self.receiver.url} was dropped after {attempts} "
                f"attempts, the last: {wrong}."
            )
        self._on_done(wrong)
