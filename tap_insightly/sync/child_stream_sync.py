"""The sync of a stream that the API tells record by record, many at a time."""

from __future__ import annotations

from collections import deque
from contextlib import closing
from http import HTTPStatus
from typing import TYPE_CHECKING, Any

from singer_sdk import metrics
from typing_extensions import override

from tap_insightly.api import IncompleteError, InsightlyError, NotAvailableError, PagedRequest
from tap_insightly.api.lists.paged_request import OffsetPaginator
from tap_insightly.sync.form import ROWS_OF_TABLE
from tap_insightly.sync.stream_sync import StreamSync

if TYPE_CHECKING:
    from collections.abc import Generator, Iterable, Iterator, Mapping

    from tap_insightly.streams import ChildStream
    from tap_insightly.sync.form import Piece
    from tap_insightly.sync.partition_read import Parent, PartitionRead

MISSES_IN_A_ROW = 20  # records whose children cannot be read, before it is checked why


class ChildStreamSync(StreamSync):
    """Lists records, and asks for what belongs to each of them."""

    stream: ChildStream
    _misses = 0  # records of a list whose children could not be read
    _forbidden = 0  # those of them that the server knows, but does not show
    _status = 0  # with which HTTP status
    _incomplete: IncompleteError | None = None  # raised once all that was read has been sent

    @override
    def _rows_of(self, partition_read: PartitionRead) -> Iterator[Piece]:
        self._misses = 0
        sent: list[Parent] = []  # whose children were sent, and that the checkpoint has to pass
        with (
            metrics.http_request_counter(self.stream.name, self.stream.path) as counter,
            closing(self._requests_for_children(partition_read)) as requests,
        ):
            for items, parents in self._items_of_some(requests, partition_read, counter):
                yield from self._form.made_of(items, {}, self._pass_item)
                # Where children cannot be read, the checkpoint stays until it is known why: if this
                # run is cut off before, the next one must not go on behind them.
                sent += parents
                if partition_read.is_answered or self._misses % MISSES_IN_A_ROW == 0:
                    partition_read.pass_parents(sent)
                self._heartbeat()
        if sent:
            self._check_why(partition_read, sent[-1][0])
            partition_read.pass_parents(sent)
        if self._forbidden:
            self.stream.logger.warning(
                "%s: Insightly refused to tell about %d records (%d). The sync goes on without.",
                self.stream.name,
                self._forbidden,
                self._status,
            )
            self._forbidden = 0
            self._is_complete = False
        if self._incomplete is not None:
            error, self._incomplete = self._incomplete, None
            raise error

    def _requests_for_children(
        self, partition_read: PartitionRead
    ) -> Generator[tuple[Mapping[str, Any], int, PagedRequest]]:
        """Read the records, and have the prefetcher ask for the children of as many as it can."""
        prefetcher = self._context.prefetcher
        most = 4 * self._context.session.max_concurrency  # twice of what is asked ahead
        coming: deque[tuple[Mapping[str, Any], int, PagedRequest]] = deque()
        try:
            with closing(self._parents(partition_read)) as parents:
                while True:
                    if len(coming) <= most // 2:
                        for record, skip in parents:
                            coming.append((record, skip, self._request(record, partition_read)))
                            if len(coming) >= most:
                                break
                        prefetcher.expect(
                            [*(one for _, _, one in coming), partition_read.paged_request]
                        )
                    if not coming:
                        return
                    yield coming.popleft()
        finally:
            # Nobody will read them, and what was asked ahead would take the room of others.
            for _, _, paged_request in coming:
                prefetcher.drop(paged_request)

    def _parents(self, partition_read: PartitionRead) -> Generator[Parent]:
        try:
            for page in self._pages([partition_read.paged_request]):
                self._begin(partition_read, page)
                for record in page.records:
                    if isinstance(record.get(partition_read.partition.owner.key), int):
                        yield record, page.skip
        except IncompleteError as error:
            self._incomplete = error

    def _request(self, record: Mapping[str, Any], partition_read: PartitionRead) -> PagedRequest:
        stream = self.stream
        path = f"{partition_read.partition.owner.path_of(record)}/{stream.children}"
        size = partition_read.page_size
        paginator = OffsetPaginator(stream.own_id, page_size=size) if stream.has_pages else None
        return PagedRequest(path, paginator=paginator, stats=self.stats)

    def _items_of_some(
        self,
        requests: Iterable[tuple[Mapping[str, Any], int, PagedRequest]],
        partition_read: PartitionRead,
        counter: metrics.Counter,
    ) -> Iterator[tuple[list[dict[str, Any]], list[Parent]]]:
        """Read what belongs to as many records as are handed on at once, and these with it."""
        items: list[dict[str, Any]] = []
        parents: list[Parent] = []
        try:
            for record, skip, paged_request in requests:
                items += self._items(paged_request, record, partition_read, counter)
                parents.append((record, skip))
                if len(parents) >= self._form.records_at_once or len(items) >= ROWS_OF_TABLE:
                    yield items, parents
                    items, parents = [], []
        except InsightlyError:  # such as that of the quota
            yield items, parents
            raise
        yield items, parents

    def _items(
        self,
        paged_request: PagedRequest,
        record: Mapping[str, Any],
        partition_read: PartitionRead,
        counter: metrics.Counter,
    ) -> Iterator[dict[str, Any]]:
        found: list[Mapping[str, Any]] = []
        try:
            for page in self._context.prefetcher.read(paged_request, self._while_waiting):
                self._take_in(page, counter, self.stream.path)
                found += page.records
        except NotAvailableError as error:
            # The record may have been deleted meanwhile. That is no news, unless it is so of all.
            self._misses += 1
            if error.status != HTTPStatus.NOT_FOUND or not self._forbidden:
                self._status = error.status
            self._forbidden += error.status != HTTPStatus.NOT_FOUND
            if not partition_read.is_answered and self._misses % MISSES_IN_A_ROW == 0:
                self._check_why(partition_read, record)
            return
        except IncompleteError as error:
            self._incomplete = error
            partition_read.checkpoint.give_up()  # who goes on must not go on behind this record
        partition_read.is_answered = True
        yield from self.stream.items(found, record, partition_read.partition)

    def _check_why(self, partition_read: PartitionRead, record: Mapping[str, Any]) -> None:
        """Find out whether records are gone, or whether what belongs to them cannot be read.

        Raises:
            NotAvailableError: If the record is there.
        """
        parent = partition_read.partition.owner
        try:
            list(self._pages([PagedRequest(parent.path_of(record), stats=self.stats)]))
        except NotAvailableError:
            return
        # The next run may be allowed to, and has to begin where this one did.
        partition_read.checkpoint.give_up()
        self._forbidden = 0
        path = f"{parent.path}/{{id}}/{self.stream.children}"
        raise NotAvailableError(path, self._status)
