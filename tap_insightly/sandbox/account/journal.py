"""What records were until lately, for searches that are late to see what was written."""

from __future__ import annotations

from collections import deque
from datetime import timedelta
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from datetime import datetime

    from tap_insightly.sandbox.account.records import Record


class Journal:
    """The latest writes to one list, for as long as its search does not see them."""

    def __init__(self, now: Callable[[], datetime], lag: Callable[[], float]) -> None:
        """Begin with none; the lag is how many seconds late searches are."""
        self._now, self._lag = now, lag
        self._entries: deque[tuple[datetime, int, Record | None]] = deque()

    def note(self, key: int, before: Record | None) -> None:
        """Remember what a record is that is about to be written, if searches are late."""
        if (lag := self._lag()) <= 0:
            self._entries.clear()
            return
        self._drop(lag)
        copy = None if before is None else dict(before)
        self._entries.append((self._now(), key, copy))

    def unseen(self, lag: float) -> Mapping[int, Record | None]:
        """Tell by id what records were whose writes a search does not see; None if not there."""
        if lag <= 0:
            return {}
        seen = self._drop(lag)
        before: dict[int, Record | None] = {}
        for moment, key, record in self._entries:
            if moment > seen:
                before.setdefault(key, record)
        return before

    def _drop(self, lag: float) -> datetime:
        """Forget what searches see by now, and tell up to when they see everything."""
        seen = self._now() - timedelta(seconds=lag)
        while self._entries and self._entries[0][0] <= seen:
            self._entries.popleft()
        return seen
