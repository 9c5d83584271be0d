"""How what belongs to records is read: record by record, out of the records, or along with them."""

from __future__ import annotations

from collections import deque
from contextlib import closing, suppress
from http import HTTPStatus
from typing import TYPE_CHECKING, Any

from singer_sdk import metrics

from tap_insightly.api import IncompleteError, NotAvailableError, PagedRequest
from tap_insightly.api.lists.paged_request import OffsetPaginator
from tap_insightly.streams.reading import StreamSync
from tap_insightly.values import parse_moment, utc_text

if TYPE_CHECKING:
    from collections.abc import Generator, Iterator, Mapping

    from tap_insightly.api import Page
    from tap_insightly.conformer import Conformer
    from tap_insightly.streams.position import Checkpoint
    from tap_insightly.streams.related import ArrayStream, ChildStream
    from tap_insightly.streams.source import Partition, PartitionRead

MISSES_IN_A_ROW = 20  # records about which nothing is told, before it is asked why


class EmbeddedSync:
    """Rows of a stream that are made of records while these are read for a stream of their own."""

    def __init__(self, stream: ArrayStream, part: Partition) -> None:
        """Get ready.

        Args:
            stream: The stream.
            part: The part of it that the records hold.
        """
        self._stream = stream
        self._part = part
        self.records = 0
        """How many rows were sent."""
        self.is_done = False
        """Whether the records were read to their end."""

    def begin(self, position: Checkpoint) -> None:
        """Take in that the records will be read now.

        Args:
            position: How far they have been read; kept in the state of this stream too.
        """
        position.keep_in(self._stream.get_context_state(self._part.context))
        self._stream.announce()

    def send(self, record: Mapping[str, Any]) -> int:
        """Send the rows that a record holds.

        Args:
            record: The record.

        Returns:
            How many they were.
        """
        before = self.records
        for item in self._stream.inside(record, self._part):
            row = self._stream.conform(item)
            if row is not None:
                self._stream.write_row(row)
                self.records += 1
        return self.records - before

    def finish(self, bookmark: str | None) -> None:
        """Take in that the records were read to their end.

        Args:
            bookmark: Their bookmark, text; None if there is nothing to go by.
        """
        self._stream.finish(bookmark, self._part.context)
        self.is_done = True


class EmbeddedStreamSync(StreamSync):
    """Reads records only for what is in them, as far as nothing else reads them."""

    _stream: ArrayStream

    def rows(self, conform: Conformer) -> Iterator[dict[str, Any]]:
        """Read what was not read along with other streams.

        Args:
            conform: What makes rows of records.

        Yields:
            The rows.

        Raises:
            InsightlyError: If the API ends the sync.
        """
        along = self._stream.along.values()
        self._is_found = any(one.is_done for one in along)
        self.records = sum(one.records for one in along)
        with self._stream.get_record_counter() as counter:
            counter.increment(self.records)
        try:
            yield from super().rows(conform)
        finally:
            self._stream.part_company()

    def _rows_of_page(
        self, page: Page, source: PartitionRead, conform: Conformer
    ) -> Iterator[dict[str, Any]]:
        for record in page.records:
            for item in self._stream.inside(record, source.part):
                row = conform(item)
                if row is not None:
                    yield row
                    self._count()
            _move(source, [(record, page.skip)])
            self._heartbeat()


