"""The time, of the calendar and of timers, so that tests can do without waiting."""

from __future__ import annotations

import asyncio
from datetime import datetime, timedelta, timezone
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from collections.abc import Callable


class Timer(Protocol):
    """Something that will happen."""

    def cancel(self) -> object:
        """Let it not happen."""


class Clock(Protocol):
    """What tells the time, and calls when it has come."""

    def time(self) -> float:
        """Return seconds that only grow."""

    def call_later(self, delay: float, callback: Callable[[], object]) -> Timer:
        """Call something after a number of seconds."""


class LoopClock:
    """The clock of the event loop that runs."""

    def time(self) -> float:
        """Return seconds that only grow."""
        return asyncio.get_running_loop().time()

    def call_later(self, delay: float, callback: Callable[[], object]) -> Timer:
        """Call something after a number of seconds."""
        return asyncio.get_running_loop().call_later(delay, callback)


def utc_now() -> datetime:
    """Say what time it is."""
    return datetime.now(timezone.utc)


def seconds_to_midnight(now: datetime) -> float:
    """Say in how many seconds the next day begins, UTC; at least one."""
    start = now.replace(hour=0, minute=0, second=0, microsecond=0)
    return max(1.0, (start + timedelta(days=1) - now).total_seconds())
