"""One account behind the gateway: its connections, its pace and its quota."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tap_insightly.api.http.rate_limit import AdaptiveRate
from tap_insightly.server.gateway.answers import LIMIT, REMAINING
from tap_insightly.server.gateway.connections import Connections
from tap_insightly.server.gateway.pace import Pace
from tap_insightly.server.gateway.quota import DayQuota

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from tap_insightly.server.gateway.redis_pace import RedisPace
    from tap_insightly.server.gateway.settings import Upstream
    from tap_insightly.server.gateway.tokens import Token


class Account:
    """What all clients of one account share."""

    def __init__(
        self,
        name: str,
        upstream: Upstream,
        *,
        limit: int | None = None,
        used: Mapping[str, int] | None = None,
        sharing: Callable[[DayQuota], RedisPace] | None = None,
    ) -> None:
        """Get ready, in the event loop that is to be used.

        Args:
            name: What the configuration calls it.
            upstream: Where it is, and how to ask it.
            limit: How many requests a day has, as Insightly said last; None if not known.
            used: How many each client has used today, by name.
            sharing: Makes what several gateways agree by; None for one alone.
        """
        self.name = name
        self.upstream = upstream
        self.connections = Connections(upstream)
        rate = AdaptiveRate(upstream.requests_per_second, upstream.max_concurrency)
        self.quota = DayQuota(upstream.quota_reserve, limit=limit, used=used)
        self.shared = None if sharing is None else sharing(self.quota)
        """What several gateways agree by; None for one alone."""
        self.pace = Pace(rate, self.shared)

    def share(self, token: Token) -> dict[str, int | None]:
        """Say what a client has of the day's requests, by the names of headers."""
        limit, remaining = self.quota.share(token)
        return {LIMIT: limit, REMAINING: remaining}

    async def pause(self, seconds: float) -> None:
        """Let nobody start for so long, not even through another gateway."""
        self.pace.pause(seconds)
        if self.shared is not None:
            await self.shared.pause(seconds)

    def health(self) -> dict[str, object]:
        """Say how it is."""
        rate = self.pace.rate
        shared: dict[str, object] = {}
        if self.shared is not None:
            how = "alone, as Redis does not answer" if self.shared.is_alone else "shared"
            shared = {"pace": how, "gateways": self.shared.gateways}
        return {
            "requests_per_second": round(rate.per_second, 2),
            "waiting": self.pace.waiting,
            "under_way": rate.under_way,
            "quota_limit": self.quota.count.limit,
            "quota_left": self.quota.count.remaining,
            **shared,
        }

    async def close(self) -> None:
        """End all that is under way."""
        self.pace.close()
        await self.connections.close()
