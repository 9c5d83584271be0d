"""How fast webhooks are answered, and that none is lost."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

from benchmarks.processes import environment, measure
from benchmarks.rows import Row
from benchmarks.server import KEY, serving
from tap_insightly.webhooks.store import EventStore

if TYPE_CHECKING:
    from collections.abc import Iterator

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
    # Nobody asks for anything there: it is a port that nothing listens on.
    account = {"api_url": "http://127.0.0.1:9/v3.1", "api_key": KEY}
    with serving(bench.folder, account) as (url, _):
        command = ["-m", "benchmarks.deliverer", url, str(RATE), str(RATE * seconds)]
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
