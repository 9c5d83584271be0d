"""What a run tells of itself while it goes on."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from tap_insightly.api import InsightlySession, RequestStats

    Figures = Callable[[], Mapping[str, Mapping[str, float]]]
    """Says by stream what was done so far: records, requests, retries, answered_429."""


class Telemetry:
    """Tells nobody."""

    def watch_session(self, session: InsightlySession) -> None:
        """Tell of what goes through a session."""

    def watch_streams(self, figures: Figures) -> None:
        """Tell of what a run has done, whenever somebody wants to know."""

    def begin_stream(self, name: str, stats: RequestStats) -> None:
        """Tell that the turn of a stream has come, whose requests are counted there."""

    def end_stream(self, name: str, figures: Mapping[str, float]) -> None:
        """Tell that a stream is not read any further; by an error, if one is being handled."""
