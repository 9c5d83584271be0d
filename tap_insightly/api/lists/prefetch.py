"""Reading lists as fast as the rate limit allows: pages are asked for before they are needed."""

from __future__ import annotations

from collections import deque
from concurrent.futures import wait
from functools import partial
from itertools import chain
from typing import TYPE_CHECKING, Any, NamedTuple

from tap_insightly.api.http.closeable import Closeable
from tap_insightly.api.http.errors import IncompleteError, PageTooLargeError
from tap_insightly.api.http.request import Request
from tap_insightly.api.http.thread_pool import DaemonThreadPool
from tap_insightly.api.lists.paged_request import PendingPage

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
    from concurrent.futures import Future

    from tap_insightly.api.http.response import Response
    from tap_insightly.api.http.session import InsightlySession
    from tap_insightly.api.lists.paged_request import PagedRequest

MOST_HELD = 24 * 2**20  # bytes of responses that wait to be read, about
TICK = 0.5  # seconds between two calls of `while_waiting`


class Page(NamedTuple):
    """A page that was read."""

    response: Response
    skip: int
    """Its offset."""
    records: Sequence[Mapping[str, Any]]
    """The records that are new: none if it only showed that another page has to be read first."""


class Prefetcher(Closeable):
    """Reads one list after the other, in order, while others are fetched by several threads.

    The pages of the list that is being read come first, then the first pages of the lists that
    come next, and so on for as many as may be held. All decisions are made in the thread that
    reads; the others only send requests.
    """

    def __init__(self, session: InsightlySession, expected: Iterable[PagedRequest] = ()) -> None:
        """Get ready; nothing is sent yet.

        Args:
            session: Where to ask.
            expected: The lists that will be read, in order; consulted only as far as there is
                room to fetch from them.
        """
        self._session = session
        self._threads = DaemonThreadPool(session.max_concurrency, "insightly")
        self._expected = iter(expected)
        self._ahead: deque[PagedRequest] = deque()
        self._now: dict[PagedRequest, None] = {}  # a set that is in order

    def read(
        self, paged_request: PagedRequest, while_waiting: Callable[[], None] | None = None
    ) -> Iterator[Page]:
        """Read a list from where it is to its end.

        Args:
            paged_request: The list.
            while_waiting: Called now and then while a response is waited for.

        Yields:
            Its pages, in order.

        Raises:
            IncompleteError: After the last page, if the list ended before its total.
            InsightlyError: As `InsightlySession.get` and `PagedRequest.accept` do.
        """
        if paged_request not in self._now:
            self.expect([paged_request])
        try:
            while not paged_request.is_done:
                self._fetch(paged_request)
                skip = paged_request.skip
                pending = self._wait(paged_request, while_waiting)
                response = self._response(paged_request, pending)
                if response is None:
                    continue
                records = paged_request.accept(response, pending.top)
                if paged_request.skip < skip:
                    self._put_back(paged_request, skip, pending)
                else:
                    _forget(paged_request, before=paged_request.skip)
                self._fetch(paged_request)
                yield Page(response, skip, records)
        finally:
            self.drop(paged_request)
        if paged_request.shortfall is not None:
            request = Request("GET", paged_request.path)
            raise IncompleteError(paged_request.shortfall, request=request)

    def expect(self, paged_requests: Iterable[PagedRequest]) -> None:
        """Say what will be read now, before everything else that is expected.

        Args:
            paged_requests: The lists, in order, such as those of one stream.
        """
        self._now = dict.fromkeys(paged_requests)
        later = [one for one in self._ahead if one not in self._now]
        self._ahead = deque([*self._now, *later])

    def drop(self, paged_request: PagedRequest) -> None:
        """Read a list no further, so that others have its room.

        Args:
            paged_request: The list.
        """
        paged_request.is_done = True
        _forget(paged_request)
        if paged_request in self._ahead:
            self._ahead.remove(paged_request)

    def ask(self, path: str, params: Mapping[str, str] | None = None) -> Future[Response]:
        """Ask for one thing, without waiting for it.

        Args:
            path: The path below the base URL.
            params: Query parameters.

        Returns:
            The response to come.
        """
        return self._threads.submit(partial(self._session.get, path, params))

    def close(self) -> None:
        """End the threads. Close the session first, to end what is under way at once."""
        self._threads.close()

    def _fetch(self, current: PagedRequest) -> None:
        """Ask for the page that is needed, and ahead of time for those that will be.

        What is read now has a budget of its own, so that what comes later cannot take it away.
        """
        if not current.is_done and current.skip not in current.pending:
            self._ask_page(current, current.skip)
        others = [one for one in self._ahead if one is not current]
        for paged_request in others:
            paged_request.look_at_first_page()  # that of the current one is read in a moment
        in_order = [current, *others]
        budget = self._budget(self._now)
        for paged_request in in_order:
            if paged_request in self._now:
                self._ask_ahead(paged_request, budget)
        budget = self._budget(self._ahead)  # which those of now are among
        later = (one for one in in_order if one not in self._now)
        for paged_request in chain(later, self._expected_from_now_on()):
            if not self._ask_ahead(paged_request, budget):
                return

    def _ask_ahead(self, paged_request: PagedRequest, budget: _Budget) -> bool:
        """Ask for the pages of a list that will be needed; tell whether there was room for all."""
        for skip in paged_request.pending_offsets():
            if skip in paged_request.pending:
                continue
            if not budget.has_room(paged_request.weight):
                return False
            self._ask_page(paged_request, skip)
            budget.spend(paged_request.weight)
        return True

    def _budget(self, paged_requests: Iterable[PagedRequest]) -> _Budget:
        """Say how much more may be asked for, besides what these lists wait for already."""
        budget = _Budget(2 * self._session.max_concurrency)  # as many again as can be under way
        for paged_request in paged_requests:
            for pending in paged_request.pending.values():
                budget.spend(pending.size)
        return budget

    def _ask_page(self, paged_request: PagedRequest, skip: int) -> None:
        # Without a limit, a page is tried again as it is; and those who stand in for a session
        # need not know of limits.
        limit = {} if paged_request.largest is None else {"largest": paged_request.largest}
        query = paged_request.query(skip)
        ask = partial(self._session.get, paged_request.path, query, paged_request.stats, **limit)
        paged_request.pending[skip] = PendingPage(
            self._threads.submit(ask), paged_request.top, paged_request.weight
        )

    def _expected_from_now_on(self) -> Iterator[PagedRequest]:
        for paged_request in self._expected:
            self._ahead.append(paged_request)
            yield paged_request

    def _wait(
        self, paged_request: PagedRequest, while_waiting: Callable[[], None] | None
    ) -> PendingPage:
        pending = paged_request.pending[paged_request.skip]
        while not wait([pending.response], TICK).done:
            self._fetch(paged_request)
            if while_waiting is not None:
                while_waiting()
        del paged_request.pending[paged_request.skip]
        return pending

    @staticmethod
    def _response(paged_request: PagedRequest, pending: PendingPage) -> Response | None:
        """Hand out a response; None if the page was too large, and smaller ones are asked for."""
        try:
            return pending.response.result()
        except PageTooLargeError as error:
            if paged_request.shrink(error, pending.top):
                _forget(paged_request)  # those that were asked for with it are as large
            return None

    @staticmethod
    def _put_back(paged_request: PagedRequest, skip: int, pending: PendingPage) -> None:
        """Keep a page that could not be read yet, for when the one before it has been read.

        Once only: if it does not fit then, things have moved on, and it is asked for again. So is
        an empty one, which may be a mistake of the server.
        """
        if skip not in paged_request.put_back and pending.response.result().count:
            paged_request.put_back.add(skip)
            paged_request.pending[skip] = pending


class _Budget:
    """How many pages and bytes may still be asked for before something is read."""

    def __init__(self, pages: int) -> None:
        self._pages = pages
        self._bytes = MOST_HELD

    def has_room(self, size: int) -> bool:
        return self._pages > 0 and self._bytes >= size

    def spend(self, size: int) -> None:
        self._pages -= 1
        self._bytes -= size


def _forget(paged_request: PagedRequest, before: int | None = None) -> None:
    """Let go of pages that nobody will read: all, or those before an offset."""
    for skip in [one for one in paged_request.pending if before is None or one < before]:
        paged_request.pending.pop(skip).response.cancel()
