"""Reading lists at the speed of the pace: what will be needed is asked for ahead of time."""

from __future__ import annotations

from collections import deque
from concurrent.futures import Future, wait
from functools import partial
from itertools import chain
from typing import TYPE_CHECKING, Any, NamedTuple

from tap_insightly.api.closing import Closing
from tap_insightly.api.crew import Crew

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence

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
        self._held = 0
        self._largest = 1

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
            InsightlyError: As `InsightlySession.get` and `Listing.take` do.
        """
        if listing not in self._now:
            self.expect([listing])
        try:
            while not listing.is_done:
                self._fetch(listing)
                skip = listing.skip
                answer = self._wait(listing, while_waiting)
                records = listing.take(answer)
                if listing.skip < skip:
                    self._put_back(listing, skip, answer)
                self._fetch(listing)
                yield Page(answer, skip, records)
        finally:
            self.drop(listing)

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
        for future in listing.answers.values():
            future.cancel()
        self._held -= len(listing.answers)
        listing.answers.clear()
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

    @property
    def _room(self) -> int:
        most = 2 * self._session.max_concurrency  # as many again as can be under way
        return max(1, min(most, MOST_HELD // self._largest))

    def _fetch(self, current: Listing) -> None:
        """Ask for what is needed, and for what will be, as far as there is room.

        What is read now has room of its own, so that what comes later cannot take it away.
        """
        room = self._room
        held_now = sum(len(listing.answers) for listing in self._now)
        for listing in chain([current], self._coming(current)):
            is_now = listing in self._now
            for skip in listing.ahead():
                if skip in listing.answers:
                    continue
                is_needed = listing is current and skip == listing.skip
                if (held_now if is_now else self._held) >= room and not is_needed:
                    if not is_now:
                        return
                    break
                ask = partial(self._session.get, listing.path, listing.query(skip), listing.tally)
                listing.answers[skip] = self._crew.submit(ask)
                self._held += 1
                held_now += is_now

    def _coming(self, current: Listing) -> Iterator[Listing]:
        yield from (listing for listing in tuple(self._ahead) if listing is not current)
        for listing in self._expected:
            self._ahead.append(listing)
            if listing is not current:
                yield listing

    def _wait(self, listing: Listing, while_waiting: Callable[[], None] | None) -> Answer:
        future = listing.answers[listing.skip]
        while not wait([future], TICK).done:
            self._fetch(listing)
            if while_waiting is not None:
                while_waiting()
        del listing.answers[listing.skip]
        self._held -= 1
        answer = future.result()
        self._largest = max(self._largest, len(answer.body))
        return answer

    def _put_back(self, listing: Listing, skip: int, answer: Answer) -> None:
        """Keep a page that could not be read yet, for when the one before it has been read.

        Once only: if it does not fit then, things have moved on, and it is asked for again.
        """
        if skip not in listing.put_back:
            listing.put_back.add(skip)
            kept: Future[Answer] = Future()
            kept.set_result(answer)
            listing.answers[skip] = kept
            self._held += 1
