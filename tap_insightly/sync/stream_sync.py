"""The sync of one stream: from lists to rows, with a state that any cut can be resumed from."""

from __future__ import annotations

import time
from contextlib import suppress
from datetime import datetime, timezone
from itertools import islice
from typing import TYPE_CHECKING, Any

from singer_sdk import metrics

from tap_insightly.api import IncompleteError, NotAvailableError, RequestStats
from tap_insightly.sync.deletions import Deletions
from tap_insightly.sync.form import Rows, Tables
from tap_insightly.sync.partition_read import PartitionRead
from tap_insightly.sync.refresh import REFRESH, Refresh
from tap_insightly.sync.timings import log_timings
from tap_insightly.values import parse_moment, utc_text

if TYPE_CHECKING:
    from collections.abc import Generator, Iterable, Iterator, Mapping, Sequence

    from tap_insightly.api import Page, PagedRequest
    from tap_insightly.streams import InsightlyStream
    from tap_insightly.streams.partition import Partition
    from tap_insightly.sync.context import RunContext
    from tap_insightly.sync.embedded import EmbeddedSync
    from tap_insightly.sync.form import Form, Piece

RECORDS_BETWEEN_STATES = 5000
BYTES_OF_STATE = 250_000  # that so many records may bring; for a larger state it takes more of them
SECONDS_BETWEEN_STATES = 10.0


