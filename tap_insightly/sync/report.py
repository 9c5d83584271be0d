"""What a run did and cost, as a file for the program that has started it."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

from tap_insightly.files import write_whole

if TYPE_CHECKING:
    from collections.abc import Mapping

    from tap_insightly.api import InsightlySession
    from tap_insightly.sync.stream_sync import StreamSync


class Report:
    """Gathers what is told of each stream, until it is written."""

    def __init__(self) -> None:
        """Start with no stream."""
        self._streams: dict[str, dict[str, Any]] = {}

    def add(self, sync: StreamSync, figures: Mapping[str, float], *, is_whole: bool) -> None:
        """Note what became of a stream, and what it cost."""
        self._streams[sync.stream.name] = {
            **{name: figures[name] for name in ("records", "requests", "retries")},
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
        write_whole(Path(path), [json.dumps(content).encode()])
