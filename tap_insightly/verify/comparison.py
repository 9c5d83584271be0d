"""Comparing one stream of an account with its table, in few requests.

The ids of a list ascend, and new records come at its end (seen live). So the offset of the last id
in the warehouse says how many records come before it. If the warehouse has as many, none is
missing or gone: that takes one page. If not, a `DeletionSearch` finds where they differ. What it
finds has to add up to the total. If it does not, the account was changed meanwhile or too much is
missing, and the whole list is read.

Counting has one blind spot: between two records, as many missing as gone cancel out.
"""

from __future__ import annotations

from functools import cached_property
from typing import TYPE_CHECKING, Any

from tap_insightly.api import IncompleteError, InsightlyError, PagedRequest, RequestStats
from tap_insightly.api.lists.paged_request import PAGE_SIZE, OffsetPaginator, OnePagePaginator
from tap_insightly.verify.counting import Counting
from tap_insightly.verify.differences import Differences
from tap_insightly.verify.errors import NotComparableError
from tap_insightly.verify.rows import WarehouseRows

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from tap_insightly.api import InsightlySession, Prefetcher
    from tap_insightly.streams.partition import Partition
    from tap_insightly.verify.comparable import ComparableStream
    from tap_insightly.verify.warehouse import Table, Warehouse

_FEWEST = 20  # requests that a search may take, even in a short list


