"""Runs of a rolling refresh, with a made-up clock, against an account that changes."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from tap_insightly.api import Page, RetriesExhaustedError
from tap_insightly.sync.refresh import REFRESH, Refresh
from tests.changing import EPOCH, Account

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from datetime import datetime, timedelta

    from tap_insightly.api import PagedRequest


def contacts(count: int) -> Account:
    return Account(list(range(1, count + 1)))


@dataclass
class Runs:
    """Runs one after the other, and when each record was last read."""

    account: Account
    days: float = 7
    page_size: int = 500
    saved: Any = None
    """What the state holds."""
    now: datetime = EPOCH
    ran: datetime | None = None
    """When the last run began that was not cut off."""
    read: dict[int, datetime] = field(default_factory=dict)
    """When each record was read last, or before: created, or there when a run first ended."""

    def refresh(self) -> Refresh:
        return Refresh(
            "/Contacts",
            "CONTACT_ID",
            days=self.days,
            saved=json.loads(json.dumps(self.saved)),
            page_size=self.page_size,
        )

    def begin(self) -> None:
        """The stream itself is read whole."""
        refresh = self.refresh()
        refresh.begin(self.now, len(self.account.ids))
        self._keep(refresh)
        self.ran, self.read = self.now, dict.fromkeys(self.account.ids, self.now)

    def run(self, gap: timedelta, cut_at: int | None = None) -> timedelta:
        """Run again after some time; for how long at the most a record was not read after it."""
        self.now += gap
        refresh = self.refresh()
        self.account.requests.clear()
        try:
            for page in refresh.pages(
                lambda paged_requests: self._pages(paged_requests, cut_at), self.now
            ):
                self.read.update((one["CONTACT_ID"], self.now) for one in page.records)
        except RetriesExhaustedError:
            pass
        else:
            self.ran = self.now
        self._keep(refresh)
        if self.ran is not None:  # until then, nobody knows how long the list is
            for number in self.account.ids:
                self.read.setdefault(number, self.now)  # what is new is found by its date
        read = [self.read.get(number, self.now) for number in self.account.ids]
        return self.now - min(read, default=self.now)

    @property
    def requests(self) -> int:
        """How many the last run sent."""
        return len(self.account.requests)

    def _keep(self, refresh: Refresh) -> None:
        state: dict[str, Any] = {}
        refresh.keep_in(state)
        self.saved = state[REFRESH]

    def _pages(self, paged_requests: Sequence[PagedRequest], cut_at: int | None) -> Iterator[Page]:
        for paged_request in paged_requests:
            while not paged_request.is_done:
                if cut_at is not None and len(self.account.requests) >= cut_at:
                    raise RetriesExhaustedError
                skip = next(iter(paged_request.pending_offsets()))
                answer = self.account.get(paged_request.path, paged_request.query(skip))
                yield Page(answer, skip, paged_request.accept(answer))
