"""How far a sync is, for somebody who watches it in a terminal."""

from __future__ import annotations

import math
import sys
import threading
import time
from collections import deque
from contextlib import suppress
from datetime import timedelta
from typing import IO, TYPE_CHECKING

from typing_extensions import override

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence

    from rich.console import Console

    from tap_insightly.api import InsightlySession, PagedRequest

    Requests = Callable[[str], Sequence[PagedRequest] | None]
    """Tells what will be read of a stream of that name; None if that is not known yet."""

SECONDS_BETWEEN_DRAWINGS = 0.25
WINDOW = 10.0  # seconds over which a rate is taken
LEAST_WINDOW = 1.0  # less than that says nothing about a rate
MOST_COLUMNS = 120  # wide enough for the longest name
UNKNOWN = "-"

ERASE = "\x1b[J"  # what is to the right of the cursor, and below it
UP = "\x1b[A"


class Progress:
    """What a sync tells of itself: to nobody, unless it is a `Display`."""

    due = math.inf
    """When to call `draw` next, by `time.monotonic`."""

    def __init__(self) -> None:
        """Start at nothing."""
        self.records = 0
        """How many rows were handed on; counted by the sync of a stream."""
        self.pages = 0
        """How many pages were read; counted in the same place."""

    def finish(self, stream_name: str) -> None:
        """Note that a stream was read to its end."""

    def draw(self, now: float) -> None:
        """Show how far the sync is, at a time by `time.monotonic`."""

    def close(self) -> None:
        """Show nothing any more. May be called at any moment, and again."""


def progress_for(
    stream_names: Sequence[str], session: InsightlySession, requests_of: Requests
) -> Progress:
    """Show the progress if there is a terminal to show it on, and rich to draw it with."""
    # Where messages scroll by there is nothing else to be seen. And rich takes its time to be
    # imported, and would take a pipe for a terminal if FORCE_COLOR says so.
    if sys.stdout.isatty() or not sys.stderr.isatty():
        return Progress()
    try:
        from rich.console import Console  # noqa: PLC0415 - an extra, and seldom needed
    except ImportError:
        return Progress()
    console = Console(file=sys.stderr)
    if not console.is_interactive or console.legacy_windows:
        return Progress()
    return Display(stream_names, session, console, requests_of=requests_of)


