"""Which record has which key: what a run has written itself, a search may not show yet."""

from __future__ import annotations

import threading
import time
from collections import OrderedDict
from typing import TYPE_CHECKING, Any, NamedTuple

from tap_insightly.api.records.diff import normalized

if TYPE_CHECKING:
    from collections.abc import Callable

MOST = 100_000  # keys that are remembered: of far more seconds than a search needs


class CacheKey(NamedTuple):
    """A value by which a record is found."""

    field: str
    """The field."""

    text: str
    """The value, as `search_text` writes it."""

    @property
    def alike(self) -> CacheKey:
        """The same without what searches may not see: case, spaces, and accents."""
        return CacheKey(self.field, normalized(self.text))


class KeyCache:
    """The keys of the records of one object that this run has written, for any number of threads.

    A search needs a while to show what was written (`lag`): until then it finds neither a new
    record nor a new key, and still finds a record that was deleted, or had the key before.
    """

    def __init__(
        self, lag: float, *, clock: Callable[[], float] = time.monotonic, most: int = MOST
    ) -> None:
        """Start with nothing.

        Args:
            lag: How long a search may take to show what was written, in seconds.
            clock: Where the time comes from, in seconds that only grow.
            most: How many keys are remembered, a number.
        """
        self._lag = lag
        self._clock = clock
        self._most = most
        self._began = clock()
        self._ids: OrderedDict[CacheKey, int] = OrderedDict()
        # The keys of a record, by field; None of one that is deleted.
        self._own: OrderedDict[int, dict[str, CacheKey] | None] = OrderedDict()
        self._written: OrderedDict[int | CacheKey, float] = OrderedDict()
        self._lock = threading.Lock()

    def put(self, record_id: int, key: CacheKey | None) -> None:
        """Take down that a record was written.

        Args:
            record_id: The record.
            key: The key that it has now, and no other one of that field; None if none was written.
        """
        now = self._clock()
        with self._lock:
            own = self._own.pop(record_id, None) or {}
            if key is not None:
                self._drop(record_id, own.get(key.field))
                self._ids.pop(key, None)  # the last ones are the newest
                self._ids[key] = record_id
                self._stamp(key.alike, now)
                own[key.field] = key
            self._own[record_id] = own
            self._stamp(record_id, now)
            self._cut()

    def forget(self, record_id: int) -> None:
        """Take down that there is no such record any more.

        Args:
            record_id: The record.
        """
        with self._lock:
            for key in (self._own.pop(record_id, None) or {}).values():
                self._drop(record_id, key)
            self._own[record_id] = None
            self._cut()

    def find(self, key: CacheKey) -> int | None:
        """Look up which record has a key.

        Args:
            key: The key.

        Returns:
            The record's id; None if this run has written no such record.
        """
        with self._lock:
            return self._ids.get(key)

    def is_stale(self, record_id: int, key: CacheKey) -> bool:
        """Tell whether a search has found a record by a key that it had before.

        Args:
            record_id: The record that was found.
            key: The key that was searched for.

        Returns:
            Whether this run has given it another, or deleted it.
        """
        with self._lock:
            own = self._own.get(record_id, {})
            return own is None or own.get(key.field, key).alike != key.alike

    def now(self) -> float:
        """Say what time it is, to be handed to `blind_for`.

        Returns:
            Seconds that only grow.
        """
        return self._clock()

    def blind_for(self, at: float, key: CacheKey, record_id: int | None = None) -> float:
        """Say how much too early a search was sent to show what there is.

        Args:
            at: When it was sent, as `now` says it.
            key: What was searched for: whatever has this key, or one that is like it.
            record_id: The record that was found; None if none was.

        Returns:
            Seconds: 0 if the search can be believed. What was written just before this run counts,
            too.
        """
        with self._lock:
            known = [self._written.get(key.alike, self._began)]
            if record_id is not None:
                known.append(self._written.get(record_id, self._began))
        return max(0.0, max(known) + self._lag - at)

    def _drop(self, record_id: int, key: CacheKey | None) -> None:
        if key is not None and self._ids.get(key) == record_id:
            del self._ids[key]

    def _stamp(self, what: int | CacheKey, now: float) -> None:
        self._written.pop(what, None)
        self._written[what] = now

    def _cut(self) -> None:
        known: OrderedDict[Any, Any]
        for known in (self._ids, self._own, self._written):
            while len(known) > self._most:
                known.popitem(last=False)
