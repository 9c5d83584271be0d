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
# The same where the ceiling falls, or others come and go: then it may change again.
SHARE_OF_CHANGING, REFUSED_OF_CHANGING = 0.9, 2.0
SHARED_BY, SHARED, REFUSED_OF_SHARED = 4, 10, 6.0
TAKEN_UP = 20  # seconds after which one has what the others have left


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
    with ThreadPoolExecutor(len(cases) + 1) as pool:
        shared = pool.submit(lambda: list(_shared(bench)))
        results = pool.map(lambda case: list(_measured(case, requests)), cases)
        for rows in results:
            yield from rows
        yield from shared.result()


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
    share, most = (SHARE_OF_CHANGING, REFUSED_OF_CHANGING) if case.later else (SHARE, REFUSED)
    yield Row(f"{what}: answers", throughput, "/s", at_least=share * allowed)
    yield Row(f"{what}: answered 429", refused, "%", at_most=most)


def _shared(bench: Bench) -> Iterator[Row]:
    """Let several ask one server, of which all but one have less to ask."""
    few, many = bench.size(300, 20), bench.size(900, 60)
    with served(records=10, requests_per_second=SHARED, latency=0.3) as server:
        processes = [_started(server, requests) for requests in (many, *[few] * (SHARED_BY - 1))]
        results = [json.loads(process.communicate()[0]) for process in processes]
    moments = [[one["began"] + moment for moment in one["answered"]] for one in results]
    begin = max(one["began"] for one in results) + bench.size(20, 0)
    ends = [one["began"] + one["taken_up"] for one in results]
    together = [moment for one in moments for moment in one if begin < moment <= min(ends)]
    later = max(ends[1:]) + bench.size(TAKEN_UP, 0)
    left = [moment for moment in moments[0] if later < moment <= ends[0]]
    refused = 100 * sum(one["refused"] for one in results) / sum(one["requests"] for one in results)
    what = f"ceiling: {SHARED_BY} taps, server takes {SHARED} a second"
    least = SHARE_OF_CHANGING * SHARED
    yield Row(f"{what}: answers", len(together) / (min(ends) - begin), "/s", at_least=least)
    yield Row(f"{what}: answered 429", refused, "%", at_most=REFUSED_OF_SHARED)
    what = f"{what}: answers to one, {TAKEN_UP} s after the others ended"
    yield Row(what, len(left) / max(ends[0] - later, 1), "/s", at_least=least)


def _started(server: Server, requests: int) -> subprocess.Popen[str]:
    command = [sys.executable, "-m", "benchmarks.client", server.url, str(requests)]
    process = subprocess.Popen(  # noqa: S603 - our own program
        command, env=environment(), stdout=subprocess.PIPE, text=True
    )
    pin(process.pid, is_server=False)
    return process


def _ask(case: Case, server: Server, requests: int) -> dict[str, Any]:
    with _started(server, requests) as process:
        if case.later:
            time.sleep(case.changes_at)
            server.set(**case.later)
        result: dict[str, Any] = json.loads(process.communicate()[0])
    return result
