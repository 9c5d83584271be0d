"""Finding what is gone from a list without reading it: by where its ids stand.

Lists come in ascending order of the ids (seen live), and new records get the highest. So the place
of a record tells how many of those known before it are gone: the record that was the 1,000th and
is the 998th now has lost two. One page at the place where the last known one has to be proves that
nothing is missing; if it does not, ranges between two records whose places are known are halved
until a page shows what is missing. That takes some log2(pages) requests for each cluster of
deletions, and never more than to read the list.

An id is called gone only because a page lacks it that holds what comes before and after it, or
begins or ends with the list: so no record that is there is called gone, whatever is created or
deleted meanwhile. It ends with the list only where the total that came with it says so, and where
nothing was found further on.

If pages hold fewer records than were asked for, that may be as many as the server hands out at
once; but if it is not always the same number, places tell nothing, and the list has to be read.
Nor do they without totals.

Places of pages that were asked for at different times may disagree if something
was; then a range is given up, and what is missing in it is found another time. The same goes for
a record that has come back and another that went, in the same range: they cancel out.
"""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from enum import Enum, auto
from typing import TYPE_CHECKING, NamedTuple

from tap_insightly.api.lists.id_set import IdSet
from tap_insightly.api.lists.paginator import PAGE_SIZE
from tap_insightly.api.lists.seen_keys import are_ascending_ids

if TYPE_CHECKING:
    from collections.abc import Sequence


class Obstacle(Enum):
    """Why a search cannot tell what is gone."""

    UNORDERED_IDS = auto()
    MEANINGLESS_OFFSETS = auto()


class _Range(NamedTuple):
    """Known ids and places in the list of which it is known that they belong together."""

    low: int
    """The index of the known id before the first one; -1 at the beginning."""
    low_place: int
    """The place of the record before the first one; -1 at the beginning."""
    high: int
    """The index of the known id after the last one."""
    high_place: int
    """The place of the record after the last one, or one behind it while `is_open`."""
    is_open: bool = False
    """Whether records that were created since may stand before `high_place`."""

    @property
    def known(self) -> int:
        return self.high - self.low - 1

    @property
    def listed(self) -> int:
        return self.high_place - self.low_place - 1

    @property
    def size(self) -> int:
        return self.known + self.listed

    @property
    def is_settled(self) -> bool:
        # Fewer than no records: the list has changed between two pages.
        expected = 0 if self.is_open else self.listed
        return self.listed < 0 or self.known == expected


