"""Comparing one stream of an account with its table, for as few requests as counting allows.

The ids of a list ascend, and new records come at its end (seen live). So the place of the last id
that the warehouse has tells whether as many come before it as the warehouse has: one page, and the
total that comes with it, prove that none is missing, gone or new. Where the numbers differ, a
`DeletionSearch` finds the places. What it finds has to add up to the total; if it does not, because
the account was changed meanwhile or too much is missing, the list is read whole.

As many missing as gone between two records cancel out where ids are only counted.
"""

from __future__ import annotations

from functools import cached_property
from typing import TYPE_CHECKING, Any

from tap_insightly.api import IncompleteError, InsightlyError, PagedRequest, RequestStats
from tap_insightly.api.lists.paged_request import PAGE_SIZE, OffsetPaginator, OnePagePaginator
from tap_insightly.verify.counting import Counting
from tap_insightly.verify.differences import Differences
from tap_insightly.verify.errors import NotComparableError
from tap_insightly.verify.rows import Rows

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from tap_insightly.api import InsightlySession, Prefetcher
    from tap_insightly.streams.source import Partition
    from tap_insightly.verify.subject import Subject
    from tap_insightly.verify.warehouse import Table, Warehouse

_FEWEST = 20  # requests that a search may take, however short the list is


class Comparison:
    """Compares one stream."""

    def __init__(
        self,
        subject: Subject,
        source: Warehouse,
        session: InsightlySession,
        *,
        bookmark: int | None = None,
        is_each_date: bool = False,
        page_size: int = PAGE_SIZE,
    ) -> None:
        """Say what to compare; nothing is asked yet.

        Args:
            subject: The stream.
            source: The warehouse.
            session: What counts the requests.
            bookmark: When the last sync was, in seconds since 1970; None if only the newest date
                in the warehouse says so.
            is_each_date: Whether to compare all dates.
            page_size: How many records are asked for at once.
        """
        self.subject = subject
        self.stats = RequestStats(session.stats)
        self.total: int | None = None
        """How many records the account has, as far as it said."""
        self.counted = False
        """Whether ids were compared by counting."""
        self._source = source
        self._bookmark = bookmark
        self._is_each_date = is_each_date
        self._page_size = page_size
        self._first: list[PagedRequest] | None = None

    @cached_property
    def table(self) -> Table:
        """The table of the stream.

        Raises:
            NotComparableError: If there is none.
        """
        return self._source.table(self.subject.name, self.subject.keys)

    @cached_property
    def rows(self) -> Rows:
        """What the warehouse holds.

        Raises:
            NotComparableError: If it cannot be read.
        """
        subject, since = self.subject, self.subject.since
        is_numeric = subject.is_numeric
        rows = self._source.rows(self.table, subject.keys, subject.updated, is_numeric=is_numeric)
        if since is not None:  # what start_date leaves out is not compared
            rows = (row for row in rows if row.updated is None or row.updated > since)
        return Rows(rows, is_numeric=is_numeric)

    @property
    def synced(self) -> int | None:
        """When the last sync was, in seconds since 1970; None if that is not known."""
        return self.rows.newest if self._bookmark is None else self._bookmark

    @property
    def has_dates(self) -> bool:
        """Whether both sides tell when a record was updated."""
        updated = self.subject.updated
        return updated is not None and self.table.has([updated])

    @property
    def pages(self) -> int:
        """How many requests it takes to read the list whole."""
        # Pages overlap by one record.
        return max(1, -(-((self.total or 0) - 1) // (self._page_size - 1)))

    def ahead(self) -> Iterator[PagedRequest]:
        """Say what will be asked for in any case.

        Yields:
            Lists.
        """
        try:
            yield from self._begin()
        except (InsightlyError, NotComparableError):
            return  # it will be told when it is this stream's turn

    def run(self, prefetcher: Prefetcher) -> Differences:
        """Compare.

        Args:
            prefetcher: What reads the lists.

        Returns:
            What differs.

        Raises:
            NotComparableError: If it cannot be told.
            InsightlyError: If the account cannot be read.
        """
        try:
            if self._is_to_be_counted:
                found = self._count(prefetcher)
                if found is not None:
                    self.counted = True
                    return found
                self._first = None
                self._is_each_date = True
            return self._read(prefetcher)
        except IncompleteError as error:
            raise NotComparableError(str(error)) from None

    def free(self) -> None:
        """Forget the rows, which may be many."""
        vars(self).pop("rows", None)  # where a cached property keeps what it has made

    @property
    def _is_to_be_counted(self) -> bool:
        few = len(self.rows) < self._page_size
        return self.subject.is_countable and not few and not self._is_each_date

    def _begin(self) -> list[PagedRequest]:
        if self._first is None:
            if self._is_to_be_counted:
                self._first = [self._page(self._start)]
            else:
                self._first = [self._whole(part) for part in self.subject.parts]
        return self._first

    # Reading whole

    def _whole(self, part: Partition) -> PagedRequest:
        key = (part.parent.key,) if part.parent else self.subject.keys
        names = [name for name in key if name not in part.extra]
        paginator = OffsetPaginator(names, page_size=self._page_size) if part.is_paged else None
        return PagedRequest(
            part.path, self.subject.params(part), paginator=paginator, stats=self.stats
        )

    def _read(self, prefetcher: Prefetcher) -> Differences:
        found = Differences(self.rows, self.synced, has_dates=self.has_dates)
        paged_requests = self._begin()
        for part, paged_request in zip(self.subject.parts, paged_requests, strict=True):
            for page in prefetcher.read(paged_request):
                for key, date in self.subject.entries(page.records, part):
                    found.see(key, date)
        found.conclude()
        self.total = len(self.rows) - len(found.gone) + len(found.unknown)
        return found

    # Counting

    @property
    def _start(self) -> int:
        """Where the first page begins: half of it is for known ids, unless one page holds all."""
        known, size = len(self.rows), self._page_size
        return 0 if known <= size else known - size // 2

    def _page(self, skip: int) -> PagedRequest:
        (part,) = self.subject.parts
        window = OnePagePaginator(skip, self._page_size)
        return PagedRequest(
            part.path, self.subject.params(part), paginator=window, stats=self.stats
        )

    def _count(self, prefetcher: Prefetcher) -> Differences | None:
        """Compare by where ids stand; None if that does not add up."""
        found = Differences(self.rows, self.synced, has_dates=self.has_dates)
        counting = Counting(self.subject, found, self._page_size)
        (first,) = self._begin()
        is_possible = counting.take(self._start, *self._answer(prefetcher, first))
        # To search for what takes longer to find than to read it all would be no use.
        most = _FEWEST + len(self.rows) // self._page_size
        while is_possible and not counting.is_whole and (wanted := counting.search.wanted):
            if self.stats.requests > most:
                return None
            paged_requests = [self._page(skip) for skip in wanted]
            prefetcher.expect(paged_requests)
            for skip, paged_request in zip(wanted, paged_requests, strict=True):
                is_possible &= counting.take(skip, *self._answer(prefetcher, paged_request))
        if not is_possible or counting.end is None:
            return None
        if not counting.has_ended and not self._read_on(prefetcher, counting):
            return None
        self.total = counting.total
        return found if counting.adds_up() else None

    def _read_on(self, prefetcher: Prefetcher, counting: Counting) -> bool:
        """Read what is behind the last known id; whether ids ascend there."""
        (part,) = self.subject.parts
        last, place = counting.end or (0, 0)
        paginator = OffsetPaginator(
            self.subject.keys, page_size=self._page_size, after=last, skip=place
        )
        params = self.subject.params(part)
        paged_request = PagedRequest(part.path, params, paginator=paginator, stats=self.stats)
        for page in prefetcher.read(paged_request):
            counting.see(page.records)
            if page.response.total is not None:
                counting.total = page.response.total
        return paginator.ascends

    def _answer(
        self, prefetcher: Prefetcher, paged_request: PagedRequest
    ) -> tuple[Sequence[Mapping[str, Any]], int | None]:
        (page,) = prefetcher.read(paged_request)
        return page.records, page.response.total
