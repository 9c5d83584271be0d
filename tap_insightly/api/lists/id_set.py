"""Sets of ids: as Python's, for 8 bytes an id where those take a hundred."""

from __future__ import annotations

from array import array
from bisect import bisect_left
from collections.abc import MutableSet
from heapq import merge
from itertools import chain
from typing import TYPE_CHECKING

from typing_extensions import override

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence


def has_id(ids: Sequence[int], one: int) -> bool:
    """Tell whether an id is among some in ascending order."""
    place = bisect_left(ids, one)
    return place < len(ids) and ids[place] == one


def union(*several: Iterable[int]) -> Iterator[int]:
    """Yield the ids of several that ascend, in ascending order, each once."""
    last = None
    for one in merge(*several):
        if one != last:
            yield one
            last = one


class IdSet(MutableSet[int]):
    """A set of numbers up to `LARGEST_ID`, which are there in ascending order.

    It is made of runs that ascend. Ids mostly come in ascending order, and then there is one. If
    they do not, a run is joined with one before it that is not much longer, so that there are few
    of them, whatever comes.
    """

    def __init__(self, ids: Iterable[int] = (), *, ascending: array[int] | None = None) -> None:
        """Begin with some ids, and with those of an array that ascends, which is not copied.

        Nor is that changed; whoever does so changes the set.
        """
        first = [] if ascending is None else [ascending]
        self._runs = [*first, array("q")]
        for one in ids:
            self.add(one)

    @override
    def add(self, value: int) -> None:
        if value in self:
            return
        run = self._runs[-1]
        if run and value < run[-1]:
            self._join()
            run = array("q")
            self._runs.append(run)
        run.append(value)

    def _join(self) -> None:
        """Join the last run with those before it, as long as they are not much longer."""
        runs = self._runs
        while len(runs) > 1 and 2 * len(runs[-1]) >= len(runs[-2]):
            runs[-2:] = [array("q", merge(*runs[-2:]))]

    def update(self, *several: Iterable[int]) -> None:
        """Add ids."""
        for one in chain(*several):
            self.add(one)

    @override
    def discard(self, value: int) -> None:
        for number, run in enumerate(self._runs):
            place = bisect_left(run, value)
            if run[place : place + 1] == array("q", [value]):
                self._runs[number] = run[:place] + run[place + 1 :]

    @override
    def __contains__(self, one: object) -> bool:
        return isinstance(one, int) and any(has_id(run, one) for run in self._runs)

    @override
    def __iter__(self) -> Iterator[int]:
        runs = [run for run in self._runs if run]
        return iter(runs[0]) if len(runs) == 1 else merge(*runs)

    @override
    def __len__(self) -> int:
        return sum(map(len, self._runs))
