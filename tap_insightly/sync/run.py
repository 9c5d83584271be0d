"""One run of the tap: which streams are read how, in what order, and what becomes of them."""

from __future__ import annotations

import time
from itertools import chain
from typing import TYPE_CHECKING

from tap_insightly.api import InsightlyError, Prefetcher
from tap_insightly.run_summary import log_run
from tap_insightly.streams import ArrayStream, ChildStream, RelatedStream
from tap_insightly.streams.search import BookmarkInFutureError
from tap_insightly.sync.account import Account
from tap_insightly.sync.child_stream_sync import ChildStreamSync
from tap_insightly.sync.context import RunContext
from tap_insightly.sync.embedded import EmbeddedSyncs
from tap_insightly.sync.embedded_stream_sync import EmbeddedStreamSync
from tap_insightly.sync.progress import progress_for
from tap_insightly.sync.report import Report
from tap_insightly.sync.stream_sync import StreamSync
from tap_insightly.telemetry import current

if TYPE_CHECKING:
    import logging
    from collections.abc import Callable, Generator, Iterator, Mapping, Sequence
    from concurrent.futures import Future
    from datetime import datetime

    import pyarrow as pa
    from singer_sdk.helpers.types import Record
    from singer_sdk.singerlib import Message

    from tap_insightly.api import InsightlySession, PagedRequest, Response
    from tap_insightly.streams import InsightlyStream
    from tap_insightly.sync.context import Output
    from tap_insightly.sync.embedded import EmbeddedSync
    from tap_insightly.sync.form import Piece
    from tap_insightly.sync.webhook_events import WebhookEvents


