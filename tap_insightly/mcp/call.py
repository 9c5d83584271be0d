"""What all calls of tools share, and what one call may cost."""

from __future__ import annotations

import secrets
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from tap_insightly.api import RequestStats
from tap_insightly.mcp.cursors import Cursors
from tap_insightly.mcp.limits import CallError, Limits

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence
    from pathlib import Path

    from tap_insightly.api import InsightlyClient
    from tap_insightly.mcp.pending import Pending


@dataclass
class Desk:
    """One server: its account, its limits, and what it keeps between calls."""

    client: InsightlyClient
    limits: Limits = field(default_factory=Limits)
    account: str | None = None
    """The name of the account in the configuration file, if it has one."""
    plan: Callable[[], Mapping[str, Any]] | None = None
    """Says what a sync would cost."""
    undo: Callable[[Path, bool], Sequence[str]] | None = None
    """Undoes what an undo file says, or with True only tells what that would do."""
    undo_folder: Path | None = None
    """Where to keep what is replaced; None if nothing may be written."""
    pending: Pending[Any] | None = None
    """Changes that wait to be confirmed; None if nothing may be written."""
    cursors: Cursors = field(default_factory=lambda: Cursors(secrets.token_bytes(32)))
    log: Callable[[str], None] = lambda _: None
    """Takes a line about each write."""

    def quota(self) -> dict[str, int | None]:
        """Say how many of the day's requests there are, as far as the last answer told."""
        quota = self.client.session.quota
        return {"limit": quota.limit, "remaining": quota.remaining}


class Call:
    """One call of a tool: its client, and how many requests it may still send."""

    def __init__(self, desk: Desk, requests: int | None = None) -> None:
        """Begin; with so many requests at most, or as many as the limits say."""
        self.desk = desk
        self.stats = RequestStats(desk.client.session.stats)
        """What was sent for it."""
        self.client = desk.client.with_stats(self.stats)
        """A client that counts for it."""
        self._most = desk.limits.requests if requests is None else requests
        if self.session_left < 1:
            msg = (
                f"This server may send {desk.limits.all_requests:,} requests to Insightly until it "
                "is started anew (--session-requests), and has sent them. Tell the user; nothing "
                "else can be asked."
            )
            raise CallError(msg)

    @property
    def session_left(self) -> int:
        """How many requests all calls may still send."""
        return self.desk.limits.all_requests - self.desk.client.session.stats.requests

    @property
    def left(self) -> int:
        """How many requests this call may still send."""
        return max(0, min(self._most - self.stats.requests, self.session_left))

    def require(self, requests: int, what: str) -> None:
        """Refuse something that would take more requests than are left to this call."""
        if requests > self.left:
            msg = (
                f"{what} would take {requests:,} requests, and {self.left:,} are left to this call "
                f"(--call-requests {self.desk.limits.requests:,}, --session-requests "
                f"{self.desk.limits.all_requests:,})."
            )
            raise CallError(msg)
