"""What ``GET /metrics`` tells, in the format of Prometheus. No label holds data of a record."""

from __future__ import annotations

from typing import TYPE_CHECKING

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, generate_latest

if TYPE_CHECKING:
    from collections.abc import Callable

_SECONDS = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60)


class Metrics:
    """Counts what one server does."""

    def __init__(self) -> None:
        """Start at nothing, in a registry of its own."""
        self._registry = registry = CollectorRegistry()
        self.events = Counter(
            "insightly_webhook_events",
            "Deliveries that were kept, by account and result: new, repeated or rejected.",
            ("account", "result"),
            registry=registry,
        )
        self.refused = Counter(
            "insightly_webhook_refused",
            "Deliveries that were not kept, by HTTP status.",
            ("status",),
            registry=registry,
        )
        self.webhook_seconds = Histogram(
            "insightly_webhook_seconds",
            "Seconds from a delivery to the answer.",
            buckets=_SECONDS,
            registry=registry,
        )
        self.lag = Gauge(
            "insightly_webhook_lag_seconds",
            "Seconds from the update of the latest record of an account to its delivery.",
            ("account",),
            registry=registry,
        )
        self.requests = Counter(
            "insightly_gateway_requests",
            "Requests of clients, by account, client and HTTP status of the answer.",
            ("account", "client", "status"),
            registry=registry,
        )
        self.waited = Histogram(
            "insightly_gateway_wait_seconds",
            "Seconds that requests waited for their turn.",
            ("account",),
            buckets=_SECONDS,
            registry=registry,
        )
        self.pace = Gauge(
            "insightly_pace",
            "Requests a second that an account comes to, as far as it is known.",
            ("account",),
            registry=registry,
        )
        self.quota_left = Gauge(
            "insightly_quota_left",
            "Requests that are left of the day, as Insightly said last.",
            ("account",),
            registry=registry,
        )
        self.alone = Gauge(
            "insightly_gateway_alone",
            "1 while Redis does not answer, so that a gateway keeps to its part of the pace.",
            ("account",),
            registry=registry,
        )
        self._refreshers: list[Callable[[], None]] = []

    def on_scrape(self, refresh: Callable[[], None]) -> None:
        """Have gauges set just before they are told."""
        self._refreshers.append(refresh)

    def text(self) -> bytes:
        """Write all of it down."""
        for refresh in self._refreshers:
            refresh()
        return generate_latest(self._registry)
