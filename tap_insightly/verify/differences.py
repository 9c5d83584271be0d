"""What differs between the records of an account and the rows of a warehouse."""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from tap_insightly.verify.rows import Key, WarehouseRows


class Differences:
    """Compares record by record, in any order, and collects what differs. Sends nothing."""

    def __init__(self, rows: WarehouseRows, synced: int | None, *, has_dates: bool = True) -> None:
        self.rows = rows
        self.has_dates = has_dates
        self.not_in_warehouse: dict[Key, int | None] = {}
        """What only the account has, with its date."""
        self.gone: set[Key] = set()
        """What only the warehouse has."""
        self.older: set[Key] = set()
        """What the warehouse has without an update that came before the last sync."""
        self.newer: set[Key] = set()
        """What the warehouse has with a later date than the account."""
        self.updated_since: set[Key] = set()
        """What was updated in the account after the last sync."""
        self.dates_compared = 0
        """How many records had their dates compared."""
        self._synced = synced
        self._seen = bytearray(len(rows))

    @property
    def missing(self) -> list[Key]:
        """What the last sync should have loaded."""
        return [key for key, date in self.not_in_warehouse.items() if not self._is_since(date)]

    @property
    def created_since(self) -> list[Key]:
        """What was created, or changed, in the account after the last sync."""
        return [key for key, date in self.not_in_warehouse.items() if self._is_since(date)]

    def add(self, key: Key, date: int | None) -> None:
        """Compare a record of the account."""
        index = self.rows.index_of(key)
        if index is None:
            self.not_in_warehouse[key] = date
        elif not self._seen[index]:
            self._seen[index] = 1
            if self.has_dates:
                self._compare(key, date, self.rows.date_at(index))

    def add_range(self, skip: int, ids: Sequence[int]) -> None:
        """Take a page: between its first id and its last, the account has no other records."""
        if not ids:
            return
        keys = self.rows.keys
        start = bisect_left(keys, ids[0]) if skip else 0
        there = set(ids)
        stop = bisect_right(keys, ids[-1])
        self.gone.update(key for key in keys[start:stop] if key not in there)

    def settle(self, gone: Iterable[Key]) -> None:
        """Add what else was found to be gone; what was seen since is not."""
        self.gone = {key for key in self.gone.union(gone) if not self._is_seen(key)}

    def finish(self) -> None:
        """End: all records of the account were seen, so the others are gone."""
        keys = self.rows.keys
        self.gone = {keys[index] for index, seen in enumerate(self._seen) if not seen}

    def _is_seen(self, key: Key) -> bool:
        index = self.rows.index_of(key)
        return index is not None and bool(self._seen[index])

    def _compare(self, key: Key, ours: int | None, theirs: int | None) -> None:
        self.dates_compared += 1
        if ours == theirs:
            return
        if theirs is not None and (ours is None or ours < theirs):
            self.newer.add(key)
        elif self._is_since(ours):
            self.updated_since.add(key)
        else:
            self.older.add(key)

    def _is_since(self, date: int | None) -> bool:
        return date is not None and self._synced is not None and date > self._synced
