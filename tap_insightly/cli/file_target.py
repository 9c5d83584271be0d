"""The target as `insightly load` uses it: for the rows of one file, told by their numbers."""

from __future__ import annotations

import logging
import threading
from typing import TYPE_CHECKING, Any

import click

from tap_insightly.loader import TargetInsightly
from tap_insightly.loader.sink import InsightlySink

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from singer_sdk.sinks import Sink

    from tap_insightly.api import InsightlyClient, Request


class FileTarget(TargetInsightly):
    """A target that remembers how many rows are written, where others pass a state on."""

    def __init__(
        self, client: InsightlyClient, stream: str, config: Mapping[str, Any], skipped: int = 0
    ) -> None:
        """Read the settings."""
        super().__init__(config=dict(config))
        self.client = client
        self.stream = stream
        self.skipped = skipped
        self.written = skipped
        """How many rows of the file are written, without a gap."""
        self.told: Callable[[int], object] = lambda _: None
        """What is told of it, each time that there are more."""
        self.metrics_logger.setLevel(logging.WARNING)  # the SDK would log them whatever is said

    def get_sink_class(self, stream_name: str) -> type[Sink]:  # noqa: ARG002 - the SDK's
        """Tell what takes the rows."""
        return RowSink

    def outcomes(self) -> Mapping[str, int] | None:
        """Count what became of the rows."""
        found: Mapping[str, int] | None = self.report.report()["streams"].get(self.stream)
        return found

    def pass_on(self, state: dict[str, Any]) -> None:
        """Remember a state. Standard output is for data."""
        self.written = state["rows"]
        self.told(self.written)


class RowSink(InsightlySink):
    """Takes the rows of a file, and tells of each by its number there."""

    _lock = threading.Lock()

    def __init__(self, target: FileTarget, *args: Any, **kwargs: Any) -> None:  # noqa: ANN401 - the SDK's
        """Find out where the rows go."""
        super().__init__(target, *args, **kwargs)
        self._number = target.skipped

    def _say(self, request: Request) -> None:
        """Write what would be sent to standard output, where the target logs it."""
        url = f"{self._target.client.session.base_url}{request.path}"
        with self._lock:
            click.echo(f"{request.method} {url} {(request.body or b'').decode()}".rstrip())
