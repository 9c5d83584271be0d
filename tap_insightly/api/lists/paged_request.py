"""What to ask for to read a list, and the responses that came ahead of time."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

from tap_insightly.api.http.errors import RefusedError
from tap_insightly.api.http.stats import RequestStats
from tap_insightly.api.lists.paginator import PAGE_SIZE, SMALLEST_PAGE, OffsetPaginator

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
    from concurrent.futures import Future

    from tap_insightly.api.http.errors import PageTooLargeError
    from tap_insightly.api.http.response import Response

    Record = Mapping[str, Any]

__all__ = [
    "PAGE_SIZE",
    "OffsetPaginator",
    "OnePagePaginator",
    "PagedRequest",
    "PendingPage",
    "StopPoint",
]

LARGEST_PAGE = 8 * 2**20  # bytes of a page; what is larger is asked for in smaller ones
LARGE_PAGE = LARGEST_PAGE * 3 // 4  # bytes that pages have at the most if it can be foreseen
UNKNOWN_PAGE = 2**19  # bytes that a page is taken to have as long as none was seen
MOST_TIMEOUTS = 4  # in a row, before a page is tried again as often as any request
PAGES_TO_FORGET = 20  # pages that came in time, before larger ones are tried again


class PendingPage(NamedTuple):
    """A page that was asked for."""

    response: Future[Response]
    top: int
    """How many records were asked for."""
    weight: int
    """How many bytes it was expected to have."""

    @property
    def is_answered(self) -> bool:
        """Whether the response is there."""
        response = self.response
        return response.done() and not response.cancelled() and not response.exception()

    @property
    def size(self) -> int:
        """How many bytes it takes, as far as is known."""
        return len(self.response.result().body) if self.is_answered else self.weight


class StopPoint(NamedTuple):
    """Up to which record a list is read, if not to its end."""

    last: int | None
    """Its id; None if only its place is known."""
    skip: int
    """Its place, as far as is known: the offset of a page that begins with it."""

    def is_passed(self, last: int | None, skip: int) -> bool:
        """Tell whether a list was read that far: to this id, at this offset."""
        if self.last is None:
            return skip >= self.skip
        return last is not None and last >= self.last


class OnePagePaginator:
    """One page of a list, whatever comes before and after it; like an `OffsetPaginator` to use."""

    def __init__(self, skip: int, top: int) -> None:
        """Say where it begins, and how many records to ask for at most, from 2 to 500."""
        self.skip = skip
        self.page_size = self.top = top
        self.total: int | None = None
        """How many records the list has; None if the server did not say, or was not asked yet."""
        self.is_done = False

    def pending_offsets(self, pending: Sequence[int] = ()) -> Iterable[int]:  # noqa: ARG002 - as `OffsetPaginator` has it
        """Say which pages are needed: the one, until it was read."""
        return () if self.is_done else (self.skip,)

    def wants_total(self, skip: int) -> bool:  # noqa: ARG002 - as `OffsetPaginator` has it
        """Ask how many records there are, always."""
        return True

    def advance(
        self,
        records: Sequence[Record],
        *,
        top: int | None = None,
        total: int | None = None,
        is_fresh: bool = True,  # noqa: ARG002 - as `OffsetPaginator` has it
    ) -> Sequence[Record]:
        """Be done with the page; all of its records are new."""
        self.top, self.total, self.is_done = top or self.top, total, True
        return records

    def resize(self, top: int) -> None:
        """Ask for so many records from now on, as far as that is allowed."""
        self.top = max(SMALLEST_PAGE, min(top, self.page_size))


class PagedRequest:
    """One list or search to be read: what to ask for, and the responses that came ahead of time."""

    def __init__(
        self,
        path: str,
        params: Mapping[str, str] | None = None,
        *,
        paginator: OffsetPaginator | OnePagePaginator | None = None,
        stats: RequestStats | None = None,
        is_eager: bool = True,
        until: StopPoint | None = None,
    ) -> None:
        """Say what to read.

        Args:
            path: The path below the base URL, such as ``/Contacts``.
            params: Query parameters besides those of paging.
            paginator: Where to read; None if the list takes no paging, and comes whole.
            stats: Where to count the requests; by default nowhere else.
            is_eager: Whether to read pages ahead, once it is known how many there are.
            until: Up to which record to read, by an `OffsetPaginator`; by default to the end.
        """
        self.path = path
        self.paginator = paginator
        self.stats = stats or RequestStats()
        self.pending: dict[int, PendingPage] = {}
        """Pages asked for and not yet read, by their offset."""
        self.put_back: set[int] = set()
        """Offsets of pages that had to wait for the one before them."""
        self.is_begun = False
        """Whether a page of it was read."""
        self.is_done = False
        """Whether there is nothing left to read."""
        self.decode: Callable[[bytes], Sequence[Record]] | None = None
        """What reads the records of a page, with a ValueError if it cannot; None for the usual."""
        self._params = dict(params or {})
        self._is_eager = is_eager
        self._until = until
        self._record_size = 0.0  # in bytes, in the page before
        self._timeouts = 0  # in a row
        self._in_time = 0  # pages since the last that was too large
        self._until_larger = PAGES_TO_FORGET  # pages in time, before more records are tried again
        self._too_many: int | None = None  # records that could not be had at once

    @property
    def skip(self) -> int:
        """The offset of the page that is needed next."""
        return self.paginator.skip if self.paginator else 0

    @property
    def top(self) -> int:
        """How many records are asked for at once."""
        return self.paginator.top if self.paginator else PAGE_SIZE

    @property
    def weight(self) -> int:
        """How many bytes a page is expected to have."""
        return int(self._record_size * self.top) or UNKNOWN_PAGE

    @property
    def largest(self) -> int | None:
        """How many bytes a page may have, before a smaller one is asked for; None for any."""
        is_smallest = self.paginator is None or self.top <= SMALLEST_PAGE
        return None if is_smallest or self._timeouts >= MOST_TIMEOUTS else LARGEST_PAGE

    @property
    def shortfall(self) -> str | None:
        """What is wrong if not all was read that there is, a sentence; None if all was."""
        paginator = self.paginator
        if (
            not isinstance(paginator, OffsetPaginator)
            or not paginator.is_done
            or paginator.is_whole
        ):
            return None
        if paginator.lacks_keys:
            return f"{self.path} has records without their key, which may stand for others."
        if paginator.count is not None and paginator.count >= (paginator.total or 0):
            return (
                f"{self.path} has pages that do not overlap, as they lack too many records that "
                "this user may not see, or have one at a time. What others did meanwhile may be "
                "missing."
            )
        count = "some" if paginator.count is None else f"{paginator.count:,}"
        total = "more" if paginator.total is None else f"{paginator.total:,}"
        return (
            f"{self.path} ended after {count} of {total} records. Either Insightly counts records "
            "that this user may not see, or it does not hand out all."
        )

    def pending_offsets(self) -> Iterable[int]:
        """Say which pages will be needed, as far as is known.

        Returns:
            Offsets in ascending order, of which the first is `skip`; none if all was read.
        """
        paginator = self.paginator
        if self.is_done:
            return ()
        if paginator is None:
            return (0,)
        if not self._is_eager:
            return (paginator.skip,)
        pages = paginator.pending_offsets(sorted(self.pending))
        until = self._until
        return pages if until is None else _not_beyond(pages, until.skip)

    def look_at_first_page(self) -> None:
        """Learn from the first page, if its response is there, before it is its turn to be read.

        The next pages can be planned then.
        """
        paginator = self.paginator
        if self.is_begun or not self._is_eager or not isinstance(paginator, OffsetPaginator):
            return
        pending = self.pending.get(paginator.skip)
        if pending is not None and pending.is_answered:
            first = pending.response.result()
            paginator.expect_first_page(first.count, first.total)

    def query(self, skip: int) -> dict[str, str]:
        """Say how to ask for a page.

        Args:
            skip: Its offset.

        Returns:
            Query parameters.
        """
        if self.paginator is None:
            return self._params
        paging = {"top": str(self.paginator.top), "skip": str(skip)}
        if self.paginator.wants_total(skip):
            paging["count_total"] = "true"  # costs nothing
        return self._params | paging

    def accept(self, response: Response, top: int | None = None) -> Sequence[Record]:
        """Read the page at `skip`, and move on.

        Args:
            response: The response.
            top: How many records were asked for; by default as many as are asked for now.

        Returns:
            The records of the page that are new.

        Raises:
            RefusedError: If the server does not page.
        """
        self.is_begun = True
        if self.paginator is None:
            self.is_done = True
            return response.records_by(self.decode)
        found = response.records_by(self.decode)
        is_fresh = self.skip not in self.put_back
        try:
            records = self.paginator.advance(
                found, top=top, total=response.total, is_fresh=is_fresh
            )
        except RefusedError as error:
            error.set_request("GET", self.path)
            raise
        self.is_done = self.paginator.is_done or self._is_far_enough()
        if found:
            self._fit(len(response.body) / len(found))
        return records

    def shrink(self, error: PageTooLargeError, top: int) -> bool:
        """Ask for fewer records, because a page was too large, or took too long.

        One that took too long is asked for once more as it is: most likely that was by chance.

        Args:
            error: Why.
            top: How many records were asked for.

        Returns:
            Whether fewer are asked for from now on.
        """
        self._in_time = 0
        self._timeouts += error.size is None
        is_known = self.paginator is None or top > self.paginator.top  # as of one asked for before
        if is_known or (error.size is None and self._timeouts == 1):
            return False
        share = 4.0 if error.size is None else max(4.0, 2 * error.size / LARGEST_PAGE)
        self._too_many, self._until_larger = top, 2 * self._until_larger
        if self.paginator is not None:
            self.paginator.resize(int(top / share))
        return True

    def _is_far_enough(self) -> bool:
        paginator, until = self.paginator, self._until
        if until is None or not isinstance(paginator, OffsetPaginator):
            return False
        return until.is_passed(paginator.last, paginator.skip)

    def _fit(self, record_size: float) -> None:
        """Ask for as many records as make a page that is not too large, but slowly for more."""
        paginator = self.paginator
        if paginator is None:
            return
        self._record_size = record_size
        self._in_time += 1
        self._timeouts = 0
        if self._in_time >= self._until_larger:
            self._too_many = None
        top = min(int(LARGE_PAGE / record_size), 2 * paginator.top, paginator.page_size)
        if self._too_many is not None:
            top = min(top, self._too_many - 1)
        if top != paginator.top:
            paginator.resize(top)


def _not_beyond(pages: Iterable[int], end: int) -> Iterator[int]:
    """Leave out the pages that begin where nothing is needed any more, but for the next one."""
    for number, skip in enumerate(pages):
        if number and skip >= end:
            return
        yield skip
