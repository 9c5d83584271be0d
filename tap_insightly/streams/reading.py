"""One reading of a stream: from lists to rows, with a state that any cut can be resumed from."""

from __future__ import annotations

import time
from contextlib import suppress
from dataclasses import dataclass, field
from http import HTTPStatus
from itertools import islice
from typing import TYPE_CHECKING, Any

from singer_sdk import metrics
from singer_sdk.singerlib.catalog import REPLICATION_FULL_TABLE

from tap_insightly.api import Listing, NotAvailableError, Tally
from tap_insightly.api.paging import PAGE_SIZE, Cursor
from tap_insightly.streams.deleting import Deletions, tombstone
from tap_insightly.streams.position import UNFINISHED, Position
from tap_insightly.values import parse_moment, utc_text

if TYPE_CHECKING:
    from collections.abc import Generator, Iterable, Iterator, Mapping, Sequence
    from datetime import datetime

    from tap_insightly.api import Page
    from tap_insightly.conformer import Conformer
    from tap_insightly.streams.base import InsightlyStream
    from tap_insightly.streams.related import Parent
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
    since: str | None = None
    """The moment that a search is asked for; None if the list is read whole."""
    context: Mapping[str, str] | None = None
    """Which part of the stream's state belongs to it; None if the stream has one state."""
    parent: Parent | None = None
    """What the list consists of, if that is not what the stream consists of."""

    @property
    def owner(self) -> Parent:
        """What the list consists of.

        Raises:
            TypeError: If that is what the stream consists of.
        """
        if self.parent is None:
            msg = f"{self.path} holds the stream's own records."
            raise TypeError(msg)
        return self.parent


