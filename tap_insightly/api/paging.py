"""From one address to all its records, with none lost while others work on the data.

Offsets shift while a list is read: what is deleted moves all that comes after it one place up,
what is updated enters a search and moves it down. So each page overlaps the one before it by one
record, and counts only if it is *contiguous*: if it starts at the beginning, or with a record
that has been passed already. Then nothing that existed all along can lie between what was passed
before and what the page holds, whenever it was fetched. If it is not, earlier pages are asked for
until one is. Ids ascend (seen live), so what is new in a page are the ids above the last one; if
they turn out not to, all keys that were passed are remembered.
"""

from __future__ import annotations

from array import array
from bisect import bisect_left, bisect_right
from itertools import pairwise
from typing import TYPE_CHECKING, Any

import msgspec

from tap_insightly.api.errors import RefusedError
from tap_insightly.api.tally import Tally

if TYPE_CHECKING:
    from collections.abc import Hashable, Iterable, Mapping, Sequence
    from concurrent.futures import Future

    from tap_insightly.api.answer import Answer

    Record = Mapping[str, Any]

PAGE_SIZE = 500  # the most that the API hands out at once (docs, seen live)
LARGEST_ID = 2**63 - 1
SAME_PAGES = 10  # pages in a row with the same records: the server does not page

_canonical = msgspec.json.Encoder(order="sorted", decimal_format="number").encode


class Cursor:
    """How far a list has been read, and where to read on. Knows nothing of requests."""

    def __init__(
        self,
        key: Sequence[str],
        *,
        page_size: int = PAGE_SIZE,
        after: int | None = None,
        skip: int = 0,
    ) -> None:
        """Start at the beginning, or where an earlier reader was cut off.

        Args:
            key: The names of the fields that identify a record.
            page_size: How many records are asked for at once, a number from 2 to 500.
            after: The last id that the earlier reader passed; None for the beginning.
            skip: Where that was, as far as is known: the offset of a page.

        Raises:
            ValueError: If pages are too small to overlap.
        """
        if page_size < 2:  # noqa: PLR2004 - one for the overlap, one to go on
            msg = "Pages overlap by one record, so they have to have two at least."
            raise ValueError(msg)
        self.page_size = page_size
        self.skip = 0 if after is None else skip
        """The offset of the page that is needed next."""
        self.last = after
        """The last id that was passed; None at the beginning, and if ids do not ascend."""
        self.is_done = False
        """Whether the list has come to its end."""
        self.total: int | None = None
        """How many records there are, as far as the server said."""
        self._after = after
        self._key = tuple(key)
        self._passed = array("q")
        self._entered: set[int] = set()  # below the last one, but not passed as `_new` means it
        self._seen: set[Hashable] | None = None  # instead of `last`, if ids do not ascend
        self._pages_back = 1
        self._page: list[Hashable] = []
        self._same = 0

    @property
    def ascends(self) -> bool:
        """Whether ids ascend, as far as was read."""
        return self._seen is None

    @property
    def passed(self) -> Sequence[int]:
        """The ids that were passed by this reader, in ascending order, if they ascend."""
        return self._passed

    @property
    def step(self) -> int:
        """How far apart pages are, in records."""
        return self.page_size - 1

    def ahead(self) -> Iterable[int]:
        """Say which pages will be needed, if nothing changes.

        Returns:
            Offsets in ascending order, of which the first is `skip`. Only that one if the server
            did not say how many records there are, or if ids do not ascend.
        """
        if self.is_done:
            return ()
        if self.total is None or self._seen is not None:
            return (self.skip,)
        return range(self.skip, max(self.total, self.skip + 1), self.step)

    def take(self, records: Sequence[Record]) -> Sequence[Record]:
        """Take the page at `skip`, and move on, or back if it is not contiguous.

        Args:
            records: The records of the page, which may have been fetched long ago.

        Returns:
            Those that were not passed before.

        Raises:
            RefusedError: If the server answers every page with the same records.
        """
        keys = self._keys_of(records)
        if self.skip and not (keys and self._is_passed(keys[0])):
            self.skip = max(0, self.skip - self.step * self._pages_back)
            self._pages_back *= 2
            self._page = []  # what comes next may well be a page that was read before
            return []
        self._check_that_it_moves(keys)
        self._pages_back = 1
        # More than was asked for is a list that is not handed out in pages.
        self.is_done = len(records) != self.page_size
        self.skip += 0 if self.is_done else self.step
        return self._new(keys, records)

    def _keys_of(self, records: Sequence[Record]) -> list[Hashable]:
        """Read the keys, and find out whether they still are ids that ascend."""
        if self._seen is None:
            name, *others = self._key
            keys: list[Hashable] = [record.get(name) for record in records]
            if not others and _ascend(keys):
                return keys
            self._seen, self.last = {(key,) for key in self._passed}, None
        return [self._key_of(record) for record in records]

    def _key_of(self, record: Record) -> Hashable:
        values = tuple(record.get(name) for name in self._key)
        if all(isinstance(value, int | str) for value in values):
            return values
        return _canonical(record)  # without a key, the content says which one it is

    def _is_passed(self, key: Any) -> bool:  # noqa: ANN401 - anything that `_keys_of` returns
        """Tell whether a record was passed, and with it all that comes before it in the list.

        That its id is below the last one would not do: if ids do not ascend, it may stand at a
        place that was not reached yet.
        """
        if self._seen is not None:
            return key in self._seen
        if type(key) is not int:
            return False
        if self._after is not None and key <= self._after:
            return True  # by the earlier reader
        place = bisect_left(self._passed, key)
        is_passed = place < len(self._passed) and self._passed[place] == key
        return is_passed or key in self._entered

    def _new(self, keys: list[Any], records: Sequence[Record]) -> Sequence[Record]:
        """Pick the records that were not passed, and take them for passed from now on."""
        if self._seen is None:
            start = 0 if self.last is None else bisect_right(keys, self.last)
            # What entered a search behind our back is for the next sync, but the list goes on
            # from it: were it not known, a page that begins with it would never be contiguous.
            self._entered.update(keys[:start])
            self._passed.extend(keys[start:])
            self.last = self._passed[-1] if self._passed else self.last
            return records[start:]
        new = []
        for key, record in zip(keys, records, strict=True):
            if key not in self._seen:
                self._seen.add(key)
                new.append(record)
        return new

    def _check_that_it_moves(self, keys: list[Hashable]) -> None:
        is_same = bool(keys) and keys == self._page
        self._same = self._same + 1 if is_same else 0
        self._page = keys
        if self._same >= SAME_PAGES:
            msg = "The list does not end: every page of it holds the same records."
            raise RefusedError(msg)


