"""When made-up things happen."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta, timezone
from typing import TYPE_CHECKING

from tap_insightly.sandbox.account.moments import timestamp

if TYPE_CHECKING:
    from random import Random

TODAY = datetime(2026, 6, 30, 18, tzinfo=timezone.utc)
"""When the made-up account was last used: fixed, so that a seed always gives the same data."""

DAY = 86_400
"""Its length in seconds."""


def day(moment: datetime) -> str:
    """Write a day as Insightly does: at midnight."""
    return timestamp(moment)[:10] + " 00:00:00"


@dataclass
class Life:
    """When a record was made, and when something last happened to it."""

    created: datetime
    updated: datetime
    rng: Random

    @property
    def age(self) -> float:
        """How long ago the record was made, in days."""
        return (TODAY - self.created).total_seconds() / DAY

    def moment(self, most_days: float) -> datetime:
        """Choose a moment since the record was made."""
        seconds = self.rng.uniform(0, min(most_days, self.age)) * DAY
        return self.created + timedelta(seconds=int(seconds))

    def later(self, most_days: float) -> datetime:
        """Let something happen to the record, which is an update of it."""
        return self.touch(self.moment(most_days))

    def touch(self, moment: datetime) -> datetime:
        """Let the record be updated."""
        self.updated = max(self.updated, moment)
        return moment

    def child(self, most_days: float) -> Life:
        """Let another record be made because of this one."""
        created = self.moment(most_days)
        return Life(created, created, self.rng)
