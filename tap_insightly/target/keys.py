"""Which record has which key: what a run has written itself, a search may not show yet."""

from __future__ import annotations

import threading
import time
from collections import OrderedDict
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable

MOST = 100_000  # keys that are remembered: of far more seconds than a search needs


class Keys:
    """The keys of the records of one object that this run has written, for any number of threads.

    A key is the value of the field that records are matched on. A search needs a while to show what
    was written (`lag`): until then it finds neither a new record nor a new key, and still finds a
    record that was deleted, or had the key before.
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
        self._ids: OrderedDict[str, int] = OrderedDict()
        self._keys: OrderedDict[int, str | None] = OrderedDict()
        self._alike: OrderedDict[str, float] = OrderedDict()
        self._lock = threading.Lock()

    def put(self, key: str, record_id: int) -> None:
        """Take down that a record has a key now, and no other one.

        Args:
            key: The key, as `plain_text` writes a value.
            record_id: The record.
        """
        now = self._clock()
        with self._lock:
            self._release(record_id)
            self._ids.pop(key, None)
            self._ids[key] = record_id
            self._keys[record_id] = key
            self._alike.pop(alike(key), None)  # the last ones are the newest
            self._alike[alike(key)] = now
            self._cut()

    def forget(self, record_id: int) -> None:
        """Take down that there is no such record any more.

        Args:
            record_id: The record.
        """
        with self._lock:
            self._release(record_id)
            self._keys[record_id] = None
            self._cut()

    def find(self, key: str) -> int | None:
        """Look up which record has a key.

        Args:
            key: The key.

        Returns:
            The record's id; None if this run has written no such record.
        """
        with self._lock:
            return self._ids.get(key)

    def is_stale(self, record_id: int, key: str) -> bool:
        """Tell whether a search has found a record by a key that it had before.

        Args:
            record_id: The record that was found.
            key: The key that was searched for.

        Returns:
            Whether this run has given it another, or deleted it.
        """
        with self._lock:
            own = self._keys.get(record_id, key)
            return own is None or alike(own) != alike(key)

    def blind_for(self, key: str) -> float:
        """Say how long a search may not show a record with this key, or one that is like it.

        Args:
            key: The key.

        Returns:
            Seconds, from now: 0 if a search that finds nothing can be believed. What was written
            just before this run counts, too.
        """
        with self._lock:
            since = max(self._began, self._alike.get(alike(key), self._began))
        return max(0.0, since + self._lag - self._clock())

    def _release(self, record_id: int) -> None:
        before = self._keys.pop(record_id, None)
        if before is not None and self._ids.get(before) == record_id:
            del self._ids[before]

    def _cut(self) -> None:
        known: OrderedDict[Any, Any]
        for known in (self._ids, self._keys, self._alike):
            while len(known) > self._most:
                known.popitem(last=False)


def alike(key: str) -> str:
    """Write a key without what searches may not see: case, and spaces.

    Args:
        key: The key.

    Returns:
        A text.
    """
    return " ".join(key.casefold().split())
