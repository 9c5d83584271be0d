"""What a sync costs: computing and memory."""

from __future__ import annotations

import json
from contextlib import ExitStack
from typing import TYPE_CHECKING

import click

from benchmarks.bench import CONTACTS, FASTEST, PAGE, check_contacts
from benchmarks.processes import environment, measure
from benchmarks.rows import Row
from benchmarks.servers import served

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from benchmarks.bench import Bench
    from benchmarks.processes import Usage
    from benchmarks.servers import Server

MICROSECONDS = 100.0  # of one core, for a record from the socket to stdout
SHARE_OF_PLAIN = 0.5
MICROSECONDS_OF_TABLE = 40.0  # from the bytes of a page to a table of Arrow
SHARE_OF_MESSAGES = 1.0  # what files of Parquet may take, of what messages take
MEGABYTES = 200.0
MEGABYTES_OF_TABLES = 400.0
GROWTH = 1.15  # from the fewest to the most contacts
MEGABYTES_OF_KNOWN = 120.0  # while ids are kept of a million contacts
LARGE = 100_000  # bytes of a record
MEGABYTES_OF_LARGE = 250.0


def cpu(bench: Bench) -> Iterator[Row]:
    """Measure what a record takes of one core, from the socket to stdout.

    Two sizes are compared, so that what does not depend on it, such as the start, does not count.

    Args:
        bench: What runs the taps.

    Yields:
        The tap, the plain tap, and how they compare.
    """
    sizes = bench.size(2_000, 1_000), bench.size(20_000, 4_000)
    with ExitStack() as stack:
        servers = {size: stack.enter_context(served(contacts=size)) for size in sizes}
        tries = bench.size(3, 1)
        tap = _microseconds(servers, tries, lambda one: bench.tap(one, requests_per_second=FASTEST))
        plain = _microseconds(servers, tries, bench.plain)
    what = "cpu: a record, socket to stdout"
    yield Row(what, tap, "µs", at_most=MICROSECONDS)
    yield Row(f"{what}: plain tap", plain, "µs")
    yield Row(f"{what}: tap / plain tap", tap / plain, at_most=SHARE_OF_PLAIN)


def columns(bench: Bench) -> Iterator[Row]:
    """Measure what a record takes as part of a table, beside what it takes as a message.

    Args:
        bench: What runs the taps.

    Yields:
        From the bytes of a page to a table; from the socket to files of Parquet; and the memory
        that they take.
    """
    page = _of_page(bench)
    what = f"columns: a record of {page['columns']:.0f} columns, bytes to table"
    yield Row(what, page["table"], "µs", at_most=MICROSECONDS_OF_TABLE)
    yield Row(f"{what}: bytes to message", page["messages"], "µs")
    sizes = bench.size(2_000, 1_000), bench.size(20_000, 4_000)
    batch = {"encoding": {"format": "parquet"}, "storage": {"root": bench.folder.as_uri()}}
    files = {"requests_per_second": FASTEST, "batch_config": json.dumps(batch)}
    with ExitStack() as stack:
        servers = {size: stack.enter_context(served(contacts=size)) for size in sizes}
        tries = bench.size(3, 1)
        parquet = _microseconds(servers, tries, lambda one: bench.tap(one, **files))
        rows = _microseconds(
            servers, tries, lambda one: bench.tap(one, requests_per_second=FASTEST)
        )
    what = "columns: a record, socket to Parquet"
    yield Row(what, parquet, "µs")
    yield Row(f"{what}: socket to stdout", rows, "µs")
    yield Row(f"{what}: Parquet / stdout", parquet / rows, at_most=SHARE_OF_MESSAGES)
    sizes = (20_000, bench.size(200_000, 40_000))
    peaks = []
    for size in sizes:
        with served(contacts=size) as server:
            usage = bench.tap(server, **files)
            check_contacts(usage, size)
            peaks.append(usage.peak / 1e6)
        yield Row(
            f"columns: {size:,} contacts to Parquet", peaks[-1], "MB", at_most=MEGABYTES_OF_TABLES
        )
    growth = peaks[1] / peaks[0]
    yield Row(f"columns: {sizes[1]:,} / {sizes[0]:,} contacts", growth, at_most=GROWTH)


