"""How fast to ask, and how often today."""

from __future__ import annotations

import threading
import time
from datetime import datetime, timedelta, timezone
from typing import TYPE_CHECKING

from tap_insightly.api.errors import QuotaExhaustedError

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping


class Pace:
    """Starts requests evenly, never more than so many in any one second; for all threads."""

    def __init__(
        self,
        per_second: float,
        *,
        clock: Callable[[], float] = time.monotonic,
        sleep: Callable[[float], None] = time.sleep,
    ) -> None:
        """Set the pace.

        Args:
            per_second: The most requests to start in a second, a number above 0.
            clock: Where the time comes from, in seconds that only grow.
            sleep: How to wait, given seconds.
        """
        self._interval = 1 / per_second
        self._clock = clock
        self._sleep = sleep
        self._next = float("-inf")
        self._lock = threading.Lock()

    def wait(self) -> None:
        """Wait until the next request may start."""
        with self._lock:
            now = self._clock()
            start = max(now, self._next)
            self._next = start + self._interval
        if start > now:
            self._sleep(start - now)


class Quota:
    """What the answers say of the day's requests (``X-RateLimit-*``, seen live)."""

    def __init__(self, reserve: int = 0) -> None:
        """Start without knowledge.

        Args:
            reserve: How many of the day's requests to leave unused, a number.
        """
        self.limit: int | None = None
        self.remaining: int | None = None
        self._reserve = reserve

    def note(self, headers: Mapping[str, str]) -> None:
        """Learn from an answer.

        Args:
            headers: The headers of the answer.
        """
        self.limit = _number(headers.get("X-RateLimit-Limit"), self.limit)
        self.remaining = _number(headers.get("X-RateLimit-Remaining"), self.remaining)

    def check(self, now: datetime | None) -> None:
        """Refuse to go on once only the reserve is left.

        Args:
            now: The server's time, for the message; None if it is not known.

        Raises:
            QuotaExhaustedError: If no more requests may be sent today.
        """
        if self.remaining is None or self.remaining > self._reserve:
            return
        used = "" if self.limit is None else f" of {self.limit:,}"
        kept = f", kept in reserve by quota_reserve: {self._reserve:,}" if self._reserve else ""
        msg = (
            f"The day's API requests are used up: {self.remaining:,}{used} are left{kept}. "
            f"Insightly starts a new day {_next_midnight(now)}. "
            "Run the sync again after that: it goes on from the state written so far."
        )
        raise QuotaExhaustedError(msg)


def _number(text: str | None, otherwise: int | None) -> int | None:
    try:
        return otherwise if text is None else int(text)
    except ValueError:
        return otherwise


def _next_midnight(now: datetime | None) -> str:
    # Midnight UTC is what users report; Insightly documents no hour.
    if now is None:
        return "at midnight UTC"
    tomorrow = now.astimezone(timezone.utc).date() + timedelta(days=1)
    return f"at midnight UTC ({tomorrow.isoformat()}T00:00:00Z)"
