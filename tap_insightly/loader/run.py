"""One run of the target: what its sinks and its copier share."""

from __future__ import annotations

from collections import defaultdict
from contextlib import ExitStack
from functools import cached_property, partial
from typing import TYPE_CHECKING, Any

from typing_extensions import override

from tap_insightly.api.http.closeable import Closeable
from tap_insightly.loader.deferred import DeferredDeletions
from tap_insightly.loader.errors import RejectedError, is_refusal
from tap_insightly.loader.key_cache import KeyCache
from tap_insightly.loader.mappings import StreamMappings, is_mirroring
from tap_insightly.loader.queue import WriteQueue
from tap_insightly.loader.report import LoadReport
from tap_insightly.loader.shares import Share
from tap_insightly.telemetry import current
from tap_insightly.undo_file.lines import read_account
from tap_insightly.undo_file.recorder import Recorder

if TYPE_CHECKING:
    import logging
    from collections.abc import Mapping

    from tap_insightly.api import InsightlyClient, InsightlyError
    from tap_insightly.loader.stream_mapping import StreamMapping


class LoadRun(Closeable):
    """Has what the parts of one run share; nothing is asked of the account before it is needed."""

    def __init__(
        self, config: Mapping[str, Any], logger: logging.Logger, client: InsightlyClient
    ) -> None:
        """Open the report; the client is closed with the run."""
        self.config = config
        self.logger = logger
        self.client = client
        self.report = LoadReport(
            config.get("rejects_file"),
            logger,
            Share.of(config["max_rejects"]),
            config.get("report_file"),
        )
        self.mappings = StreamMappings(client, config)
        self.queue = WriteQueue(config["max_concurrency"])
        self.max_deletes = Share.of(config["max_deletes"])
        self.deferred = DeferredDeletions(client, self.queue, self.report, self.max_deletes)
        self.is_mirroring = is_mirroring(config)
        lag = float(config["search_lag_seconds"])
        self.key_caches: defaultdict[str, KeyCache] = defaultdict(partial(KeyCache, lag))
        """By the path of the list."""
        self.opened = ExitStack()
        """Closes what was opened during the run, the last first."""
        self._are_rejects_final = False
        current().watch_streams(self.report.figures)

    @cached_property
    def recorder(self) -> Recorder | None:
        """Writes the undo file, if there is to be one."""
        path = self.config.get("undo_file")
        return (
            self.opened.enter_context(Recorder(path, read_account(self.client))) if path else None
        )

    def count_requests(self, stream: str) -> InsightlyClient:
        """Begin a stream in the report: a client whose requests are counted for it."""
        return self.client.with_stats(self.report.open_stream(stream, self.client.session.stats))

    def refuse(
        self, mapping: StreamMapping, record: Mapping[str, Any], name: str, error: InsightlyError
    ) -> None:
        """Do with a refused record what `on_error` says: keep it, or end the run by an error."""
        if not is_refusal(error):
            raise error
        reason = f"the record with {name} was refused: {error}" if name else f"refused: {error}"
        if self.config["on_error"] == "fail":
            msg = (
                f"Stream '{mapping.stream}': {reason} Set on_error to skip to go on without such "
                "records."
            )
            raise RejectedError(msg) from error
        self.report.reject(mapping.stream, record, reason)

    def check_all_rejects(self) -> None:
        """Apply `max_rejects` to the whole run, once all records were written or refused."""
        self.report.check_rejects()
        self._are_rejects_final = True

    @property
    def is_state_held(self) -> bool:
        """Whether no state may be written yet, or ever: see `DeferredDeletions.is_pending`.

        Too many rejects can still become few enough, or else end the run. A dry run writes nothing
        that a state could be about.
        """
        may_fail = not self._are_rejects_final and self.report.has_too_many_rejects()
        return bool(self.config["dry_run"]) or self.deferred.is_pending or may_fail

    @override
    def close(self) -> None:
        """End what is under way, report, and close the files and the client."""
        self.client.session.stop_waiting()
        with self.client, self.opened, self.report:
            self.queue.close()
            self.report.log_summary(self.client.session)
