"""Reading lists at the speed of the pace: what will be needed is asked for ahead of time."""

from __future__ import annotations

from collections import deque
from concurrent.futures import wait
from functools import partial
from itertools import chain
from typing import TYPE_CHECKING, Any, NamedTuple

from tap_insightly.api.closing import Closing
from tap_insightly.api.crew import Crew
from tap_insightly.api.errors import IncompleteError, PageTooLargeError
from tap_insightly.api.paging import Asked

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
    from concurrent.futures import Future

    from tap_insightly.api.answer import Answer
    from tap_insightly.api.paging import Listing
    from tap_insightly.api.session import InsightlySession

MOST_HELD = 24 * 2**20  # bytes of answers that wait to be read, about
TICK = 0.5  # seconds between two looks at something else while waiting for an answer


class Page(NamedTuple):
    """A page that was read."""

    answer: Answer
    skip: int
    """Its offset."""
    records: Sequence[Mapping[str, Any]]
    """The records that are new: none if it only showed that another page has to be read first."""


class Reader(Closing):
    """Reads one list after the other, in order, while others are fetched by several threads.

    The pages of the list that is being read come first, then the first pages of the lists that
    come next, and so on for as many as may be held. All decisions are made in the thread that
    reads; the others only send requests.
    """

    def __init__(self, session: InsightlySession, expected: Iterable[Listing] = ()) -> None:
        """Get ready; nothing is sent yet.

        Args:
            session: Where to ask.
            expected: The lists that will be read, in order; consulted only as far as there is
                room to fetch from them.
        """
        self._session = session
        self._crew = Crew(session.max_concurrency, "insightly")
        self._expected = iter(expected)
        self._ahead: deque[Listing] = deque()
        self._now: dict[Listing, None] = {}  # a set that is in order

    def read(
        self, listing: Listing, while_waiting: Callable[[], None] | None = None
    ) -> Iterator[Page]:
        """Read a list from where it is to its end.

        Args:
            listing: The list.
            while_waiting: Called now and then while an answer lets wait for itself.

        Yields:
            Its pages, in order.

        Raises:
            IncompleteError: After the last page, if the list ended before its total.
            InsightlyError: As `InsightlySession.get` and `Listing.take` do.
        """
        if listing not in self._now:
            self.expect([listing])
        try:
            while not listing.is_done:
                self._fetch(listing)
                skip = listing.skip
                asked = self._wait(listing, while_waiting)
                answer = self._answer(listing, asked)
                if answer is None:
                    continue
                records = listing.take(answer, asked.top)
                if listing.skip < skip:
                    self._put_back(listing, skip, asked)
                else:
                    _forget(listing, before=listing.skip)
                self._fetch(listing)
                yield Page(answer, skip, records)
        finally:
            self.drop(listing)
        if listing.shortfall is not None:
            raise IncompleteError(listing.shortfall)

    def expect(self, listings: Iterable[Listing]) -> None:
        """Say what will be read now, before everything else that is expected.

        Args:
            listings: The lists, in order, such as those of one stream.
        """
        self._now = dict.fromkeys(listings)
        later = [one for one in self._ahead if one not in self._now]
        self._ahead = deque([*self._now, *later])

    def drop(self, listing: Listing) -> None:
        """Take in that a list will not be read any further, so that others have its room.

        Args:
            listing: The list.
        """
        listing.is_done = True
        _forget(listing)
        if listing in self._ahead:
            self._ahead.remove(listing)

    def ask(self, path: str, params: Mapping[str, str] | None = None) -> Future[Answer]:
        """Ask for one thing, without waiting for it.

        Args:
            path: The path, text.
            params: Query parameters.

        Returns:
            The answer to come.
        """
        return self._crew.submit(partial(self._session.get, path, params))

    def close(self) -> None:
        """End the threads. Close the session first, to end what is under way at once."""
        self._crew.close()

    def _fetch(self, current: Listing) -> None:
        """Ask for what is needed, and for what will be, as far as there is room.

        What is read now has room of its own, so that what comes later cannot take it away.
        """
        room_now = self._room(self._now)
        room = self._room(self._ahead)  # which those of now are among
        for listing in chain([current], self._coming(current)):
            is_now = listing in self._now
            own = room_now if is_now else room
            for skip in listing.ahead():
                if skip in listing.asked:
                    continue
                is_needed = listing is current and skip == listing.skip
                if not own.has(listing.weight) and not is_needed:
                    if not is_now:
                        return
                    break
                self._ask_page(listing, skip)
                room.take(listing.weight)
                if is_now:
                    room_now.take(listing.weight)

    def _room(self, listings: Iterable[Listing]) -> _Room:
        room = _Room(2 * self._session.max_concurrency)  # as many again as can be under way
        for listing in listings:
            for asked in listing.asked.values():
                room.take(asked.size)
        return room

    def _ask_page(self, listing: Listing, skip: int) -> None:
        # Without a limit, a page is tried again as it is; and those who stand in for a session
        # need not know of limits.
        limit = {} if listing.largest is None else {"largest": listing.largest}
        query = listing.query(skip)
        ask = partial(self._session.get, listing.path, query, listing.tally, **limit)
        listing.asked[skip] = Asked(self._crew.submit(ask), listing.top, listing.weight)

    def _coming(self, current: Listing) -> Iterator[Listing]:
        yield from (listing for listing in tuple(self._ahead) if listing is not current)
        for listing in self._expected:
            self._ahead.append(listing)
            if listing is not current:
                yield listing

    def _wait(self, listing: Listing, while_waiting: Callable[[], None] | None) -> Asked:
        asked = listing.asked[listing.skip]
        while not wait([asked.answer], TICK).done:
            self._fetch(listing)
            if while_waiting is not None:
                while_waiting()
        del listing.asked[listing.skip]
        return asked

    @staticmethod
    def _answer(listing: Listing, asked: Asked) -> Answer | None:
        """Hand out an answer; None if the page was too large, and smaller ones are asked for."""
        try:
            return asked.answer.result()
        except PageTooLargeError as error:
            if listing.lower(error, asked.top):
                _forget(listing)  # those that were asked for with it are as large
            return None

    @staticmethod
    def _put_back(listing: Listing, skip: int, asked: Asked) -> None:
        """Keep a page that could not be read yet, for when the one before it has been read.

        Once only: if it does not fit then, things have moved on, and it is asked for again. So is
        an empty one, which may be a mistake of the server.
        """
        if skip not in listing.put_back and asked.answer.result().count:
            listing.put_back.add(skip)
            listing.asked[skip] = asked


class _Room:
    """How much more may be asked for before something is read."""

    def __init__(self, pages: int) -> None:
        self._pages = pages
        self._bytes = MOST_HELD

    def has(self, size: int) -> bool:
        return self._pages > 0 and self._bytes >= size

    def take(self, size: int) -> None:
        self._pages -= 1
        self._bytes -= size


def _forget(listing: Listing, before: int | None = None) -> None:
    """Let go of pages that nobody will read: all, or those before an offset."""
    for skip in [one for one in listing.asked if before is None or one < before]:
        listing.asked.pop(skip).answer.cancel()