def _ascend(keys: Sequence[Hashable]) -> bool:
    """Tell whether keys are ids that ascend."""
    return all(type(key) is int and 0 <= key <= LARGEST_ID for key in keys) and all(
        one < next_one  # type: ignore[operator]  # they are numbers
        for one, next_one in pairwise(keys)
    )


class Listing:
    """One list or search to be read: what to ask for, and what was answered ahead of time."""

    def __init__(
        self,
        path: str,
        params: Mapping[str, str] | None = None,
        *,
        cursor: Cursor | None = None,
        tally: Tally | None = None,
        is_counted: bool = True,
    ) -> None:
        """Say what to read.

        Args:
            path: The path, text such as ``/Contacts``.
            params: Query parameters besides those of paging.
            cursor: Where to read; None if the list takes no paging, and is answered whole.
            tally: Where to count the requests.
            is_counted: Whether to ask how many records there are, to read pages ahead.
        """
        self.path = path
        self.cursor = cursor
        self.tally = tally or Tally()
        self.answers: dict[int, Future[Answer]] = {}
        """Answers asked for and not yet read, by the offset of their page."""
        self.put_back: set[int] = set()
        """Offsets of pages that had to wait for the one before them."""
        self.is_begun = False
        """Whether a page of it was answered."""
        self.is_done = False
        """Whether there is nothing left to read."""
        self._params = dict(params or {})
        self._counted_at = self.skip if is_counted else None

    @property
    def skip(self) -> int:
        """The offset of the page that is needed next."""
        return self.cursor.skip if self.cursor else 0

    def ahead(self) -> Iterable[int]:
        """Say which pages will be needed, as far as is known.

        Returns:
            Offsets, of which the first is `skip`.
        """
        if self.is_done:
            return ()
        if self.cursor is None:
            return (0,)
        answer = self.answers.get(self.skip)
        if self.cursor.total is None and answer and answer.done() and not answer.exception():
            self.cursor.total = answer.result().total
        return self.cursor.ahead()

    def query(self, skip: int) -> dict[str, str]:
        """Say how to ask for a page.

        Args:
            skip: Its offset.

        Returns:
            Query parameters.
        """
        if self.cursor is None:
            return self._params
        paging = {"top": str(self.cursor.page_size), "skip": str(skip)}
        if skip == self._counted_at:
            paging["count_total"] = "true"  # costs nothing, and tells how many pages there are
        return self._params | paging

    def take(self, answer: Answer) -> Sequence[Record]:
        """Take the answer for the page at `skip`.

        Args:
            answer: The answer.

        Returns:
            The records that are new in it.

        Raises:
            RefusedError: If the server does not page.
        """
        self.is_begun = True
        if self.cursor is None:
            self.is_done = True
            return answer.records
        if answer.total is not None:
            self.cursor.total = answer.total
        records = self.cursor.take(answer.records)
        self.is_done = self.cursor.is_done
        return records
