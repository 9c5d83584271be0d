"""How fast to ask: never faster than allowed, and as fast as the server really takes it."""

from __future__ import annotations

import math
import threading
import time
from collections import deque
from dataclasses import dataclass
from typing import TYPE_CHECKING

from tap_insightly.api.errors import ClosedError

if TYPE_CHECKING:
    from collections.abc import Callable

UNPROVEN = 6  # under way before a server has answered; seen live: 429 at 5 under way, on some
FIRST_WAIT, LONGEST_WAIT = 3.0, 600.0  # seconds between two attempts to find more room
WAIT_GROWTH = 6  # times the wait after an attempt that failed
EVENLY = 0.5  # the least gap between two starts, as a share of an even one
# How much longer than a second the server is given for a second's requests, because they do not
# all travel equally fast: at first, more whenever that was not enough, and at most.
SLACK, MORE_SLACK, MOST_SLACK = 0.03, 0.01, 0.04
SHARP = 0.95  # an attempt counts only if the requests before it lie within this share of a second


class Limit:
    """One thing that a server limits: its ceiling as far as it is known."""

    def __init__(self, most: int, value: int | None = None) -> None:
        """Start with what is allowed.

        Args:
            most: What is allowed at most, a number from 1.
            value: What to begin with; `most` if not given.
        """
        self.most = most
        self.value = min(most, value or most)
        """The ceiling, as far as it is known."""
        self.proven = 0
        """The most that the server took since the ceiling was last lowered."""
        self._wait = FIRST_WAIT / WAIT_GROWTH
        self._attempt_at = -math.inf

    def is_due(self, now: float) -> bool:
        """Tell whether to find out if there is more room.

        Args:
            now: The time, in seconds.

        Returns:
            Whether it is time for one request too many.
        """
        return self.value < self.most and now >= self._attempt_at

    def lower(self, value: int, now: float) -> None:
        """Take in that the server does not take more.

        Args:
            value: What it takes.
            now: The time, in seconds.
        """
        self.value = self.proven = max(1, min(self.value, value))
        self._wait = max(self._wait, FIRST_WAIT)
        self._attempt_at = max(self._attempt_at, now + self._wait)

    def fail(self, now: float) -> None:
        """Take in that there is no more room now; look again much later.

        Args:
            now: The time, in seconds.
        """
        self._wait = min(LONGEST_WAIT, self._wait * WAIT_GROWTH)
        self._attempt_at = now + self._wait

    def succeed(self, now: float) -> None:
        """Take in that there is room for one more, which may have been luck and is not proven.

        Args:
            now: The time, in seconds.
        """
        self.value += 1
        self._wait = max(FIRST_WAIT / WAIT_GROWTH, self._wait / 2)
        self._attempt_at = now + self._wait


@dataclass(eq=False)
class Start:
    """A request that was started."""

    at: float
    """When, in seconds by the pace's clock."""

    under_way: int
    """How many requests were under way then, itself included."""

    tries: Limit | None = None
    """Which limit it goes beyond by one, to find out whether there is more room."""

    is_refused: bool = False
    """Whether it was answered 429."""

    is_luck: bool = False
    """Whether it tells nothing if it was taken, because another was refused in its place."""


