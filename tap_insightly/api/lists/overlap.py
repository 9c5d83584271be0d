"""What a page tells by those before it: that it overlaps, is the same, or brings nothing new."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from tap_insightly.api.http.errors import RefusedError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from tap_insightly.api.lists.seen_keys import SeenKeys

FRUITLESS_PAGES = 60  # in a row, besides those that it takes to cross the list
SAME_PAGES = 10  # pages in a row with the same records: the server does not page


class OverlapCheck:
    """Whether pages begin with what was passed, so that nothing lies between.

    What two pages in a row begin with, though others follow it on the first of them, is most
    likely pinned to each, and tells nothing: then the record after it has to be one that was
    passed.
    """

    def __init__(self, seen: SeenKeys) -> None:
        """Start before the first page; `seen` has the records that were passed."""
        self.was_misread = False
        """Whether a page was accepted that may begin with nothing but what is pinned."""
        self._seen = seen
        self._pinned: set[Any] = set()
        # Of the page accepted last: its first key, its last one, and its offset.
        self._first_key: Any = None
        self._last_key: Any = None
        self._skip: int | None = None
        self._is_first_page = True
        self._doubted: Any = None  # what the first page began with, if it may be pinned

    def accepts(self, keys: Sequence[Any], skip: int) -> bool:
        """Tell whether a page is contiguous; if so, the next one has to overlap with it."""
        if not keys:
            return not skip
        if skip and self._may_be_pinned(keys):
            return False
        is_further = self._skip is not None and skip > self._skip
        is_pinned = is_further and keys[0] == self._first_key != self._last_key
        if is_pinned and keys[0] not in self._pinned:
            self._pinned.add(keys[0])
            self.was_misread |= self._is_first_page and bool(self._skip)
        overlap = keys[1:2] if keys[0] in self._pinned else keys[:1]
        is_contiguous = not skip or any(map(self._seen.has, overlap))
        if is_contiguous:
            self._is_first_page = self._skip is None
            self._first_key, self._last_key, self._skip = keys[0], keys[-1], skip
        return is_contiguous

    def _may_be_pinned(self, keys: Sequence[Any]) -> bool:
        """Tell whether another page has to show first whether each begins with the same record.

        The record that an earlier reader read last is on the first page. If it is gone, that page
        overlaps only by its first record, which may stand on each.
        """
        if self._skip is not None or keys[0] in self._pinned:
            return False
        if self._doubted is None:
            is_doubtful = self._seen.has(keys[0]) and self._seen.after not in keys
            self._doubted = keys[0] if is_doubtful else None
            return is_doubtful
        if keys[0] == self._doubted:
            self._pinned.add(keys[0])
        return False


class RepeatDetector:
    """Whether a server sends the same page again and again, wherever one begins to read."""

    def __init__(self, skip: int) -> None:
        """Start before the first page, which has this offset."""
        self.count = 0
        """How often the last page had been sent before, in a row."""
        self.begin = skip
        """Where that page was seen first."""
        self._page: Sequence[Any] = ()

    def reset(self) -> None:
        """Forget the last page: what comes next may well be one that was read before."""
        self._page = ()

    def add(self, keys: Sequence[Any], skip: int, top: int, *, is_fresh: bool) -> None:
        """Count a page; raise `RefusedError` if it is full, and the same for the tenth time.

        One that was put back when it was read before (`is_fresh` is false) does not count: that it
        is the same tells only that records have moved.
        """
        # One record further on may be what is pinned to pages that are empty otherwise.
        is_enough = len(keys) > 1 or (bool(keys) and not self.begin)
        is_same = is_fresh and is_enough and keys == self._page
        self.count = self.count + 1 if is_same else 0
        self.begin = self.begin if is_same else skip
        self._page = keys
        if self.count >= SAME_PAGES and len(keys) >= top:
            msg = "The list does not end: every page of it holds the same records."
            raise RefusedError(msg)

    def is_whole_list(self, number: int, skip: int, top: int) -> bool:
        """Tell whether the last page, of so many records, is the whole list, whatever is asked."""
        return bool(self.count) and number != top and skip >= self.begin + top


class StallDetector:
    """Whether nothing new has come for longer than any reason explains."""

    def __init__(self, skip: int) -> None:
        """Start before the first page, which has this offset."""
        self._pages = 0  # since something new came
        self._reached = skip  # where one was to read on then

    def add(self, next_skip: int, *, has_new: bool) -> None:
        """Count a page, after which one is to read on at `next_skip`."""
        if has_new:
            self._pages, self._reached = 0, next_skip
        self._pages += 1

    def is_stalled(self, total: int | None, largest_page: int) -> bool:
        """Tell whether there were more pages without anything new than it takes to look around."""
        to_cross_twice = 2 * max(total or 0, self._reached) // largest_page
        return self._pages > FRUITLESS_PAGES + to_cross_twice
