"""How pages lie to each other: whether one begins with what was passed, whether it is the same."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from tap_insightly.api.errors import RefusedError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from tap_insightly.api.passed import Passed

SAME_PAGES = 10  # pages in a row with the same records: the server does not page


class Overlap:
    """Whether pages begin with what was passed, so that nothing lies between.

    What several pages begin with, the further on the more, is most likely pinned to each, and
    tells nothing: then the record after it has to be one that was passed.
    """

    def __init__(self, records: Passed) -> None:
        """Start before the first page.

        Args:
            records: The records that were passed.
        """
        self.was_misread = False
        """Whether a page was taken that may begin with nothing but what is pinned."""
        self._records = records
        self._pinned: set[Any] = set()
        self._first: Any = None  # the key that the page taken last began with
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
        is_pinned = self._skip is not None and skip > self._skip and keys[0] == self._first
        if is_pinned and keys[0] not in self._pinned:
            self._pinned.add(keys[0])
            self.was_misread |= self._is_first_page and bool(self._skip)
        overlap = keys[1:2] if keys[0] in self._pinned else keys[:1]
        is_in = not skip or any(map(self._records.has, overlap))
        if is_in:
            self._is_first_page = self._skip is None
            self._first, self._skip = keys[0], skip
        return is_in

    def is_all_pinned(self, keys: Sequence[Any]) -> bool:
        """Tell whether a page is one that would be empty, but for what is pinned to it.

        Args:
            keys: The keys of its records.

        Returns:
            Whether it is.
        """
        return len(keys) == 1 and keys[0] in self._pinned


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

    def take(self, keys: Sequence[Any], skip: int, top: int) -> None:
        """Take a page.

        Args:
            keys: The keys of its records.
            skip: Its offset.
            top: How many records were asked for.

        Raises:
            RefusedError: If it is full, and the same for the tenth time.
        """
        is_same = len(keys) > 1 and keys == self._page
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
