"""What a run a minute costs for a day, if webhooks tell what has changed."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING

from benchmarks.rows import Row
from tests.told.office import Day, open_office

if TYPE_CHECKING:
    from collections.abc import Iterator

    from benchmarks.bench import Bench

MINUTES = 1440
REQUESTS = 8_000  # of the 100,000 that a day has
AN_HOUR = 60


def day(bench: Bench) -> Iterator[Row]:
    """Count the requests of a day with 2,000 changes over 6 objects, by a clock of its own.

    Args:
        bench: Where to write.

    Yields:
        For a day whose webhooks all come, and for one that loses every third: the requests, and
        for how long the warehouse lacked a change.
    """
    minutes = bench.size(MINUTES, 120)
    logging.disable(logging.CRITICAL)  # a log takes longer than all else
    try:
        for lost in (None, 3):
            folder = bench.folder / f"day-{lost}"
            folder.mkdir()
            with open_office(folder) as office:
                found = Day(office, lost)
                for _ in range(minutes):
                    found.pass_minute()
            what = f"day: {minutes:,} runs, one a minute"
            what += f", every {lost}rd webhook lost" if lost else ""
            yield Row(f"{what}: requests", found.requests, at_most=REQUESTS * minutes / MINUTES)
            yield Row(f"{what}: late by, if told", found.late_told, "runs", at_most=0)
            if lost:
                late = found.late_lost
                yield Row(f"{what}: late by, if lost", late, "min", at_most=AN_HOUR)
    finally:
        logging.disable(logging.NOTSET)
