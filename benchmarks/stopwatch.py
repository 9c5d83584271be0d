"""Runs the tap with stopwatches around what it is made of. Started by `benchmarks.stages`.

They read the time that a thread computes, so waiting does not count, and what is called inside
another stage counts for the inner one only. `cProfile` would see one thread, and take longer for
each call than most of what it measures.
"""

from __future__ import annotations

import json
import os
import threading
import time
from contextlib import ExitStack, redirect_stdout
from functools import wraps
from pathlib import Path
from pkgutil import resolve_name
from typing import TYPE_CHECKING, Any
from unittest.mock import patch

import click

from benchmarks.bench import FASTEST, KEY
from tap_insightly.tap import TapInsightly

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping
    from contextlib import AbstractContextManager

REST = "the SDK's way from row to message, and all else"
STAGES: Mapping[str, tuple[str, ...]] = {
    "HTTP: socket and decompression": ("api.http.session.InsightlySession._send_once",),
    "keeping the pace": (
        "api.http.rate_limit.AdaptiveRate.delay",
        "api.http.rate_limit.AdaptiveRate.acquire",
        "api.http.rate_limit.AdaptiveRate.release",
    ),
    "making sure that it is JSON": ("api.http.session.checked_body",),
    "deciding what to ask for": ("api.lists.prefetch.Prefetcher._fetch",),
    "decoding JSON": ("api.http.response.decode",),
    "paging": ("api.lists.paginator.OffsetPaginator.take",),
    "conforming to the schema": ("conformer.Conformer.__call__",),
    "keeping the state": ("sync.checkpoint.Checkpoint.advance",),
    "encoding messages": ("output.MessageWriter.format_message",),
    "writing messages": ("output.MessageWriter.write_message",),
}
"""What each stage is made of, below `tap_insightly`; the rest is what the process takes besides."""


class Stopwatches:
    """One for each stage; what a stage calls of another stops its own meanwhile."""

    def __init__(self) -> None:
        """Start at nothing."""
        self._lock = threading.Lock()
        self._taken = dict.fromkeys(STAGES, 0)
        self._thread = threading.local()

    def watch(self, stage: str, function: Callable[..., Any]) -> Callable[..., Any]:
        """Put a stopwatch around a function.

        Args:
            stage: The stage that it belongs to.
            function: The function.

        Returns:
            A function that does the same.
        """

        @wraps(function)
        def watched(*args: Any, **kwargs: Any) -> Any:  # noqa: ANN401 - as the function has it
            outer, self._thread.inner = getattr(self._thread, "inner", 0), 0
            started = time.thread_time_ns()
            try:
                return function(*args, **kwargs)
            finally:
                taken = time.thread_time_ns() - started
                with self._lock:
                    self._taken[stage] += taken - self._thread.inner
                self._thread.inner = outer + taken

        return watched

    def patches(self) -> Iterator[AbstractContextManager[Any]]:
        """Prepare to put the stopwatches where they belong.

        Yields:
            Context managers, one for each function.
        """
        for stage, names in STAGES.items():
            for name in names:
                path = f"tap_insightly.{name}"
                yield patch(path, self.watch(stage, resolve_name(path)))

    def seconds(self) -> dict[str, float]:
        """Read them.

        Returns:
            What each stage took of computing.
        """
        return {stage: taken / 1e9 for stage, taken in self._taken.items()}


def sync(url: str, catalog: dict[str, Any]) -> float:
    """Run the tap in this process, and drop what it writes.

    Args:
        url: The base URL of the API.
        catalog: The catalog.

    Returns:
        Seconds of computing.
    """
    settings = {"api_key": KEY, "api_url": url, "requests_per_second": FASTEST}
    tap = TapInsightly(config=settings, catalog=catalog)
    with Path(os.devnull).open("w", encoding="utf-8") as nowhere, redirect_stdout(nowhere):
        started = time.process_time()
        tap.sync_all()
        return time.process_time() - started


@click.command()
@click.argument("url")
@click.argument("catalog", type=click.File())
def main(url: str, catalog: Any) -> None:  # noqa: ANN401 - a text file, as click opens it
    """Print the seconds of each stage as JSON."""
    content = json.load(catalog)
    sync(url, content)  # what happens only once in a process is not what a record takes
    without = sync(url, content)
    watches = Stopwatches()
    with ExitStack() as stack:
        for one in watches.patches():
            stack.enter_context(one)
        whole = sync(url, content)
    seconds = watches.seconds()
    seconds[REST] = whole - sum(seconds.values())
    print(json.dumps(seconds | {"without stopwatches": without}))


if __name__ == "__main__":
    main()