class Regulator:
    """Decides when the next request may start; knows the time only from what it is told.

    Two limits are learned: how many requests are started in a second, and how many are under way.
    A request that was refused tells how many the server took in the second before it, and how
    many were under way; what it took before tells which of the two was too much. To find the way
    back, it lets one request through that goes beyond the limit by one, and waits for its answer:
    so looking for more room costs one 429 if there is none, and is done ever more seldom.
    """

    def __init__(self, per_second: float, width: int) -> None:
        """Start with what is allowed.

        Args:
            per_second: The most requests to start in any one second, a number above 0.
            width: The most requests under way, a number from 1.
        """
        self.rate = Limit(max(1, math.floor(per_second)))
        """Requests in a second."""
        self.width = Limit(width, UNPROVEN)
        """Requests under way."""
        self.under_way = 0
        self._second = max(1.0, 1 / per_second)  # longer, if less than one a second is allowed
        self._slack = SLACK
        self._starts: deque[Start] = deque(maxlen=4 * self.rate.most + 4 * width)
        self._attempt: Start | None = None
        self._raised: tuple[Start, int, int] | None = None
        self._changed_at = -math.inf
        self._not_before = -math.inf
        self._is_new = True
        self._is_rate_to_blame = False

    def delay(self, now: float) -> float:
        """Say how long the next request has to wait.

        Args:
            now: The time, in seconds.

        Returns:
            Seconds; infinite if it has to wait for an answer; 0 if it may start.
        """
        if now < self._not_before:
            return self._not_before - now
        return 0.0 if self._limit_to_try(now) else self._delay(now)

    def start(self, now: float) -> Start:
        """Take in that a request starts; `delay` must have said 0.

        Args:
            now: The time, in seconds.

        Returns:
            The start, to be handed to `answer`.
        """
        start = Start(now, self.under_way + 1)
        if self._delay(now) > 0:
            start.tries = self._limit_to_try(now)
            self._attempt = start
        self.under_way += 1
        self._starts.append(start)
        return start

    def answer(self, start: Start, now: float, *, is_refused: bool | None) -> None:
        """Take in how a request was answered, or that it was not.

        Args:
            start: What `start` returned.
            now: The time, in seconds.
            is_refused: Whether the answer was 429; None if no answer came, which tells nothing.
        """
        self.under_way -= 1
        start.is_refused = bool(is_refused)
        if start is self._attempt:
            self._attempt = None
        if start.is_luck or is_refused is None:
            return
        if is_refused and self._is_twin(start):
            self._undo(now)
        elif start.tries is not None:
            self._tried(start, now)
        elif is_refused:
            self._refused(start, now)
        else:
            self._taken(start)

    def hold(self, until: float) -> None:
        """Start nothing for a while, as the server asked.

        Args:
            until: When to go on, in seconds.
        """
        self._not_before = max(self._not_before, until)

    @property
    def per_second(self) -> float:
        """The requests in a second that it comes to."""
        return self.rate.value / (self._second * (1 + self._slack))

    def _delay(self, now: float) -> float:
        """Say how long to wait for both limits, as `delay` does without the attempts."""
        return math.inf if self.under_way >= self.width.value else self._rate_delay(now)

    def _rate_delay(self, now: float) -> float:
        if not self._starts:
            return 0.0
        number = self.rate.value
        period = self._second * (1 + self._slack)
        ready = self._starts[-1].at + EVENLY * period / number
        if len(self._starts) >= number:
            ready = max(ready, self._starts[-number].at + period)
        return ready - now

    def _limit_to_try(self, now: float) -> Limit | None:
        """Say which limit to go beyond now, by one; None if it is no time for that."""
        if self._attempt is not None or now < self._not_before:
            return None
        room = self.width.value - self.under_way
        if room < 0 or (room == 0 and not self.width.is_due(now)):
            return None
        # With no room, this goes beyond both limits: else each would wait for the other to grow.
        recent = self._count(now - SHARP * self._second, now)
        if self.rate.is_due(now) and recent >= self.rate.value:
            return self.rate
        return self.width if room == 0 and self._rate_delay(now) <= 0 else None

    def _tried(self, start: Start, now: float) -> None:
        is_over = start.is_refused or start.is_luck
        before = self.rate.value, self.width.value
        limits = [start.tries or self.rate]
        if start.under_way > self.width.value and start.tries is self.rate:
            limits.append(self.width)
        for limit in limits:
            (limit.fail if is_over else limit.succeed)(now)
        if not is_over:
            self._raised = (start, *before)

    def _is_twin(self, start: Start) -> bool:
        """Tell whether a refused request started together with one that went beyond a limit.

        Which of the two the server finds to be too many is chance.
        """
        tried = self._attempt or (self._raised and self._raised[0])
        return (
            tried is not None
            and start is not tried
            and abs(start.at - tried.at) < self._second / self.rate.value
        )

    def _undo(self, now: float) -> None:
        """Take the attempt that is under way, or that seemed to succeed, for one that failed."""
        if self._attempt is not None:
            attempt, self._attempt = self._attempt, None
            attempt.is_luck = True
            self._tried(attempt, now)
        elif self._raised is not None:
            _, rate, width = self._raised
            self._raised = None
            for limit, value in ((self.rate, rate), (self.width, width)):
                if limit.value > value:
                    limit.fail(now)
                    limit.lower(value, now)

    def _before(self, start: Start) -> int:
        """Count what the server took in the second before a request."""
        return self._count(start.at - self._second, start.at) - (not start.is_refused)

    def _count(self, since: float, until: float) -> int:
        """Count what was started in a time and, as far as is known, not refused."""
        return sum(since < one.at <= until and not one.is_refused for one in self._starts)

    def _taken(self, start: Start) -> None:
        self.rate.proven = max(self.rate.proven, self._before(start) + 1)
        self.width.proven = max(self.width.proven, start.under_way)
        if self._is_new:
            self.width.value = min(self.width.most, self.width.value * 2)
        self._widen(start)

    def _widen(self, start: Start) -> None:
        # Taken with more under way than was thought possible: it is possible.
        self.width.value = min(self.width.most, max(self.width.value, start.under_way))

    def _refused(self, start: Start, now: float) -> None:
        self._is_new = False
        before = self._before(start)
        if start.at <= self._changed_at:
            # Sent before the last change: once is enough. But it may tell more exactly what the
            # server takes.
            if self._is_rate_to_blame and before + 1 < self.rate.value:
                self.rate.lower(before, now)
            return
        self._changed_at = now
        is_too_many = start.under_way > self.width.proven
        is_too_fast = before + 1 > self.rate.proven
        if not (is_too_many or is_too_fast):
            # The server took as much of either before: what is nearer to its limit is to blame.
            share = (before + 1) / self.rate.value
            is_too_many = start.under_way / self.width.value >= share
            is_too_fast = not is_too_many
        self._is_rate_to_blame = is_too_fast
        if is_too_many:
            self._lower(self.width, start.under_way - 1, now)
        if is_too_fast:
            self._slow_down(before, now)

    def _slow_down(self, before: int, now: float) -> None:
        number = self.rate.value
        if before == 0:  # the server took nothing at all, which tells nothing
            self._lower(self.rate, number // 2, now)
        elif not number <= before + 1 <= self.rate.proven:
            self._lower(self.rate, before, now)
        elif self._slack < MOST_SLACK:
            # It took as many before. Most likely the requests came a little closer together than
            # they were sent.
            self._slack = min(MOST_SLACK, self._slack + MORE_SLACK)
        else:
            self._lower(self.rate, number - 1, now)

    @staticmethod
    def _lower(limit: Limit, value: int, now: float) -> None:
        if value < limit.value:
            limit.fail(now)
            limit.lower(value, now)


class Pace:
    """The pace of one account, for all threads: whoever asks first starts first."""

    def __init__(
        self,
        per_second: float,
        width: int = 20,
        *,
        clock: Callable[[], float] = time.monotonic,
        wait: Callable[[threading.Condition, float | None], object] = threading.Condition.wait,
    ) -> None:
        """Set the pace.

        Args:
            per_second: The most requests to start in any one second, a number above 0.
            width: The most requests under way, a number from 1.
            clock: Where the time comes from, in seconds that only grow.
            wait: How to wait for a condition, at most for a number of seconds.
        """
        self.regulator = Regulator(per_second, width)
        self._clock = clock
        self._wait = wait
        self._turn = threading.Lock()
        self._changed = threading.Condition()
        self._is_closed = False

    def start(self) -> Start:
        """Wait until the next request may start.

        Returns:
            The start, to be handed to `answer` whatever becomes of the request.

        Raises:
            ClosedError: If the pace was closed meanwhile.
        """
        with self._turn, self._changed:
            while True:
                if self._is_closed:
                    raise ClosedError
                now = self._clock()
                delay = self.regulator.delay(now)
                if delay <= 0:
                    return self.regulator.start(now)
                self._wait(self._changed, None if math.isinf(delay) else delay)

    def answer(self, start: Start, *, is_refused: bool | None, hold: float | None = None) -> None:
        """Take in how a request was answered, or that it was not.

        Args:
            start: What `start` returned.
            is_refused: Whether the answer was 429; None if no answer came.
            hold: Seconds for which the server asks to be left alone; None if it does not.
        """
        with self._changed:
            now = self._clock()
            self.regulator.answer(start, now, is_refused=is_refused)
            if hold is not None:
                self.regulator.hold(now + hold)
            self._changed.notify_all()

    def close(self) -> None:
        """Let nobody start any more, nor wait to."""
        with self._changed:
            self._is_closed = True
            self._changed.notify_all()