class DeletionSearch:
    """Which of the known ids are gone. Says what to ask for; knows nothing of requests."""

    def __init__(self, known: Sequence[int], *, page_size: int = PAGE_SIZE) -> None:
        """Start with nothing asked.

        Args:
            known: The ids that the list is known to have had, in ascending order.
            page_size: How many records a page has, from 2 to 500.
        """
        self.known = known
        self.page_size = page_size
        self.gone = IdSet()
        """Known ids that the list does not have any more."""
        self.found = IdSet()
        """Ids that the list has between known ones, and that were not known."""
        self.obstacle: Obstacle | None = None
        """Why the search was given up; None if it was not."""
        self.places: dict[int, int] = {}
        """Where those of `found` stood, as offsets."""
        self.total: int | None = None
        """How many records the list has, as far as the server said."""
        self._cap: int | None = None  # the most that comes at once, as far as it seems
        self._nothing_from: int | None = None  # a place from which on nothing was found
        self._step = page_size
        last = len(known) - 1
        # The last one has to be at this place; it is behind everything known, whatever is there.
        end = _Range(-1, -1, last + 1, last + 1, is_open=True)
        self._asked = {last: end} if known else {}

    @property
    def is_possible(self) -> bool:
        """Whether ids ascend; if not, nothing can be told."""
        return self.obstacle is not Obstacle.UNORDERED_IDS

    @property
    def is_misled(self) -> bool:
        """Whether places tell nothing, so that the list has to be read to find what is gone."""
        return self.obstacle is Obstacle.MEANINGLESS_OFFSETS

    @property
    def wanted(self) -> Sequence[int]:
        """Offsets of pages that are needed now; none once all is known that can be."""
        return tuple(self._asked)

    def add_page(
        self, skip: int, ids: Sequence[object], total: int | None = None, top: int | None = None
    ) -> None:
        """Compare one of the pages that were wanted.

        Args:
            skip: Its offset.
            ids: The ids of its records, in the order in which they came.
            total: How many records the list has, as far as the server said with this page.
            top: How many were asked for; by default a whole page.
        """
        part = self._asked.pop(skip, None)
        if part is None:
            return  # nothing is wanted any more
        if not are_ascending_ids(ids):
            self._give_up(Obstacle.UNORDERED_IDS)
            return
        numbers: list[int] = list(ids)  # type: ignore[arg-type]  # they are ids
        self.total = total
        size = top or self.page_size
        if self._misleads(skip, len(numbers), size):
            self._give_up(Obstacle.MEANINGLESS_OFFSETS)
            return
        if not numbers and skip:
            self._nothing_from = min(skip, self._nothing_from or skip)
        is_end = self._is_end(skip, len(numbers), size)
        # A page behind the end shows nothing of what is before it.
        if numbers or (is_end and not skip):
            self._compare(skip, numbers, is_end=is_end)
        self._ask_for_rests(part, skip, numbers, is_end=is_end)

    def _give_up(self, obstacle: Obstacle) -> None:
        self.obstacle = obstacle
        self._asked.clear()

    def _misleads(self, skip: int, number: int, size: int) -> bool:
        """Learn how many records come at once; tell whether places mean nothing."""
        total = self.total
        if total is None or (number and skip + number > total):
            return True
        if skip + number >= total:
            return False
        if not number:
            return True  # in the middle of the list
        is_other = number < size if self._cap is None else number != min(self._cap, size)
        is_first = self._cap is None
        if is_other and is_first:
            self._cap = self.page_size = number
        return is_other and not is_first

    def _is_end(self, skip: int, number: int, size: int) -> bool:
        """Tell whether a page ends with the list."""
        is_told = number < size and skip + number == self.total
        nothing = self._nothing_from
        return is_told and (nothing is None or skip + size >= nothing)

    def _compare(self, skip: int, ids: list[int], *, is_end: bool) -> None:
        known = self.known
        start = bisect_left(known, ids[0]) if skip else 0
        stop = len(known) if is_end else bisect_right(known, ids[-1])
        there = set(ids)
        self.gone.update(one for one in known[start:stop] if one not in there)
        own = set(known[start:stop])
        found = {one: skip + at for at, one in enumerate(ids) if one not in own}
        self.found.update(one for one in found if one < known[-1])
        self.places |= found

    def _ask_for_rests(self, part: _Range, skip: int, ids: list[int], *, is_end: bool) -> None:
        """Ask for what the page has left open of the range it was asked for."""
        known = self.known
        start, stop = 0, len(ids)
        if part.low >= 0:
            start = bisect_right(ids, known[part.low])
        if part.high < len(known):
            stop = bisect_left(ids, known[part.high])
        elif part.is_open:
            stop = bisect_right(ids, known[-1])
        if start >= stop:  # nothing of the range is on the page: it is before it, or nowhere
            if part.is_open and skip and not start:
                self._ask(part._replace(high_place=min(part.high_place, skip)), part)
            return
        if start == 0 and skip:
            before = bisect_left(known, ids[0])
            self._ask(_Range(part.low, part.low_place, before, skip), part)
        if stop == len(ids) and not is_end:
            after = bisect_right(known, ids[-1]) - 1
            place = skip + len(ids) - 1
            self._ask(part._replace(low=after, low_place=place), part)

    def _ask(self, part: _Range, whole: _Range) -> None:
        if part.is_settled or part.size >= whole.size:
            return
        size, first = self.page_size, part.low_place + 1
        if part.is_open:
            skip = self._before_the_end(part, first)
        elif part.listed < 2 * size:
            skip = max(first - 1, 0)  # with the record before it, so that nothing is between
        else:
            skip = first + (part.listed - size) // 2
        if skip not in self._asked:
            self._asked[skip] = part

    def _before_the_end(self, part: _Range, first: int) -> int:
        """Say where to look for the end of what is known, and of the list if that is shorter."""
        # It is most likely just before that; if much was created since, further back.
        skip = part.high_place - self._step
        self._step *= 2
        total, size = self.total or 0, self.page_size
        if total < part.high_place - size:
            skip = min(skip, total - size // 2)
        skip = max(first - 1, skip, 0)
        behind = skip + size
        # If the page ends with the list, by the total, that counts only if nothing is behind it.
        if total < behind < (self._nothing_from or behind + 1):
            self._asked.setdefault(behind, part._replace(low=part.high - 1))
        return skip
