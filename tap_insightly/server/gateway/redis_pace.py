"""One pace and one quota for several gateways, kept in Redis, by its clock.

Each start is reserved there, in one script: at most so many in any one period, over all gateways.
What was used and what is left travel with it. While Redis does not answer, each gateway keeps to
its part of the pace, which is as large as if as many gateways as were seen last still asked.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import math
import secrets
from typing import TYPE_CHECKING, Any

from redis.asyncio import Redis
from redis.asyncio.retry import Retry
from redis.backoff import NoBackoff
from redis.exceptions import RedisError

from tap_insightly.api.http.rate_limit import SLACK, AdaptiveRate

if TYPE_CHECKING:
    from collections.abc import Sequence

    from tap_insightly.server.gateway.quota import DayQuota
    from tap_insightly.server.gateway.settings import Sharing

logger = logging.getLogger(__name__)

ANSWER = 0.5
"""Seconds in which Redis has to answer."""

BEAT = 0.5
"""Seconds between two signs of life, and two tries to reach Redis again."""

_ALIVE = 5.0  # seconds for which a gateway counts after its last sign of life
_REMEMBERED = 600.0  # seconds for which the largest number of gateways counts
_MICRO = 1_000_000

# KEYS: starts, gateways, state, used. ARGV: gateway, whether to start, most starts, their period,
# how long gateways count (both in microseconds), the day, what is left and the limit as Insightly
# said since the last call, how long to pause, and then pairs of clients and what they used.
# Returns: when to start, now, gateways, left, limit, and pairs of clients and what they used.
_SCRIPT = """
local time = redis.call('TIME')
local now = time[1] * 1000000 + time[2]
local function text(number) return string.format('%.0f', number) end
local starts, gateways, state, used = KEYS[1], KEYS[2], KEYS[3], KEYS[4]
local most, period, day = tonumber(ARGV[3]), tonumber(ARGV[4]), ARGV[6]

redis.call('ZADD', gateways, text(now), ARGV[1])
redis.call('ZREMRANGEBYSCORE', gateways, '-inf', text(now - ARGV[5]))
redis.call('PEXPIRE', gateways, 60000)

local known = redis.call('HGET', state, 'day') or ''
if day > known then
  redis.call('HDEL', state, 'left')
  redis.call('HSET', state, 'day', day)
  known = day
end
local left = tonumber(redis.call('HGET', state, 'left') or nil)
local seen = tonumber(ARGV[7])
if seen and day == known and (not left or seen <= left or seen > left + 100) then
  left = seen
  redis.call('HSET', state, 'left', text(left))
end
if ARGV[8] ~= '' then redis.call('HSET', state, 'limit', ARGV[8]) end

local latest = now + 400000000  -- nobody waits as long, unless the clock was put back
local paused = tonumber(redis.call('HGET', state, 'paused') or 0)
if paused > latest then paused = 0 end
local pause = tonumber(ARGV[9])
if pause > 0 then
  paused = math.max(paused, now + pause)
  redis.call('HSET', state, 'paused', text(paused))
end

for at = 10, #ARGV, 2 do redis.call('HINCRBY', used, ARGV[at], ARGV[at + 1]) end
redis.call('PEXPIRE', used, 172800000)
redis.call('PEXPIRE', state, 172800000)

local start = math.max(now, paused)
if ARGV[2] == '1' then
  redis.call('ZREMRANGEBYSCORE', starts, '-inf', text(now - period))
  redis.call('ZREMRANGEBYSCORE', starts, text(latest), '+inf')
  local edge = redis.call('ZRANGE', starts, -most, -most, 'WITHSCORES')[2]
  local last = redis.call('ZRANGE', starts, -1, -1, 'WITHSCORES')[2]
  if edge then start = math.max(start, edge + period) end
  if last then start = math.max(start, tonumber(last)) end
  local number = redis.call('HINCRBY', state, 'number', 1)
  redis.call('ZADD', starts, text(start), number)
  redis.call('PEXPIRE', starts, math.ceil((start - now + period) / 1000) + 1000)
  if left then left = redis.call('HINCRBY', state, 'left', -1) end
