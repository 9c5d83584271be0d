"""The time by the server's clock, by which it is told later what a request has created."""

from __future__ import annotations

from datetime import datetime, timezone
from typing import TYPE_CHECKING

from tap_insightly.values import utc_text

if TYPE_CHECKING:
    from tap_insightly.api import InsightlySession

ORPHANED_REQUEST_SECONDS = 3.0
"""After which a request of a process that is gone has been answered.

A search may need longer to show what it created: `InsightlyClient.search_lag_seconds`.
"""


def server_now(session: InsightlySession) -> datetime:
    """The server's time, or this machine's if no answer has told it yet."""
    return session.now() or datetime.now(timezone.utc)


def server_now_text(session: InsightlySession) -> str:
    """The same as RFC 3339, to the second."""
    return utc_text(server_now(session).replace(microsecond=0))
