"""What to ask for to read a list, and what was answered ahead of time."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

from tap_insightly.api.cursor import PAGE_SIZE, SMALLEST_PAGE, Cursor
from tap_insightly.api.tally import Tally

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence
    from concurrent.futures import Future

    from tap_insightly.api.answer import Answer
    from tap_insightly.api.errors import PageTooLargeError

    Record = Mapping[str, Any]

__all__ = ["PAGE_SIZE", "Asked", "Cursor", "Listing", "Until", "Window"]

LARGEST_PAGE = 8 * 2**20  # bytes of a page; what is larger is asked for in smaller ones
LARGE_PAGE = LARGEST_PAGE * 3 // 4  # bytes that pages have at the most if it can be foreseen
UNKNOWN_PAGE = 2**19  # bytes that a page is taken to have as long as none was seen
MOST_TIMEOUTS = 4  # in a row, before a page is tried again as often as any request
PAGES_TO_FORGET = 20  # pages that came in time, before larger ones are tried again


class Asked(NamedTuple):
    """A page that was asked for."""

    answer: Future[Answer]
    top: int
    """How many records were asked for."""
    weight: int
    """How many bytes it was expected to have."""

    @property
    def is_answered(self) -> bool:
        """Whether the answer is there."""
        answer = self.answer
        return answer.done() and not answer.cancelled() and not answer.exception()

    @property
    def size(self) -> int:
        """How many bytes it takes, as far as is known."""
        return len(self.answer.result().body) if self.is_answered else self.weight


class Until(NamedTuple):
    """Up to which record a list is read, if not to its end."""

    last: int | None
    """Its id; None if only its place is known."""
    skip: int
    """Its place, as far as is known: the offset of a page that begins with it."""

    def is_passed(self, last: int | None, skip: int) -> bool:
        """Tell whether a list was read that far.

        Args:
            last: The last id that was passed; None for none.
            skip: The place of that record.

        Returns:
            Whether it was.
        """
        if self.last is None:
            return skip >= self.skip
        return last is not None and last >= self.last


class Window:
    """One page of a list, whatever comes before and after it."""

    def __init__(self, skip: int, top: int) -> None:
        """Say where it is.

        Args:
            skip: Its offset.
            top: The most records to ask for, a number from 2 to 500.
        """
        self.skip = skip
        self.page_size = self.top = top
        self.total: int | None = None
        """How many records the list has; None if the server did not say, or was not asked yet."""
        self.is_done = False

    def ahead(self, asked: Sequence[int] = ()) -> Iterable[int]:  # noqa: ARG002 - as `Cursor` has it
        """Say which pages are needed.

        Args:
            asked: Not used.

        Returns:
            Its offset.
        """
        return () if self.is_done else (self.skip,)

    def wants_total(self, skip: int) -> bool:  # noqa: ARG002 - as `Cursor` has it
        """Say whether to ask how many records there are.

        Args:
            skip: Its offset.

        Returns:
            Always.
        """
        return True

    def take(
        self,
        records: Sequence[Record],
        *,
        top: int | None = None,
        total: int | None = None,
        is_fresh: bool = True,  # noqa: ARG002 - as `Cursor` has it
    ) -> Sequence[Record]:
        """Take the page.

        Args:
            records: Its records.
            top: How many were asked for.
            total: How many records the list has, if the server said so.
            is_fresh: Not used.

        Returns:
            All of them.
        """
        self.top, self.total, self.is_done = top or self.top, total, True
        return records

    def shrink(self, top: int) -> None:
        """Ask for fewer records.

        Args:
            top: How many, a number.
        """
        self.top = max(SMALLEST_PAGE, min(top, self.page_size))


class Listing:
    """One list or search to be read: what to ask for, and what was answered ahead of time."""

    def __init__(
        self,
        path: str,
        params: Mapping[str, str] | None = None,
        *,
        cursor: Cursor | Window | None = None,
        tally: Tally | None = None,
        is_eager: bool = True,
        until: Until | None = None,
    ) -> None:
        """Say what to read.

        Args:
            path: The path, text such as ``/Contacts``.
            params: Query parameters besides those of paging.
            cursor: Where to read; None if the list takes no paging, and is answered whole.
            tally: Where to count the requests.
            is_eager: Whether to read pages ahead, once it is known how many there are.
            until: Up to which record to read, by a `Cursor`; None for the end of the list.
        """
        self.path = path
        self.cursor = cursor
        self.tally = tally or Tally()
        self.asked: dict[int, Asked] = {}
        """Pages asked for and not yet read, by their offset."""
        self.put_back: set[int] = set()
        """Offsets of pages that had to wait for the one before them."""
        self.is_begun = False
        """Whether a page of it was answered."""
        self.is_done = False
        """Whether there is nothing left to read."""
        self._params = dict(params or {})
        self._is_eager = is_eager
        self._until = until
        self._bytes = 0.0  # of a record, in the page before
        self._timeouts = 0  # in a row
        self._in_time = 0  # pages since the last that was too large
        self._patience = PAGES_TO_FORGET
        self._too_many: int | None = None  # records that could not be had at once

    @property
    def skip(self) -> int:
        """The offset of the page that is needed next."""
        return self.cursor.skip if self.cursor else 0

    @property
    def top(self) -> int:
        """How many records are asked for at once."""
        return self.cursor.top if self.cursor else PAGE_SIZE

    @property
    def weight(self) -> int:
        """How many bytes a page is expected to have."""
        return int(self._bytes * self.top) or UNKNOWN_PAGE

    @property
    def largest(self) -> int | None:
        """How many bytes a page may have, before a smaller one is asked for; None for any."""
        is_smallest = self.cursor is None or self.top <= SMALLEST_PAGE
        return None if is_smallest or self._timeouts >= MOST_TIMEOUTS else LARGEST_PAGE

    @property
    def shortfall(self) -> str | None:
        """What is wrong if not all was read that there is, a sentence; None if all was."""
        cursor = self.cursor
        if not isinstance(cursor, Cursor) or not cursor.is_done or cursor.is_whole:
            return None
        if cursor.lacks_keys:
            return f"{self.path} has records without their key, which may stand for others."
        if cursor.count is not None and cursor.count >= (cursor.total or 0):
            return (
                f"{self.path} has pages that do not overlap, as they lack too many records that "
                "this user may not see, or have one at a time. What others did meanwhile may be "
                "missing."
            )
        count = "some" if cursor.count is None else f"{cursor.count:,}"
        total = "more" if cursor.total is None else f"{cursor.total:,}"
        return (
            f"{self.path} ended after {count} of {total} records. Either Insightly counts records "
            "that this user may not see, or it does not hand out all."
        )

    def ahead(self) -> Iterable[int]:
        """Say which pages will be needed, as far as is known.

        Returns:
            Offsets, of which the first is `skip`.
        """
        cursor = self.cursor
        if self.is_done:
            return ()
        if cursor is None:
            return (0,)
        if not self._is_eager:
            return (cursor.skip,)
        asked = self.asked.get(cursor.skip)
        if not self.is_begun and isinstance(cursor, Cursor) and asked and asked.is_answered:
            first = asked.answer.result()
            cursor.foresee(first.count, first.total)
        pages = cursor.ahead(sorted(self.asked))
        until = self._until
        return pages if until is None else _not_beyond(pages, until.skip)

    def query(self, skip: int) -> dict[str, str]:
        """Say how to ask for a page.

        Args:
            skip: Its offset.

        Returns:
            Query parameters.
        """
        if self.cursor is None:
            return self._params
        paging = {"top": str(self.cursor.top), "skip": str(skip)}
        if self.cursor.wants_total(skip):
            paging["count_total"] = "true"  # costs nothing
        return self._params | paging

    def take(self, answer: Answer, top: int | None = None) -> Sequence[Record]:
        """Take the answer for the page at `skip`.

        Args:
            answer: The answer.
            top: How many records were asked for; None for as many as are asked for now.

        Returns:
            The records that are new in it.

        Raises:
            RefusedError: If the server does not page.
        """
        self.is_begun = True
        if self.cursor is None:
            self.is_done = True
            return answer.records
        found = answer.records
        is_fresh = self.skip not in self.put_back
        records = self.cursor.take(found, top=top, total=answer.total, is_fresh=is_fresh)
        self.is_done = self.cursor.is_done or self._is_far_enough()
        if found:
            self._fit(len(answer.body) / len(found))
        return records

    def lower(self, error: PageTooLargeError, top: int) -> bool:
        """Take in that a page was too large, or took too long, and ask for fewer records.

        One that took too long is asked for once more as it is: most likely that was by chance.

        Args:
            error: Why.
            top: How many records were asked for.

        Returns:
            Whether fewer are asked for from now on.
        """
        self._in_time = 0
        self._timeouts += error.size is None
        is_known = self.cursor is None or top > self.cursor.top  # as of one asked for before
        if is_known or (error.size is None and self._timeouts == 1):
            return False
        share = 4.0 if error.size is None else max(4.0, 2 * error.size / LARGEST_PAGE)
        self._too_many, self._patience = top, 2 * self._patience
        if self.cursor is not None:
            self.cursor.shrink(int(top / share))
        return True

    def _is_far_enough(self) -> bool:
        cursor, until = self.cursor, self._until
        if until is None or not isinstance(cursor, Cursor):
            return False
        return until.is_passed(cursor.last, cursor.skip)

    def _fit(self, of_a_record: float) -> None:
        """Ask for as many records as make a page that is not too large, but slowly for more."""
        cursor = self.cursor
        if cursor is None:
            return
        self._bytes = of_a_record
        self._in_time += 1
        self._timeouts = 0
        if self._in_time >= self._patience:
            self._too_many = None
        top = min(int(LARGE_PAGE / of_a_record), 2 * cursor.top, cursor.page_size)
        if self._too_many is not None:
            top = min(top, self._too_many - 1)
        if top != cursor.top:
            cursor.shrink(top)


def _not_beyond(pages: Iterable[int], end: int) -> Iterator[int]:
    """Leave out the pages that begin where nothing is needed any more, but for the next one."""
    for number, skip in enumerate(pages):
        if number and skip >= end:
            return
        yield skip
