"""Reading a list from a place on, forward or backward, for as many requests as there are."""

from __future__ import annotations

from bisect import bisect_left
from contextlib import closing
from typing import TYPE_CHECKING, Any

from tap_insightly.api import IncompleteError, OffsetPaginator, PagedRequest, Prefetcher
from tap_insightly.api.records.reading import id_of
from tap_insightly.mcp.cursors import Place
from tap_insightly.mcp.limits import CallError

if TYPE_CHECKING:
    from collections.abc import Generator, Mapping

    from tap_insightly.api import InsightlyObject, Response
    from tap_insightly.mcp.call import Call

    Record = dict[str, Any]
    Found = Generator[tuple[Record, Place]]


class Scan:
    """Reads one list or search."""

    def __init__(
        self, call: Call, obj: InsightlyObject, path: str, params: Mapping[str, str], page: int
    ) -> None:
        """Say what to read, and how many records to ask for at once."""
        self._call = call
        self._obj = obj
        self._path = path
        self._params = {**obj.needs, **params}
        self._page = max(2, page)
        self.is_cut = False
        """Whether it ended because no more requests may be sent."""
        self.note: str | None = None
        """What is wrong with the list, if anything."""

    def forward(self, place: Place | None) -> Found:
        """Go through records from a place on, the oldest first, each with its place."""
        key = self._obj.key
        if key is None or not self._obj.is_paged:
            yield from self._whole(place)
            return
        start = {} if place is None else {"after": place.last, "skip": place.skip}
        paginator = OffsetPaginator([key], page_size=self._page, **start)  # type: ignore[arg-type]  # both as it has them
        request = PagedRequest(
            self._path,
            self._params,
            paginator=paginator,
            stats=self._call.stats,
            is_eager=False,
        )
        with (
            Prefetcher(self._call.client.session) as prefetcher,
            closing(prefetcher.read(request)) as pages,  # type: ignore[type-var]  # a generator
        ):
            try:
                for page in pages:
                    begin = page.skip + page.response.count - len(page.records)
                    for at, record in enumerate(page.records, begin):
                        yield dict(record), Place(at, id_of(record, key))
                    if not request.is_done and self._call.left < 1:
                        self.is_cut = True
                        return
            except IncompleteError as error:
                self.note = str(error)

    def backward(self, place: Place | None) -> Found:
        """Go through records from a place on, the newest first, each with its place."""
        key = self._obj.key
        if key is None or not self._obj.is_paged:
            msg = f"{self._obj.name}: these have no order of age; leave newest_first out."
            raise CallError(msg)
        index, before = self._end() if place is None else place
        while index > 0:
            if self._call.left < 1:
                self.is_cut = True
                return
            older, begin = self._page_before(index, before, key)
            for at in range(len(older) - 1, -1, -1):
                before = id_of(older[at], key)
                yield older[at], Place(begin + at, before)
            if not older:
                return
            index = begin

    def _whole(self, place: Place | None) -> Found:
        """Go through a list that comes whole, or whose records have no ids."""
        begin = 0 if place is None else place.skip + 1
        records = self._call.client.records(self._path, params=self._params)
        for at, record in enumerate(records):
            if at >= begin:
                yield dict(record), Place(at, None)

    def _end(self) -> tuple[int, int | None]:
        total = self._ask(0, 1, {"count_total": "true"}).total
        if total is None:
            msg = f"{self._path}: Insightly tells no total of these; leave newest_first out."
            raise CallError(msg)
        return total, None

    def _ask(self, skip: int, top: int, more: Mapping[str, str] | None = None) -> Response:
        query = {**self._params, "skip": str(skip), "top": str(top), **(more or {})}
        return self._call.client.session.get(self._path, query)

    def _page_before(self, index: int, before: int | None, key: str) -> tuple[list[Record], int]:
        """Find the records right before an id, in their order, and where the first of them is.

        Where that id was may be another place by now. So a page counts only if it reaches as far
        as to it, or to the end of the list; then none can lie in between.
        """
        skip = max(0, index - self._page)
        older: list[Record] = []
        begin = skip
        while True:
            found = [dict(one) for one in self._ask(skip, self._page + 1).records]
            ids = [id_of(one, key) or 0 for one in found]
            if ids != sorted(ids):
                msg = f"{self._path}: these are not in order of age; leave newest_first out."
                raise CallError(msg)
            own = found[: len(ids) if before is None else bisect_left(ids, before)]
            if not found and (older or skip == 0):
                return older, begin
            if found and len(own) == len(found) and before is not None and self._call.left:
                # All are older, so others may come between them and that id.
                older, begin, skip = own, skip, skip + len(found)
                continue
            if own or skip == 0:
                return (own, skip) if own else (older, begin)
            if older:
                return older, begin
            if not self._call.left:
                self.is_cut = True
                return [], 0
            skip = max(0, skip - self._page)
