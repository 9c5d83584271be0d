"""What a run would cost: its own plan of what to read, and how much there is of it."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime, timezone
from typing import TYPE_CHECKING

from tap_insightly.api import NotAvailableError
from tap_insightly.streams import ChildStream
from tap_insightly.streams.custom import CustomFieldsStream
from tap_insightly.streams.partition import Partition
from tap_insightly.sync.embedded_stream_sync import EmbeddedStreamSync
from tap_insightly.values import parse_moment

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence
    from concurrent.futures import Future

    from tap_insightly.api import PagedRequest, Response
    from tap_insightly.sync.stream_sync import StreamSync

    Key = tuple[str, frozenset[tuple[str, str]]]
    Ask = Callable[[str, Mapping[str, str]], Future[Response]]

_BESIDES = {"brief", "updated_after_utc"}  # parameters that choose no other list


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
class Counts:
    """How many records the lists have, each asked for once, at the earliest that anybody needs.

    So the numbers are upper bounds for whoever needs a later moment.
    """

    wanted: dict[Key, Partition] = field(default_factory=dict)
    found: dict[Key, Count] = field(default_factory=dict)

    def want(self, partition: Partition) -> None:
        """Note that a list will be read."""
        if not partition.is_paged:
            return  # it takes one request, whatever is in it
        other = self.wanted.get(key := _key(partition))
        if other is None or _is_before(partition.since, other.since):
            self.wanted[key] = partition

    def ask(self, ask: Ask) -> None:
        """Ask for the totals of all lists that are wanted.

        Raises:
            InsightlyError: If the API ends it.
        """
        least = {"top": "1", "count_total": "true"}
        answers = {
            key: ask(partition.path, {**partition.params, **least})
            for key, partition in self.wanted.items()
        }
        for key, answer in answers.items():
            self.found[key] = _count(self.wanted[key].since, answer)

    def of(self, partition: Partition) -> Count:
        """Return the count of a list; nothing is known of one that is not handed out in pages."""
        return self.found.get(_key(partition), Count(partition.since))


def estimate_costs(
    syncs: Sequence[StreamSync], ask: Ask, now: Callable[[], datetime | None]
) -> list[Cost]:
    """Find out what a plan of a run would cost, with a request for each list.

    Raises:
        InsightlyError: If the API ends it.
    """
    counts = Counts()
    for sync in syncs:
        for one in sync.partition_reads:
            counts.want(one.partition)
        if (learning := sync.learning) is not None:
            counts.want(Partition(learning.path))
    counts.ask(ask)
    moment = now() or datetime.now(timezone.utc)
    return [_cost(sync, counts, moment) for sync in syncs]


def _cost(sync: StreamSync, counts: Counts, now: datetime) -> Cost:
    stream, reads = sync.stream, sync.partition_reads
    own = [counts.of(one.partition) for one in reads]
    requests = len(sync.paged_requests) - len(reads)  # those that look for deletions
    for one, count in zip(reads, own, strict=True):
        requests += _pages(one.paged_request, count)
        if isinstance(stream, ChildStream):
            requests += max(0, (count.total or 0) - one.paged_request.skip)
    notes = list(_notes(sync, own))
    if (learning := sync.learning) is not None:
        pages = _pages(learning, counts.of(Partition(learning.path)))
        requests += pages
        notes.append(f"{pages:,} of these to learn its ids, so that deletions can be found")
    if sync.refresh is not None and all(one.partition.since is not None for one in reads):
        pages = sync.refresh.planned(now)
        requests += pages
        notes.append(f"{pages:,} of these to read records again (refresh_days)")
    totals = [count.total for count in own if count.total is not None]
    return Cost(stream.name, _since(sync), sum(totals) if totals else None, requests, notes)


def _pages(paged_request: PagedRequest, count: Count) -> int:
    """Say how many requests it takes to read a list from where its paginator is."""
    paginator = paged_request.paginator
    if paginator is None:
        return 1
    paginator.total = count.total
    return sum(1 for _ in paginator.pending_offsets())


def _since(sync: StreamSync) -> str | None:
    moments = [one.partition.since for one in sync.partition_reads]
    some = [moment for moment in moments if moment is not None]
    return min(some, key=parse_moment) if some and len(some) == len(moments) else None


def _notes(sync: StreamSync, counts: Sequence[Count]) -> Iterator[str]:
    if sync.is_skipped:
        yield "not asked about, as no webhook told of a change"
    if isinstance(sync, EmbeddedStreamSync) and sync.embedded_syncs.paths:
        paths = ", ".join(path[1:] for path in sync.embedded_syncs.paths)
        yield f"nothing for what is read anyway: {paths}"
    if isinstance(sync.stream, ChildStream):
        yield "one for each record"
    if isinstance(sync.stream, CustomFieldsStream):
        yield "one for each object that can have custom fields"
    if len(sync.paged_requests) > len(sync.partition_reads):
        yield "1 of these to look for deletions; each place that has some costs some ten more"
    for one, count in zip(sync.partition_reads, counts, strict=True):
        if count.refusal is not None:
            yield f"{one.partition.path} cannot be read ({count.refusal.status})"
        elif one.partition.is_paged and count.total is None:
            yield "at least, as Insightly does not say how many records there are"
        elif _is_before(count.since, one.partition.since):
            since = f"since {count.since}" if count.since else "all"
            yield f"at most: records were counted once ({since}), for several streams"


def _key(partition: Partition) -> Key:
    others = {name: value for name, value in partition.params.items() if name not in _BESIDES}
    is_list = partition.since is None
    path = partition.path if is_list else partition.path.removesuffix("/Search")
    return path, frozenset(others.items())


def _count(since: str | None, answer: Future[Response]) -> Count:
    try:
        return Count(since, answer.result().total)
    except NotAvailableError as error:
        return Count(since, refusal=error)


def _is_before(one: str | None, other: str | None) -> bool:
    """Compare two moments, of which None is before all others."""
    if one is None or other is None:
        return one is None and other is not None
    return parse_moment(one) < parse_moment(other)
