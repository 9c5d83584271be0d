"""When the next request may start: never faster than allowed, and as fast as the server takes it.

The rule is additive increase, multiplicative decrease (AIMD), as in TCP: whoever is refused gives
up a quarter, and asks for one more when it has not been refused for a while. So clients that know
nothing of each other come to similar shares. The way back has the shape of CUBIC: a plateau just
below where it was refused, then one small step, then ever larger ones until it is refused again.

Two things differ from a network. A step too far costs a 429, which should be rare: so a single
request goes beyond the limit, and the next step waits for its response. And a server counts what
comes in a second, so a limit is a whole number, as that of a token bucket: streams of *n* requests
in any second fit together whenever their sum does, wherever in the second each of them is. At
fractions in between, evenly paced, they are refused although the server has room for all of them.
"""

from __future__ import annotations

import math
import random
import threading
import time
from collections import deque
from dataclasses import dataclass
from typing import TYPE_CHECKING

from tap_insightly.api.http.errors import ClosedError

if TYPE_CHECKING:
    from collections.abc import Callable

UNPROVEN = 6  # under way before a server has responded; seen live: 429 at 5 under way, on some
# How much longer than a second the server is given for a second's requests, because they do not
# all travel equally fast.
SLACK = 0.03
# The least gap between two starts, as a share of an even one: before an attempt to go beyond the
# limit; before others, if the limit is what is allowed; before others, if it is less.
ATTEMPT, CATCHING_UP, EVENLY = 0.25, 0.7, 0.9

LESS = 0.25  # the share that is given up when less is taken than before
STEPS = (1, 1, 2, 4, 8, 16)  # how limits grow with each attempt in a row that is taken
# Seconds after a refusal until the next attempt, to take up within 20 what others leave: so many,
# or so many times the limit, as who has little looks more often.
PAUSE, AT_LEAST = 13.0, 8.0
GROWTH = 2  # of the pause with each attempt in vain, once nothing has changed for a while,
LONGEST_PAUSE = 55.0  # up to so many seconds times the limit
ONE_IN = 500  # or so many requests, whichever is less: of so many, one may be refused
# How many attempts are in vain until pauses grow: after a change, and after what may be chance.
UNSURE, SOMEWHAT_UNSURE = 15, 2


class LearnedLimit:
    """One thing that a server limits: its ceiling as far as it is known, a whole number."""

    def __init__(self, most: int, value: int | None = None) -> None:
        """Start with what is allowed, or less."""
        self.most = most
        """What is allowed at most."""
        self.value = min(most, value or most)
        """The ceiling, as far as it is known."""
        self.proven = 0
        """The most that the server took since the ceiling was last lowered."""
        self.kept = self.value
        """The value that it kept for a whole pause; what was won since may have been luck."""

    def raise_by(self, step: int) -> None:
        """Note that the server takes one more, and guess how much more than that."""
        self.value = min(self.most, self.value + step)

    def lower_to(self, value: int) -> None:
        """Note that the server takes no more than this."""
        self.value = max(1, min(self.value, value))
        self.proven = min(self.proven, self.value)
        self.kept = min(self.kept, self.value)

    def end_pause(self) -> bool:
        """Note that a pause is over, and one more was refused; tell whether it had grown before."""
        has_grown, self.kept = self.value > self.kept, self.value
        return has_grown


@dataclass(eq=False)
class Permit:
    """The leave to start one request; to be released, whatever becomes of it."""

    at: float
    """When it was given, in seconds by the clock of the rate limiter."""

    under_way: int
    """How many requests were under way then, itself included."""

    is_attempt: bool = False
    """Whether it went beyond a limit, to find out whether there is more room."""

    is_refused: bool = False
    """Whether the response was 429."""


