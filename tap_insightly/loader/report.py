"""Counts what became of the records of each stream, and keeps those that were refused."""

from __future__ import annotations

import json
import threading
import time
from collections import Counter
from datetime import datetime, timezone
from pathlib import Path
from typing import TYPE_CHECKING, Any

from typing_extensions import override

from tap_insightly.api import InsightlyError, RequestStats
from tap_insightly.api.http.closeable import Closeable
from tap_insightly.api.http.codec import encode
from tap_insightly.loader.errors import RejectedError, SettingError
from tap_insightly.loader.shares import NO_LIMIT, Share
from tap_insightly.run_summary import log_run
from tap_insightly.values import utc_text

if TYPE_CHECKING:
    import logging
    from collections.abc import Mapping

    from tap_insightly.api import InsightlySession

OUTCOMES = ("created", "updated", "unchanged", "deleted", "rejected")
# Shown only where they happen: deletions that are not allowed, and records that were left out
# because they are not here, and none is to be created.
_RARE = ("ignored", "absent")
MIN_SAMPLE = 100  # records of which a percentage says something while more are to come


class StreamRequestStats(RequestStats):
    """Counts the requests of one stream, without how long each of them took."""

    @override
    def time(self, seconds: float, status: int) -> None:
        """Keep nothing."""


