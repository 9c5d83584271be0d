"""One reading of a stream: from lists to rows, with a state that any cut can be resumed from."""

from __future__ import annotations

import time
from contextlib import suppress
from dataclasses import dataclass, field
from http import HTTPStatus
from typing import TYPE_CHECKING, Any

from singer_sdk import metrics
from singer_sdk.singerlib.catalog import REPLICATION_FULL_TABLE

from tap_insightly.api import Listing, NotAvailableError, Tally
from tap_insightly.api.paging import PAGE_SIZE, Cursor
from tap_insightly.streams.position import UNFINISHED, Position
from tap_insightly.values import parse_moment, utc_text

if TYPE_CHECKING:
    from collections.abc import Generator, Iterable, Iterator, Mapping

    from tap_insightly.api import Answer, Page
    from tap_insightly.conformer import Conformer
    from tap_insightly.streams.base import InsightlyStream
    from tap_insightly.tap import TapInsightly

RECORDS_BETWEEN_STATES = 5000
SECONDS_BETWEEN_STATES = 10.0


@dataclass(frozen=True)
class Part:
    """One list to read; most streams are read as one, some as several."""

    path: str
    params: Mapping[str, str] = field(default_factory=dict)
    is_paged: bool = True
    extra: Mapping[str, Any] = field(default_factory=dict)
    """What to add to each record, such as the kind of record that a tag belongs to."""


