"""What the offsets of a few pages tell of a whole list."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from tap_insightly.api.lists.deletion_search import DeletionSearch
from tap_insightly.api.lists.seen_keys import are_ascending_ids

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from tap_insightly.verify.comparable import ComparableStream
    from tap_insightly.verify.differences import Differences


class Counting:
    """Compares a list with known ids by a few of its pages. Sends nothing.

    The rows of `differences` must not be empty, and their keys must be numbers.
    """

    def __init__(self, stream: ComparableStream, differences: Differences, page_size: int) -> None:
        self._known: Sequence[int] = differences.rows.keys  # type: ignore[assignment]  # numbers
        self._stream = stream
        self._page_size = page_size
        self._differences = differences
        self.search = DeletionSearch(self._known, page_size=page_size)
        self.is_whole = False
        """Whether one page held the whole list."""
        self.end: tuple[int, int] | None = None
        """The last id, and its offset, up to which the list is known without a gap."""
        self.has_ended = False
        """Whether the list ends there."""
        self.total: int | None = None
        """How many records the list had then."""

    def add_page(self, skip: int, records: Sequence[Mapping[str, Any]], total: int | None) -> bool:
        """Compare a page; tell whether counting still works."""
        ids = self.add_records(records)
        if total is None or len(ids) != len(records) or not are_ascending_ids(ids):
            return False
        self._differences.add_range(skip, ids)
        self.is_whole = self.is_whole or (not skip and len(ids) >= total)
        self._feed_search(skip, ids, total)
        if not self.has_ended:
            self._find_end(skip, ids, total)
        return self.search.is_possible

    def add_records(self, records: Iterable[Mapping[str, Any]]) -> list[int]:
        """Compare records, whatever their offset, and return their ids."""
        ids = []
        for key, date in self._stream.entries(records, self._stream.partitions[0]):
            self._differences.add(key, date)
            ids.append(key)
        return ids  # type: ignore[return-value]  # they are numbers

    def adds_up(self) -> bool:
        """Tell whether what was found explains the total; if not, something changed meanwhile."""
        differences = self._differences
        differences.settle(self.search.gone)
        new = differences.not_in_warehouse
        if not self.search.found <= new.keys():
            return False
        return len(self._known) - len(differences.gone) + len(new) == self.total

    def _feed_search(self, skip: int, ids: list[int], total: int) -> None:
        """Give the search the page that it wants, or the part of it that this page holds."""
        wanted, stop = self.search.wanted, skip + len(ids)
        last = len(self._known) - 1
        if skip in wanted:
            self.search.add_page(skip, ids, total)
            return
        # That part is shorter than a page, which need not mean that the list ends there.
        is_end = stop >= total and len(ids) < self._page_size
        if last in wanted and skip < last and (is_end or last < stop < total):
            self.search.add_page(last, ids[last - skip :], total)

    def _find_end(self, skip: int, ids: list[int], total: int) -> None:
        """Find out whether the list is known without a gap to the end of this page."""
        last, stop = self._known[-1], skip + len(ids)
        if skip and not (ids and ids[0] <= last):
            return  # there may be records between them
        if stop >= total or (ids and ids[-1] >= last):
            self.end = (ids[-1] if ids else last, max(stop - 1, 0))
            self.has_ended = stop >= total
            self.total = total
