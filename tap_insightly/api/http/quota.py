"""How many requests are left today, for all who share an account's quota."""

from __future__ import annotations

import threading
from datetime import datetime, timedelta, timezone
from typing import TYPE_CHECKING

from typing_extensions import override

from tap_insightly.api.http.errors import ClosedError, QuotaExhaustedError
from tap_insightly.api.http.headers import whole_number

if TYPE_CHECKING:
    from collections.abc import Mapping

OUT_OF_ORDER = 100  # responses that may overtake each other: the most requests under way


class QuotaCount:
    """What the responses say of the day's requests (``X-RateLimit-*``, seen live).

    A request is taken out of what is left before it is sent, so that requests under way at the
    same time cannot together use more than there is. Waits for nothing, and locks nothing.
    """

    def __init__(self, reserve: int = 0) -> None:
        """Start without knowledge.

        Args:
            reserve: How many of the day's requests to leave unused.
        """
        self.limit: int | None = None
        """How many requests a day has; None if it is not known."""
        self.remaining: int | None = None
        """How many were left at the last response; None if it is not known."""
        self.under_way = 0
        """How many are under way."""
        self._reserve = reserve
        self._date: datetime | None = None

    @property
    def must_wait(self) -> bool:
        """Whether only the responses to those under way can tell whether there is another."""
        if not self.under_way:
            return False
        if self.remaining is None:
            return self._reserve > 0  # the first response tells whether a second may be asked for
        return self.remaining - self.under_way <= self._reserve

    def take(self) -> None:
        """Note that a request begins."""
        self.under_way += 1

    def give_back(self, headers: Mapping[str, str] | None, date: datetime | None = None) -> None:
        """Note that a request has ended, and what its response says.

        Args:
            headers: The headers of the response; None if there was none.
            date: The server's time, for messages; None if it is not known.
        """
        self.under_way -= 1
        self._date = date or self._date
        if headers is not None:
            self.limit = whole_number(headers.get("X-RateLimit-Limit"), self.limit)
            self.note(whole_number(headers.get("X-RateLimit-Remaining")))

    def note(self, remaining: int | None) -> None:
        """Note how many are left by a response.

        Args:
            remaining: What it says; None if it says nothing.
        """
        if remaining is None:
            return
        # A response may overtake one that was sent before it; only a new day gives many back.
        if self.remaining is None or not 0 < remaining - self.remaining <= OUT_OF_ORDER:
            self.remaining = remaining

    def shortage(self) -> str | None:
        """Say what is wrong once only the reserve is left.

        Returns:
            What was used, what is left and when a new day begins; None while there is more.
        """
        if self.remaining is None or self.remaining > self._reserve:
            return None
        used = "" if self.limit is None else f" of {self.limit:,}"
        kept = f", kept in reserve by quota_reserve: {self._reserve:,}" if self._reserve else ""
        return (
            f"The day's API requests are used up: {self.remaining:,}{used} are left{kept}. "
            f"Insightly starts a new day {_next_midnight(self._date)}. "
            "Run it again after that."
        )


class Quota(QuotaCount):
    """Such a count for any number of threads, which lets them wait."""

    def __init__(self, reserve: int = 0) -> None:
        """Start without knowledge.

        Args:
            reserve: How many of the day's requests to leave unused.
        """
        super().__init__(reserve)
        self._changed = threading.Condition()
        self._is_closed = False

    def acquire(self) -> None:
        """Take one request; wait if only the responses to others can tell whether there is one.

        Raises:
            QuotaExhaustedError: If no more requests may be sent today.
            ClosedError: If the quota was closed meanwhile.
        """
        with self._changed:
            while True:
                if self._is_closed:
                    raise ClosedError
                if (shortage := super().shortage()) is not None:
                    raise QuotaExhaustedError(shortage)
                if not self.must_wait:
                    self.take()
                    return
                self._changed.wait()

    def release(self, headers: Mapping[str, str] | None, date: datetime | None = None) -> None:
        """Note that a request has ended, and what its response says.

        Args:
            headers: The headers of the response; None if there was none.
            date: The server's time, for messages; None if it is not known.
        """
        with self._changed:
            self.give_back(headers, date)
            self._changed.notify_all()

    @override
    def shortage(self) -> str | None:
        """Say what is wrong once only the reserve is left, in whatever thread.

        Returns:
            What was used, what is left and when a new day begins; None while there is more.
        """
        with self._changed:
            return super().shortage()

    def close(self) -> None:
        """Let nobody wait any longer."""
        with self._changed:
            self._is_closed = True
            self._changed.notify_all()


def _next_midnight(now: datetime | None) -> str:
    # Midnight UTC is what users report; Insightly documents no hour.
    if now is None:
        return "at midnight UTC"
    tomorrow = now.astimezone(timezone.utc).date() + timedelta(days=1)
    return f"at midnight UTC ({tomorrow.isoformat()}T00:00:00Z)"
