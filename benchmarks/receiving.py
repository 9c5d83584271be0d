"""How fast webhooks are answered, and that none is lost."""

from __future__ import annotations

import json
import subprocess
import sys
from contextlib import contextmanager
from typing import TYPE_CHECKING

from benchmarks.processes import ROOT, environment, measure, pin
from benchmarks.rows import Row
from tap_insightly.webhooks.store import EventStore

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from benchmarks.bench import Bench

RATE = 500  # events a second
MILLISECONDS = 50.0  # within which 99 of 100 answers have come
PERCENT = 99


def receiving(bench: Bench) -> Iterator[Row]:
    """Measure how long it takes from a delivery to its answer, which comes once it is on disk.

    Args:
        bench: Where to write.

    Yields:
        The usual and the longest times, what was refused, and what is not in the store.
    """
    seconds = bench.size(60, 10)
    store, output = bench.folder / "webhooks.sqlite", bench.folder / "delivered.json"
    with receiver(store) as port:
        command = ["-m", "benchmarks.deliverer", str(port), str(RATE), str(RATE * seconds)]
        measure(command, env=environment(), folder=bench.folder, stdout=output)
    done = json.loads(output.read_text(encoding="utf-8"))
    times = [one * 1000 for one in done["seconds"]]
    what = f"receiving: {RATE} webhooks a second for {seconds} s"
    yield Row(f"{what}, p50", times[len(times) // 2], "ms")
    limit = times[len(times) * PERCENT // 100]
    yield Row(f"{what}, p{PERCENT}", limit, "ms", at_most=MILLISECONDS)
    yield Row(f"{what}, longest", times[-1], "ms")
    yield Row(f"{what}, refused", int(done["failed"]), at_most=0)
    with EventStore(store) as opened:
        kept = {event.record_id for event in opened.events()}
    yield Row(f"{what}, lost", RATE * seconds - len(kept), at_most=0)


@contextmanager
def receiver(store: Path) -> Iterator[int]:
    """Receive for as long as the context lasts, in a process of its own.

    Args:
        store: Where to.

    Yields:
        The port.
    """
    command = [sys.executable, "-m", "benchmarks.receiver", str(store)]
    with subprocess.Popen(  # noqa: S603 - our own program
        command, env=environment(), cwd=ROOT, stdout=subprocess.PIPE, text=True
    ) as process:
        try:
            pin(process.pid, is_server=True)
            yield int(process.stdout.readline() if process.stdout else "")
        finally:
            process.terminate()
