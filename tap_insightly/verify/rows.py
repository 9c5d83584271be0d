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


class WarehouseRow(NamedTuple):
    """The key and the dates of one record."""

    key: Key
    """Its id if that is a number, else the texts that identify it."""
    updated: int | None
    """When it was updated, in seconds since 1970."""
    deleted: int | None = None
    """When it was marked as deleted, in seconds since 1970; None if it was not."""


class WarehouseRows:
    """The newest row of each key of a table; 16 bytes for each where keys are numbers.

    Targets that only append write several rows of one key. Rows are best given in ascending order.
    """

    def __init__(self, rows: Iterable[WarehouseRow], *, is_numeric: bool = True) -> None:
        self.keys: Sequence[Key] = array("q") if is_numeric else []
        """The keys of the records that are not marked as deleted, ascending."""
        self.deleted_keys: Sequence[Key] = array("q") if is_numeric else []
        """The keys of those that are, ascending."""
        self.duplicates = 0
        """How many rows are older than another one of the same key."""
        self.newest: int | None = None
        """The latest date of all."""
        self._dates = array("q")
        self._sort(_Columns(rows, is_numeric=is_numeric))

    def __len__(self) -> int:
        return len(self.keys)

    def index_of(self, key: Key) -> int | None:
        """Find a record among `keys`; None if it is not there, or marked as deleted."""
        return _find(self.keys, key)

    def is_deleted(self, key: Key) -> bool:
        """Tell whether a record is there, and marked as deleted."""
        return _find(self.deleted_keys, key) is not None

    def date_at(self, index: int) -> int | None:
        """Say when a record was updated, in seconds since 1970; None if the row does not say."""
        return _or_none(self._dates[index])

    def _sort(self, rows: _Columns) -> None:
        """Keep the newest row of each key, and set apart those that are marked as deleted."""
        order = rows.order()
        newest = max(rows.updated, default=_NEVER)
        self.newest = _or_none(newest)
        keys: list[Key] = self.keys  # type: ignore[assignment]  # or an array, which appends too
        marked: list[Key] = self.deleted_keys  # type: ignore[assignment]  # as above
        for at, index in enumerate(order):
            if at + 1 < len(order) and rows.keys[order[at + 1]] == rows.keys[index]:
                self.duplicates += 1
                continue
            if rows.deleted[index] == _NEVER:
                keys.append(rows.keys[index])
                self._dates.append(rows.updated[index])
            else:
                marked.append(rows.keys[index])


class _Columns:
    """WarehouseRows as they come, column by column."""

    def __init__(self, rows: Iterable[WarehouseRow], *, is_numeric: bool) -> None:
        self.keys: list[Key] = array("q") if is_numeric else []  # type: ignore[assignment]
        self.updated, self.deleted = array("q"), array("q")
        for key, updated, deleted in rows:
            self.keys.append(key)
            self.updated.append(_NEVER if updated is None else updated)
            self.deleted.append(_NEVER if deleted is None else deleted)

    def order(self) -> Sequence[int]:
        """Sort by key, and rows of one key by their dates."""
        if all(one < two for one, two in pairwise(self.keys)):  # type: ignore[operator]
            return range(len(self.keys))
        return sorted(range(len(self.keys)), key=self._rank)

    def _rank(self, index: int) -> tuple[Key, int]:
        deleted = self.deleted[index]
        return self.keys[index], self.updated[index] if deleted == _NEVER else deleted


def seconds(value: object) -> int | None:
    """Read a date as seconds since 1970; None if it is empty or no date."""
    if not isinstance(value, str) or value.strip() in EMPTY_DATES:
        return None
    try:
        return int(parse_moment(value).timestamp() // 1)
    except (ValueError, OverflowError):
        return None


def _find(keys: Sequence[Key], key: Key) -> int | None:
    index = bisect_left(keys, key)
    return index if index < len(keys) and keys[index] == key else None


def _or_none(date: int) -> int | None:
    return None if date == _NEVER else date