end
local limit = redis.call('HGET', state, 'limit') or ''
left = left and text(left) or ''
local count = redis.call('ZCARD', gateways)
return {text(start), text(now), count, left, limit, unpack(redis.call('HGETALL', used))}
"""


class RedisDownError(Exception):
    """Redis does not answer; the text says how."""


class RedisPace:
    """The pace of one account, which this gateway shares with others."""

    def __init__(
        self, link: RedisLink, account: str, *, per_second: float, gateways: int, quota: DayQuota
    ) -> None:
        """Get ready.

        Args:
            link: The way to Redis.
            account: What all gateways call the account.
            per_second: The most requests to start in any one second, of all together.
            gateways: How many gateways there are, at least.
            quota: What is known of the day.
        """
        self._link = link
        self._keys = [
            f"insightly:{{{account}}}:{name}" for name in ("starts", "gateways", "state", "used")
        ]
        self._per_second = per_second
        self._most = max(1, math.floor(per_second))
        self._period = max(1.0, 1 / per_second) * (1 + SLACK)
        self._quota = quota
        self._largest, self._largest_at = gateways, math.inf
        self._least = gateways
        self._pause = 0.0
        self._alone: AdaptiveRate | None = None
        self._alone_until = math.inf

    @property
    def gateways(self) -> int:
        """The most gateways that were seen of late."""
        return self._largest

    @property
    def is_alone(self) -> bool:
        """Whether this gateway keeps to its part, as Redis does not answer."""
        return self._alone is not None

    async def reserve(self) -> float:
        """Reserve the next start; return the seconds until then."""
        clock = asyncio.get_running_loop().time
        at = clock()
        if self._link.is_up:
            with contextlib.suppress(RedisDownError):
                at = clock() + await self._call(is_start=True)
        while self._alone is not None:
            delay = self._alone.delay(clock())
            if delay <= 0:
                permit = self._alone.acquire(clock())
                self._alone.release(permit, clock(), is_refused=None)
                break
            await asyncio.sleep(delay)
        return max(0.0, at - clock())

    async def pause(self, seconds: float) -> None:
        """Let nobody start for so long, through whatever gateway."""
        self._pause = seconds
        if self._link.is_up:
            with contextlib.suppress(RedisDownError):
                await self._call(is_start=False)

    async def beat(self) -> None:
        """Give a sign of life; tell what is new, and hear it.

        Raises:
            RedisDownError: If Redis does not answer.
        """
        await self._call(is_start=False)

    def go_alone(self, since: float) -> None:
        """Keep to a part of the pace: Redis has not answered a call that began then."""
        if self._alone is None or self._alone_until < math.inf:
            share = self._per_second / max(1, self._largest)
            self._alone = AdaptiveRate(share, 100)
            # What was started before still counts.
            self._alone.pause_until(since + self._period)
        self._alone_until = math.inf

    def come_back(self, now: float) -> None:
        """Keep to both, until all others will have noticed as well that Redis is back."""
        if self._alone is not None and math.isinf(self._alone_until):
            self._alone_until = now + BEAT + ANSWER + self._period

    async def _call(self, *, is_start: bool) -> float:
        """Run the script; return the seconds until the start."""
        report, pause = self._quota.report(), self._pause
        self._pause = 0.0
        shown = ["" if one is None else str(one) for one in (report.left, report.limit)]
        pairs = [str(part) for pair in report.used.items() for part in pair]
        sizes = (int(is_start), self._most, _micro(self._period), _micro(_ALIVE))
        arguments: list[str | int] = [
            self._link.name,
            *sizes,
            report.day,
            *shown,
            _micro(pause),
            *pairs,
        ]
        keys = [*self._keys[:3], f"{self._keys[3]}:{report.day}"]
        try:
            answer = await self._link.run(keys, arguments)
        except BaseException:
            self._quota.take_back(report)
            self._pause = max(self._pause, pause)
            raise
        start, now, gateways, left, limit, *used = [_text(one) for one in answer]
        self._note_gateways(int(gateways))
        counts = dict(zip(used[::2], map(int, used[1::2]), strict=True))
        self._quota.learn(_number(left), _number(limit), counts)
        return (int(start) - int(now)) / _MICRO

    def _note_gateways(self, number: int) -> None:
        now = asyncio.get_running_loop().time()
        if number >= self._largest or now - self._largest_at > _REMEMBERED:
            self._largest, self._largest_at = max(number, self._least), now
        elif math.isinf(self._largest_at):
            self._largest_at = now
        if now > self._alone_until:
            self._alone, self._alone_until = None, math.inf


class RedisLink:
    """The way to Redis, for all accounts of a gateway."""

    def __init__(self, sharing: Sharing) -> None:
        """Get ready; nothing is sent yet.

        Args:
            sharing: Where Redis is, and how many gateways there are at least.
        """
        self._gateways = sharing.gateways
        self.name = secrets.token_hex(8)
        """What this gateway is called among the others."""
        self.is_up = True
        """Whether Redis answered the last call."""
        self.paces: dict[str, RedisPace] = {}
        """The accounts that are shared by it."""
        self._redis: Redis = Redis.from_url(
            sharing.redis_url,
            socket_timeout=ANSWER,
            socket_connect_timeout=ANSWER,
            retry=Retry(NoBackoff(), 0),
            decode_responses=True,
        )
        self._script = self._redis.register_script(_SCRIPT)
        self._beating: asyncio.Task[None] | None = None

    def pace_of(self, account: str, per_second: float, quota: DayQuota) -> RedisPace:
        """Share one account's pace and quota."""
        pace = RedisPace(self, account, per_second=per_second, gateways=self._gateways, quota=quota)
        self.paces[account] = pace
        return pace

    async def start(self) -> None:
        """Take part, and keep taking part."""
        await self._beat()
        self._beating = asyncio.create_task(self._keep_beating())

    async def stop(self) -> None:
        """Take no part any more."""
        if self._beating is not None:
            self._beating.cancel()
            await asyncio.gather(self._beating, return_exceptions=True)
        await self._redis.aclose()

    async def run(self, keys: Sequence[str], arguments: Sequence[str | int]) -> Sequence[Any]:
        """Run the script.

        Raises:
            RedisDownError: If Redis does not answer in time.
        """
        loop = asyncio.get_running_loop()
        began = loop.time()
        try:
            answer: Sequence[Any] = await asyncio.wait_for(
                self._script(keys=list(keys), args=list(arguments)), ANSWER
            )
        except (RedisError, OSError, asyncio.TimeoutError) as error:
            await self._lost(began, error)
            raise RedisDownError from None
        if not self.is_up:
            self.is_up = True
            logger.warning("Redis answers again: the gateways share pace and quota again.")
            for pace in self.paces.values():
                pace.come_back(loop.time())
        return answer

    async def _lost(self, began: float, error: BaseException) -> None:
        for pace in self.paces.values():
            pace.go_alone(began)
        if self.is_up:
            self.is_up = False
            logger.warning(
                "Redis does not answer (%s): until it does, this gateway keeps to its part of the "
                "pace, and counts the quota alone.",
                type(error).__name__,
            )
        with contextlib.suppress(RedisError, OSError):
            await self._redis.connection_pool.disconnect()

    async def _keep_beating(self) -> None:
        while True:
            await asyncio.sleep(BEAT)
            await self._beat()

    async def _beat(self) -> None:
        with contextlib.suppress(RedisDownError):
            for pace in self.paces.values():
                await pace.beat()


def _micro(seconds: float) -> int:
    return math.ceil(seconds * _MICRO)


def _text(value: object) -> str:
    return value.decode() if isinstance(value, bytes) else str(value)


def _number(text: str) -> int | None:
    return int(text) if text else None
