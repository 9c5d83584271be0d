"""How close the pace comes to what a server takes, when nothing but the pace holds it back."""

from __future__ import annotations

import json
import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from benchmarks.processes import environment, pin
from benchmarks.rows import Row
from benchmarks.servers import served

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from benchmarks.bench import Bench
    from benchmarks.servers import Server

SHARE = 0.95  # of what the server takes, at least
REFUSED = 1.0  # per cent of the requests, at most


@dataclass(frozen=True)
class Case:
    """A server that takes only so much."""

    what: str
    faults: dict[str, Any]
    """What it takes, by the names of `Faults`."""

    later: dict[str, Any] = field(default_factory=dict)
    """What changes while it is being asked."""

    changes_at: int = 0
    """Seconds until it changes."""

    counts_from: int | None = None
    """Seconds until answers count; half of the whole time if it is not given."""


def ceiling(bench: Bench) -> Iterator[Row]:
    """Ask servers that take different amounts, all at the same time: they compute little.

    Args:
        bench: Says how often to ask.

    Yields:
        For each server what it answered, and the share that it refused.
    """
    requests = bench.size(1_000, 60)
    cases = _cases(bench)
    with ThreadPoolExecutor(len(cases)) as pool:
        results = pool.map(lambda case: list(_measured(case, requests)), cases)
        for rows in results:
            yield from rows


def _cases(bench: Bench) -> Sequence[Case]:
    changes_at, counts_from = bench.size(50, 3), bench.size(60, 5)
    rates = [
        Case(f"{rate} a second", {"requests_per_second": rate, "latency": 0.3})
        for rate in (3, 5, 10)
    ]
    return [
        *rates,
        Case("4 under way", {"max_in_flight": 4, "latency": 0.5}),
        Case(
            "10, then 4 a second",
            {"requests_per_second": 10, "latency": 0.3},
            later={"requests_per_second": 4},
            changes_at=changes_at,
            counts_from=counts_from,
        ),
    ]


def _measured(case: Case, requests: int) -> Iterator[Row]:
    with served(records=10, **case.faults) as server:
        result = _ask(case, server, requests)
    limits = case.faults | case.later
    allowed = limits.get("requests_per_second")
    if allowed is None:
        allowed = limits["max_in_flight"] / result["latency"]
    start, end = case.counts_from or result["taken_up"] / 2, result["taken_up"]
    throughput = sum(start < moment <= end for moment in result["answered"]) / (end - start)
    refused = 100 * result["refused"] / result["requests"]
    what = f"ceiling: {requests:,} requests, server takes {case.what}"
    yield Row(f"{what}: answers", throughput, "/s", at_least=SHARE * allowed)
    yield Row(f"{what}: answered 429", refused, "%", at_most=REFUSED)


def _ask(case: Case, server: Server, requests: int) -> dict[str, Any]:
    command = [sys.executable, "-m", "benchmarks.client", server.url, str(requests)]
    with subprocess.Popen(  # noqa: S603 - our own program
        command, env=environment(), stdout=subprocess.PIPE, text=True
    ) as process:
        pin(process.pid, is_server=False)
        if case.later:
            time.sleep(case.changes_at)
            server.set(**case.later)
        result: dict[str, Any] = json.loads(process.communicate()[0])
    return result