class AdaptiveRate:
    """Decides when the next request may start; knows the time only from what it is told.

    Two limits are learned: how many requests are started in a second, and how many are under way.
    What was taken is proven. A request that is refused

    - and went beyond what is proven tells what the server takes: that is the limit.
    - and did not tells that it takes less now, as others ask it, too: a quarter is given up.

    After a pause, one request goes beyond the limits that hold it back. If it is taken, they grow,
    and the next such attempt follows at once. If it is refused, they stay, for another pause; and
    for longer ones if that happens again and again at the same limits, as then nobody else asks.
    """

    def __init__(
        self,
        requests_per_second: float,
        max_concurrency: int,
        chance: Callable[[], float] = random.random,
    ) -> None:
        """Start with what is allowed.

        Args:
            requests_per_second: The most requests to start in any one second, above 0.
            max_concurrency: The most requests under way, from 1.
            chance: Draws a number from 0 to 1: clients of one server must not move in step.
        """
        self.rate = LearnedLimit(max(1, math.floor(requests_per_second)))
        """Requests in a second."""
        self.concurrency = LearnedLimit(max_concurrency, UNPROVEN)
        """Requests under way."""
        self.under_way = 0
        self._second = max(
            1.0, 1 / requests_per_second
        )  # longer, if less than one a second is allowed
        self._chance = chance
        self._starts: deque[Permit] = deque(maxlen=4 * self.rate.most + 4 * max_concurrency)
        self._not_before = -math.inf
        self._shift = 0.0
        self._refused_at = -math.inf  # when it was last taken in that something was refused
        self._refused_with, self._least = 0, 1  # more of those sent before; the rate after them
        self._refused_alone = 0  # how many were, one after the other, at one a second
        self._attempt: Permit | None = None
        self._attempt_from = math.inf
        self._successes = 0
        self._is_widening = False
        self._pause = PAUSE
        self._doubts = 0

    def delay(self, now: float) -> float:
        """Say how many seconds the next request has to wait; infinite: for a response."""
        ready = min(self._ready_at(), self._attempt_at(now))
        return max(0.0, max(ready, self._not_before) - now)

    def acquire(self, now: float) -> Permit:
        """Let a request start; `delay` must have said 0."""
        permit = Permit(now, self.under_way + 1, is_attempt=self._ready_at() > now)
        if permit.is_attempt:
            self._attempt = permit
        self.under_way += 1
        self._starts.append(permit)
        self._shift = 0.0
        return permit

    def release(self, permit: Permit, now: float, *, is_refused: bool | None) -> None:
        """Learn whether a request was answered 429; None if by nothing, which tells nothing."""
        self.under_way -= 1
        permit.is_refused = bool(is_refused)
        if permit is self._attempt:
            self._attempt = None
        elif self._attempt is not None and now < self._attempt.at + SLACK:
            self._attempt.under_way -= 1  # this one may have been gone when it arrived
        if is_refused:
            self._refused(permit, now)
        elif is_refused is not None:
            self._taken(permit, now)

    def pause_until(self, moment: float) -> None:
        """Start nothing until then, as the server asked."""
        self._not_before = max(self._not_before, moment)

    @property
    def per_second(self) -> float:
        """The requests in a second that it comes to."""
        return self.rate.value / self._period

    @property
    def _period(self) -> float:
        """Seconds that the limit of the rate is for; longer, while not even one is taken."""
        doublings = max(0, min(self._refused_alone - 2, 2))
        return self._second * (1 + SLACK) * float(2**doublings)

    def _ready_at(self) -> float:
        """Say when the next request may start within both limits."""
        if self.under_way >= self.concurrency.value:
            return math.inf
        share = CATCHING_UP if self.rate.value == self.rate.most else EVENLY
        return max(self._gap_ends_at(share), self._window_ends_at(self.rate.value)) + self._shift

    def _gap_ends_at(self, share: float) -> float:
        return self._window_ends_at(1) - self._period * (1 - share / self.rate.value)

    def _window_ends_at(self, number: int) -> float:
        is_short = len(self._starts) < number
        return -math.inf if is_short else self._starts[-number].at + self._period

    def _attempt_at(self, now: float) -> float:
        """Say when one may go beyond the limits; infinite if they do not hold it back."""
        room = self.concurrency.value - self.under_way
        if self._attempt is not None or room < 0 or self.under_way == self.concurrency.most:
            return math.inf
        gap = max(self._gap_ends_at(ATTEMPT), self._window_ends_at(self.rate.most))
        at = max(now, self._attempt_from, gap)
        if room == 0 and not self._is_widening:
            at = max(at, self._attempt_from + self._period)  # rather beyond one limit than both
        number = self.rate.value
        if number < self.rate.most and self._count(at - self._sharp, now) >= number:
            return at
        return max(at, self._window_ends_at(number)) if room == 0 else math.inf

    def _count(self, since: float, until: float) -> int:
        """Count what was started in a time and, as far as is known, not refused."""
        return sum(since < one.at <= until and not one.is_refused for one in self._starts)

    @property
    def _sharp(self) -> float:
        """Seconds in which one too many is too many, however fast each of them travelled."""
        return self._period * (1 - 0.5 / self.rate.value)

    def _reached(self, permit: Permit, seconds: float) -> list[tuple[LearnedLimit, int]]:
        """Say how much of each limit a request took up, with those so many seconds before it."""
        number = self._count(permit.at - seconds, permit.at) + permit.is_refused
        return [(self.rate, number), (self.concurrency, permit.under_way)]

    def _taken(self, permit: Permit, now: float) -> None:
        self._refused_alone = 0
        if permit.is_attempt:
            beyond = self._beyond(permit)
            for limit in beyond:
                limit.raise_by(STEPS[min(self._successes, len(STEPS) - 1)])
            self._successes += bool(beyond)
            self._attempt_from, self._is_widening = now, self.concurrency in beyond
        elif math.isinf(self._refused_at):
            self.concurrency.raise_by(self.concurrency.value)
        for limit, reach in self._reached(permit, self._second):
            limit.proven = max(limit.proven, reach)

    def _beyond(self, permit: Permit) -> list[LearnedLimit]:
        return [limit for limit, reach in self._reached(permit, self._sharp) if reach > limit.value]

    def _refused(self, permit: Permit, now: float) -> None:
        reached = self._reached(permit, self._second)
        if permit.at <= self._refused_at:
            self._refused_too(reached[0][1])
            return
        self._refused_at, self._refused_with = now, 0
        self._least = self.rate.value // 2
        unproven = [(limit, reach) for limit, reach in reached if reach > limit.proven]
        if permit.is_attempt:
            self._failed(self._beyond(permit))
        elif unproven:
            for limit, reach in unproven:
                limit.lower_to(reach - 1 if reach > 1 else limit.value // 2)
        else:
            self._give_up_a_share(reached)
        self._shift = self._chance() * self._period / self.rate.value  # not when others come
        self._wait(now)

    def _failed(self, beyond: list[LearnedLimit]) -> None:
        """Note that an attempt to go beyond limits was refused."""
        for limit in beyond:
            limit.lower_to(max(1, limit.proven))
        if self._successes == 0:
            have_grown = [limit.end_pause() for limit in beyond]
            self._doubts = UNSURE if have_grown and all(have_grown) else self._doubts - 1
        elif self._doubts == 0:
            self._doubts = -1

    def _give_up_a_share(self, reached: list[tuple[LearnedLimit, int]]) -> None:
        """Give up a share: the server takes less than it did."""
        won = [limit for limit, reach in reached if reach > limit.kept]
        # If nothing was won since the last pause, what is nearer to its limit is to blame.
        nearest, _ = max(reached, key=lambda one: (one[1] > 1, one[1] / one[0].value))
        for limit in won or [nearest]:
            self._refused_alone += limit.value == 1
            value = limit.value - max(1, math.floor(LESS * limit.value + self._chance()))
            limit.lower_to(max(value, limit.kept) if won else value)
        is_luck = bool(won) or self._doubts <= 0  # or one that travelled longer than others
        self._doubts = max(self._doubts, SOMEWHAT_UNSURE if is_luck else UNSURE)

    def _refused_too(self, number: int) -> None:
        # Sent before the last change. More than one tell how many the server takes.
        self._refused_with += 1
        if self._refused_with > 1 and number <= self.rate.value:
            self.rate.lower_to(max(number - 1, self._least))

    def _wait(self, now: float) -> None:
        self._successes, self._is_widening = 0, False
        number = self.rate.value
        longer = min(GROWTH * self._pause, max(PAUSE, min(LONGEST_PAUSE * number, ONE_IN / number)))
        self._pause = longer if self._doubts < 0 else min(PAUSE, AT_LEAST * number)
        self._attempt_from = now + self._pause * (0.9 + 0.2 * self._chance())


class RateLimiter:
    """Keeps all threads within the rate of one account: whoever asks first starts first."""

    def __init__(
        self,
        requests_per_second: float,
        max_concurrency: int = 20,
        *,
        clock: Callable[[], float] = time.monotonic,
        wait: Callable[[threading.Condition, float | None], object] = threading.Condition.wait,
    ) -> None:
        """Start with the rate that is allowed; what the server takes is learned.

        Args:
            requests_per_second: The most requests to start in any one second, above 0.
            max_concurrency: The most requests under way at the same time, from 1.
            clock: Where the time comes from, in seconds that only grow.
            wait: How to wait for a condition, at most for a number of seconds.
        """
        self.adaptive_rate = AdaptiveRate(requests_per_second, max_concurrency)
        """What was learned of the server."""
        self.waited = 0.0
        """Seconds for which the next request had to wait for its turn, all together."""
        self._clock = clock
        self._wait = wait
        self._turn = threading.Lock()
        self._changed = threading.Condition()
        self._is_closed = False

    def acquire(self) -> Permit:
        """Wait until the next request may start.

        Returns:
            A permit, to be handed to `release` whatever becomes of the request.

        Raises:
            ClosedError: If the rate limiter was closed meanwhile.
        """
        with self._turn, self._changed:
            began = self._clock()
            while True:
                if self._is_closed:
                    raise ClosedError
                now = self._clock()
                delay = self.adaptive_rate.delay(now)
                if delay <= 0:
                    self.waited += now - began
                    return self.adaptive_rate.acquire(now)
                self._wait(self._changed, None if math.isinf(delay) else delay)

    def release(
        self, permit: Permit, *, is_refused: bool | None, retry_after: float | None = None
    ) -> None:
        """Give a permit back, and learn from the response.

        Args:
            permit: What `acquire` returned.
            is_refused: Whether the response was 429; None if there was none.
            retry_after: Seconds for which the server asks to be left alone; None if it does not.
        """
        with self._changed:
            now = self._clock()
            self.adaptive_rate.release(permit, now, is_refused=is_refused)
            if retry_after is not None:
                self.adaptive_rate.pause_until(now + retry_after)
            self._changed.notify_all()

    def close(self) -> None:
        """Let nobody start any more, nor wait to."""
        with self._changed:
            self._is_closed = True
            self._changed.notify_all()
