"""Which slice of a list was read again when, and which has to be read now.

Records are read round and round in the order of the list. Each slice of it is due so many days
after it was read. A run reads what would be overdue at the next run, if that is as far off as the
one before; and no more, because each record that is read too early is read more often for good.
So the rounds of runs that are many in that time are almost as long as they may be.

Where runs are few, rounds are a whole number of their intervals, and may not be cut short for a
few minutes: runs once a day, one of them a minute early, are to read a seventh in each, not a
sixth. So what is overdue by no more than a quarter of an interval can wait for the next run. With
less, 100,000 records in seven days would cost more than 32 requests a day for some intervals.
"""

from __future__ import annotations

import math
from datetime import datetime, timedelta, timezone
from itertools import pairwise, takewhile
from typing import TYPE_CHECKING, Any, NamedTuple

from tap_insightly.api.lists.paged_request import PAGE_SIZE, StopPoint
from tap_insightly.api.lists.seen_keys import LARGEST_ID
from tap_insightly.values import parse_moment, utc_text

if TYPE_CHECKING:
    from collections.abc import Sequence

SLICES = 80  # of a round; what was read closer together counts as read at one time
MANY = 12  # runs in a round, from which on nothing need be overdue
LATENESS = 0.25  # of an interval, by which a record may be overdue if runs are fewer
MOST = 2**31 - 1  # records of a list that can be: no server need be asked for a place beyond

FIRST_PAGE = StopPoint(None, 1)


class ReadSlice(NamedTuple):
    """Records of a list, one after the other, that were read at one time."""

    until: StopPoint
    """Its last record."""
    time: datetime
    """When it was read, by the server's clock."""

    def saved(self) -> list[Any]:
        """Write it down in JSON, as `_restored` reads it."""
        return [self.until.last, self.until.skip, utc_text(self.time)]


