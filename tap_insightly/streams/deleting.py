"""Records that are gone become tombstones: rows of the key and the moment it was noticed."""

from __future__ import annotations

from bisect import bisect_right
from datetime import datetime, timezone
from itertools import chain
from typing import TYPE_CHECKING, Any

from tap_insightly.api import Listing, NotAvailableError
from tap_insightly.api.deletions import DeletionSearch
from tap_insightly.api.paging import PAGE_SIZE, Cursor
from tap_insightly.streams.known import packed, unpacked
from tap_insightly.values import utc_text

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence

    from tap_insightly.api import Page
    from tap_insightly.streams.base import InsightlyStream
    from tap_insightly.streams.reading import Source

    Read = Callable[[Sequence[Listing]], Iterator[Page]]

DELETED = "_sdc_deleted_at"
"""The property that marks a tombstone; targets know it by this name."""

DELETED_SCHEMA: Mapping[str, Any] = {
    "type": ["string", "null"],
    "format": "date-time",
    "description": "When the record was found to be gone; null while it is there.",
}

KNOWN = "known"
"""The key in a stream's state. What is under it:

- ``ids``: the ids that the list is known to have, as `packed` makes them.
- ``count``: how many they are, for people to read.
- ``bookmark``: the stream's bookmark then. If it is another now, other records were sent since.

While a stream is unfinished, the ids that were sent are with its position (`Position.ids`).
"""


class Deletions:
    """What one sync finds out about deletions in one stream.

    The first sync remembers the ids. Each later one compares them with the list: for free if it
    reads the whole list anyway, else with a `DeletionSearch`.
    """

    def __init__(self, stream: InsightlyStream, source: Source) -> None:
        """Find out what is known.

        Args:
            stream: The stream.
            source: Its list or search, of which nothing was read yet.
        """
        state = stream.saved_state()
        saved = state.get(KNOWN)
        saved = saved if isinstance(saved, dict) else {}
        self._stream = stream
        self._source = source
        self._known = unpacked(saved.get("ids"))
        # What earlier runs have sent of this reading, which was cut off.
        before = [unpacked(text) for text in source.position.ids or ()]
        self._before = list(chain.from_iterable(ids or () for ids in before))
        self._is_told = source.position.ids is not None and None not in before
        self._is_whole = source.part.since is None and self._is_told
        # If not, runs that were not to find deletions have sent what is not known now.
        is_same = saved.get("bookmark") == state.get("replication_key_value")
        self._is_current = self._known is not None and self._is_told and is_same
        self._kept = 0
        self._new: set[int] = set()
        self._gone: set[int] = set()
        self._is_possible = True
        self._is_refused = False
        self._search: DeletionSearch | None = None
        self.listings: Sequence[Listing] = ()
        """What will be asked for in any case; can be asked for ahead of time."""
        if self._known and not self._is_whole:
            self._search = DeletionSearch(self._known, page_size=PAGE_SIZE)
            self.listings = list(map(self._page, self._search.wanted))

    @property
    def learning(self) -> Listing | None:
        """What is read only to learn its ids: those behind the known ones; None if none is.

        Other runs have sent some of them.
        """
        if self._is_whole or self._is_current:
            return None
        there = [one for one in self._known or () if one not in self._gone]
        cursor = Cursor(
            self._stream.own_key,
            page_size=PAGE_SIZE,
            after=there[-1] if there else None,
            skip=max(0, len(there) - 1),
        )
        tally = self._source.listing.tally
        return Listing(self._stream.path, {"brief": "true"}, cursor=cursor, tally=tally)

    def find(self, read: Read) -> Iterator[int]:
        """Find what is gone, once the stream has been read.

        Args:
            read: Reads lists, one after the other.

        Yields:
            Ids, in ascending order.

        Raises:
            InsightlyError: If the API ends the sync.
        """
        cursor = self._source.cursor
        seen = {*self._before, *cursor.passed}
        self._is_possible = cursor.ascends
        try:
            if self._is_possible:
                self._compare(seen, read)
        except NotAvailableError as error:
            self._is_refused = True
            self._stream.logger.warning(
                "%s: deletions cannot be found: %s", self._stream.name, error
            )
            return
        if not self._is_possible:
            self._stream.logger.warning(
                "%s: deletions cannot be found, because ids do not ascend in its list.",
                self._stream.name,
            )
            return
        yield from sorted(self._gone)
        self._new.update(seen)

    def remember(self) -> None:
        """Put into the state what has been sent so far, in case that this run is cut off."""
        cursor, position = self._source.cursor, self._source.position
        if self._is_told and cursor.ascends and position.after is not None:
            sent = bisect_right(cursor.passed, position.after)
            if sent > self._kept:
                position.remember(packed(cursor.passed[self._kept : sent]))
                self._kept = sent

    def keep_in(self, state: dict[str, Any]) -> None:
        """Keep what is known now, once all tombstones have been sent.

        Args:
            state: The state of the stream, with its new bookmark.
        """
        if self._is_refused:
            return  # what is known stays known, as of the bookmark then
        if not self._is_possible:
            state.pop(KNOWN, None)
            return
        known = self._new.union(self._known or ()) - self._gone
        ids = sorted(known)
        bookmark = state.get("replication_key_value")
        state[KNOWN] = {"ids": packed(ids), "count": len(ids), "bookmark": bookmark}

    def _compare(self, seen: Iterable[int], read: Read) -> None:
        if self._is_whole:
            self._gone = set(self._known or ()).difference(seen)
            return
        if self._search is not None:
            self._run(self._search, read)
        if (learning := self.learning) is not None:
            self._learn(learning, read)

    def _run(self, search: DeletionSearch, read: Read) -> None:
        listings = self.listings
        while wanted := search.wanted:
            for page, skip in zip(read(listings), wanted, strict=True):
                search.take(skip, self._ids(page.records), page.answer.total)
            listings = list(map(self._page, search.wanted))
        self._is_possible = search.is_possible
        self._gone, self._new = search.gone, search.found

    def _learn(self, listing: Listing, read: Read) -> None:
        for page in read([listing]):
            self._new.update(self._ids(page.records))
        self._is_possible &= listing.cursor is not None and listing.cursor.ascends

    def _ids(self, records: Iterable[Mapping[str, Any]]) -> list[Any]:
        (name,) = self._stream.own_key
        return [record.get(name) for record in records]

    def _page(self, skip: int) -> Listing:
        """Ask for one page; what is needed is only where its ids stand."""
        query = {"brief": "true", "top": str(PAGE_SIZE), "skip": str(skip), "count_total": "true"}
        return Listing(self._stream.path, query, tally=self._source.listing.tally)


def tombstone(key: str, number: int, moment: datetime | None) -> dict[str, Any]:
    """Make the row that says that a record is gone.

    Args:
        key: The name of the primary key.
        number: The id.
        moment: When that was noticed, by the server's clock; None if it told no time.

    Returns:
        The row.
    """
    return {key: number, DELETED: utc_text(moment or datetime.now(timezone.utc))}