class StreamSync:
    """What one run reads of one stream."""

    def __init__(self, stream: InsightlyStream, context: RunContext) -> None:
        """Find out what to read, and from where; nothing is sent yet.

        Raises:
            InsightlyError: If the state holds no usable bookmark.
        """
        self.stream = stream
        self._context = context
        self.stats = RequestStats(context.session.stats)
        self._watch = context.events.watch(stream)
        self.partition_reads = [
            PartitionRead(stream, partition, self.stats, in_tables=context.in_tables)
            for partition in self._watch.due(self._partitions)
        ]
        self.embedded: Sequence[EmbeddedSync] = ()
        """What else is made of the same records."""
        self._deletions: Deletions | None = None
        if stream.finds_deletions and self.partition_reads:
            (partition_read,) = self.partition_reads
            self._deletions = Deletions(stream, partition_read)
        else:
            for partition_read in self.partition_reads:
                partition_read.checkpoint.drop_sent_ids()
        self.refresh = self._new_refresh() if self.partition_reads else None
        """What is read again, though nothing says that it has changed; None if nothing is."""
        self.records = 0
        """How many rows were handed on."""
        self.is_available = False
        """Whether any of its lists could be read."""
        self.failure: str | None = None
        """Why it was not finished, while the others go on: a sentence; None if it was."""
        self._requests_counted = 0
        self._deleted = 0
        self._sent_again = 0  # although nothing says that they have changed
        self._is_complete = True
        self._server_time: datetime | None = None  # of the last answer
        self._started = self._state_due = 0.0  # known when its turn comes
        self._state_due_at = RECORDS_BETWEEN_STATES
        self._form: Form = Tables(stream) if context.in_tables else Rows(stream)
        self._writes_rows = not (context.in_tables or stream.get_batch_config(stream.config))
        """Whether rows leave as messages, so that states and others may come between them."""

    def _partitions(self) -> Iterable[Partition]:
        return self.stream.partitions_to_read()

    @property
    def paged_requests(self) -> Sequence[PagedRequest]:
        """The lists that will be read, in order."""
        more = self._deletions.paged_requests if self._deletions else ()
        return [*(one.paged_request for one in self.partition_reads), *more]

    @property
    def learning(self) -> PagedRequest | None:
        """What will be read only to learn its ids, so that deletions can be found; None if none."""
        return self._deletions.learning if self._deletions else None

    def read(self) -> Iterator[Piece]:
        """Read the stream; what is handed on has the form that the run is asked for.

        Raises:
            InsightlyError: If the API ends the sync.
        """
        self._started = time.monotonic()  # what was fetched ahead of its turn took no time of it
        self._state_due = self._started + SECONDS_BETWEEN_STATES
        self._context.prefetcher.expect(self.paged_requests)
        try:
            for partition_read in self.partition_reads:
                self.is_available |= yield from self._partition(partition_read)
        except Exception:
            self.update_state()
            self._write_state()  # the next run goes on from what has been sent
            raise
        if self.is_whole and self._writes_rows:
            self.stream.activate_version()

    @property
    def is_begun(self) -> bool:
        """Whether its turn has come."""
        return self._started > 0

    @property
    def is_skipped(self) -> bool:
        """Whether nothing is asked, as no webhook told of a change."""
        return self._watch.has_skipped and not self.partition_reads

    @property
    def is_whole(self) -> bool:
        """Whether all was read that there is."""
        return self.is_available and self._is_complete

    def update_state(self) -> None:
        """Bring the state up to date, which is about to be written."""
        for partition_read in self.partition_reads:
            partition_read.update_checkpoint()
        if self._deletions:
            self._deletions.remember_sent()

    @property
    def seconds(self) -> float:
        """How long it has been this stream's turn."""
        return time.monotonic() - self._started if self._started else 0.0

    def report(self) -> None:
        """Log in one line what was read."""
        if self.is_skipped:
            return
        stats = self.stats
        again = f", {self._sent_again:,} sent again" if self._sent_again else ""
        deleted = f", {self._deleted:,} deleted" if self._deletions else ""
        self.stream.logger.info(
            "%s: %s records%s, %d requests, %d retries, %d answered 429, %.1f seconds.",
            self.stream.name,
            self._amount(),
            again + deleted,
            stats.requests,
            stats.retries,
            stats.refused,
            self.seconds,
            extra={"stream_name": self.stream.name, "figures": self.figures},
        )

    @property
    def figures(self) -> dict[str, float]:
        """What was read and what it cost, by name, for programs that read the log."""
        cost = self.stats.figures
        return {"records": self.records, **cost, "seconds": round(self.seconds, 3)}

    def _amount(self) -> str:
        """Say how many records were read, and of how many, if the server told."""
        paginators = [one.paginator for one in self.partition_reads if not one.partition.parent]
        counts = [(paginator.count, paginator.total) for paginator in paginators]
        if not counts or any(count is None or total is None for count, total in counts):
            return f"{self.records - self._deleted - self._sent_again:,}"
        return " of ".join(
            f"{sum(one or 0 for one in column):,}" for column in zip(*counts, strict=True)
        )

    # One list

    def _partition(self, partition_read: PartitionRead) -> Generator[Piece, None, bool]:
        """Read a list to its end, and set its bookmark. Returns whether it can be read at all."""
        stream, partition = self.stream, partition_read.partition
        checkpoint = partition_read.checkpoint
        checkpoint.keep_in(stream.get_context_state(partition.context))
        for one in self.embedded:
            one.begin(checkpoint)
        try:
            yield from self._rows_of(partition_read)
        except NotAvailableError as error:
            if partition_read.is_answered:
                raise
            stream.logger.warning("%s: %s The sync goes on without it.", stream.name, error)
            self._watch.note(partition)  # asking once more tells nothing new
            self._is_complete = False
            return False
        except IncompleteError as error:
            self._end_incomplete(partition_read, error)
            return True
        yield from self._rows_besides(partition_read)
        if self._deletions and self._deletions.excess is not None:
            self._end_in_doubt(self._deletions.excess)
            return True
        # The bookmark comes last: a sync that is cut off before goes on from where it was.
        bookmark = checkpoint.finish()
        stream.set_bookmark(bookmark, partition.context)
        self._watch.note(partition)
        if self._deletions:
            self._deletions.keep_in(stream.stream_state)
        for one in self.embedded:
            one.finish(bookmark, self._context.events)
        return True

    def _end_incomplete(self, partition_read: PartitionRead, error: IncompleteError) -> None:
        """Leave the bookmark where it was: what is missing may be there the next time."""
        self._is_complete = False
        self.stream.logger.warning(
            "%s: %s The bookmark stays as it was, and the next sync reads the same again.",
            self.stream.name,
            error,
        )
        partition_read.checkpoint.give_up()
        if self._deletions:
            self._deletions.keep_sent(self.stream.stream_state)
        for one in self.embedded:
            one.finish(None)

    def _end_in_doubt(self, excess: str) -> None:
        """Leave the bookmark where it was, as too much would be called gone."""
        self._is_complete = False
        self.update_state()  # the next run goes on from here
        self.failure = f"{self.stream.name}: {excess}"
        for one in self.embedded:
            one.finish(None)

    def _rows_of(self, partition_read: PartitionRead) -> Iterator[Piece]:
        for page in self._pages([partition_read.paged_request]):
            partition_read.is_answered = True
            self._begin(partition_read, page)
            yield from self._rows_of_page(page, partition_read)
            partition_read.entered_sent = len(partition_read.paginator.late_ids)

    def _begin(self, partition_read: PartitionRead, page: Page) -> None:
        key = self.stream.replication_key or ""
        moment = page.response.date or _newest(page.response.records, key)
        partition_read.checkpoint.begin(utc_text(moment) if moment else None)
        if not partition_read.paginator.ascends:
            partition_read.checkpoint.give_up()

    def _rows_of_page(self, page: Page, partition_read: PartitionRead) -> Iterator[Piece]:
        partition, checkpoint = partition_read.partition, partition_read.checkpoint
        id_name, skip = partition_read.key[0], page.skip

        def passed(record: Mapping[str, Any], bookmark_value: object) -> None:
            self._pass(record)
            checkpoint.advance(record.get(id_name), skip, bookmark_value)
            self._heartbeat()

        records = self.stream.parse(page.records, partition)
        yield from self._form.made_of(records, partition.extra, passed)

    def _pass(self, record: Mapping[str, Any]) -> None:
        """Note that the target has a record, and send what else is made of it."""
        self._count()
        for one in self.embedded:
            self._state_due_at -= one.send(record)

    # What is sent besides the list itself

    def _rows_besides(self, partition_read: PartitionRead) -> Iterator[Piece]:
        """Send what came back, what is to be refreshed, and what is gone."""
        deletions = self._deletions
        if deletions is not None:
            deletions.find(self._pages)
            yield from self._rows_again(deletions.returned(self._pages), partition_read)
        yield from self._refreshed(partition_read)
        if deletions is None:
            return
        gone = deletions.gone()
        if gone and self._writes_rows:
            self.stream.write_tombstone_schema()
        yield from self._form.tombstones(gone, self._server_time, self._pass_tombstones)

    def _pass_tombstones(self, number: int) -> None:
        self._count(number)
        self._deleted += number
        self._heartbeat()

    def _rows_again(
        self, records: Iterable[Mapping[str, Any]], partition_read: PartitionRead
    ) -> Iterator[Piece]:
        """Send records that are not of the list that the checkpoint is about."""

        def passed(record: Mapping[str, Any], _: object) -> None:
            self._pass(record)
            self._sent_again += 1
            self._heartbeat()

        yield from self._form.made_of(records, partition_read.partition.extra, passed)

    def _new_refresh(self) -> Refresh | None:
        stream = self.stream
        days = stream.config["refresh_days"]
        if not days or stream.is_dry_run or not stream.is_refreshable:
            return None
        return Refresh(
            stream.path,
            stream.own_key[0],
            days=float(days),
            saved=stream.saved_state().get(REFRESH),
            page_size=stream.config["page_size"],
            stats=self.stats,
        )

    def _refreshed(self, partition_read: PartitionRead) -> Iterator[Piece]:
        """Read the part of the whole list that is due."""
        stream, refresh, paginator = self.stream, self.refresh, partition_read.paginator
        if refresh is None:
            if stream.saved_state().get(REFRESH) is not None:
                del stream.stream_state[REFRESH]  # it would be long overdue some day
            return
        refresh.keep_in(stream.stream_state)
        now = self._context.session.now() or datetime.now(timezone.utc)
        if partition_read.partition.since is None:  # all was read just now
            count = paginator.count or paginator.total
            refresh.begin(partition_read.checkpoint.began or now, count)
            return
        try:
            for page in refresh.pages(self._pages, now):
                records = stream.parse(page.records, partition_read.partition)
                yield from self._rows_again(records, partition_read)
                if self._deletions:
                    self._deletions.compare(page)
        except NotAvailableError as error:
            stream.logger.warning("%s: it cannot be refreshed: %s", stream.name, error)
        if refresh.trouble is not None:
            stream.logger.warning("%s: %s", stream.name, refresh.trouble)

    # Requests, and what is done meanwhile

    def _pages(self, paged_requests: Sequence[PagedRequest]) -> Iterator[Page]:
        prefetcher = self._context.prefetcher
        if not all(paged_request in self.paged_requests for paged_request in paged_requests):
            prefetcher.expect(paged_requests)
        # A dry run (--test) has enough with the first page, even if it makes no record.
        most = 1 if self.stream.is_dry_run else None
        for paged_request in paged_requests:
            with metrics.http_request_counter(self.stream.name, paged_request.path) as counter:
                for page in islice(prefetcher.read(paged_request, self._while_waiting), most):
                    self._take_in(page, counter, paged_request.path)
                    yield page

    def _take_in(self, page: Page, counter: metrics.Counter, endpoint: str) -> None:
        self._context.progress.pages += 1
        counter.increment(self.stats.requests - self._requests_counted)
        self._requests_counted = self.stats.requests
        log_timings(self.stats, self.stream, endpoint)
        self._server_time = page.response.date
        self.stream.check_bookmarks()

    def _pass_item(self, item: Mapping[str, Any], _: object) -> None:  # noqa: ARG002 - as `Passed` has it
        """Note that the target has what belongs to a record; once it has all, that is passed."""
        self._count()

    def _count(self, number: int = 1) -> None:
        self.records += number
        self._context.progress.records += number

    def _while_waiting(self) -> None:
        self._context.output.check_that_somebody_reads()
        self._heartbeat()

    def _heartbeat(self) -> None:
        """Show the progress and write the state, if it is time to."""
        now, progress = time.monotonic(), self._context.progress
        if now >= progress.due:
            progress.draw(now)
        if now >= self._state_due or self.records >= self._state_due_at:
            self._state_due = now + SECONDS_BETWEEN_STATES
            # The ids that are kept for deletions may make it large, and it grows with them.
            times = 1 + self._write_state() // BYTES_OF_STATE
            self._state_due_at = self.records + RECORDS_BETWEEN_STATES * times

    def _write_state(self) -> int:
        # Of a batch, the SDK writes it once the file is complete; of tables, whoever takes them.
        return self._context.output.write_state() if self._writes_rows else 0


def _newest(records: Iterable[Mapping[str, Any]], key: str) -> datetime | None:
    """Find a moment that the server's clock had certainly reached when it answered.

    It is the newest update among the records of an answer that has no date of its own.
    """
    moments = []
    for record in records:
        with suppress(KeyError, TypeError, ValueError, AttributeError):
            moments.append(parse_moment(record[key]))
    return max(moments, default=None)
