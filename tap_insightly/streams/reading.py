"""One reading of a stream: from lists to rows, with a state that any cut can be resumed from."""

from __future__ import annotations

import time
from contextlib import suppress
from datetime import datetime, timezone
from http import HTTPStatus
from itertools import islice
from typing import TYPE_CHECKING, Any

from singer_sdk import metrics

from tap_insightly.api import IncompleteError, NotAvailableError, RequestStats
from tap_insightly.streams.deleting import Deletions, tombstone
from tap_insightly.streams.refreshing import REFRESH, Refresh
from tap_insightly.streams.source import PartitionRead
from tap_insightly.values import parse_moment, utc_text

if TYPE_CHECKING:
    from collections.abc import Generator, Iterable, Iterator, Mapping, Sequence

    from tap_insightly.api import Page, PagedRequest
    from tap_insightly.conformer import Conformer
    from tap_insightly.streams.base import InsightlyStream
    from tap_insightly.tap import TapInsightly

RECORDS_BETWEEN_STATES = 5000
SECONDS_BETWEEN_STATES = 10.0


class StreamSync:
    """What one sync reads of one stream."""

    def __init__(self, stream: InsightlyStream, tap: TapInsightly) -> None:
        """Find out what to read, and from where; nothing is sent yet.

        Args:
            stream: The stream.
            tap: The tap, whose requests, state and log are used.

        Raises:
            InsightlyError: If the state holds no usable bookmark.
        """
        self._stream = stream
        self._tap = tap
        self.stats = RequestStats(tap.session.stats)
        self._progress = tap.progress
        self.sources = [PartitionRead(stream, part, self.stats) for part in stream.parts()]
        self._along = tap.along(self)
        """What else is made of the same records."""
        self._deletions: Deletions | None = None
        if stream.finds_deletions:
            (source,) = self.sources
            self._deletions = Deletions(stream, source)
        else:
            for source in self.sources:
                source.position.remember(None)
        self.refresh = self._new_refresh()
        """What is read again, though nothing says that it has changed; None if nothing is."""
        self._counted = 0
        self.records = 0
        """How many rows were handed on."""
        self._deleted = 0
        self._again = 0  # although nothing says that they have changed
        self._is_found = False
        self._is_whole = True
        self._moment: datetime | None = None  # of the last answer, by the server's clock
        self._started = self._state_due = 0.0  # known when its turn comes
        self._state_due_at = RECORDS_BETWEEN_STATES
        self._is_batch = stream.get_batch_config(stream.config) is not None

    @property
    def stream(self) -> InsightlyStream:
        """The stream."""
        return self._stream

    @property
    def paged_requests(self) -> Sequence[PagedRequest]:
        """The lists that will be read, in order."""
        more = self._deletions.paged_requests if self._deletions else ()
        return [*(source.paged_request for source in self.sources), *more]

    @property
    def learning(self) -> PagedRequest | None:
        """What will be read only to learn its ids, so that deletions can be found; None if none."""
        return self._deletions.learning if self._deletions else None

    def rows(self, conform: Conformer) -> Iterator[dict[str, Any]]:
        """Read the stream.

        Args:
            conform: What makes rows of records.

        Yields:
            The rows.

        Raises:
            InsightlyError: If the API ends the sync.
        """
        self._started = time.monotonic()  # what was fetched ahead of its turn took no time of it
        self._state_due = self._started + SECONDS_BETWEEN_STATES
        self._tap.prefetcher.expect(self.paged_requests)
        try:
            for source in self.sources:
                self._is_found |= yield from self._whole(source, conform)
        except Exception:
            self._write_state()  # the next run goes on from what has been sent
            raise
        if not self._is_found:
            self._tap.skip(self._stream.name)
        elif self.is_whole and not self._is_batch:
            self._stream.activate_version()

    @property
    def is_whole(self) -> bool:
        """Whether all was read that there is."""
        return self._is_found and self._is_whole

    def remember(self) -> None:
        """Bring the state up to date, which is about to be written."""
        for source in self.sources:
            source.remember()
        if self._deletions:
            self._deletions.remember()

    def report(self) -> None:
        """Say in one line what was read."""
        stats = self.stats
        self._stream.logger.info(
            "%s: %s records%s, %d requests, %d retries, %d answered 429, %.1f seconds.",
            self._stream.name,
            self._amount(),
            self._besides(),
            stats.requests,
            stats.retries,
            stats.refused,
            time.monotonic() - self._started,
        )

    def _besides(self) -> str:
        """Say what was sent besides."""
        again = f", {self._again:,} sent again" if self._again else ""
        return again + (f", {self._deleted:,} deleted" if self._deletions else "")

    def _amount(self) -> str:
        """Say how many records were read, and of how many, if the server told."""
        cursors = [source.paginator for source in self.sources if source.part.parent is None]
        told = [(paginator.count, paginator.total) for paginator in cursors]
        if not told or any(count is None or total is None for count, total in told):
            return f"{self.records - self._deleted - self._again:,}"
        return " of ".join(
            f"{sum(one or 0 for one in column):,}" for column in zip(*told, strict=True)
        )

    def _whole(
        self, source: PartitionRead, conform: Conformer
    ) -> Generator[dict[str, Any], None, bool]:
        """Read a part to its end, and set its bookmark. Returns whether it can be read at all."""
        stream, part, position = self._stream, source.part, source.position
        position.keep_in(stream.get_context_state(part.context))
        for one in self._along:
            one.begin(position)
        try:
            yield from self._rows_of(source, conform)
        except NotAvailableError as error:
            if source.is_answered:
                raise
            stream.logger.warning("%s: %s The sync goes on without it.", stream.name, error)
            self._is_whole = False
            return False
        except IncompleteError as error:
            self._end_short(source, error)
            return True
        yield from self._changes(source, conform)
        if self._deletions and self._deletions.excess is not None:
            self._end_in_doubt(self._deletions.excess)
            return True
        # The bookmark comes last: a sync that is cut off before goes on from where it was.
        bookmark = position.end()
        stream.finish(bookmark, part.context)
        if self._deletions:
            self._deletions.keep_in(stream.stream_state)
        for one in self._along:
            one.finish(bookmark)
        return True

    def _end_short(self, source: PartitionRead, error: IncompleteError) -> None:
        """Leave the bookmark where it was: what is missing may be there the next time."""
        self._is_whole = False
        self._stream.logger.warning(
            "%s: %s The bookmark stays as it was, and the next sync reads the same again.",
            self._stream.name,
            error,
        )
        source.position.stay()
        if self._deletions:
            self._deletions.keep_sent(self._stream.stream_state)
        for one in self._along:
            one.finish(None)

    def _end_in_doubt(self, excess: str) -> None:
        """Leave the bookmark where it was, as too much would be called gone."""
        self._is_whole = False
        self.remember()  # the next run goes on from here
        self._tap.fail(f"{self._stream.name}: {excess}")
        for one in self._along:
            one.finish(None)

    def _rows_of(self, source: PartitionRead, conform: Conformer) -> Iterator[dict[str, Any]]:
        for page in self._pages([source.paged_request]):
            source.is_answered = True
            self._begin(source, page)
            yield from self._rows_of_page(page, source, conform)
            source.entered_sent = len(source.paginator.late_ids)

    def _begin(self, source: PartitionRead, page: Page) -> None:
        source.position.begin(self._moment_of(page))
        if not source.paginator.ascends:
            source.position.stay()

    def _rows_of_page(
        self, page: Page, source: PartitionRead, conform: Conformer
    ) -> Iterator[dict[str, Any]]:
        part, position = source.part, source.position
        bookmark_key, id_name = self._stream.replication_key or "", source.key[0]
        for record in self._stream.parse(page.records, part):
            row = conform({**record, **part.extra} if part.extra else record)
            if row is not None:
                value = row.get(bookmark_key)  # what is yielded may be changed
                yield from self._sent(row, record)
                position.move(record.get(id_name), page.skip, value)
                self._heartbeat()

    def _sent(self, row: dict[str, Any], record: Mapping[str, Any]) -> Iterator[dict[str, Any]]:
        """Send a row, and all that is made of the same record."""
        yield row
        # The target has it now: whoever takes the next row has written this one.
        self._count()
        for one in self._along:
            self._state_due_at -= one.send(record)

    def _changes(self, source: PartitionRead, conform: Conformer) -> Iterator[dict[str, Any]]:
        """Find out what came back, which is sent again, what is to be refreshed, what is gone."""
        deletions = self._deletions
        if deletions is not None:
            deletions.look(self._pages)
            yield from self._whole_rows(deletions.returned(self._pages), source, conform)
        yield from self._refreshed(source, conform)
        if deletions is None:
            return
        for number in deletions.gone():
            if not self._deleted and not self._is_batch:
                self._stream.announce_tombstones()
            yield tombstone(self._stream.own_key[0], number, self._moment)
            self._count()
            self._deleted += 1
            self._heartbeat()

    def _whole_rows(
        self, records: Iterable[Mapping[str, Any]], source: PartitionRead, conform: Conformer
    ) -> Iterator[dict[str, Any]]:
        """Send records that are not of the list that tells how far the stream was read."""
        for record in records:
            row = conform({**record, **source.part.extra})
            if row is not None:
                yield from self._sent(row, record)
                self._again += 1
                self._heartbeat()

    def _new_refresh(self) -> Refresh | None:
        stream = self._stream
        days = stream.config["refresh_days"]
        is_dry = stream.ABORT_AT_RECORD_COUNT is not None
        if not days or is_dry or not stream.is_refreshable:
            return None
        return Refresh(
            stream.path,
            stream.own_key[0],
            days=float(days),
            saved=stream.saved_state().get(REFRESH),
            page_size=stream.config["page_size"],
            stats=self.stats,
        )

    def _refreshed(self, source: PartitionRead, conform: Conformer) -> Iterator[dict[str, Any]]:
        """Read the slice of the whole list that is due."""
        stream, refresh, paginator = self._stream, self.refresh, source.paginator
        if refresh is None:
            if stream.saved_state().get(REFRESH) is not None:
                del stream.stream_state[REFRESH]  # it would be long overdue some day
            return
        refresh.keep_in(stream.stream_state)
        now = self._tap.session.now() or datetime.now(timezone.utc)
        if source.part.since is None:  # all was read just now
            refresh.begin(source.position.began or now, paginator.count or paginator.total)
            return
        try:
            for page in refresh.pages(self._pages, now):
                yield from self._whole_rows(
                    stream.parse(page.records, source.part), source, conform
                )
                if self._deletions:
                    self._deletions.compare(page)
        except NotAvailableError as error:
            stream.logger.warning("%s: it cannot be refreshed: %s", stream.name, error)
        if refresh.trouble is not None:
            stream.logger.warning("%s: %s", stream.name, refresh.trouble)

    def _count(self) -> None:
        self.records += 1
        self._progress.records += 1

    def _pages(self, paged_requests: Sequence[PagedRequest]) -> Iterator[Page]:
        if not all(paged_request in self.paged_requests for paged_request in paged_requests):
            self._tap.prefetcher.expect(paged_requests)
        # A dry run (--test) has enough with the first page, even if it makes no record.
        most = None if self._stream.ABORT_AT_RECORD_COUNT is None else 1
        for paged_request in paged_requests:
            with metrics.http_request_counter(self._stream.name, paged_request.path) as counter:
                for page in islice(self._tap.prefetcher.read(paged_request, self._wait), most):
                    self._take_in(page, counter, paged_request.path)
                    yield page

    def _take_in(self, page: Page, counter: metrics.Counter, endpoint: str) -> None:
        self._progress.pages += 1
        counter.increment(self.stats.requests - self._counted)
        self._counted = self.stats.requests
        self._log_timings(endpoint)
        self._moment = page.response.date
        self._stream.check_bookmarks()

    def _moment_of(self, page: Page) -> str | None:
        """Say when the server answered, by its own clock."""
        response = page.response
        moment = response.date or _newest(response.records, self._stream.replication_key or "")
        return utc_text(moment) if moment else None

    def _wait(self) -> None:
        self._tap.message_writer.check_that_somebody_reads()
        self._heartbeat()

    def _heartbeat(self) -> None:
        now = time.monotonic()
        if now >= self._progress.due:
            self._progress.draw(now)
        if now >= self._state_due or self.records >= self._state_due_at:
            self._state_due = now + SECONDS_BETWEEN_STATES
            self._state_due_at = self.records + RECORDS_BETWEEN_STATES
            self._write_state()

    def _write_state(self) -> None:
        # A batch is sent when its file is complete, and the SDK writes the state after it.
        if not self._is_batch:
            self._tap.write_state()

    def _log_timings(self, endpoint: str) -> None:
        for seconds, status in self.stats.timings():
            is_good = status < HTTPStatus.BAD_REQUEST
            tags: dict[str, Any] = {
                metrics.Tag.STREAM: self._stream.name,
                metrics.Tag.ENDPOINT: endpoint,
                metrics.Tag.HTTP_STATUS_CODE: status,
                metrics.Tag.STATUS: metrics.Status.SUCCEEDED if is_good else metrics.Status.FAILED,
            }
            point = metrics.Point("timer", metrics.Metric.HTTP_REQUEST_DURATION, seconds, tags)
            metrics.log(self._stream.metrics_logger, point)


def _newest(records: Iterable[Mapping[str, Any]], key: str) -> Any:  # noqa: ANN401
    """Find a moment that the server's clock had certainly reached when it answered.

    Args:
        records: The records of an answer that has no date of its own.
        key: The field that holds the moment of a record's last update.

    Returns:
        The newest update among the records, an aware datetime; None if there is none.
    """
    moments = []
    for record in records:
        with suppress(KeyError, TypeError, ValueError, AttributeError):
            moments.append(parse_moment(record[key]))
    return max(moments, default=None)