class Run:
    """Reads the selected streams once, in their order, over one connection. It is closed then.

    This is `streams.protocol.Run`, and more.
    """

    def __init__(
        self,
        session: InsightlySession,
        output: Output,
        streams: Callable[[], Sequence[InsightlyStream]],
        logger: logging.Logger,
        events: WebhookEvents,
    ) -> None:
        """Get ready; nothing is sent yet.

        `streams` says which ones are selected, and is not asked before something is read.
        """
        self.session = session
        self.is_closed = False
        prefetcher = Prefetcher(session, self._expected())
        self.account = Account(prefetcher.ask)
        self._context = RunContext(session, prefetcher, output, events)
        self._streams = streams
        self._logger = logger
        self._syncs: dict[str, StreamSync] = {}
        self._embedded: dict[str, EmbeddedSyncs] = {}
        self._skipped: set[str] = set()
        self._ended: set[str] = set()
        self.failures: dict[str, str] = {}
        """Why streams were not finished, while the others went on: sentences, by their names."""
        self._not_asked = 0
        self._report = Report()
        self._shared_now: datetime | None = None
        self._is_begun = False
        self._began = time.monotonic()
        self._read_figures: dict[str, Mapping[str, float]] = {}
        self._finished = 0

    # What streams ask

    def now(self) -> datetime | None:
        """Return the time by the server's clock; None before the server has told it."""
        return self.session.now()

    def shared_now(self) -> datetime | None:
        """Return what `now` said when this was first asked: one moment for all streams."""
        self._shared_now = self._shared_now or self.now()
        return self._shared_now

    def write_message(self, message: Message) -> None:
        """Send a message that the SDK has no place for."""
        self._context.output.write_message(message)

    def rows(self, stream: InsightlyStream) -> Iterator[Record]:
        """Read a stream from where its state says to its end.

        Raises:
            InsightlyError: If the API ends the run, or no selected stream is left.
        """
        yield from self._handed_on(stream, in_tables=False)

    def tables(self, stream: InsightlyStream) -> Generator[pa.Table]:
        """Read a stream as `rows` does, in tables of at most some hundred rows.

        Whoever takes the next table has kept the one before: `update_state` counts it from then
        on. What is gone comes last, in tables that have only the key and the time. Streams of what
        comes inside of records are read by themselves.

        Raises:
            InsightlyError: If the API ends the run, or no selected stream is left.
        """
        yield from self._handed_on(stream, in_tables=True)

    def _handed_on(self, stream: InsightlyStream, *, in_tables: bool) -> Iterator[Piece]:
        if in_tables != self._context.in_tables:
            self._context.in_tables = in_tables
            self._forget_plans()
        self._begin()
        conform = stream.conform
        is_whole = stream.is_dry_run  # which takes no more than it needs, and is no failure
        try:
            yield from self._read(stream)
            is_whole = True
        finally:
            sync = self._syncs.pop(stream.name, None)
            if sync is not None:
                sync.report()
                figures = self._read_figures[stream.name] = sync.figures
                current().end_stream(stream.name, figures)
                # Of several lists, the first may be whole where the next was cut off.
                stream.was_read_whole = is_whole and sync.is_whole
                self._finished += is_whole and (sync.is_whole or sync.is_skipped)
                self._report.add(sync, figures, is_whole=stream.was_read_whole)
            made = stream.make_table.warnings() if in_tables else ()
            for warning in chain(conform.warnings(), made):
                stream.logger.warning("%s: %s", stream.name, warning)
            self._finish(stream, is_whole=is_whole)

    # What else is asked

    def ask(self, path: str, params: Mapping[str, str] | None = None) -> Future[Response]:
        """Ask for one thing, without waiting for it."""
        return self._context.prefetcher.ask(path, params)

    def plan(self) -> Sequence[StreamSync]:
        """Find out what will be read of all streams, without reading anything.

        Raises:
            InsightlyError: If the state holds no usable bookmark, or the API ends the run.
        """
        return [self._sync_of(stream) for stream in self._streams()]

    # How a stream is read

    def _read(self, stream: InsightlyStream) -> Iterator[Piece]:
        sync = self._sync_of(stream)
        current().begin_stream(stream.name, sync.stats)
        try:
            yield from sync.read()
        except BookmarkInFutureError:
            self._drop(sync)
            sync = self._syncs[stream.name] = self._new_sync(stream)
            current().begin_stream(stream.name, sync.stats)
            yield from sync.read()
        if sync.failure is not None:
            self._logger.error("%s", sync.failure)
            self.failures[stream.name] = sync.failure
        if sync.is_skipped:
            self._not_asked += 1
        elif not sync.is_available:
            self._skip(stream.name)

    def _sync_of(self, stream: InsightlyStream) -> StreamSync:
        if stream.name not in self._syncs:
            self._syncs[stream.name] = self._new_sync(stream)
        return self._syncs[stream.name]

    def _new_sync(self, stream: InsightlyStream) -> StreamSync:
        if isinstance(stream, ChildStream):
            return ChildStreamSync(stream, self._context)
        if isinstance(stream, ArrayStream):
            return EmbeddedStreamSync(stream, self._context, self._embedded_of(stream))
        sync = StreamSync(stream, self._context)
        if not isinstance(stream, RelatedStream):
            sync.embedded = list(self._embedded_in(sync))
        return sync

    def _forget_plans(self) -> None:
        """Plan anew what was not begun, as rows and tables are not read by the same lists."""
        for name, sync in list(self._syncs.items()):
            if not sync.is_begun:
                self._drop(sync)
                del self._syncs[name]
        self._embedded.clear()

    def _drop(self, sync: StreamSync) -> None:
        for paged_request in sync.paged_requests:  # nobody will read them
            self._context.prefetcher.drop(paged_request)

    def _embedded_in(self, sync: StreamSync) -> Iterator[EmbeddedSync]:
        """Find the selected streams that can be made of the records of another."""
        for stream in () if self._context.in_tables else self._streams():
            if isinstance(stream, ArrayStream):
                embedded = self._embedded_of(stream).embed(sync.stream.path, sync.partition_reads)
                if embedded is not None:
                    yield embedded

    def _embedded_of(self, stream: ArrayStream) -> EmbeddedSyncs:
        return self._embedded.setdefault(stream.name, EmbeddedSyncs(stream))

    def _expected(self) -> Iterator[PagedRequest]:
        """Yield what will be read of all streams in order, as far as it is known without asking."""
        for stream in self._streams():
            if stream.needs_custom_objects and not self.account.is_known:
                if not self._context.events.watch(stream).skips_all:
                    self.account.ask_ahead()
                continue
            try:
                yield from self._sync_of(stream).paged_requests
            except InsightlyError:
                continue  # it is raised again when it is this stream's turn

    # The run as a whole

    def _begin(self) -> None:
        if not self._is_begun:
            self._is_begun = True
            names = [stream.name for stream in self._streams()]
            self._context.progress = progress_for(names, self.session, self._requests_of)
            current().watch_streams(self.figures)

    def _requests_of(self, stream_name: str) -> Sequence[PagedRequest] | None:
        sync = self._syncs.get(stream_name)
        return sync.paged_requests if sync else None

    def _skip(self, stream_name: str) -> None:
        """Take note of a stream that this user or plan cannot read.

        Raises:
            InsightlyError: If no selected stream is left to be read.
        """
        self._skipped.add(stream_name)
        selected = {stream.name for stream in self._streams()}
        if selected <= self._skipped:
            msg = (
                f"None of the {len(selected)} selected streams can be read with this API key. "
                "Select others, or ask an Insightly administrator what this user may see."
            )
            raise InsightlyError(msg)

    def _finish(self, stream: InsightlyStream, *, is_whole: bool) -> None:
        """Note that a stream is not read any further, and close if none is."""
        if is_whole:
            self._context.progress.finish(stream.name)
        self._ended.add(stream.name)
        if not is_whole or self._ended >= {one.name for one in self._streams()}:
            if self._not_asked:
                self._logger.info(
                    "%d of %d streams were not asked about, as no webhook told of a change.",
                    self._not_asked,
                    len(self._streams()),
                )
            self.close()

    def update_state(self) -> None:
        """Bring the state of all streams up to date, which is about to be written."""
        for sync in self._syncs.values():
            sync.update_state()

    def check(self) -> None:
        """Raise an error if a stream was not finished, after the others went on.

        Raises:
            InsightlyError: If one was not.
        """
        if self.failures:
            msg = f"Not finished, for reasons told above: {', '.join(self.failures)}."
            raise InsightlyError(msg)

    def figures(self) -> dict[str, Mapping[str, float]]:
        """Say what was read so far of each stream, and what it cost."""
        return {name: one.figures for name, one in self._syncs.copy().items()} | self._read_figures

    def report(self) -> None:
        """Log in one line what the whole run has done, if anything was to be read."""
        if self._is_begun:
            figures = {
                "streams": len(self._streams()),
                "streams_finished": self._finished,
                "records": int(sum(one["records"] for one in self.figures().values())),
            }
            done = (
                f"{self._finished} of {figures['streams']} streams finished: "
                f"{figures['records']:,} records"
            )
            log_run(self._logger, self.session, self._began, done, figures)

    def write_report(self, path: str) -> None:
        """Write what was done, and what it cost, to a file.

        Raises:
            OSError: If it cannot be written.
        """
        self._report.write(path, self.session)

    def hide_progress(self) -> None:
        """Take away what is shown of the progress."""
        self._context.progress.close()

    def close(self) -> None:
        """End all threads and connections."""
        if not self.is_closed:
            self.is_closed = True
            self.hide_progress()
            self.session.close()  # first, to end what is under way at once
            self._context.prefetcher.close()
