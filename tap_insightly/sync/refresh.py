"""Reading all records again, some in each sync: for fields that change without a date.

Calculated fields and last-activity dates may change while the date of the record's update does not
(assumed: with other CRMs it is so), and then no search by date finds it. Records also come back
that were lost on the way, whatever the reason: they are sent whole.
"""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from typing import TYPE_CHECKING, Any

from tap_insightly.api.http.errors import IncompleteError
from tap_insightly.api.lists.paged_request import PAGE_SIZE, OffsetPaginator, PagedRequest
from tap_insightly.api.lists.seen_keys import are_ascending_ids
from tap_insightly.sync.refresh_schedule import RefreshSchedule

if TYPE_CHECKING:
    from collections.abc import Callable, Generator, Iterator, Sequence
    from datetime import datetime

    from tap_insightly.api import Page
    from tap_insightly.api.http.stats import RequestStats
    from tap_insightly.api.lists.paged_request import StopPoint

    Read = Callable[[Sequence[PagedRequest]], Iterator[Page]]

REFRESH = "refresh"
"""The key in a stream's state. What is under it:

- ``after``, ``skip``: the last id that was read in this round through the list, and its place;
  None and 0 at its beginning.
- ``records``: how many records the list had, None if that is not known.
- ``ran``: when all was last read that was due.
- ``behind``, ``ahead``: the parts of the list before and after that place, in order, each with its
  last id (None if only its place is known), the place of that, and when it was read.

All times are by the server's clock.
"""


class Refresh:
    """What one sync reads again of one list."""

    def __init__(
        self,
        path: str,
        key: str,
        *,
        days: float,
        saved: object = None,
        page_size: int = PAGE_SIZE,
        stats: RequestStats | None = None,
    ) -> None:
        """Find out how far earlier syncs have come; nothing is sent yet.

        Each record is to be read again after so many days; `saved` is what the stream's state
        holds under `REFRESH`.
        """
        self._path = path
        self._key = key
        self._page_size = page_size
        self._stats = stats
        self._schedule = RefreshSchedule(days, saved, page_size)
        self._states: list[dict[str, Any]] = []
        self.trouble: str | None = None
        """What came in between, a sentence for the log; None if nothing did."""

    def keep_in(self, state: dict[str, Any]) -> None:
        """Write to a state what was read, from now on."""
        self._states.append(state)
        self._keep()

    def begin(self, moment: datetime, records: int | None) -> None:
        """Note that the stream itself was read whole, so that nothing need be read again."""
        self._schedule.begin(moment, records)
        self._keep()

    def planned(self, now: datetime) -> int:
        """Say how many requests `pages` will send, if the list is as it was.

        At least so many, if the list was never read before.
        """
        requests, after, skip = 0, self._schedule.after, self._schedule.skip
        for until in self._schedule.due(now):
            paged_request, paginator = self._request(after, skip, until)
            paginator.total = self._schedule.records
            requests += sum(1 for _ in paged_request.pending_offsets())
            after, skip = None, 0
        return requests

    def pages(self, read: Read, now: datetime) -> Iterator[Page]:
        """Read what is due, from where the last run ended, round and round; records are whole.

        Whoever takes the next page has sent the records of this one: what is kept in the state
        counts it as read then. `now` is the server's time before anything is asked for.

        Raises:
            InsightlyError: If the API ends the sync.
        """
        for until in self._schedule.due(now):
            if not (yield from self._read(until, read, now)):
                return
        if not self._schedule.is_measured and not (yield from self._read(None, read, now)):
            return
        self._schedule.end(now)
        self._keep()

    def _read(
        self, until: StopPoint | None, read: Read, now: datetime
    ) -> Generator[Page, None, bool]:
        """Read on to a record, or to the end of the list. Returns whether that can be done."""
        schedule = self._schedule
        paged_request, paginator = self._request(schedule.after, schedule.skip, until)
        try:
            for page in read([paged_request]):
                yield page
                if not paginator.ascends:
                    self._give_up()
                    return False
                if paginator.total is not None:
                    schedule.records = paginator.total
                if paginator.last is not None:
                    schedule.advance(paginator.last, paginator.skip, now)
                self._keep()
        except IncompleteError as error:
            self.trouble = str(error)
            if paginator.passed_ids:
                return False  # the next run may get further; if not, it leaves out the rest
        if not paginator.is_done:
            return True
        schedule.begin_round(now)
        self._keep()
        return True

    def _give_up(self) -> None:
        """Without ids that ascend, nothing tells what was read when records come and go."""
        self.trouble = f"{self._path} is not refreshed, because ids do not ascend in it."
        self._schedule.begin(None, None)
        self._keep()

    def _request(
        self, after: int | None, skip: int, until: StopPoint | None
    ) -> tuple[PagedRequest, OffsetPaginator]:
        # How many records came before is not known: some are gone since.
        paginator = OffsetPaginator(
            [self._key], page_size=self._page_size, after=after, skip=skip, before=None
        )
        return PagedRequest(
            self._path, paginator=paginator, stats=self._stats, until=until
        ), paginator

    def _keep(self) -> None:
        for state in self._states:
            state[REFRESH] = self._schedule.saved()


def gone_in(page: Page, key: str, known: Sequence[int]) -> list[int]:
    """Return the known ids that a page lacks between its first and its last one.

    The page has new records only if nothing can lie between them that it lacks.
    """
    ids: list[Any] = [record.get(key) for record in page.response.records]
    if not page.records or not are_ascending_ids(ids):
        return []
    there = set(ids)
    between = known[bisect_left(known, ids[0]) : bisect_right(known, ids[-1])]
    return [one for one in between if one not in there]
