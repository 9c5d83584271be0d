"""What a sync would cost: the tap's own plan of what to read, and how much there is of it."""

from __future__ import annotations

import sys
from dataclasses import dataclass, field
from datetime import datetime, timezone
from typing import TYPE_CHECKING

from tap_insightly.api import NotAvailableError
from tap_insightly.streams import STREAMS, ArrayStream, ChildStream, CustomObjectStream
from tap_insightly.streams.custom import CustomFieldsStream
from tap_insightly.streams.source import Partition
from tap_insightly.tap import TapInsightly
from tap_insightly.values import parse_moment

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from concurrent.futures import Future
    from types import FrameType

    from singer_sdk import Stream

    from tap_insightly.api import PagedRequest, Response
    from tap_insightly.streams.reading import StreamSync

    Key = tuple[str, frozenset[tuple[str, str]]]

_BESIDES = {"brief", "updated_after_utc"}  # parameters that choose no other list


class UnreadTap(TapInsightly):
    """The tap, of which nothing is read but how much there is to read."""

    needs_custom_fields = False
    """Whether the account is asked for its custom fields."""

    def discover_streams(self) -> Sequence[Stream]:
        """Make the streams: from the catalog if there is one, else from the account.

        Returns:
            The streams; where custom fields are not needed, without them: they cost a request for
            each object to find out, and make no difference to what a sync reads.
        """
        if self.input_catalog is not None or self.needs_custom_fields:
            return super().discover_streams()
        standard = [stream(self) for stream in STREAMS]
        names = self.custom_object_names
        custom = [CustomObjectStream(self, name=one.lower(), object_name=one) for one in names]
        return [*standard, *custom]

    @property
    def discovery(self) -> int:
        """What a sync sends to find out what there is to read, once the streams are planned."""
        sent = self.session.stats
        missing = len(self.objects_with_custom_fields()) if self.input_catalog is None else 0
        return sent.requests - sent.retries + missing

    def _handle_termination(self, signum: int, frame: FrameType | None) -> None:  # noqa: ARG002 - the SDK's
        """End on a signal at once: there is no state to be written.

        Args:
            signum: The signal.
            frame: Not used.
        """
        self.close()
        sys.exit(128 + signum)


@dataclass(frozen=True)
class Cost:
    """What one stream would cost."""

    stream: str
    since: str | None
    """From when on it is read; None if from its beginning, or not by date."""
    records: int | None
    """How many records are read, or asked about, at most; None if that is not known."""
    requests: int
    """How many requests that takes."""
    notes: Sequence[str] = ()


@dataclass(frozen=True)
class Count:
    """How many records a list has."""

    since: str | None
    """Of which only those count that were updated since."""
    total: int | None = None
    """None if the API does not say."""
    refusal: NotAvailableError | None = None
    """Why it cannot be read."""


@dataclass
class Lists:
    """How many records the lists have, each asked for once, at the earliest that anybody needs.

    So the numbers are upper bounds for whoever needs a later moment.
    """

    wanted: dict[Key, Partition] = field(default_factory=dict)
    counts: dict[Key, Count] = field(default_factory=dict)

    def want(self, part: Partition) -> None:
        """Take in that a list will be read.

        Args:
            part: The list.
        """
        if not part.is_paged:
            return  # it takes one request, whatever is in it
        other = self.wanted.get(key := _key(part))
        if other is None or _is_before(part.since, other.since):
            self.wanted[key] = part

    def ask(self, tap: TapInsightly) -> None:
        """Ask for the totals of all lists that are wanted.

        Args:
            tap: The tap, whose connection is used.

        Raises:
            InsightlyError: If the API ends it.
        """
        least = {"top": "1", "count_total": "true"}
        asked = {
            key: tap.prefetcher.ask(part.path, {**part.params, **least})
            for key, part in self.wanted.items()
        }
        for key, response in asked.items():
            self.counts[key] = _count(self.wanted[key].since, response)

    def count(self, part: Partition) -> Count:
        """Say how many records a list has.

        Args:
            part: The list.

        Returns:
            What was found out; nothing of a list that is not handed out in pages.
        """
        return self.counts.get(_key(part), Count(part.since))


