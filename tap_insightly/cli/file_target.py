"""The target for `insightly load`: it takes the rows of one file, by their numbers."""

from __future__ import annotations

import logging
import threading
from typing import TYPE_CHECKING, Any

import click
from typing_extensions import override

from tap_insightly.loader import TargetInsightly
from tap_insightly.loader.sink import InsightlySink

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from singer_sdk.sinks import Sink

    from tap_insightly.api import InsightlyClient, Request


class FileTarget(TargetInsightly):
    """A target that counts the rows that are written, instead of passing a state on.

    `skipped` rows at the beginning of the file are left out.
    """

    def __init__(
        self, client: InsightlyClient, stream: str, config: Mapping[str, Any], skipped: int = 0
    ) -> None:
        super().__init__(config=dict(config))
        self.client = client
        self.stream = stream
        self.skipped = skipped
        self.written = skipped
        """How many rows of the file are written, without a gap."""
        self.on_progress: Callable[[int], object] = lambda _: None
        """Called with that number each time that it grows."""
        self.metrics_logger.setLevel(logging.WARNING)  # or the SDK logs them

    @override
    def get_sink_class(self, stream_name: str) -> type[Sink]:
        return RowSink

    def outcomes(self) -> Mapping[str, int] | None:
        """Count the rows by what became of them; None if there was none."""
        found: Mapping[str, int] | None = self.report.report()["streams"].get(self.stream)
        return found

    @override
    def pass_on(self, state: dict[str, Any]) -> None:
        """Keep the state, as standard output is for data."""
        self.written = state["rows"]
        self.on_progress(self.written)


class RowSink(InsightlySink):
    """Takes the rows of a file, and calls each by its number there."""

    _lock = threading.Lock()

    def __init__(self, target: FileTarget, *args: Any, **kwargs: Any) -> None:  # noqa: ANN401 - the SDK's
        super().__init__(target, *args, **kwargs)
        self._number = target.skipped

    @override
    def _say(self, request: Request) -> None:
        """Write what would be sent to standard output, where the target logs it."""
        url = f"{self._target.client.session.base_url}{request.path}"
        with self._lock:
            click.echo(f"{request.method} {url} {(request.body or b'').decode()}".rstrip())