class Source:
    """A part of a stream that is being read: its list, and how far that has been read."""

    def __init__(self, stream: InsightlyStream, part: Part, tally: Tally) -> None:
        """Find out where to go on.

        Args:
            stream: The stream.
            part: The part.
            tally: Where to count the requests.
        """
        self.part = part
        self.key = (part.parent.key,) if part.parent else stream.own_key
        """The names of the fields that identify a record of the list."""
        is_resumable = part.is_paged and len(self.key) == 1 and not is_new_version(stream)
        saved = stream.saved_state(part.context).get(UNFINISHED)
        self.position = Position(saved, part.since, is_resumable=is_resumable)
        # A dry run (--test) stops at the record after its limit, so it need not ask for more; only
        # of records that hold others, many may hold none.
        limit = stream.ABORT_AT_RECORD_COUNT
        self.page_size = PAGE_SIZE
        """How many records are asked for at once."""
        if limit is not None and not stream.is_inside:
            self.page_size = min(PAGE_SIZE, limit + 1)
        cursor = None
        if part.is_paged:
            cursor = Cursor(
                [name for name in self.key if name not in part.extra],
                page_size=self.page_size,
                after=self.position.after,
                skip=self.position.skip,
            )
        self.listing = Listing(
            part.path, part.params, cursor=cursor, tally=tally, is_counted=limit is None
        )
        self.cursor = cursor or Cursor(self.key)  # of a list without pages, nothing is passed
        """Which records were passed."""
        self.is_answered = False
        """Whether anything of it was answered: if so, that it cannot be read is an error."""


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
        self.tally = Tally(tap.session.total)
        self._progress = tap.progress
        self.sources = [Source(stream, part, self.tally) for part in stream.parts()]
        self._along = tap.along(self)
        """What else is made of the same records."""
        self._deletions: Deletions | None = None
        if stream.finds_deletions:
            (source,) = self.sources
            self._deletions = Deletions(stream, source)
        else:
            for source in self.sources:
                source.position.remember(None)
        self._counted = 0
        self.records = 0
        """How many rows were handed on."""
        self._deleted = 0
        self._is_found = False
        self._moment: datetime | None = None  # of the last answer, by the server's clock
        self._started = self._state_due = 0.0  # known when its turn comes
        self._state_due_at = RECORDS_BETWEEN_STATES
        self._is_batch = stream.get_batch_config(stream.config) is not None

    @property
    def stream(self) -> InsightlyStream:
        """The stream."""
        return self._stream

    @property
    def listings(self) -> Sequence[Listing]:
        """The lists that will be read, in order."""
        more = self._deletions.listings if self._deletions else ()
        return [*(source.listing for source in self.sources), *more]

    @property
    def learning(self) -> Listing | None:
        """What will be read only to learn its ids, so that deletions can be found; None if none."""
        return self._deletions.learning if self._deletions else None

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
        self._tap.reader.expect(self.listings)
        try:
            for source in self.sources:
                self._is_found |= yield from self._whole(source, conform)
        except Exception:
            self._write_state()  # the next run goes on from what has been sent
            raise
        if not self._is_found:
            self._tap.skip(self._stream.name)

    def remember(self) -> None:
        """Bring the state up to date, which is about to be written."""
        if self._deletions:
            self._deletions.remember()

    def report(self) -> None:
        """Say in one line what was read."""
        tally = self.tally
        self._stream.logger.info(
            "%s: %d records%s, %d requests, %d retries, %d answered 429, %.1f seconds.",
            self._stream.name,
            self.records - self._deleted,
            f", {self._deleted} deleted" if self._deletions else "",
            tally.requests,
            tally.retries,
            tally.refused,
            time.monotonic() - self._started,
        )

    def _whole(self, source: Source, conform: Conformer) -> Generator[dict[str, Any], None, bool]:
        """Read a part to its end, and set its bookmark. Returns whether it can be read at all."""
        stream, part, position = self._stream, source.part, source.position
        position.keep_in(stream.get_context_state(part.context))
        for one in self._along:
            one.begin(position)
        try:
            yield from self._rows_of(source, conform)
        except NotAvailableError as error:
            if source.is_answered:
                raise
            stream.logger.warning("%s: %s The sync goes on without it.", stream.name, error)
            return False
        # The bookmark comes last: a sync that is cut off before goes on from where it was.
        yield from self._tombstones()
        bookmark = position.end()
        stream.finish(bookmark, part.context)
        if self._deletions:
            self._deletions.keep_in(stream.stream_state)
        for one in self._along:
            one.finish(bookmark)
        return True

    def _rows_of(self, source: Source, conform: Conformer) -> Iterator[dict[str, Any]]:
        for page in self._pages([source.listing]):
            source.is_answered = True
            self._begin(source, page)
            yield from self._rows_of_page(page, source, conform)

    def _begin(self, source: Source, page: Page) -> None:
        source.position.begin(self._moment_of(page))
        if source.listing.cursor and not source.listing.cursor.ascends:
            source.position.stay()

    def _rows_of_page(
        self, page: Page, source: Source, conform: Conformer
    ) -> Iterator[dict[str, Any]]:
        stream, part, position, along = self._stream, source.part, source.position, self._along
        bookmark_key, id_name = stream.replication_key or "", source.key[0]
        for record in stream.parse(page.records, part):
            row = conform({**record, **part.extra} if part.extra else record)
            if row is not None:
                value = row.get(bookmark_key)  # what is yielded may be changed
                yield row
                # The target has it now: whoever takes the next row has written this one.
                self._count()
                for one in along:
                    self._state_due_at -= one.send(record)
                position.move(record.get(id_name), page.skip, value)
                self._do_what_is_due()

    def _tombstones(self) -> Iterator[dict[str, Any]]:
        if self._deletions is None:
            return
        for number in self._deletions.find(self._pages):
            if not self._deleted and not self._is_batch:
                self._stream.announce_tombstones()
            yield tombstone(self._stream.own_key[0], number, self._moment)
            self._count()
            self._deleted += 1
            self._do_what_is_due()

    def _count(self) -> None:
        self.records += 1
        self._progress.records += 1

    def _pages(self, listings: Sequence[Listing]) -> Iterator[Page]:
        if not all(listing in self.listings for listing in listings):
            self._tap.reader.expect(listings)
        # A dry run (--test) has enough with the first page, even if it makes no record.
        most = None if self._stream.ABORT_AT_RECORD_COUNT is None else 1
        for listing in listings:
            with metrics.http_request_counter(self._stream.name, listing.path) as counter:
                for page in islice(self._tap.reader.read(listing, self._wait), most):
                    self._take_in(page, counter, listing.path)
                    yield page

    def _take_in(self, page: Page, counter: metrics.Counter, endpoint: str) -> None:
        self._progress.pages += 1
        counter.increment(self.tally.requests - self._counted)
        self._counted = self.tally.requests
        self._log_timings(endpoint)
        self._moment = page.answer.date
        self._stream.check_bookmarks()

    def _moment_of(self, page: Page) -> str | None:
        """Say when the server answered, by its own clock."""
        answer = page.answer
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
            self._tap.write_state()

    def _log_timings(self, endpoint: str) -> None:
        for seconds, status in self.tally.timings():
            is_good = status < HTTPStatus.BAD_REQUEST
            tags: dict[str, Any] = {
                metrics.Tag.STREAM: self._stream.name,
                metrics.Tag.ENDPOINT: endpoint,
                metrics.Tag.HTTP_STATUS_CODE: status,
                metrics.Tag.STATUS: metrics.Status.SUCCEEDED if is_good else metrics.Status.FAILED,
            }
            point = metrics.Point("timer", metrics.Metric.HTTP_REQUEST_DURATION, seconds, tags)
            metrics.log(self._stream.metrics_logger, point)


def is_new_version(stream: InsightlyStream) -> bool:
    """Tell whether a stream begins anew in each run, and cannot go on where another was.

    A new version makes targets drop the rows of the version before, among which would be those
    that the run before the cut has sent.

    Args:
        stream: The stream.

    Returns:
        Whether it does.
    """
    return (
        stream.emit_activate_version_messages
        and stream.replication_method == REPLICATION_FULL_TABLE
    )


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
