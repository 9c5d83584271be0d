"""What a warehouse holds of a stream: keys and dates, in little memory."""

from __future__ import annotations

from array import array
from bisect import bisect_left
from itertools import pairwise
from typing import TYPE_CHECKING, NamedTuple

from tap_insightly.values import EMPTY_DATES, parse_moment

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    Key = int | tuple[str, ...]

_NEVER = -(2**63)  # no date, in an array of numbers


class Row(NamedTuple):
    """What a warehouse says of one record."""

    key: Key
    """Its id, or, where that is no number, the texts that identify it."""
    updated: int | None
    """When it was updated, in seconds since 1970."""
    deleted: int | None = None
    """When it was marked as deleted; None if it was not."""


class Rows:
    """All rows of a table: 16 bytes for each where keys are numbers."""

    def __init__(self, rows: Iterable[Row], *, is_numeric: bool = True) -> None:
        """Take in the rows."""
        self.keys: Sequence[Key] = array("q") if is_numeric else []
        """The keys of what is not marked as deleted, in ascending order."""
        self.marked: Sequence[Key] = array("q") if is_numeric else []
        """The keys of what is, in ascending order."""
        self.doubles = 0
        """How many rows are there besides the newest of their keys."""
        self.newest: int | None = None
        """The latest date of all."""
        self._dates = array("q")
        self._sort(_Columns(rows, is_numeric=is_numeric))

    def __len__(self) -> int:
        """Say how many records are there that are not marked as deleted."""
        return len(self.keys)

    def place(self, key: Key) -> int | None:
        """Find a record."""
        return _find(self.keys, key)

    def is_marked(self, key: Key) -> bool:
        """Tell whether a record is there, and marked as deleted."""
        return _find(self.marked, key) is not None

    def date(self, place: int) -> int | None:
        """Say when a record was updated."""
        return _or_none(self._dates[place])

    def _sort(self, rows: _Columns) -> None:
        """Choose the newest row of each key, and tell what is marked from what is not."""
        order = rows.order()
        newest = max(rows.updated, default=_NEVER)
        self.newest = _or_none(newest)
        keys: list[Key] = self.keys  # type: ignore[assignment]  # or an array, which appends too
        marked: list[Key] = self.marked  # type: ignore[assignment]  # as above
        for at, place in enumerate(order):
            if at + 1 < len(order) and rows.keys[order[at + 1]] == rows.keys[place]:
                self.doubles += 1
                continue
            if rows.deleted[place] == _NEVER:
                keys.append(rows.keys[place])
                self._dates.append(rows.updated[place])
            else:
                marked.append(rows.keys[place])


class _Columns:
    """Rows as they come, column by column."""

    def __init__(self, rows: Iterable[Row], *, is_numeric: bool) -> None:
        self.keys: list[Key] = array("q") if is_numeric else []  # type: ignore[assignment]
        self.updated, self.deleted = array("q"), array("q")
        for key, updated, deleted in rows:
            self.keys.append(key)
            self.updated.append(_NEVER if updated is None else updated)
            self.deleted.append(_NEVER if deleted is None else deleted)

    def order(self) -> Sequence[int]:
        """Sort by key, and rows of one key by when they were true."""
        if all(one < two for one, two in pairwise(self.keys)):  # type: ignore[operator]
            return range(len(self.keys))
        return sorted(range(len(self.keys)), key=self._rank)

    def _rank(self, place: int) -> tuple[Key, int]:
        deleted = self.deleted[place]
        return self.keys[place], self.updated[place] if deleted == _NEVER else deleted


def seconds(value: object) -> int | None:
    """Read a date as Insightly or a file of text writes it."""
    if not isinstance(value, str) or value.strip() in EMPTY_DATES:
        return None
    try:
        return int(parse_moment(value).timestamp() // 1)
    except (ValueError, OverflowError):
        return None


def _find(keys: Sequence[Key], key: Key) -> int | None:
    place = bisect_left(keys, key)
    return place if place < len(keys) and keys[place] == key else None


def _or_none(date: int) -> int | None:
    return None if date == _NEVER else date