class RefreshSchedule:
    """What was read of a list, and when. Knows nothing of requests."""

    def __init__(self, days: float, saved: object = None, page_size: int = PAGE_SIZE) -> None:
        """Take up what earlier runs have read, if `saved` is what they saved.

        Each record is to be read again after so many days.
        """
        self._days = timedelta(days=days)
        self._step = page_size - 1
        self.after: int | None = None
        """The last id that was read in this round; None at its beginning."""
        self.skip = 0
        """The place of that record, as far as is known."""
        self.records: int | None = None
        """How many records the list had when it was last read; None if that is not known."""
        self._ran: datetime | None = None  # the last time that all was read that was due
        self._ahead: list[ReadSlice] = []  # from `after` to the end; the oldest first
        self._behind: list[ReadSlice] = []  # from the beginning to `after`; read in this round
        try:
            self._restore(saved)
        except (KeyError, TypeError, ValueError, OverflowError):
            self.begin(None, None)  # edited, or of another program: begin anew

    @property
    def is_measured(self) -> bool:
        """Whether it is known how long the list is, so that it can be divided."""
        return self.records is not None or bool(self._ahead)

    def begin(self, ran: datetime | None, records: int | None) -> None:
        """Begin anew, with a list that was read whole at a time; None for never, or long ago."""
        self.after, self.skip, self.records = None, 0, records
        self._ran, self._ahead, self._behind = ran, [], []

    def due(self, now: datetime) -> Sequence[StopPoint | None]:
        """Say up to which records to read now, from the place where the last run ended.

        None stands for the end of the list, after which it goes on from the beginning. Nothing
        is returned if nothing is due.
        """
        if not self.is_measured:
            # One page tells, if the server tells at all; if not, the end of the list does.
            return [FIRST_PAGE if self.after is None else None]
        self._bring_up_to(now)
        slices = [*self._ahead, *self._behind]
        longest = self._days - self._foresight(now)
        count = sum(1 for _ in takewhile(lambda one: now - one.time > longest, slices))
        to_the_end = len(self._ahead)
        if count < to_the_end:
            return [one.until for one in slices[:count]][-1:]
        return [None, *[one.until for one in slices[to_the_end:count]][-1:]]

    def advance(self, last: int, skip: int, now: datetime) -> None:
        """Note that the list was read on to an id at a place, by a run that began now."""
        self.skip = skip
        if last == self.after:
            return  # it was only found again
        self.after, time = last, now
        if self._behind and now - self._behind[-1].time < self._days / SLICES:
            time = self._behind.pop().time  # one slice with what was read shortly before
        self._behind.append(ReadSlice(StopPoint(last, skip), time))
        # The last slice goes on to the end, wherever that is by now.
        while len(self._ahead) > 1 and self._ahead[0].until.is_passed(last, skip):
            del self._ahead[0]

    def begin_round(self, now: datetime) -> None:
        """Note that the list was read to its end, by a run that began now."""
        self._ahead = self._behind or [ReadSlice(StopPoint(None, 0), now)]
        self._behind = []
        self.after, self.skip = None, 0

    def end(self, now: datetime) -> None:
        """Note that all was read that was due, by a run that began now."""
        self._ran = now

    def saved(self) -> dict[str, Any]:
        """Write down in JSON what was read, for a state."""
        return {
            "after": self.after,
            "skip": self.skip,
            "records": self.records,
            "ran": utc_text(self._ran) if self._ran else None,
            "ahead": [one.saved() for one in self._ahead],
            "behind": [one.saved() for one in self._behind],
        }

    def _restore(self, saved: Any) -> None:  # noqa: ANN401 - anything that JSON can be
        after, records, ran = saved["after"], saved["records"], saved["ran"]
        self.after = None if after is None else _number(after)
        self.skip = _number(saved["skip"], MOST)
        self.records = None if records is None else _number(records, MOST)
        self._ran = None if ran is None else _moment(ran)
        self._ahead = [_restored(one) for one in saved["ahead"]]
        self._behind = [_restored(one) for one in saved["behind"]]
        times = [one.time for one in (*self._ahead, *self._behind)]
        last = self._behind[-1].until.last if self._behind else None
        is_there = last == self.after and (last is not None or self.skip == 0)
        are_there = _are_in_order(self._ahead) and _are_in_order(self._behind)
        if not is_there or not are_there or times != sorted(times):
            raise ValueError

    def _bring_up_to(self, now: datetime) -> None:
        """Take nothing for read later than now, and divide a list that was read at one time."""
        if self._ran is not None:
            self._ran = min(self._ran, now)
        for slices in (self._ahead, self._behind):
            slices[:] = [one._replace(time=min(one.time, now)) for one in slices]
        self._ahead = self._ahead or list(self._divided(now))

    def _foresight(self, now: datetime) -> timedelta:
        """Say how far ahead to look: what will be overdue by then is read now."""
        interval = now - self._ran if self._ran else timedelta()
        return max(min(interval, self._days / MANY), interval * (1 - LATENESS))

    def _divided(self, now: datetime) -> list[ReadSlice]:
        """Divide what is ahead into slices of whole pages, due one after the other.

        None is due later than so many days after it was read, but most are earlier: with the
        foresight of this run, the first one reads as much as the others will.
        """
        ran = self._ran or now
        number = max(1, (self.records or 0) - self.skip)
        size = math.ceil(number / self._step / SLICES) * self._step
        foresight = self._foresight(now)
        ends = [*range(size, number, size), number]
        return [
            ReadSlice(
                StopPoint(None, self.skip + end),
                ran - max(self._days * (1 - end / number) - foresight, timedelta()),
            )
            for end in ends
        ]


def _are_in_order(slices: Sequence[ReadSlice]) -> bool:
    """Tell whether slices follow each other: by all of their ids, or by all of their places."""
    ids = [one.until.last for one in slices if one.until.last is not None]
    ends = ids or [one.until.skip for one in slices]
    return len(ends) == len(slices) and all(one < other for one, other in pairwise(ends))


def _restored(saved: Any) -> ReadSlice:  # noqa: ANN401 - anything that JSON can be
    last, skip, time = saved
    until = StopPoint(None if last is None else _number(last), _number(skip, MOST))
    return ReadSlice(until, _moment(time))


def _number(saved: object, most: int = LARGEST_ID) -> int:
    if type(saved) is not int or not 0 <= saved <= most:
        raise ValueError
    return saved


def _moment(saved: object) -> datetime:
    if not isinstance(saved, str):
        raise ValueError  # noqa: TRY004 - to the caller it is one failure, whatever the type
    return parse_moment(saved).astimezone(timezone.utc)
