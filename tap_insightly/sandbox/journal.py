"""What records were until lately, for searches that are late to see what was written."""

from __future__ import annotations

from collections import deque
from datetime import timedelta
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import datetime

    from tap_insightly.sandbox.contents import Contents
    from tap_insightly.sandbox.store import Record


class Journal:
    """The latest writes to one list, for as long as its search does not see them."""

    def __init__(self, contents: Contents) -> None:
        """Begin with none.

        Args:
            contents: Where the clock is, and how late searches are.
        """
        self._contents = contents
        self._entries: deque[tuple[datetime, int, Record | None]] = deque()

    def note(self, key: int, before: Record | None) -> None:
        """Remember a write, if searches are late.

        Args:
            key: The id of the record that is about to be written.
            before: The record as it is; None if there is none yet. A copy of it is kept.
        """
        if self._contents.faults.search_lag <= 0:
            self._entries.clear()
            return
        self._drop()
        copy = None if before is None else dict(before)
        self._entries.append((self._contents.now(), key, copy))

    def unseen(self) -> Mapping[int, Record | None]:
        """Tell what searches do not see yet.

        Returns:
            By id, what the record was before; None if there was none.
        """
        if self._contents.faults.search_lag <= 0:
            return {}
        seen = self._drop()
        before: dict[int, Record | None] = {}
        for moment, key, record in self._entries:
            if moment > seen:
                before.setdefault(key, record)
        return before

    def _drop(self) -> datetime:
        """Forget what searches see by now.

        Returns:
            The moment up to which they see everything.
        """
        seen = self._contents.now() - timedelta(seconds=self._contents.faults.search_lag)
        while self._entries and self._entries[0][0] <= seen:
            self._entries.popleft()
        return seen
