"""What differs between the records of an account and the rows of a warehouse."""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from tap_insightly.verify.rows import Key, Rows


class Differences:
    """Compares record by record, in whatever order they are seen. Knows nothing of requests."""

    def __init__(self, rows: Rows, synced: int | None, *, has_dates: bool = True) -> None:
        """Start with nothing seen."""
        self.rows = rows
        self.has_dates = has_dates
        self.unknown: dict[Key, int | None] = {}
        """What the account has and the warehouse has not, with its date."""
        self.gone: set[Key] = set()
        """What the warehouse has and the account has not."""
        self.older: set[Key] = set()
        """What was updated in the account before the last sync, which the warehouse missed."""
        self.newer: set[Key] = set()
        """What the warehouse has with a later date than the account."""
        self.updated_since: set[Key] = set()
        """What was updated in the account after the last sync."""
        self.dates_compared = 0
        """Of how many records the dates were compared."""
        self._synced = synced
        self._seen = bytearray(len(rows))

    @property
    def missing(self) -> list[Key]:
        """What the last sync should have brought."""
        return [key for key, date in self.unknown.items() if not self._is_since(date)]

    @property
    def created_since(self) -> list[Key]:
        """What was created, or changed, in the account after the last sync."""
        return [key for key, date in self.unknown.items() if self._is_since(date)]

    def see(self, key: Key, date: int | None) -> None:
        """Take in a record of the account."""
        place = self.rows.place(key)
        if place is None:
            self.unknown[key] = date
        elif not self._seen[place]:
            self._seen[place] = 1
            if self.has_dates:
                self._compare(key, date, self.rows.date(place))

    def span(self, skip: int, ids: Sequence[int]) -> None:
        """Take in that these are all records of a part of the list, from the first to the last."""
        if not ids:
            return
        keys = self.rows.keys
        start = bisect_left(keys, ids[0]) if skip else 0
        there = set(ids)
        stop = bisect_right(keys, ids[-1])
        self.gone.update(key for key in keys[start:stop] if key not in there)

    def settle(self, gone: Iterable[Key]) -> None:
        """Take in what else was found to be gone, and keep to what was not seen."""
        self.gone = {key for key in self.gone.union(gone) if not self._is_seen(key)}

    def conclude(self) -> None:
        """Take in that all records of the account were seen: what was not is gone."""
        keys = self.rows.keys
        self.gone = {keys[place] for place, seen in enumerate(self._seen) if not seen}

    def _is_seen(self, key: Key) -> bool:
        place = self.rows.place(key)
        return place is not None and bool(self._seen[place])

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