class Comparison:
    """Compares one stream."""

    def __init__(
        self,
        stream: ComparableStream,
        warehouse: Warehouse,
        session: InsightlySession,
        *,
        bookmark: int | None = None,
        is_each_date: bool = False,
        page_size: int = PAGE_SIZE,
    ) -> None:
        self.stream = stream
        self.stats = RequestStats(session.stats)
        self.total: int | None = None
        """How many records the account has; None if it did not say."""
        self.counted = False
        """Whether ids were compared by counting."""
        self._warehouse = warehouse
        self._bookmark = bookmark
        self._is_each_date = is_each_date
        self._page_size = page_size
        self._first: list[PagedRequest] | None = None
        self._rows: WarehouseRows | None = None

    @cached_property
    def table(self) -> Table:
        """The table of the stream."""
        return self._warehouse.table(self.stream.name, self.stream.keys)

    @property
    def rows(self) -> WarehouseRows:
        """What the warehouse holds, read once."""
        if self._rows is None:
            self._rows = self._read_rows()
        return self._rows

    def _read_rows(self) -> WarehouseRows:
        stream, since = self.stream, self.stream.since
        is_numeric = stream.is_numeric
        rows = self._warehouse.rows(self.table, stream.keys, stream.updated, is_numeric=is_numeric)
        if since is not None:  # what start_date leaves out is not compared
            rows = (row for row in rows if row.updated is None or row.updated > since)
        return WarehouseRows(rows, is_numeric=is_numeric)

    @property
    def synced(self) -> int | None:
        """When the last sync was, in seconds since 1970; None if that is not known."""
        return self.rows.newest if self._bookmark is None else self._bookmark

    @property
    def has_dates(self) -> bool:
        """Whether both sides tell when a record was updated."""
        updated = self.stream.updated
        return updated is not None and self.table.has([updated])

    @property
    def pages(self) -> int:
        """How many requests it takes to read the list whole."""
        # Pages overlap by one record.
        return max(1, -(-((self.total or 0) - 1) // (self._page_size - 1)))

    def first_requests(self) -> Iterator[PagedRequest]:
        """Say what is asked for in any case, so that it can be fetched ahead."""
        try:
            yield from self._start_requests()
        except (InsightlyError, NotComparableError):
            return  # `run` raises it again

    def run(self, prefetcher: Prefetcher) -> Differences:
        """Compare by counting ids if that is enough, else record by record."""
        try:
            if self._is_counting:
                differences = self._compare_by_count(prefetcher)
                if differences is not None:
                    self.counted = True
                    return differences
                self._first = None
                self._is_each_date = True
            return self._compare_all(prefetcher)
        except IncompleteError as error:
            raise NotComparableError(str(error)) from None

    def release_rows(self) -> None:
        """Free the memory that the rows take."""
        self._rows = None

    @property
    def _is_counting(self) -> bool:
        few = len(self.rows) < self._page_size
        return self.stream.is_countable and not few and not self._is_each_date

    def _start_requests(self) -> list[PagedRequest]:
        if self._first is None:
            if self._is_counting:
                self._first = [self._page_request(self._start)]
            else:
                self._first = [
                    self._list_request(partition) for partition in self.stream.partitions
                ]
        return self._first

    # Record by record

    def _list_request(self, partition: Partition) -> PagedRequest:
        key = (partition.parent.key,) if partition.parent else self.stream.keys
        names = [name for name in key if name not in partition.extra]
        pages = OffsetPaginator(names, page_size=self._page_size) if partition.is_paged else None
        return PagedRequest(
            partition.path, self.stream.params(partition), paginator=pages, stats=self.stats
        )

    def _compare_all(self, prefetcher: Prefetcher) -> Differences:
        differences = Differences(self.rows, self.synced, has_dates=self.has_dates)
        paged_requests = self._start_requests()
        for partition, paged_request in zip(self.stream.partitions, paged_requests, strict=True):
            for page in prefetcher.read(paged_request):
                for key, date in self.stream.entries(page.records, partition):
                    differences.add(key, date)
        differences.finish()
        self.total = len(self.rows) - len(differences.gone) + len(differences.not_in_warehouse)
        return differences

    # By counting

    @property
    def _start(self) -> int:
        """The offset of the first page: half of it is known ids, unless one page holds them all."""
        known, size = len(self.rows), self._page_size
        return 0 if known <= size else known - size // 2

    def _page_request(self, skip: int) -> PagedRequest:
        (partition,) = self.stream.partitions
        window = OnePagePaginator(skip, self._page_size)
        return PagedRequest(
            partition.path, self.stream.params(partition), paginator=window, stats=self.stats
        )

    def _compare_by_count(self, prefetcher: Prefetcher) -> Differences | None:
        """Compare by the offsets of ids; None if that does not add up."""
        differences = Differences(self.rows, self.synced, has_dates=self.has_dates)
        counting = Counting(self.stream, differences, self._page_size)
        (first,) = self._start_requests()
        is_possible = counting.add_page(self._start, *self._read_page(prefetcher, first))
        # A search that takes more requests than the whole list is of no use.
        most = _FEWEST + len(self.rows) // self._page_size
        while is_possible and not counting.is_whole and (wanted := counting.search.wanted):
            if self.stats.requests > most:
                return None
            paged_requests = [self._page_request(skip) for skip in wanted]
            prefetcher.expect(paged_requests)
            for skip, paged_request in zip(wanted, paged_requests, strict=True):
                is_possible &= counting.add_page(skip, *self._read_page(prefetcher, paged_request))
        if not is_possible or counting.end is None:
            return None
        if not counting.has_ended and not self._read_new_records(prefetcher, counting):
            return None
        self.total = counting.total
        return differences if counting.adds_up() else None

    def _read_new_records(self, prefetcher: Prefetcher, counting: Counting) -> bool:
        """Read what comes after the last known id; tell whether ids ascend there."""
        (partition,) = self.stream.partitions
        last, place = counting.end or (0, 0)
        paginator = OffsetPaginator(
            self.stream.keys, page_size=self._page_size, after=last, skip=place
        )
        params = self.stream.params(partition)
        paged_request = PagedRequest(partition.path, params, paginator=paginator, stats=self.stats)
        for page in prefetcher.read(paged_request):
            counting.add_records(page.records)
            if page.response.total is not None:
                counting.total = page.response.total
        return paginator.ascends

    def _read_page(
        self, prefetcher: Prefetcher, paged_request: PagedRequest
    ) -> tuple[Sequence[Mapping[str, Any]], int | None]:
        (page,) = prefetcher.read(paged_request)
        return page.records, page.response.total
