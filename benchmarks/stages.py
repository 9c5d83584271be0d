"""Where the computing for a record goes: a table for the documentation."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

from benchmarks.bench import CONTACTS
from benchmarks.processes import environment, measure
from benchmarks.servers import served

if TYPE_CHECKING:
    from collections.abc import Sequence

    from benchmarks.bench import Bench

HEADINGS = ("stage", "µs a record", "share")
WARNING = (
    "The stopwatches themselves take time, and the shares are more to be trusted than the times: "
    "compare the last two lines."
)


def profile(bench: Bench) -> list[Sequence[str]]:
    """Read contacts with stopwatches around what the tap is made of.

    Args:
        bench: What knows the account.

    Returns:
        The cells of each row, for `HEADINGS`.
    """
    contacts = bench.size(20_000, 2_000)
    result = bench.folder / "stages.json"
    with served(contacts=contacts) as server:
        command = ["-m", "benchmarks.stopwatch", server.url, str(bench.selected((CONTACTS,)))]
        measure(command, env=environment(), folder=bench.folder, stdout=result)
    seconds: dict[str, float] = json.loads(result.read_text(encoding="utf-8"))
    without = seconds.pop("without stopwatches")
    whole = sum(seconds.values())
    rows = [
        (stage, f"{1e6 * taken / contacts:.1f}", f"{taken / whole:.0%}")
        for stage, taken in (seconds | {"all": whole}).items()
    ]
    return [*rows, ("all, without stopwatches", f"{1e6 * without / contacts:.1f}", "")]