class Reading:
    """What one sync reads of one stream."""

    def __init__(self, stream: InsightlyStream, tap: TapInsightly) -> None:
        """Find out what to read, and from where; nothing is sent yet.

        Args:
            stream: The stream.
            tap: The tap, whose requests, state and log are used.

        Raises:
            InsightlyError: If the state holds no usable bookmark.
        """
        self._stream = stream
        self._tap = tap
        self._key = stream.own_key
        self.parts = list(stream.parts())
        saved = stream.saved_state.get(UNFINISHED)
        self._position = Position(saved, stream.since(), is_resumable=self._is_resumable())
        self.tally = Tally(tap.session.total)
        self._progress = tap.progress
        self.listings = [self._listing(part) for part in self.parts]
        """Its lists, one for each part."""
        self._counted = 0
        self.records = 0
        """How many rows were handed on."""
        self._started = self._state_due = 0.0  # known when its turn comes
        self._state_due_at = RECORDS_BETWEEN_STATES
        self._is_batch = stream.get_batch_config(stream.config) is not None

    def rows(self, conform: Conformer) -> Iterator[dict[str, Any]]:
        """Read the stream.

        Args:
            conform: What makes rows of records.

        Yields:
            The rows.

        Raises:
            InsightlyError: If the API ends the sync.
        """
        self._started = time.monotonic()  # what was fetched ahead of its turn took no time of it
        self._state_due = self._started + SECONDS_BETWEEN_STATES
        self._position.keep_in(self._stream.stream_state)
        self._tap.reader.expect(self.listings)
        try:
            is_found = False
            for part, listing in zip(self.parts, self.listings, strict=True):
                is_found |= yield from self._rows_of(part, listing, conform)
        except Exception:
            self._write_state()  # the next run goes on from what has been sent
            raise
        if is_found:
            self._stream.finish(self._position.end())
        else:
            self._tap.skip(self._stream.name)

    def report(self) -> None:
        """Say in one line what was read."""
        tally = self.tally
        self._stream.logger.info(
            "%s: %d records, %d requests, %d retries, %d answered 429, %.1f seconds.",
            self._stream.name,
            self.records,
            tally.requests,
            tally.retries,
            tally.refused,
            time.monotonic() - self._started,
        )

    def _is_resumable(self) -> bool:
        stream = self._stream
        # A new version makes targets drop the rows of the version before, among which would be
        # those that the run before the cut has sent.
        is_new_version = (
            stream.emit_activate_version_messages
            and stream.replication_method == REPLICATION_FULL_TABLE
        )
        is_one_list = len(self.parts) == 1 and self.parts[0].is_paged and len(self._key) == 1
        return is_one_list and not is_new_version

    def _listing(self, part: Part) -> Listing:
        cursor = None
        if part.is_paged:
            # A dry run (--test) stops at the record after its limit, so it need not ask for more.
            limit = self._stream.ABORT_AT_RECORD_COUNT
            cursor = Cursor(
                [name for name in self._key if name not in part.extra],
                page_size=PAGE_SIZE if limit is None else min(PAGE_SIZE, limit + 1),
                after=self._position.after,
                skip=self._position.skip,
            )
        return Listing(part.path, part.params, cursor=cursor, tally=self.tally)

    def _rows_of(
        self, part: Part, listing: Listing, conform: Conformer
    ) -> Generator[dict[str, Any], None, bool]:
        stream, position = self._stream, self._position
        bookmark_key, id_name = stream.replication_key or "", self._key[0]
        try:
            for page in self._pages(part, listing):
                position.begin(self._moment(page.answer))
                if listing.cursor and listing.cursor.last is None:
                    position.stay()
                for record in stream.parse(page.records, part):
                    row = conform({**record, **part.extra} if part.extra else record)
                    if row is not None:
                        value = row.get(bookmark_key)  # what is yielded may be changed
                        yield row
                        # The target has it now: whoever takes the next row has written this one.
                        self.records += 1
                        self._progress.records += 1
                        position.move(record.get(id_name), page.skip, value)
                        self._do_what_is_due()
        except NotAvailableError as error:
            if listing.is_begun:
                raise
            stream.logger.warning("%s: %s The sync goes on without it.", stream.name, error)
            return False
        return True

    def _pages(self, part: Part, listing: Listing) -> Iterator[Page]:
        with metrics.http_request_counter(self._stream.name, part.path) as counter:
            for page in self._tap.reader.read(listing, self._wait):
                self._progress.pages += 1
                counter.increment(self.tally.requests - self._counted)
                self._counted = self.tally.requests
                self._log_timings(part)
                yield page

    def _moment(self, answer: Answer) -> str | None:
        """Say when the server answered, by its own clock."""
        moment = answer.date or _newest(answer.records, self._stream.replication_key or "")
        return utc_text(moment) if moment else None

    def _wait(self) -> None:
        self._tap.message_writer.check_that_somebody_reads()
        self._do_what_is_due()

    def _do_what_is_due(self) -> None:
        now = time.monotonic()
        if now >= self._progress.due:
            self._progress.draw(now)
        if now >= self._state_due or self.records >= self._state_due_at:
            self._state_due = now + SECONDS_BETWEEN_STATES
            self._state_due_at = self.records + RECORDS_BETWEEN_STATES
            self._write_state()

    def _write_state(self) -> None:
        # A batch is sent when its file is complete, and the SDK writes the state after it.
        if not self._is_batch:
            self._tap.state_writer.write_state(self._tap.state)

    def _log_timings(self, part: Part) -> None:
        for seconds, status in self.tally.timings():
            is_good = status < HTTPStatus.BAD_REQUEST
            tags: dict[str, Any] = {
                metrics.Tag.STREAM: self._stream.name,
                metrics.Tag.ENDPOINT: part.path,
                metrics.Tag.HTTP_STATUS_CODE: status,
                metrics.Tag.STATUS: metrics.Status.SUCCEEDED if is_good else metrics.Status.FAILED,
            }
            point = metrics.Point("timer", metrics.Metric.HTTP_REQUEST_DURATION, seconds, tags)
            metrics.log(self._stream.metrics_logger, point)


def _newest(records: Iterable[Mapping[str, Any]], key: str) -> Any:  # noqa: ANN401
    """Find a moment that the server's clock had certainly reached when it answered.

    Args:
        records: The records of an answer that has no date of its own.
        key: The field that holds the moment of a record's last update.

    Returns:
        The newest update among the records, an aware datetime; None if there is none.
    """
    moments = []
    for record in records:
        with suppress(KeyError, TypeError, ValueError, AttributeError):
            moments.append(parse_moment(record[key]))
    return max(moments, default=None)
