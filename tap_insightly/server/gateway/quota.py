"""What is left of an account's day, and what each client used of it."""

from __future__ import annotations

import asyncio
import math
from collections import Counter
from dataclasses import dataclass
from decimal import Decimal
from typing import TYPE_CHECKING

from tap_insightly.api.http.headers import whole_number
from tap_insightly.api.http.quota import QuotaCount
from tap_insightly.server.gateway.answers import REMAINING
from tap_insightly.server.gateway.clock import LoopClock, seconds_to_midnight, utc_now

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from datetime import datetime

    from tap_insightly.server.gateway.clock import Clock
    from tap_insightly.server.gateway.tokens import Token

ASK_AGAIN = 15 * 60.0
"""Seconds after which one request finds out whether a used-up day is over: Insightly documents no
hour, and nothing else would tell."""


class UsedUpError(Exception):
    """Nothing is left today of the account, or of a client's share; the text says which."""

    def __init__(self, message: str, seconds: float) -> None:
        """Say so.

        Args:
            message: For the person who runs the client.
            seconds: Until there is more.
        """
        super().__init__(message)
        self.seconds = seconds


@dataclass
class Report:
    """What a gateway has to tell the others."""

    day: str
    """Such as ``2026-01-31``."""

    left: int | None
    """How many requests are left, as Insightly said; None for nothing new."""

    limit: int | None
    """How many a day has; None if it is not known."""

    used: Counter[str]
    """How many more each client has used, by name."""


class DayQuota:
    """The day's requests of one account, for all clients of this gateway."""

    def __init__(
        self,
        reserve: int,
        *,
        limit: int | None = None,
        used: Mapping[str, int] | None = None,
        now: Callable[[], datetime] = utc_now,
        clock: Clock | None = None,
    ) -> None:
        """Start with what was written down.

        Args:
            reserve: How many of the day's requests to leave unused.
            limit: How many a day has, as Insightly said last; None if that is not known.
            used: How many each client has used today, by name.
            now: Says what time it is.
            clock: Says how much time goes by.
        """
        self.count = QuotaCount(reserve)
        self.count.limit = limit
        self.used = Counter(used or {})
        """What each client used today, by name; through other gateways, too, as far as known."""
        self.day = now().date().isoformat()
        """The day that this is about."""
        self._reserve = reserve
        self._pending: Counter[tuple[str, str]] = Counter()
        self._own = Counter(self.used)
        self._untold: Counter[str] = Counter()
        self._seen: int | None = None
        self._is_lone = False  # whether no other was under way with the one that is
        self._now = now
        self._clock = clock or LoopClock()
        self._asked_at = math.inf
        self._is_asking = False  # whether one request finds out whether the day is over
        self._changed = asyncio.Event()

    async def take(self, token: Token) -> None:
        """Take one request for a client; wait if only the responses to others can tell.

        Raises:
            UsedUpError: If nothing is left.
        """
        while True:
            self._begin_day()
            self._check(token)
            if not self.count.must_wait:
                break
            await self._changed.wait()
        self._is_lone = self.count.under_way == 0
        self.count.take()
        self._note(token, 1)

    def check_again(self, token: Token) -> None:
        """Refuse a request that was taken, if others used up meanwhile what there was.

        Raises:
            UsedUpError: If so.
        """
        allowed, left = self._allowed(token), self.count.remaining
        if allowed is not None and self.used[token.name] > allowed:
            raise self._share_used(token, allowed)
        is_short = left is not None and left < self._reserve
        if is_short and not self._is_asking and (shortage := self.count.shortage()):
            raise UsedUpError(shortage, seconds_to_midnight(self._now()))

    def give_back(
        self,
        token: Token,
        headers: Mapping[str, str] | None,
        date: datetime | None = None,
        *,
        was_sent: bool = True,
    ) -> None:
        """Note that a request has ended, and what its response says.

        Args:
            token: Whose it was.
            headers: The headers of the response; None if there was none.
            date: The server's time, for messages; None if it is not known.
            was_sent: Whether the server can have counted it.
        """
        if self._is_lone and headers is not None:
            self.count.remaining = None  # no other answer can have overtaken this one
        self.count.give_back(headers, date)
        if headers is not None:
            self._seen = whole_number(headers.get(REMAINING), self._seen)
        if not was_sent:
            self._note(token, -1)
        self._tell_waiting()

    def share(self, token: Token) -> tuple[int | None, int | None]:
        """Say how many requests a client has a day, and how many are left; None: not known."""
        limit, remaining = self.count.limit, self.count.remaining
        left = None if remaining is None else max(0, remaining - self._reserve)
        allowed = self._allowed(token)
        if allowed is None:
            return limit, left
        own = max(0, allowed - self.used[token.name])
        return allowed, own if left is None else min(left, own)

    def report(self) -> Report:
        """Hand out what is new to other gateways since this was last called."""
        report = Report(self.day, self._seen, self.count.limit, self._untold)
        self._seen, self._untold = None, Counter()
        return report

    def take_back(self, report: Report) -> None:
        """Take back what could not be told."""
        if report.day == self.day:
            self._untold.update(report.used)
            self._seen = report.left if self._seen is None else self._seen

    def learn(self, left: int | None, limit: int | None, used: Mapping[str, int]) -> None:
        """Note what holds for all gateways together; None for nothing new."""
        if left is not None:
            self.count.remaining = left
        if limit is not None:
            self.count.limit = limit
        for name, number in used.items():
            # A Redis that was started anew has forgotten some.
            self.used[name] = max(number + self._untold[name], self._own[name])
        self._tell_waiting()

    def take_pending(self) -> Counter[tuple[str, str]]:
        """Hand out what was used since this was last called, by day and name of the client."""
        pending, self._pending = self._pending, Counter()
        return pending

    def restore_pending(self, pending: Counter[tuple[str, str]]) -> None:
        """Take back what could not be written down."""
        self._pending.update(pending)

    def _allowed(self, token: Token) -> int | None:
        # A limit of nothing is none: nobody could ever ask again and hear of another.
        if token.quota_share is None or self.count.limit is None or self.count.limit <= 0:
            return None
        return int(Decimal(str(token.quota_share)) * self.count.limit)  # as it was written

    def _check(self, token: Token) -> None:
        allowed = self._allowed(token)
        if allowed is not None and self.used[token.name] >= allowed:
            raise self._share_used(token, allowed)
        shortage = self.count.shortage()
        if shortage is None:
            self._asked_at, self._is_asking = math.inf, False
            return
        at = self._clock.time()
        if math.isinf(self._asked_at):
            self._asked_at = at
        if at - self._asked_at < ASK_AGAIN:
            raise UsedUpError(shortage, seconds_to_midnight(self._now()))
        self._asked_at, self._is_asking = at, True

    def _share_used(self, token: Token, allowed: int) -> UsedUpError:
        msg = (
            f"The client '{token.name}' has used its share of the day's requests: "
            f"{allowed:,} of {self.count.limit:,}. The next day begins at midnight UTC."
        )
        return UsedUpError(msg, seconds_to_midnight(self._now()))

    def _begin_day(self) -> None:
        day = self._now().date().isoformat()
        if day != self.day:
            self.day, self._seen = day, None
            self.used, self._own, self._untold = Counter(), Counter(), Counter()
            self.count.remaining = None  # the next response tells
            self._asked_at = math.inf

    def _tell_waiting(self) -> None:
        self._changed.set()
        self._changed = asyncio.Event()

    def _note(self, token: Token, number: int) -> None:
        self.used[token.name] += number
        self._own[token.name] += number
        self._untold[token.name] += number
        self._pending[self.day, token.name] += number
