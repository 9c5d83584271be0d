"""The whole list of a stream's records, asked for in ways that tell what is gone or came back."""

from __future__ import annotations

from bisect import bisect_left
from contextlib import suppress
from typing import TYPE_CHECKING, Any, NamedTuple

from tap_insightly.api import IncompleteError, PagedRequest
from tap_insightly.api.lists.paged_request import OnePagePaginator
from tap_insightly.api.lists.paginator import SMALLEST_PAGE, OffsetPaginator

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence

    from tap_insightly.api import Page, RequestStats
    from tap_insightly.api.lists.deletion_search import DeletionSearch
    from tap_insightly.streams import InsightlyStream

    Read = Callable[[Sequence[PagedRequest]], Iterator[Page]]
    """Reads lists, one after the other."""


class UnorderedError(Exception):
    """The ids of the list do not ascend, so that it tells nothing of what is gone."""


class Entry(NamedTuple):
    """A record of the list."""

    record_id: int
    place: int
    record: Mapping[str, Any]


class IdList:
    """Makes the requests for the list of one stream, and reads their answers."""

    def __init__(self, stream: InsightlyStream, stats: RequestStats) -> None:
        """Ask for the list at the path of a stream."""
        (self.key,) = stream.own_key
        self.page_size: int = stream.config["page_size"]
        self._path = stream.path
        self._stats = stats

    def paginator(self, *, after: int | None = None, skip: int = 0) -> OffsetPaginator:
        """Begin at the beginning, or behind a record at a place."""
        return OffsetPaginator([self.key], page_size=self.page_size, after=after, skip=skip)

    def brief(self, paginator: OffsetPaginator | OnePagePaginator) -> PagedRequest:
        """Ask for no more of the records than ids and dates."""
        params = {"brief": "true"}
        return PagedRequest(self._path, params, paginator=paginator, stats=self._stats)

    def pages(self, search: DeletionSearch) -> list[PagedRequest]:
        """Ask for the pages that a search wants."""
        return [self.brief(OnePagePaginator(skip, self.page_size)) for skip in search.wanted]

    def entries(self, paginator: OffsetPaginator, read: Read) -> Iterator[Entry]:
        """Read on from where a paginator is; whether to the end, it tells afterwards.

        Raises:
            UnorderedError: If ids do not ascend, behind those that do.
        """
        with suppress(IncompleteError):
            for page in read([self.brief(paginator)]):
                if not paginator.ascends:
                    break
                new = {record.get(self.key) for record in page.records}
                for place, record in enumerate(page.response.records, page.skip):
                    record_id: Any = record.get(self.key)  # without one, nothing ascends
                    if record_id in new:
                        yield Entry(record_id, place, record)
        if not paginator.ascends:
            raise UnorderedError

    def records_at(self, places: Mapping[int, int], read: Read) -> Iterator[Entry]:
        """Read records whole by id and place; what has moved meanwhile is left out."""
        left = dict(places)
        while left:
            windows = list(self._windows_over(left.values()))
            requests = [
                PagedRequest(self._path, paginator=window, stats=self._stats) for window in windows
            ]
            seen = []
            for page, window in zip(read(requests), windows, strict=True):
                for place, record in enumerate(page.records, window.skip):
                    if (record_id := record.get(self.key)) in left:
                        yield Entry(record_id, place, record)
                        del left[record_id]
                seen.append(range(window.skip, window.skip + max(1, len(page.records))))
            left = {one: at for one, at in left.items() if not any(at in span for span in seen)}

    def _windows_over(self, places: Iterable[int]) -> Iterator[OnePagePaginator]:
        """Cover places with as few pages as will do, none longer than it has to be."""
        rest = sorted(places)
        while rest:
            first = rest[0]
            near = rest[: bisect_left(rest, first + self.page_size)]
            yield OnePagePaginator(first, max(SMALLEST_PAGE, near[-1] - first + 1))
            rest = rest[len(near) :]