class LoadReport(Closeable):
    """Counts what becomes of records, for any number of threads."""

    def __init__(
        self,
        rejects_file: str | None,
        logger: logging.Logger,
        max_rejects: Share = NO_LIMIT,
        report_file: str | None = None,
    ) -> None:
        """Open the file of rejects at its end; the report is written when this is closed."""
        self._logger = logger
        self._rejects_path = rejects_file
        self._max_rejects = max_rejects
        self._report_file = report_file
        self._began = time.monotonic()
        self.is_finished = False
        """Whether the run has come to its end, and everything that was to be done was."""
        self._lock = threading.Lock()
        self._counts: dict[str, Counter[str]] = {}
        self._requests: dict[str, StreamRequestStats] = {}
        try:
            # Open as long as this is, and closed with it.
            self._rejects = Path(rejects_file).open("ab") if rejects_file else None  # noqa: SIM115
        except OSError as error:
            msg = f"Setting 'rejects_file': {rejects_file} cannot be written: {error.strerror}."
            raise SettingError(msg) from None

    def open_stream(self, stream: str, total: RequestStats) -> StreamRequestStats:
        """Count for a stream too; what it returns counts its requests, and adds them to a total."""
        with self._lock:
            self._counts.setdefault(stream, Counter())
            return self._requests.setdefault(stream, StreamRequestStats(total))

    def count(self, stream: str, outcome: str) -> None:
        """Count a record, by one of `OUTCOMES`, ``ignored`` or ``absent``."""
        with self._lock:
            self._counts[stream][outcome] += 1

    def reject(self, stream: str, record: Mapping[str, Any], reason: str) -> None:
        """Count, log and keep a record that was refused."""
        self.count(stream, "rejected")
        self._logger.warning("%s: rejected: %s", stream, reason)
        self.write_reject(stream, record, reason)
        self.check_rejects(min_sample=MIN_SAMPLE)

    def write_reject(self, stream: str, record: Mapping[str, Any], reason: str) -> None:
        """Add a record to the file of rejects, if there is one."""
        if self._rejects is None:
            return
        now = utc_text(datetime.now(timezone.utc).replace(microsecond=0))
        content = {"stream": stream, "record": record, "reason": reason, "time": now}
        try:
            line = encode(content)
        except UnicodeEncodeError:  # half a character, which JSON can only spell
            line = json.dumps(content, default=str).encode()
        try:
            with self._lock:
                self._rejects.write(line + b"\n")
                self._rejects.flush()
        except OSError as error:
            msg = f"{self._rejects_path} cannot be written: {error.strerror}."
            raise InsightlyError(msg) from None

    def rejected(self, stream: str) -> int:
        """How many records of a stream were refused so far."""
        with self._lock:
            return self._counts[stream]["rejected"]

    def has_too_many_rejects(self) -> bool:
        """Whether more were refused so far than may be; records to come may still change that."""
        return self._over_limit(0, is_all=False) is not None

    def check_rejects(self, min_sample: int = 0) -> None:
        """Raise a `RejectedError` if more were refused than may be, of any stream.

        A percentage counts once that many records of a stream have come.
        """
        over = self._over_limit(min_sample)
        if over is not None:
            stream, rejected, total = over
            msg = (
                f"Stream '{stream}': {rejected:,} of {total:,} records were refused, which is more "
                f"than max_rejects allows ({self._max_rejects}), so no state is passed on beyond "
                f"them. {self.rejects_location} Fix what is wrong with them, or raise max_rejects."
            )
            raise RejectedError(msg)

    def _over_limit(self, min_sample: int, *, is_all: bool = True) -> tuple[str, int, int] | None:
        with self._lock:
            for stream, counts in self._counts.items():
                rejected, total = counts["rejected"], counts.total()
                is_sample = self._max_rejects.number is not None or total >= min_sample
                if is_sample and rejected > self._max_rejects.limit(total, is_all=is_all):
                    return stream, rejected, total
        return None

    @property
    def rejects_location(self) -> str:
        """A sentence that says where the records are that were refused."""
        if self._rejects_path:
            return f"They are listed in {self._rejects_path}."
        return "They are listed nowhere, as rejects_file is not set."

    def as_dict(self) -> dict[str, Any]:
        """What the report file says.

        ``streams``: for each, how many records were ``created``, ``updated``, ``unchanged``,
        ``deleted``, ``rejected``, ``ignored`` (deletions that are not allowed) and ``absent``
        (not here, and not to be created), and how many ``requests`` were sent for them;
        ``is_finished``: whether the run has come to its end.
        """
        with self._lock:
            streams = {
                stream: {name: counts[name] for name in (*OUTCOMES, *_RARE)}
                | {"requests": self._requests[stream].requests}
                for stream, counts in self._counts.items()
            }
        return {"is_finished": self.is_finished, "streams": streams}

    def figures(self) -> dict[str, dict[str, float]]:
        """Say how many records of each stream have come to something, and what that has cost."""
        with self._lock:
            return {
                stream: {"records": counts.total(), **self._requests[stream].figures}
                for stream, counts in self._counts.items()
            }

    def log_summary(self, session: InsightlySession) -> None:
        """Log what became of the records of each stream, and what all of that took."""
        told = self.as_dict()["streams"]
        for stream, counts in self._counts.items():
            summary = ", ".join(f"{counts[outcome]:,} {outcome}" for outcome in OUTCOMES)
            if counts["absent"]:
                summary += f", {counts['absent']:,} left out as they are not here"
            requests = f"{self._requests[stream].requests:,} requests"
            extra = {"stream_name": stream, "figures": told[stream]}
            self._logger.info("%s: %s; %s.", stream, summary, requests, extra=extra)
            if counts["ignored"]:
                self._logger.warning(
                    "%s: %s records are deleted at their source and were left here, as "
                    "allow_delete is not set.",
                    stream,
                    f"{counts['ignored']:,}",
                )
        rejected = sum(counts["rejected"] for counts in self._counts.values())
        if rejected:
            path = self._rejects_path
            where = f"they are in {path}" if path else "there is no rejects_file"
            self._logger.warning("%s records were rejected; %s.", f"{rejected:,}", where)
        totals = sum(self._counts.values(), Counter[str]())
        figures = {"streams": len(self._counts), **{name: totals[name] for name in OUTCOMES}}
        done = f"{'Finished' if self.is_finished else 'Not finished'}: {totals.total():,} records"
        log_run(self._logger, session, self._began, done, figures)

    @override
    def close(self) -> None:
        """Close the file of rejects, and write the report."""
        if self._rejects is not None:
            self._rejects.close()
        if self._report_file is not None:
            try:
                Path(self._report_file).write_bytes(encode(self.as_dict()) + b"\n")
            except OSError as error:
                msg = f"{self._report_file} cannot be written: {error.strerror}."
                raise InsightlyError(msg) from None
