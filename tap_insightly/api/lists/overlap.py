"""What a page tells by those before it: that it overlaps, is the same, or brings nothing new."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from tap_insightly.api.http.errors import RefusedError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from tap_insightly.api.lists.seen_keys import SeenKeys

FRUITLESS_PAGES = 60  # in a row, besides those that it takes to cross the list
SAME_PAGES = 10  # pages in a row with the same records: the server does not page


class Overlap:
    """Whether pages begin with what was passed, so that nothing lies between.

    What two pages in a row begin with, though others follow it on the first of them, is most
    likely pinned to each, and tells nothing: then the record after it has to be one that was
    passed.
    """

    def __init__(self, records: SeenKeys) -> None:
        """Start before the first page.

        Args:
            records: The records that were passed.
        """
        self.was_misread = False
        """Whether a page was taken that may begin with nothing but what is pinned."""
        self._records = records
        self._pinned: set[Any] = set()
        self._first: Any = None  # the key that the page taken last began with
        self._edge: Any = None  # the key that it ended with
        self._skip: int | None = None  # its offset
        self._is_first_page = True

    def is_in(self, keys: Sequence[Any], skip: int) -> bool:
        """Tell whether a page is contiguous; if so, it is taken.

        Args:
            keys: The keys of its records.
            skip: Its offset.

        Returns:
            Whether it is.
        """
        if not keys:
            return not skip
        is_further = self._skip is not None and skip > self._skip
        is_pinned = is_further and keys[0] == self._first != self._edge
        if is_pinned and keys[0] not in self._pinned:
            self._pinned.add(keys[0])
            self.was_misread |= self._is_first_page and bool(self._skip)
        overlap = keys[1:2] if keys[0] in self._pinned else keys[:1]
        is_in = not skip or any(map(self._records.has, overlap))
        if is_in:
            self._is_first_page = self._skip is None
            self._first, self._edge, self._skip = keys[0], keys[-1], skip
        return is_in


class Repeats:
    """Whether a server answers the same page again and again, wherever one begins to read."""

    def __init__(self, skip: int) -> None:
        """Start before the first page.

        Args:
            skip: Its offset.
        """
        self.number = 0
        """How often the page taken last had been answered before it, in a row."""
        self.begin = skip
        """Where that page was seen first."""
        self._page: Sequence[Any] = ()

    def forget(self) -> None:
        """Take in that what comes next may well be a page that was read before."""
        self._page = ()

    def take(self, keys: Sequence[Any], skip: int, top: int, *, is_fresh: bool) -> None:
        """Take a page.

        Args:
            keys: The keys of its records.
            skip: Its offset.
            top: How many records were asked for.
            is_fresh: Whether it was not put back when it was read before. If it was, that it is
                the same tells only that records have moved.

        Raises:
            RefusedError: If it is full, and the same for the tenth time.
        """
        # One record further on may be what is pinned to pages that are empty otherwise.
        is_enough = len(keys) > 1 or (bool(keys) and not self.begin)
        is_same = is_fresh and is_enough and keys == self._page
        self.number = self.number + 1 if is_same else 0
        self.begin = self.begin if is_same else skip
        self._page = keys
        if self.number >= SAME_PAGES and len(keys) >= top:
            msg = "The list does not end: every page of it holds the same records."
            raise RefusedError(msg)

    def is_everywhere(self, number: int, skip: int, top: int) -> bool:
        """Tell whether the page taken last is the whole list, which is answered everywhere.

        Args:
            number: How many records it has.
            skip: Its offset.
            top: How many records were asked for.

        Returns:
            Whether it is.
        """
        return bool(self.number) and number != top and skip >= self.begin + top


class Patience:
    """How long nothing new has come, whatever the server answered instead."""

    def __init__(self, skip: int) -> None:
        """Start before the first page.

        Args:
            skip: Its offset.
        """
        self._pages = 0
        self._reached = skip  # where one was to read on when something new came last

    def take(self, skip: int, *, has_new: bool) -> None:
        """Take in that a page was read.

        Args:
            skip: Where to read on.
            has_new: Whether anything in it is new.
        """
        if has_new:
            self._pages, self._reached = 0, skip
        self._pages += 1

    def is_at_its_end(self, total: int | None, most: int) -> bool:
        """Tell whether there were more pages without anything new than any reason explains.

        Args:
            total: How many records there are; None if that is not known.
            most: The most records that a page had.

        Returns:
            Whether there were.
        """
        across = 2 * max(total or 0, self._reached) // most
        return self._pages > FRUITLESS_PAGES + across