class Display(Progress):
    """A line at the bottom of a terminal: streams, records, requests, quota, and time to go.

    It is drawn by the thread that reads, between two records or while it waits for an answer.
    """

    def __init__(
        self,
        stream_names: Sequence[str],
        session: InsightlySession,
        console: Console,
        *,
        requests_of: Requests = lambda _: None,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        """Show that nothing was read yet of streams that will be read in this order."""
        super().__init__()
        self._session = session
        self._console = console
        self._clock = clock
        self._requests_of = requests_of
        self._number = len(stream_names)
        self._left = list(stream_names)
        now = clock()
        self._request_rate = Rate(now, session.stats.requests)
        self._page_rate = Rate(now)
        self._footer = Footer(console.file)
        self.draw(now)

    @override
    def finish(self, stream_name: str) -> None:
        self._left = [one for one in self._left if one != stream_name]
        self.draw(self._clock())

    @override
    def draw(self, now: float) -> None:
        """Draw the line anew; give up if the terminal is gone, which is no reason to end a sync."""
        self.due = now + SECONDS_BETWEEN_DRAWINGS
        try:
            self._footer.show(self._line(now))
        except OSError:
            self.close()

    @override
    def close(self) -> None:
        self.due = math.inf
        with suppress(OSError):
            self._footer.close()

    def _line(self, now: float) -> str:
        from rich.progress_bar import ProgressBar  # noqa: PLC0415 - see `progress_for`
        from rich.table import Table  # noqa: PLC0415
        from rich.text import Text  # noqa: PLC0415

        done = self._number - len(self._left)
        count, name, *rest = (
            Text(text, no_wrap=True, overflow="ellipsis") for text in self._texts(now, done)
        )
        table = Table.grid(padding=(0, 2, 0, 0), expand=True)
        # The bar and the name share what the numbers leave, so that all stay in their places.
        table.add_column(ratio=2)
        table.add_column(no_wrap=True)
        table.add_column(ratio=3)
        for _ in rest:
            table.add_column(no_wrap=True)
        table.add_row(ProgressBar(self._number, done), count, name, *rest)
        with self._console.capture() as capture:
            # Some terminals begin a new line as soon as the last column is written.
            self._console.print(table, width=min(MOST_COLUMNS, self._console.width - 1))
        return capture.get().rstrip("\n")

    def _texts(self, now: float, done: int) -> Iterable[str]:
        session = self._session
        rate = self._request_rate.take(now, session.stats.requests)
        # At first, answers to later streams pile up unread; at the end they are read off the pile.
        rates = (rate, self._page_rate.take(now, self.pages))
        left = session.quota.remaining
        seconds = seconds_to_go(
            pages_to_come(map(self._requests_of, self._left)),
            session.rate_limiter.adaptive_rate.per_second,
            max((one for one in rates if one is not None), default=None),
        )
        return (
            f"{done}/{self._number}",
            self._left[0] if self._left else UNKNOWN,
            f"{self.records:,} records",
            f"{UNKNOWN if rate is None else f'{rate:.1f}'} requests/s",
            f"quota {UNKNOWN if left is None else f'{left:,}'}",
            f"{UNKNOWN if seconds is None else _minutes(seconds)} to go",
        )


class Rate:
    """How often something has happened in a second, lately."""

    def __init__(self, now: float, count: int = 0) -> None:
        """Start at a time in seconds, when it has happened so often before."""
        self._taken = deque([(now, count)])

    def take(self, now: float, count: int) -> float | None:
        """Take down how often it has happened so far, and tell how often in a second it does.

        None if it is too early to tell.
        """
        self._taken.append((now, count))
        while now - self._taken[0][0] > WINDOW and len(self._taken) > 2:  # noqa: PLR2004 - a pair
            self._taken.popleft()
        began, count_then = self._taken[0]
        seconds = now - began
        return None if seconds < LEAST_WINDOW else (count - count_then) / seconds


def pages_to_come(streams: Iterable[Sequence[PagedRequest] | None]) -> int:
    """Count the pages that are still to be read; an unknown stream counts as one."""
    return sum(
        1
        if paged_requests is None
        else sum(1 for paged_request in paged_requests for _ in paged_request.pending_offsets())
        for paged_requests in streams
    )


def seconds_to_go(pages: int, allowed: float, seen: float | None) -> float | None:
    """Estimate how long it takes to read some pages; None if nothing moves.

    So many a second are allowed, and so many were seen lately, which a slow target makes fewer.
    """
    rate = allowed if seen is None else min(allowed, seen)
    return pages / rate if rate > 0 else None


def _minutes(seconds: float) -> str:
    return str(timedelta(seconds=round(seconds))).removeprefix("0:")  # hours only if there are any


class Footer:
    """A line that stays below all that is written to a terminal.

    It is drawn below the cursor, which always stands where the next text belongs. So what other
    programs write to the same terminal, such as a target, comes above the line as well. And the
    cursor needs no putting right, in whatever way the process ends.
    """

    def __init__(self, stream: IO[str]) -> None:
        """Take over what is written to a terminal, whose cursor is at the beginning of a line."""
        self._stream = stream
        self._write = stream.write
        self._lock = threading.RLock()  # the handler of a signal may log in the middle of a write
        self._line = ""
        self._is_line_begun = False
        self._is_open = True
        # All log handlers hold this very stream, and so need not be found and changed.
        vars(stream)["write"] = self._write_above

    def show(self, line: str) -> None:
        """Show a line instead of the one before, or none; it has to fit into the terminal."""
        with self._lock:
            if self._is_open:
                self._line = line
                self._put("")

    def close(self) -> None:
        """Take the line away, and give the stream back as it was."""
        with self._lock:
            try:
                self.show("")
            finally:
                self._is_open = False
                vars(self._stream).pop("write", None)

    def _write_above(self, text: str) -> int:
        with self._lock:
            if not text:
                return self._write(text)  # by which some find out whether bytes can be written
            self._is_line_begun = not text.endswith("\n")
            self._put(text)
        return len(text)

    def _put(self, text: str) -> None:
        is_shown = self._line and not self._is_line_begun
        below = f"\n{self._line}\r{UP}" if is_shown else ""
        self._write(f"{ERASE}{text}{below}")
        self._stream.flush()
