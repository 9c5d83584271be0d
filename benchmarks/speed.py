"""How long a sync takes, and with how many requests."""

from __future__ import annotations

import json
import math
import random
import time
from collections import Counter
from typing import TYPE_CHECKING, Any

import msgspec

from benchmarks.bench import CONTACTS, FASTEST, PAGE, RATE, check_contacts, reports
from benchmarks.rows import Row
from benchmarks.servers import served

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from benchmarks.bench import Bench
    from benchmarks.processes import Usage
    from benchmarks.servers import Server

LATENCIES = (0.05, 0.3, 1.0)  # seconds
COMPARED = 0.3  # the latency at which the plain tap is timed too: one page after the other is slow
SECONDS_TO_START = 2.0  # of the promise: what Python and the first answer take
TIMEOUT = 2.0  # seconds, of requests that hang

# Streams that are made of several lists, and so take several requests.
OF_SEVERAL_LISTS = frozenset({"custom_fields", "tags"})

FAULTS = {
    "502": 0.05,
    "reset": 0.02,
    "truncate": 0.02,
    "hang": 0.01,
    "html": 0.01,
}
"""What goes wrong, and with which share of the requests."""


def big(bench: Bench) -> Iterator[Row]:
    """Measure the first sync of a large account.

    Args:
        bench: What runs the tap.

    Yields:
        For each latency the time and the requests.
    """
    contacts = bench.size(50_000, 5_000)
    with served(contacts=contacts, requests_per_second=RATE) as server:
        for latency in LATENCIES:
            usage, requests = _timed(bench, server, latency)
            check_contacts(usage, contacts)
            what = f"big: {contacts:,} contacts, latency {latency} s"
            limit = 1.05 * requests / RATE + SECONDS_TO_START
            yield Row(what, usage.seconds, "s", at_most=limit)
            yield Row(f"{what}: requests", requests, at_most=math.floor(1.01 * contacts / PAGE + 2))
            if latency == COMPARED:
                yield Row(f"{what}: plain tap", bench.plain(server).seconds, "s")


def small(bench: Bench) -> Iterator[Row]:
    """Measure a sync that finds nothing new in any stream of the account.

    Args:
        bench: What runs the tap.

    Yields:
        For each latency the time, and the most requests that a stream took.
    """
    names = bench.usual
    with served(records=bench.size(2_000, 200)) as server:
        messages = bench.folder / "first.jsonl"
        bench.tap(server, streams=names, stdout=messages, requests_per_second=FASTEST)
        state = _state_of(messages)
        for latency in LATENCIES:
            usage, requests = _timed(bench, server, latency, f"--state={state}", streams=names)
            limit = 1.1 * requests / RATE + SECONDS_TO_START
            what = f"small: nothing new in {len(reports(usage))} streams, latency {latency} s"
            yield Row(f"{what}, {requests} requests", usage.seconds, "s", at_most=limit)
            yield Row(f"{what}: requests of a stream of one list", _most_requests(usage), at_most=1)


def deletions(bench: Bench) -> Iterator[Row]:
    """Measure a sync that finds nothing new and nothing gone, in any stream of the account.

    Args:
        bench: What runs the tap.

    Yields:
        The time, and the most requests that a stream took.
    """
    with served(records=bench.size(2_000, 200)) as server:
        messages = bench.folder / "first.jsonl"
        bench.tap(
            server,
            streams=bench.usual,
            stdout=messages,
            requests_per_second=FASTEST,
            detect_deletes=True,
        )
        state = _state_of(messages)
        usage, requests = _timed(
            bench,
            server,
            COMPARED,
            f"--state={state}",
            streams=bench.usual,
            detect_deletes=True,
        )
        limit = 1.1 * requests / RATE + SECONDS_TO_START
        what = f"deletions: nothing new and nothing gone, latency {COMPARED} s"
        yield Row(f"{what}, {requests} requests", usage.seconds, "s", at_most=limit)
        yield Row(f"{what}: requests of a stream of one list", _most_requests(usage), at_most=2)


def children(bench: Bench) -> Iterator[Row]:
    """Measure the first sync of what belongs to records, for which each of them is asked for.

    Args:
        bench: What runs the tap.

    Yields:
        For two latencies the time.
    """
    with served(records=bench.size(400, 60)) as server:
        for latency in LATENCIES[1:]:
            usage, requests = _timed(bench, server, latency, streams=["task_comments"])
            limit = 1.05 * requests / RATE + SECONDS_TO_START
            what = f"children: comments of tasks, latency {latency} s, {requests} requests"
            yield Row(what, usage.seconds, "s", at_most=limit)


def faults(bench: Bench) -> Iterator[Row]:
    """Measure a sync in which much goes wrong.

    Args:
        bench: What runs the tap.

    Yields:
        What was lost or sent twice, and the time beside that of a sync without faults.
    """
    contacts = bench.size(20_000, 5_000)
    what = f"faults: {contacts:,} contacts"
    with served(contacts=contacts) as server:
        usage = bench.tap(server, request_timeout=TIMEOUT)
        yield Row(f"{what}, none", usage.seconds, "s")
        yield from _with_faults(bench, server, contacts, what)


def _timed(
    bench: Bench,
    server: Server,
    latency: float,
    *args: str,
    **options: Any,  # noqa: ANN401 - as `Bench.tap` has them
) -> tuple[Usage, int]:
    """Run the tap at the rate that an account is allowed; what it took, and its requests."""
    server.set(latency=latency, requests_per_second=RATE)
    time.sleep(1)  # the server counts what the run before has sent in its last second
    before = server.requests
    usage = bench.tap(server, *args, **options)
    return usage, server.requests - before


def _with_faults(bench: Bench, server: Server, contacts: int, what: str) -> Iterator[Row]:
    messages = bench.folder / "faults.jsonl"
    script = _script(contacts // PAGE)
    server.set(script=script, hang_seconds=3 * TIMEOUT)
    usage = bench.tap(server, stdout=messages, request_timeout=TIMEOUT)
    ids = _ids_in(messages)
    failed = len(script) - script.count("ok")
    yield Row(f"{what}, {failed} of {len(script)} requests fail", usage.seconds, "s")
    yield Row(f"{what}: requests sent again", reports(usage)[CONTACTS].retries)
    missing = set(range(1, contacts + 1)) - ids.keys()
    yield Row(f"{what}: missing", len(missing), at_most=0)
    yield Row(f"{what}: more than once", ids.total() - len(ids), at_most=0)


def _script(requests: int) -> list[str]:
    """Decide what happens to each request: as often as `FAULTS` says, and at least once each."""
    failed = [kind for kind, share in FAULTS.items() for _ in range(math.ceil(share * requests))]
    script = failed + ["ok"] * (requests - len(failed))
    random.Random(1).shuffle(script)  # noqa: S311 - no secret, and the same every time
    return script


def _most_requests(usage: Usage) -> int:
    taken = reports(usage)
    return max(taken[name].requests for name in taken.keys() - OF_SEVERAL_LISTS)


def _state_of(messages: Path) -> Path:
    last = messages.read_bytes().splitlines()[-1]
    state = messages.with_suffix(".state.json")
    state.write_text(json.dumps(json.loads(last)["value"]), encoding="utf-8")
    return state


class _Contact(msgspec.Struct):
    id: int = msgspec.field(name="CONTACT_ID")


class _Message(msgspec.Struct):
    type: str
    record: _Contact | None = None


def _ids_in(messages: Path) -> Counter[int]:
    decode = msgspec.json.Decoder(_Message).decode
    with messages.open("rb") as lines:
        return Counter(message.record.id for message in map(decode, lines) if message.record)
