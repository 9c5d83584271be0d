"""How many pages a second the sandbox serves from one core. Run by ``make bench``.

The API allows 10 requests a second; a benchmark of the tap measures the tap only if the sandbox
has at least twice that to give.
"""

from __future__ import annotations

import os
import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from typing import TYPE_CHECKING

import click
import requests

from tap_insightly.sandbox import DEFAULT_KEY

if TYPE_CHECKING:
    from collections.abc import Iterator

PAGE = 500
API_RATE = 10  # pages a second, the API's limit
NEEDED = 2  # times what the API allows


@contextmanager
def served(records: int) -> Iterator[str]:
    """Run the sandbox as a process of its own, on one core where the system lets us say so.

    Args:
        records: How many contacts it has.

    Yields:
        Its base URL.
    """
    command = [sys.executable, "-m", "tap_insightly.sandbox", "--port=0", f"--records={records}"]
    cores = os.sched_getaffinity(0) if hasattr(os, "sched_getaffinity") else set()
    if cores:
        os.sched_setaffinity(0, {min(cores)})  # the process that is started inherits it
    with subprocess.Popen(command, stderr=subprocess.PIPE, text=True) as process:  # noqa: S603 - ours
        if cores:
            os.sched_setaffinity(0, cores - {min(cores)} or cores)
        try:
            greeting = process.stderr.readline() if process.stderr else ""
            yield greeting.split()[3].rstrip(":")
        finally:
            process.terminate()


def read(url: str, records: int) -> tuple[float, int]:
    """Read all contacts once, four pages at a time.

    Args:
        url: The base URL.
        records: How many there are.

    Returns:
        Pages a second, and the bytes of a page before compression.
    """
    session = requests.Session()
    session.auth = (DEFAULT_KEY, "")

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


@click.command()
@click.option("--records", default=20_000, show_default=True, help="How many contacts.")
def main(records: int) -> None:
    """Measure, and fail if the sandbox is slower than it has to be."""
    with served(records) as url:
        fields = len(requests.get(f"{url}/Contacts", auth=(DEFAULT_KEY, ""), timeout=60).json()[0])
        rates = [read(url, records) for _ in range(3)]
    for number, (rate, size) in enumerate(rates, 1):
        print(
            f"pass {number}: {rate:5.1f} pages/s of {PAGE} contacts ({size / 1e6:.2f} MB, "
            f"{fields} fields and up to 20 custom fields), {rate / API_RATE:.1f} x the API's rate"
        )
    if rates[0][0] < NEEDED * API_RATE:  # the first pass has nothing ready
        sys.exit(f"The first pass is slower than {NEEDED} x the API's rate.")


if __name__ == "__main__":
    main()
