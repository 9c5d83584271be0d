"""How many pages a second the sandbox serves from one core.

The API allows 10 requests a second; a benchmark of the tap measures the tap only if the sandbox
has at least twice that to give.
"""

from __future__ import annotations

import time
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING

import requests

from benchmarks.bench import KEY, PAGE, RATE
from benchmarks.rows import Row
from benchmarks.servers import served

if TYPE_CHECKING:
    from collections.abc import Iterator

    from benchmarks.bench import Bench

NEEDED = 2  # times what the API allows


def sandbox(bench: Bench) -> Iterator[Row]:
    """Measure the sandbox, of which all contacts are made up.

    Args:
        bench: Says how large.

    Yields:
        A first reading, which finds nothing ready, and a second one.
    """
    records = bench.size(20_000, 2_000)
    with served(records) as server:
        for number in ("first", "second"):
            rate, size = _read(server.url, records)
            what = f"sandbox: {number} reading, pages of {PAGE} contacts ({size / 1e6:.2f} MB)"
            yield Row(what, rate, "pages/s", at_least=NEEDED * RATE)


def _read(url: str, records: int) -> tuple[float, int]:
    """Read all contacts once, four pages at a time.

    Args:
        url: The base URL.
        records: How many there are.

    Returns:
        Pages a second, and the bytes of a page before compression.
    """
    session = requests.Session()
    session.auth = (KEY, "")

    def page(skip: int) -> int:
        params = {"top": PAGE, "skip": skip}
        answer = session.get(f"{url}/Contacts", params=params, timeout=60)
        answer.raise_for_status()
        return len(answer.content)

    skips = range(0, records, PAGE)
    started = time.perf_counter()
    with ThreadPoolExecutor(4) as pool:
        sizes = list(pool.map(page, skips))
    return len(skips) / (time.perf_counter() - started), sum(sizes) // len(sizes)
