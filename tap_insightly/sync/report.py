"""What a run did and cost, as a file for the program that has started it."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from tap_insightly.api import InsightlySession
    from tap_insightly.sync.stream_sync import StreamSync


class Report:
    """Gathers what is told of each stream, until it is written."""

    def __init__(self) -> None:
        """Start with no stream."""
        self._streams: dict[str, dict[str, Any]] = {}

    def add(self, sync: StreamSync, *, is_whole: bool) -> None:
        """Note what became of a stream."""
        self._streams[sync.stream.name] = {
            "records": sync.records,
            "requests": sync.stats.requests,
            "retries": sync.stats.retries,
            "is_whole": is_whole,
            "is_available": sync.is_available or sync.is_skipped,
            "is_asked": not sync.is_skipped,
        }

    def write(self, path: str, session: InsightlySession) -> None:
        """Write it as JSON; whoever reads the file meanwhile sees the one before.

        Raises:
            OSError: If it cannot be written.
        """
        stats, quota = session.stats, session.quota
        content = {
            "requests": stats.requests,
            "retries": stats.retries,
            "refused": stats.refused,
            "quota_limit": quota.limit,
            "quota_remaining": quota.remaining,
            "streams": self._streams,
        }
        beside = Path(f"{path}.new")
        beside.write_text(json.dumps(content), encoding="utf-8")
        beside.replace(path)
