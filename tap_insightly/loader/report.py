"""What became of the records: counted by stream, and those that were refused kept in a file."""

from __future__ import annotations

import json
import threading
from collections import Counter
from datetime import datetime, timezone
from pathlib import Path
from typing import TYPE_CHECKING, Any

from tap_insightly.api import InsightlyError, RequestStats
from tap_insightly.api.http.closeable import Closeable
from tap_insightly.api.http.codec import encode
from tap_insightly.loader.shares import NO_LIMIT, Share
from tap_insightly.values import utc_text

if TYPE_CHECKING:
    import logging
    from collections.abc import Mapping

OUTCOMES = ("created", "updated", "unchanged", "deleted", "rejected")
# What is counted only where it happens: deletions that are not allowed, and records that were left
# out because there is none here, and none is to be made.
_RARE = ("ignored", "absent")
SAMPLE = 100  # records of which a share tells something while more are to come


class Requests(RequestStats):
    """Counts the requests of one stream, and does not keep how long each of them took."""

    def time(self, seconds: float, status: int) -> None:
        """Take nothing down.

        Args:
            seconds: Not used.
            status: Not used.
        """


class RejectedError(InsightlyError):
    """A record was refused, and that ends the run."""


class LoadReport(Closeable):
    """Counts what becomes of records, for any number of threads."""

    def __init__(
        self,
        rejects_file: str | None,
        logger: logging.Logger,
        max_rejects: Share = NO_LIMIT,
        report_file: str | None = None,
    ) -> None:
        """Open the file of what is refused, at its end.

        Args:
            rejects_file: Its path, text; None for no file.
            logger: Where to say things.
            max_rejects: How many records of a stream may be refused.
            report_file: Where to report at the end, the path of a file, text; None for nowhere.

        Raises:
            InsightlyError: If the file cannot be written.
        """
        self._logger = logger
        self._path = rejects_file
        self._max_rejects = max_rejects
        self._report_file = report_file
        self.is_finished = False
        """Whether the run has come to its end, and everything that was to be done was."""
        self._lock = threading.Lock()
        self._counts: dict[str, Counter[str]] = {}
        self._requests: dict[str, Requests] = {}
        try:
            # Open as long as this is, and closed with it.
            self._file = Path(rejects_file).open("ab") if rejects_file else None  # noqa: SIM115
        except OSError as error:
            msg = f"Setting 'rejects_file': {rejects_file} cannot be written: {error.strerror}."
            raise InsightlyError(msg) from None

    def open_stream(self, stream: str, whole: RequestStats) -> Requests:
        """Begin to count for a stream, or go on.

        Args:
            stream: The stream's name.
            whole: What counts the requests of all streams.

        Returns:
            What is to count its requests.
        """
        with self._lock:
            self._counts.setdefault(stream, Counter())
            return self._requests.setdefault(stream, Requests(whole))

    def count(self, stream: str, outcome: str) -> None:
        """Count a record.

        Args:
            stream: The stream's name.
            outcome: What became of it: one of `OUTCOMES`, or ``ignored`` for a deletion.
        """
        with self._lock:
            self._counts[stream][outcome] += 1

    def reject(self, stream: str, record: Mapping[str, Any], reason: str) -> None:
        """Keep a record that was refused.

        Args:
            stream: The stream's name.
            record: The record as it came.
            reason: Why, a sentence.

        Raises:
            InsightlyError: If the file cannot be written.
        """
        self.count(stream, "rejected")
        self._logger.warning("%s: rejected: %s", stream, reason)
        self.keep(stream, record, reason)
        self.check_rejects(least=SAMPLE)

    def keep(self, stream: str, record: Mapping[str, Any], reason: str) -> None:
        """Add a record to the file of rejects, if there is one.

        Args:
            stream: The stream's name.
            record: The record as it came.
            reason: Why, a sentence.

        Raises:
            InsightlyError: If the file cannot be written.
        """
        if self._file is None:
            return
        now = utc_text(datetime.now(timezone.utc).replace(microsecond=0))
        content = {"stream": stream, "record": record, "reason": reason, "time": now}
        try:
            line = encode(content)
        except UnicodeEncodeError:  # half a character, which JSON can only spell
            line = json.dumps(content, default=str).encode()
        try:
            with self._lock:
                self._file.write(line + b"\n")
                self._file.flush()
        except OSError as error:
            msg = f"{self._path} cannot be written: {error.strerror}."
            raise InsightlyError(msg) from None

    def rejected(self, stream: str) -> int:
        """Say how many records of a stream were refused so far.

        Args:
            stream: The stream's name.

        Returns:
            A number.
        """
        with self._lock:
            return self._counts[stream]["rejected"]

    def has_too_many_rejects(self) -> bool:
        """Tell whether more were refused so far than may be, of any stream.

        Returns:
            Whether it is so now; records that are still to come may change it.
        """
        return self._over(0, is_all=False) is not None

    def check_rejects(self, least: int = 0) -> None:
        """End the run if more were refused than may be, of any stream.

        Args:
            least: How many records of a stream must have come, for a share of them to count.

        Raises:
            RejectedError: If it is so.
        """
        over = self._over(least)
        if over is not None:
            stream, rejected, total = over
            msg = (
                f"Stream '{stream}': {rejected:,} of {total:,} records were refused, which is more "
                f"than max_rejects allows ({self._max_rejects}), so no state is passed on beyond "
                f"them. {self.where} Mend what is wrong, or allow more."
            )
            raise RejectedError(msg)

    def _over(self, least: int, *, is_all: bool = True) -> tuple[str, int, int] | None:
        with self._lock:
            for stream, counts in self._counts.items():
                rejected, total = counts["rejected"], counts.total()
                is_sample = self._max_rejects.number is not None or total >= least
                if is_sample and rejected > self._max_rejects.most(total, is_all=is_all):
                    return stream, rejected, total
        return None

    @property
    def where(self) -> str:
        """Where those are that were refused, a sentence."""
        if self._path:
            return f"They are listed in {self._path}."
        return "They are listed nowhere, as rejects_file is not set."

    def report(self) -> dict[str, Any]:
        """Say what became of the records, for programs.

        Returns:
            ``streams``: by name, how many were ``created``, ``updated``, ``unchanged``,
            ``deleted``, ``rejected``, ``ignored`` (deletions that are not allowed) and ``absent``
            (not there, and not to be made), and how many ``requests`` were sent for them;
            ``is_finished``: whether the run has come to its end.
        """
        with self._lock:
            streams = {
                stream: {name: counts[name] for name in (*OUTCOMES, *_RARE)}
                | {"requests": self._requests[stream].requests}
                for stream, counts in self._counts.items()
            }
        return {"is_finished": self.is_finished, "streams": streams}

    def tell(self) -> None:
        """Say what became of the records of each stream."""
        for stream, counts in self._counts.items():
            said = ", ".join(f"{counts[outcome]:,} {outcome}" for outcome in OUTCOMES)
            if counts["absent"]:
                said += f", {counts['absent']:,} left out as they are not here"
            requests = f"{self._requests[stream].requests:,} requests"
            self._logger.info("%s: %s; %s.", stream, said, requests)
            if counts["ignored"]:
                self._logger.warning(
                    "%s: %s records are deleted at their source and were left here, as "
                    "allow_delete is not set.",
                    stream,
                    f"{counts['ignored']:,}",
                )
        rejected = sum(counts["rejected"] for counts in self._counts.values())
        if rejected:
            where = f"they are in {self._path}" if self._path else "there is no rejects_file"
            self._logger.warning("%s records were rejected; %s.", f"{rejected:,}", where)

    def close(self) -> None:
        """Close the file of rejects, and write the report.

        Raises:
            InsightlyError: If the report cannot be written.
        """
        if self._report_file is not None:
            try:
                Path(self._report_file).write_bytes(encode(self.report()) + b"\n")
            except OSError as error:
                msg = f"{self._report_file} cannot be written: {error.strerror}."
                raise InsightlyError(msg) from None
        if self._file is not None:
            self._file.close()
