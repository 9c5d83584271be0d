"""The target for `insightly load`: it takes the rows of one file, by their numbers."""

from __future__ import annotations

import logging
import threading
from functools import partial
from typing import TYPE_CHECKING, Any, cast

import click
from typing_extensions import override

from tap_insightly.loader import TargetInsightly
from tap_insightly.loader.sink import InsightlySink

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from singer_sdk.sinks import Sink

    from tap_insightly.api import InsightlyClient, Request


class FileTarget(TargetInsightly):
    """A target that remembers how many rows are written, where others pass a state on."""

    takes_account = False  # the command has found it

    def __init__(
        self, client: InsightlyClient, stream: str, config: Mapping[str, Any], skipped: int = 0
    ) -> None:
        super().__init__(client=client, config=dict(config))
        self.stream = stream
        self.skipped = skipped
        self.written = skipped
        """How many rows of the file are written, without a gap."""
        self.on_progress: Callable[[int], object] = lambda _: None
        """Called with that number each time that it grows."""
        self.metrics_logger.setLevel(logging.WARNING)  # the SDK would log them whatever is said

    @override
    def get_sink_class(self, stream_name: str) -> type[Sink]:
        """Number the rows as the file does."""
        return cast("type[Sink]", partial(RowSink, run=self.run, first_number=self.skipped + 1))

    def outcomes(self) -> Mapping[str, int] | None:
        """Count the rows by what became of them; None if there was none."""
        found: Mapping[str, int] | None = self.run.report.as_dict()["streams"].get(self.stream)
        return found

    @override
    def emit_state(self, state: dict[str, Any]) -> None:
        """Remember a state, as standard output is for data."""
        self.written = state["rows"]
        self.on_progress(self.written)


class RowSink(InsightlySink):
    """Shows what would be sent on standard output, where the target logs it."""

    _lock = threading.Lock()

    @override
    def _show(self, request: Request) -> None:
        url = f"{self._run.client.session.base_url}{request.path}"
        with self._lock:
            click.echo(f"{request.method} {url} {(request.body or b'').decode()}".rstrip())
