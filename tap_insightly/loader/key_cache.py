"""The keys of the records that this run has written, as a search may not show them yet."""

from __future__ import annotations

import threading
import time
from collections import OrderedDict
from typing import TYPE_CHECKING, Any, NamedTuple

from tap_insightly.api.records.diff import normalized

if TYPE_CHECKING:
    from collections.abc import Callable

MAX_KEYS = 100_000  # as many as are written in far more seconds than a search needs


class CacheKey(NamedTuple):
    """A field and the value in it by which a record is found."""

    field: str

    text: str
    """The value, as `search_text` writes it."""

    @property
    def loose(self) -> CacheKey:
        """The same without what a search may ignore: case, spaces, and accents."""
        return CacheKey(self.field, normalized(self.text))


class KeyCache:
    """The keys of the records of one object that this run has written, for any number of threads.

    A search needs a while to show what was written (`lag`): until then it finds neither a new
    record nor a new key, and still finds a record that was deleted, or had the key before.
    """

    def __init__(
        self, lag: float, *, clock: Callable[[], float] = time.monotonic, max_keys: int = MAX_KEYS
    ) -> None:
        """Start empty; what was written just before counts as written now."""
        self._lag = lag
        self._clock = clock
        self._max_keys = max_keys
        self._started = clock()
        self._ids: OrderedDict[CacheKey, int] = OrderedDict()
        # The keys of a record, by field; None if it is deleted.
        self._keys: OrderedDict[int, dict[str, CacheKey] | None] = OrderedDict()
        self._written_at: OrderedDict[int | CacheKey, float] = OrderedDict()
        self._lock = threading.Lock()

    def put(self, record_id: int, key: CacheKey | None) -> None:
        """Note that a record was written, and its new key in that field, if one was written."""
        now = self._clock()
        with self._lock:
            keys = self._keys.pop(record_id, None) or {}
            if key is not None:
                self._drop(record_id, keys.get(key.field))
                self._ids.pop(key, None)  # the newest go to the end
                self._ids[key] = record_id
                self._stamp(key.loose, now)
                keys[key.field] = key
            self._keys[record_id] = keys
            self._stamp(record_id, now)
            self._evict()

    def forget(self, record_id: int) -> None:
        """Note that a record is gone."""
        with self._lock:
            for key in (self._keys.pop(record_id, None) or {}).values():
                self._drop(record_id, key)
            self._keys[record_id] = None
            self._evict()

    def find(self, key: CacheKey) -> int | None:
        """The id of the record that this run has written with a key."""
        with self._lock:
            return self._ids.get(key)

    def is_stale(self, record_id: int, key: CacheKey) -> bool:
        """Whether a record that a search found by a key has lost it through this run."""
        with self._lock:
            keys = self._keys.get(record_id, {})
            return keys is None or keys.get(key.field, key).loose != key.loose

    def now(self) -> float:
        """The time as `lag_left` takes it."""
        return self._clock()

    def lag_left(self, sent_at: float, key: CacheKey, record_id: int | None = None) -> float:
        """By how many seconds a search for a key was sent too early to be believed; 0 if it can be.

        If it found a record, what was written to that one counts too.
        """
        with self._lock:
            written = [self._written_at.get(key.loose, self._started)]
            if record_id is not None:
                written.append(self._written_at.get(record_id, self._started))
        return max(0.0, max(written) + self._lag - sent_at)

    def _drop(self, record_id: int, key: CacheKey | None) -> None:
        if key is not None and self._ids.get(key) == record_id:
            del self._ids[key]

    def _stamp(self, what: int | CacheKey, now: float) -> None:
        self._written_at.pop(what, None)
        self._written_at[what] = now

    def _evict(self) -> None:
        entries: OrderedDict[Any, Any]
        for entries in (self._ids, self._keys, self._written_at):
            while len(entries) > self._max_keys:
                entries.popitem(last=False)
