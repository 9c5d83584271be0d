"""What became of the records: counted by stream, and those that were refused kept in a file."""

from __future__ import annotations

import threading
from collections import Counter
from datetime import datetime, timezone
from pathlib import Path
from typing import TYPE_CHECKING, Any

from tap_insightly.api import InsightlyError, Tally
from tap_insightly.api.closing import Closing
from tap_insightly.api.request import encode
from tap_insightly.values import utc_text

if TYPE_CHECKING:
    import logging
    from collections.abc import Mapping

OUTCOMES = ("created", "updated", "unchanged", "deleted", "rejected")


class Requests(Tally):
    """Counts the requests of one stream, and does not keep how long each of them took."""

    def time(self, seconds: float, status: int) -> None:
        """Take nothing down.

        Args:
            seconds: Not used.
            status: Not used.
        """


class RejectedError(InsightlyError):
    """A record was refused, and that ends the run."""


class Ledger(Closing):
    """Counts what becomes of records, for any number of threads."""

    def __init__(self, rejects_file: str | None, logger: logging.Logger) -> None:
        """Open the file of what is refused, at its end.

        Args:
            rejects_file: Its path, text; None for no file.
            logger: Where to say things.

        Raises:
            InsightlyError: If the file cannot be written.
        """
        self._logger = logger
        self._path = rejects_file
        self._lock = threading.Lock()
        self._counts: dict[str, Counter[str]] = {}
        self._requests: dict[str, Requests] = {}
        try:
            # Open as long as this is, and closed with it.
            self._file = Path(rejects_file).open("ab") if rejects_file else None  # noqa: SIM115
        except OSError as error:
            msg = f"Setting 'rejects_file': {rejects_file} cannot be written: {error.strerror}."
            raise InsightlyError(msg) from None

    def open_stream(self, stream: str, whole: Tally) -> Requests:
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
        if self._file is None:
            return
        now = utc_text(datetime.now(timezone.utc).replace(microsecond=0))
        line = encode({"stream": stream, "record": record, "reason": reason, "time": now})
        try:
            with self._lock:
                self._file.write(line + b"\n")
                self._file.flush()
        except OSError as error:
            msg = f"{self._path} cannot be written: {error.strerror}."
            raise InsightlyError(msg) from None

    def tell(self) -> None:
        """Say what became of the records of each stream."""
        for stream, counts in self._counts.items():
            said = ", ".join(f"{counts[outcome]:,} {outcome}" for outcome in OUTCOMES)
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
        """Close the file."""
        if self._file is not None:
            self._file.close()
