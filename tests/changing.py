"""An account that changes while it is read: in this process, with a clock of its own."""

from __future__ import annotations

import math
import threading
from bisect import insort
from dataclasses import dataclass, field
from datetime import datetime, timedelta, timezone
from typing import TYPE_CHECKING, Any

import msgspec

from tap_insightly.api import RequestStats, Response
from tap_insightly.values import parse_moment

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

EPOCH = datetime(2026, 1, 1, tzinfo=timezone.utc)
_encode = msgspec.json.Encoder().encode


@dataclass
class Account:
    """Contacts, and what happens to them before which request is answered.

    Stands in for a session: what it answers is what a server would, offsets and all, and several
    threads ask at the same time.
    """

    ids: list[int]
    happens: Mapping[int, Callable[[Account], None]] = field(default_factory=dict)
    """What happens just before a request is answered, by the number of the request."""
    total: Callable[[int], int | None] = lambda count: count
    """What ``X-Total-Count`` says of a number of records."""
    key: Callable[[int], Any] = lambda number: number
    """What the API calls an id."""
    max_concurrency: int = 4
    cap: int | None = None
    """The most that is handed out at once, whatever was asked for."""
    hidden: Callable[[int], bool] = lambda _: False
    """Which ids are left out of a page after it was cut, because this user may not see them."""
    counts_hidden: bool = False
    """Whether totals count those."""
    readable: int | None = None
    """How many records can be read; pages from there on are empty."""
    dress: Callable[[list[dict[str, Any]]], list[Any]] = lambda records: records
    """What becomes of the records of a page before they are handed out."""

    def __post_init__(self) -> None:
        self.lock = threading.Lock()
        self.now = 0  # seconds since the epoch; each event takes one
        self.updated = dict.fromkeys(self.ids, 0)
        self.version = dict.fromkeys(self.ids, 0)
        self.requests: list[tuple[str, Mapping[str, str]]] = []
        self.next_id = max(self.ids, default=0) + 1
        self.changed: set[int] = set()
        """What was created, updated or deleted since `watch`."""

    def watch(self) -> frozenset[int]:
        """Forget what was changed so far; what is there now."""
        self.changed.clear()
        return frozenset(self.ids)

    def create(self) -> None:
        self.ids.append(self.next_id)
        self.version[self.next_id] = 0
        self._touch(self.next_id)
        self.next_id += 1

    def update(self, place: int) -> None:
        if self.ids:
            number = self.ids[place % len(self.ids)]
            self.version[number] += 1
            self._touch(number)

    def delete(self, place: int, many: int = 1) -> None:
        first = place % len(self.ids) if self.ids else 0
        for number in self.ids[first : first + many]:
            self.changed.add(number)
        del self.ids[first : first + many]

    def restore(self, number: int) -> None:
        """Bring a record back to its place, with the date that it had."""
        if number not in self.ids and number in self.updated:
            insort(self.ids, number)
            self.changed.add(number)

    def _touch(self, number: int) -> None:
        self.now += 1
        self.updated[number] = self.now
        self.changed.add(number)

    def get(
        self,
        path: str,
        params: Mapping[str, str] | None = None,
        stats: RequestStats | None = None,
        **_: Any,
    ) -> Response:
        query = params or {}
        with self.lock:
            (stats or RequestStats()).count(requests=1)
            self.requests.append((path, query))
            number = len(self.requests)
            self.now += 1
            if number in self.happens:
                self.happens[number](self)
            since = -math.inf
            if "updated_after_utc" in query:
                since = (parse_moment(query["updated_after_utc"]) - EPOCH).total_seconds()
            found = [one for one in self.ids if self.updated[one] > since]
            top, skip = int(query["top"]), int(query["skip"])
            page = found[skip : skip + min(top, self.cap or top)]
            if self.readable is not None and skip >= self.readable:
                page = []
            counted = [one for one in found if self.counts_hidden or not self.hidden(one)]
            total = self.total(len(counted)) if "count_total" in query else None
            records = [
                {
                    "CONTACT_ID": self.key(one),
                    "FIRST_NAME": str(self.version[one]),
                    "DATE_UPDATED_UTC": self._moment(self.updated[one]),
                }
                for one in page
                if not self.hidden(one)
            ]
            self.now += 1
            date = EPOCH + timedelta(seconds=self.now)
            return Response(_encode(self.dress(records)), date, total)

    @staticmethod
    def _moment(second: float) -> str:
        return (EPOCH + timedelta(seconds=second)).strftime("%Y-%m-%d %H:%M:%S")