def costs_of(tap: UnreadTap) -> tuple[int, list[Cost]]:
    """Find out what a sync of the selected streams would cost, with a request for each list.

    Args:
        tap: The tap, with its settings, its catalog and its state.

    Returns:
        The requests that tell the sync what there is to read, and what each stream costs.

    Raises:
        InsightlyError: If the API ends it, or a state holds no usable bookmark.
    """
    readings = [stream.new_reading() for stream in tap.selected_streams()]
    discovery = tap.discovery  # before anything else is sent
    lists = Lists()
    for reading in readings:
        for source in reading.sources:
            lists.want(source.part)
        if (learning := reading.learning) is not None:
            lists.want(Partition(learning.path))
    lists.ask(tap)
    now = tap.session.now() or datetime.now(timezone.utc)
    return discovery, [_cost(reading, lists, now) for reading in readings]


def _cost(reading: StreamSync, lists: Lists, now: datetime) -> Cost:
    stream, sources = reading.stream, reading.sources
    counts = [lists.count(source.part) for source in sources]
    requests = len(reading.paged_requests) - len(sources)  # those that look for deletions
    for source, count in zip(sources, counts, strict=True):
        requests += _pages(source.paged_request, count)
        if isinstance(stream, ChildStream):
            requests += max(0, (count.total or 0) - source.paged_request.skip)
    notes = list(_notes(reading, counts))
    if (learning := reading.learning) is not None:
        pages = _pages(learning, lists.count(Partition(learning.path)))
        requests += pages
        notes.append(f"{pages:,} of these to learn its ids, so that deletions can be found")
    if reading.refresh is not None and all(one.part.since is not None for one in sources):
        pages = reading.refresh.planned(now)
        requests += pages
        notes.append(f"{pages:,} of these to read records again (refresh_days)")
    totals = [count.total for count in counts if count.total is not None]
    return Cost(stream.name, _since(reading), sum(totals) if totals else None, requests, notes)


def _pages(paged_request: PagedRequest, count: Count) -> int:
    """Say how many requests it takes to read a list from where its cursor is."""
    paginator = paged_request.paginator
    if paginator is None:
        return 1
    paginator.total = count.total
    return sum(1 for _ in paginator.pending_offsets())


def _since(reading: StreamSync) -> str | None:
    moments = [source.part.since for source in reading.sources]
    some = [moment for moment in moments if moment is not None]
    return min(some, key=parse_moment) if some and len(some) == len(moments) else None


def _notes(reading: StreamSync, counts: Sequence[Count]) -> Iterator[str]:
    stream, sources = reading.stream, reading.sources
    if isinstance(stream, ArrayStream) and stream.along:
        yield "nothing for what is read anyway: " + ", ".join(path[1:] for path in stream.along)
    if isinstance(stream, ChildStream):
        yield "one for each record"
    if isinstance(stream, CustomFieldsStream):
        yield "one for each object that can have custom fields"
    if len(reading.paged_requests) > len(sources):
        yield "1 of these to look for deletions; each place that has some costs some ten more"
    for source, count in zip(sources, counts, strict=True):
        if count.refusal is not None:
            yield f"{source.part.path} cannot be read ({count.refusal.status})"
        elif source.part.is_paged and count.total is None:
            yield "at least, as Insightly does not say how many records there are"
        elif _is_before(count.since, source.part.since):
            since = f"since {count.since}" if count.since else "all"
            yield f"at most: records were counted once ({since}), for several streams"


def _key(part: Partition) -> Key:
    others = {name: value for name, value in part.params.items() if name not in _BESIDES}
    path = part.path if part.since is None else part.path.removesuffix("/Search")
    return path, frozenset(others.items())


def _count(since: str | None, asked: Future[Response]) -> Count:
    try:
        return Count(since, asked.result().total)
    except NotAvailableError as error:
        return Count(since, refusal=error)


def _is_before(one: str | None, other: str | None) -> bool:
    """Compare two moments, of which None is before all others."""
    if one is None or other is None:
        return one is None and other is not None
    return parse_moment(one) < parse_moment(other)
