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

from tap_insightly.api import IncompleteError, InsightlyError, Listing, Tally
from tap_insightly.api.paging import PAGE_SIZE, Cursor, Window
from tap_insightly.verify.counting import Counting
from tap_insightly.verify.differences import Differences
from tap_insightly.verify.errors import NotComparableError
from tap_insightly.verify.rows import Rows

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from tap_insightly.api import InsightlySession, Reader
    from tap_insightly.streams.source import Part
    from tap_insightly.verify.subject import Subject
    from tap_insightly.verify.warehouse import Source, Table

_FEWEST = 20  # requests that a search may take, however short the list is


class Comparison:
    """Compares one stream."""

    def __init__(
        self,
        subject: Subject,
        source: Source,
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
        self.tally = Tally(session.total)
        self.total: int | None = None
        """How many records the account has, as far as it said."""
        self.counted = False
        """Whether ids were compared by counting."""
        self._source = source
        self._bookmark = bookmark
        self._is_each_date = is_each_date
        self._page_size = page_size
        self._first: list[Listing] | None = None

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

    def ahead(self) -> Iterator[Listing]:
        """Say what will be asked for in any case.

        Yields:
            Lists.
        """
        try:
            yield from self._begin()
        except (InsightlyError, NotComparableError):
            return  # it will be told when it is this stream's turn

    def run(self, reader: Reader) -> Differences:
        """Compare.

        Args:
            reader: What reads the lists.

        Returns:
            What differs.

        Raises:
            NotComparableError: If it cannot be told.
            InsightlyError: If the account cannot be read.
        """
        try:
            if self._is_to_be_counted:
                found = self._count(reader)
                if found is not None:
                    self.counted = True
                    return found
                self._first = None
                self._is_each_date = True
            return self._read(reader)
        except IncompleteError as error:
            raise NotComparableError(str(error)) from None

    def free(self) -> None:
        """Forget the rows, which may be many."""
        vars(self).pop("rows", None)  # where a cached property keeps what it has made

    @property
    def _is_to_be_counted(self) -> bool:
        few = len(self.rows) < self._page_size
        return self.subject.is_countable and not few and not self._is_each_date

    def _begin(self) -> list[Listing]:
        if self._first is None:
            if self._is_to_be_counted:
                self._first = [self._page(self._start)]
            else:
                self._first = [self._whole(part) for part in self.subject.parts]
        return self._first

    # Reading whole

    def _whole(self, part: Part) -> Listing:
        key = (part.parent.key,) if part.parent else self.subject.keys
        names = [name for name in key if name not in part.extra]
        cursor = Cursor(names, page_size=self._page_size) if part.is_paged else None
        return Listing(part.path, self.subject.params(part), cursor=cursor, tally=self.tally)

    def _read(self, reader: Reader) -> Differences:
        found = Differences(self.rows, self.synced, has_dates=self.has_dates)
        listings = self._begin()
        for part, listing in zip(self.subject.parts, listings, strict=True):
            for page in reader.read(listing):
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

    def _page(self, skip: int) -> Listing:
        (part,) = self.subject.parts
        window = Window(skip, self._page_size)
        return Listing(part.path, self.subject.params(part), cursor=window, tally=self.tally)

    def _count(self, reader: Reader) -> Differences | None:
        """Compare by where ids stand; None if that does not add up."""
        found = Differences(self.rows, self.synced, has_dates=self.has_dates)
        counting = Counting(self.subject, found, self._page_size)
        (first,) = self._begin()
        is_possible = counting.take(self._start, *self._answer(reader, first))
        # To search for what takes longer to find than to read it all would be no use.
        most = _FEWEST + len(self.rows) // self._page_size
        while is_possible and not counting.is_whole and (wanted := counting.search.wanted):
            if self.tally.requests > most:
                return None
            listings = [self._page(skip) for skip in wanted]
            reader.expect(listings)
            for skip, listing in zip(wanted, listings, strict=True):
                is_possible &= counting.take(skip, *self._answer(reader, listing))
        if not is_possible or counting.end is None:
            return None
        if not counting.has_ended and not self._read_on(reader, counting):
            return None
        self.total = counting.total
        return found if counting.adds_up() else None

    def _read_on(self, reader: Reader, counting: Counting) -> bool:
        """Read what is behind the last known id; whether ids ascend there."""
        (part,) = self.subject.parts
        last, place = counting.end or (0, 0)
        cursor = Cursor(self.subject.keys, page_size=self._page_size, after=last, skip=place)
        params = self.subject.params(part)
        listing = Listing(part.path, params, cursor=cursor, tally=self.tally)
        for page in reader.read(listing):
            counting.see(page.records)
            if page.answer.total is not None:
                counting.total = page.answer.total
        return cursor.ascends

    def _answer(
        self, reader: Reader, listing: Listing
    ) -> tuple[Sequence[Mapping[str, Any]], int | None]:
        (page,) = reader.read(listing)
        return page.records, page.answer.total