class ChildStreamSync(StreamSync):
    """Asks for what belongs to records, one record after the other, many at a time."""

    _stream: ChildStream
    _misses = 0  # records of a source about which nothing was told
    _forbidden = 0  # those of which that was refused
    _status = 0  # how, as an HTTP status
    _incomplete: IncompleteError | None = None  # what the last one said of which not all was told

    def _rows_of(self, source: PartitionRead, conform: Conformer) -> Iterator[dict[str, Any]]:
        self._misses = 0
        told: list[tuple[Mapping[str, Any], int]] = []
        with (
            metrics.http_request_counter(self._stream.name, self._stream.path) as counter,
            closing(self._asked(source)) as asked,
        ):
            for record, skip, paged_request in asked:
                for item in self._items(paged_request, record, source, counter):
                    row = conform(item)
                    if row is not None:
                        yield row
                        self._count()
                # Of records about which nothing is told, it has to be known why before they are
                # passed: a run that is cut off before would be gone on from behind them.
                told.append((record, skip))
                if source.is_answered or self._misses % MISSES_IN_A_ROW == 0:
                    _move(source, told)
                self._heartbeat()
        if told:
            self._check_why(source, told[-1][0])
            _move(source, told)
        if self._forbidden:
            self._stream.logger.warning(
                "%s: Insightly refused to tell about %d records (%d). The sync goes on without.",
                self._stream.name,
                self._forbidden,
                self._status,
            )
            self._forbidden = 0
            self._is_whole = False
        if self._incomplete is not None:
            error, self._incomplete = self._incomplete, None
            raise error

    def _asked(
        self, source: PartitionRead
    ) -> Generator[tuple[Mapping[str, Any], int, PagedRequest]]:
        """Read the records, and have the reader ask for the children of as many as it can."""
        most = 4 * self._tap.session.max_concurrency  # twice of what the reader asks ahead
        coming: deque[tuple[Mapping[str, Any], int, PagedRequest]] = deque()
        try:
            with closing(self._records(source)) as records:
                while True:
                    if len(coming) <= most // 2:
                        for record, skip in records:
                            coming.append((record, skip, self._listing(record, source)))
                            if len(coming) >= most:
                                break
                        self._tap.prefetcher.expect(
                            [*(one for _, _, one in coming), source.paged_request]
                        )
                    if not coming:
                        return
                    yield coming.popleft()
        finally:
            # Nobody will read them, and what was asked ahead would take the room of others.
            for _, _, paged_request in coming:
                self._tap.prefetcher.drop(paged_request)

    def _records(self, source: PartitionRead) -> Generator[tuple[Mapping[str, Any], int]]:
        try:
            for page in self._pages([source.paged_request]):
                self._begin(source, page)
                for record in page.records:
                    if isinstance(record.get(source.part.owner.key), int):
                        yield record, page.skip
        except IncompleteError as error:
            self._incomplete = error  # to be told once all that was read has been sent

    def _listing(self, record: Mapping[str, Any], source: PartitionRead) -> PagedRequest:
        stream = self._stream
        path = f"{source.part.owner.path_of(record)}/{stream.children}"
        size = source.page_size
        paginator = OffsetPaginator(stream.own_id, page_size=size) if stream.has_pages else None
        return PagedRequest(path, paginator=paginator, stats=self.stats)

    def _items(
        self,
        paged_request: PagedRequest,
        record: Mapping[str, Any],
        source: PartitionRead,
        counter: metrics.Counter,
    ) -> Iterator[dict[str, Any]]:
        found: list[Mapping[str, Any]] = []
        try:
            for page in self._tap.prefetcher.read(paged_request, self._wait):
                self._take_in(page, counter, self._stream.path)
                found += page.records
        except NotAvailableError as error:
            # The record may have been deleted meanwhile. That is no news, unless it is so of all.
            self._misses += 1
            if error.status != HTTPStatus.NOT_FOUND or not self._forbidden:
                self._status = error.status
            self._forbidden += error.status != HTTPStatus.NOT_FOUND
            if not source.is_answered and self._misses % MISSES_IN_A_ROW == 0:
                self._check_why(source, record)
            return
        except IncompleteError as error:
            self._incomplete = error
            source.position.stay()  # whoever goes on must not go on behind this record
        source.is_answered = True
        yield from self._stream.items(found, record, source.part)

    def _check_why(self, source: PartitionRead, record: Mapping[str, Any]) -> None:
        """Find out whether records are gone, or whether what belongs to them cannot be read.

        Raises:
            NotAvailableError: If the record is there.
        """
        parent = source.part.owner
        try:
            list(self._pages([PagedRequest(parent.path_of(record), stats=self.stats)]))
        except NotAvailableError:
            return
        # Another run may be told, and has to begin where this one did.
        source.position.stay()
        self._forbidden = 0
        path = f"{parent.path}/{{id}}/{self._stream.children}"
        raise NotAvailableError(path, self._status)


def _move(source: PartitionRead, records: list[tuple[Mapping[str, Any], int]]) -> None:
    """Take in that all that belongs to some records has been sent; the list is emptied."""
    parent = source.part.owner
    for record, skip in records:
        value = None
        with suppress(KeyError, TypeError, ValueError, AttributeError):
            value = utc_text(parse_moment(record[parent.updated or ""]))
        source.position.move(record.get(parent.key), skip, value)
    records.clear()
