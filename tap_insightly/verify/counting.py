"""What pages tell of a whole list by where they stand."""

from __future__ import annotations

from itertools import pairwise
from typing import TYPE_CHECKING, Any

from tap_insightly.api.lists.deletion_search import DeletionSearch

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from tap_insightly.verify.differences import Differences
    from tap_insightly.verify.subject import Subject


class Counting:
    """Compares a list with known ids by a few of its pages. Knows nothing of requests."""

    def __init__(self, subject: Subject, found: Differences, page_size: int) -> None:
        """Start with no page seen.

        Args:
            subject: The stream.
            found: Where to put what differs; its rows, of which there are some, have numbers as
                keys.
            page_size: How many records a page has.
        """
        self._known: Sequence[int] = found.rows.keys  # type: ignore[assignment]  # numbers
        self._subject = subject
        self._page_size = page_size
        self._found = found
        self.search = DeletionSearch(self._known, page_size=page_size)
        self.is_whole = False
        """Whether one page has shown the whole list."""
        self.end: tuple[int, int] | None = None
        """The last id up to which all is known behind the last known one, and its place."""
        self.has_ended = False
        """Whether the list ends there."""
        self.total: int | None = None
        """How many records the list had then."""

    def take(self, skip: int, records: Sequence[Mapping[str, Any]], total: int | None) -> bool:
        """Take in a page.

        Args:
            skip: Its offset, a number.
            records: Its records.
            total: How many records the list has; None if the server did not say.

        Returns:
            Whether anything can be told by counting.
        """
        ids = self.see(records)
        if total is None or len(ids) != len(records) or not _ascend(ids):
            return False
        self._found.span(skip, ids)
        self.is_whole = self.is_whole or (not skip and len(ids) >= total)
        self._hand_on(skip, ids, total)
        if not self.has_ended:
            self._look_for_end(skip, ids, total)
        return self.search.is_possible

    def see(self, records: Iterable[Mapping[str, Any]]) -> list[int]:
        """Compare records, wherever they stand.

        Args:
            records: The records.

        Returns:
            Their ids.
        """
        ids = []
        for key, date in self._subject.entries(records, self._subject.parts[0]):
            self._found.see(key, date)
            ids.append(key)
        return ids  # type: ignore[return-value]  # they are numbers

    def adds_up(self) -> bool:
        """Put together what was found, and tell whether it explains the total.

        Returns:
            Whether it does: if not, something was overlooked, or changed meanwhile.
        """
        found = self._found
        found.settle(self.search.gone)
        if not self.search.found <= found.unknown.keys():
            return False
        return len(self._known) - len(found.gone) + len(found.unknown) == self.total

    def _hand_on(self, skip: int, ids: list[int], total: int) -> None:
        """Give the search the page it wants, or what this one has of the first that it wants."""
        wanted, stop = self.search.wanted, skip + len(ids)
        last = len(self._known) - 1
        if skip in wanted:
            self.search.add_page(skip, ids, total)
            return
        # What a full page has of it is shorter than a page, but need not be the end for that.
        is_end = stop >= total and len(ids) < self._page_size
        if last in wanted and skip < last and (is_end or last < stop < total):
            self.search.add_page(last, ids[last - skip :], total)

    def _look_for_end(self, skip: int, ids: list[int], total: int) -> None:
        """Find out whether all is known from the last known id to the end of the page."""
        last, stop = self._known[-1], skip + len(ids)
        if skip and not (ids and ids[0] <= last):
            return  # something may be between them
        if stop >= total or (ids and ids[-1] >= last):
            self.end = (ids[-1] if ids else last, max(stop - 1, 0))
            self.has_ended = stop >= total
            self.total = total


def _ascend(ids: Sequence[int]) -> bool:
    return all(one < two for one, two in pairwise(ids))