def _of_page(bench: Bench) -> dict[str, float]:
    """Measure a page in a process of its own: microseconds of a record by what is made of it."""
    with served(contacts=PAGE) as server:
        result = bench.folder / "page.json"
        catalog = bench.selected((CONTACTS,))
        command = ["-m", "benchmarks.pages", server.url, f"{catalog}", f"{bench.size(40, 5)}"]
        measure(command, env=environment(), folder=bench.folder, stdout=result)
    figures: dict[str, float] = json.loads(result.read_text(encoding="utf-8"))
    return figures


def memory(bench: Bench) -> Iterator[Row]:
    """Measure the most memory that the tap has at once, by the number of contacts.

    At the pace that the API allows; and once as fast as the tap can take it, when answers pile up
    unread as they do with a slow target.

    Args:
        bench: What runs the taps.

    Yields:
        For each number the peak, the growth, and the plain tap at a number in between.
    """
    sizes = (10_000, bench.size(100_000, 15_000), bench.size(500_000, 20_000))
    peaks = {}
    for size in sizes:
        what = f"memory: {size:,} contacts"
        with served(contacts=size) as server:
            usage = bench.tap(server)
            check_contacts(usage, size)
            peaks[size] = usage.peak / 1e6
            yield Row(what, peaks[size], "MB", at_most=MEGABYTES)
            if size == sizes[1]:
                yield Row(f"{what}: plain tap", bench.plain(server).peak / 1e6, "MB")
            if size == sizes[-1]:
                fastest = bench.tap(server, requests_per_second=FASTEST).peak / 1e6
                yield Row(f"{what}, unpaced", fastest, "MB", at_most=MEGABYTES)
    growth = peaks[sizes[-1]] / peaks[sizes[0]]
    yield Row(f"memory: {sizes[-1]:,} / {sizes[0]:,} contacts", growth, at_most=GROWTH)
    yield from _known(bench, bench.size(1_000_000, 20_000))


def _known(bench: Bench, contacts: int) -> Iterator[Row]:
    """Measure the same where deletions are found, by the ids of all contacts.

    The first sync learns them; a later one has them in its state, and finds that one is gone.
    """
    what = f"memory: {contacts:,} contacts, detect_deletes"
    settings = {"detect_deletes": True}
    state = bench.folder / "known.json"
    command = ["-m", "benchmarks.known", str(contacts)]
    measure(command, env=environment(), folder=bench.folder, stdout=state)
    with served(contacts=contacts) as server:
        usage = bench.tap(server, f"--state={state}", **settings)
        if "1 deleted" not in usage.log:
            msg = f"One contact was deleted, and the tap says: {usage.log[-500:]}"
            raise click.ClickException(msg)
        yield Row(f"{what}, later", usage.peak / 1e6, "MB", at_most=MEGABYTES_OF_KNOWN)
        usage = bench.tap(server, **settings)
        check_contacts(usage, contacts)
        yield Row(what, usage.peak / 1e6, "MB", at_most=MEGABYTES_OF_KNOWN)


def large(bench: Bench) -> Iterator[Row]:
    """Measure the most memory that the tap has at once, where records are large.

    A page of 500 of them would be 50 MB of JSON, so that the size of pages matters here.

    Args:
        bench: What runs the taps.

    Yields:
        The peak, the requests, and the peak of the plain tap.
    """
    contacts = bench.size(10_000, 500)
    what = f"large: {contacts:,} contacts of {LARGE // 1000} KB"
    with served(contacts=contacts, record_bytes=LARGE) as server:
        before = server.requests
        usage = bench.tap(server)
        requests = server.requests - before
        check_contacts(usage, contacts)
        yield Row(what, usage.peak / 1e6, "MB", at_most=MEGABYTES_OF_LARGE)
        yield Row(f"{what}: requests", requests)
        yield Row(f"{what}: plain tap", bench.plain(server).peak / 1e6, "MB")


def _microseconds(servers: dict[int, Server], tries: int, run: Callable[[Server], Usage]) -> float:
    """Compare two sizes; of several tries the best, because a disturbance only ever adds."""
    best = {size: min(run(servers[size]).cpu for _ in range(tries)) for size in servers}
    few, many = best
    return (best[many] - best[few]) / (many - few) * 1e6
