"""Records that are gone become tombstones: rows of the key and the moment it was noticed."""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from contextlib import suppress
from datetime import datetime, timezone
from itertools import chain
from typing import TYPE_CHECKING, Any

from tap_insightly.api import IncompleteError, NotAvailableError, PagedRequest
from tap_insightly.api.lists.deletion_search import DeletionSearch
from tap_insightly.api.lists.paged_request import OnePagePaginator
from tap_insightly.api.lists.paginator import SMALLEST_PAGE, OffsetPaginator
from tap_insightly.streams.known import decode_ids, encode_ids
from tap_insightly.streams.refreshing import gone_in
from tap_insightly.values import is_before, utc_text

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence

    from tap_insightly.api import Page
    from tap_insightly.streams.base import InsightlyStream
    from tap_insightly.streams.source import PartitionRead

    Read = Callable[[Sequence[PagedRequest]], Iterator[Page]]

DELETED = "_sdc_deleted_at"
"""The property that marks a tombstone; targets know it by this name."""

FEWEST = 100
"""Records that may always be called gone at once."""

DELETED_SCHEMA: Mapping[str, Any] = {
    "type": ["string", "null"],
    "format": "date-time",
    "description": "When the record was found to be gone; null while it is there.",
}

KNOWN = "known"
"""The key in a stream's state. What is under it:

- ``ids``: the ids that the list is known to have, as `encode_ids` makes them.
- ``count``: how many they are, for people to read.
- ``bookmark``: the stream's bookmark then. If it is another now, other records were sent since.
- ``is_misled``: true if places in the list told nothing, so that all ids have to be read.

While a stream is unfinished, the ids that were sent are with its position (`Checkpoint.ids`).
"""


class Deletions:
    """What one sync finds out about deletions in one stream.

    The first sync remembers the ids. Each later one compares them with the list: for free if it
    reads the whole list anyway, else with a `DeletionSearch`. What the list has and was not known,
    though it is not new, came back: it is sent again, which takes its tombstone away.
    """

    def __init__(self, stream: InsightlyStream, source: PartitionRead) -> None:
        """Find out what is known.

        Args:
            stream: The stream.
            source: Its list or search, of which nothing was read yet.
        """
        state = stream.saved_state()
        saved = state.get(KNOWN)
        saved = saved if isinstance(saved, dict) else {}
        self._stream = stream
        self._source = source
        self._known = decode_ids(saved.get("ids"))
        # What earlier runs have sent of this reading, which was cut off.
        before = [decode_ids(text) for text in source.position.ids or ()]
        self._before = list(chain.from_iterable(ids or () for ids in before))
        self._is_told = source.position.ids is not None and None not in before
        self._is_whole = source.part.since is None and self._is_told
        # If not, runs that were not to find deletions have sent what is not known now.
        is_same = saved.get("bookmark") == state.get("replication_key_value")
        self._is_current = self._known is not None and self._is_told and is_same
        self._kept = self._kept_late = 0
        self._page_size: int = stream.config["page_size"]
        self._seen: set[int] = set()
        self._new: set[int] = set()  # known from now on
        self._gone: set[int] = set()
        self._back: dict[int, int] = {}  # what came back, and where it stands
        self._is_possible = True
        self._is_refused = False
        self._is_misled = saved.get("is_misled") is True
        self.excess: str | None = None
        """What is wrong if too much would be called gone, a sentence; None if it is not."""
        self._search: DeletionSearch | None = None
        self.paged_requests: Sequence[PagedRequest] = ()
        """What will be asked for in any case; can be asked for ahead of time."""
        if self._known and not self._is_whole and not self._is_misled:
            self._search = DeletionSearch(self._known, page_size=self._page_size)
            self.paged_requests = list(map(self._window, self._search.wanted))

    @property
    def learning(self) -> PagedRequest | None:
        """What is read only to learn its ids: those behind the known ones; None if none is.

        Other runs have sent some of them.
        """
        return None if self._is_whole or self._is_current else self._brief(self._behind())

    def gone(self) -> Sequence[int]:
        """Say what is gone, once all was compared, unless it is too much to be true.

        Returns:
            Ids that the list does not have any more, in ascending order.
        """
        if not self._is_possible or self._is_refused:
            return ()
        self._check_excess()
        return () if self.excess else sorted(self._gone)

    def compare(self, page: Page) -> None:
        """Compare a page of the list that was read for other reasons.

        Args:
            page: The page, all of whose records were sent.
        """
        if self._is_possible and not self._is_refused:
            (name,) = self._stream.own_key
            self._new.update(record[name] for record in page.records if record.get(name))
            self._gone.update(gone_in(page, name, self._known or ()))
            self._gone -= self._new

    def look(self, read: Read) -> None:
        """Find what is gone and what came back, once the stream has been read.

        Args:
            read: Reads lists, one after the other.

        Raises:
            InsightlyError: If the API ends the sync.
        """
        paginator = self._source.paginator
        self._seen = self._all_sent()
        self._is_possible = paginator.ascends
        try:
            if self._is_possible:
                self._compare(read)
        except NotAvailableError as error:
            self._is_refused = True
            self._warn(f"deletions cannot be found: {error}")
            return
        if not self._is_possible:
            self._warn("deletions cannot be found, because ids do not ascend in its list.")
            return
        self._new.update(self._seen)

    def returned(self, read: Read) -> Iterator[Mapping[str, Any]]:
        """Read what came back.

        Args:
            read: Reads lists, one after the other.

        Yields:
            Records, whole.

        Raises:
            InsightlyError: If the API ends the sync.
        """
        (name,) = self._stream.own_key
        left = dict(self._back) if self._is_possible else {}
        while left:
            windows = list(self._windows_over(left.values()))
            seen = []
            for page, window in zip(read(list(map(self._whole, windows))), windows, strict=True):
                for record in page.records:
                    if (number := record.get(name)) in left:
                        yield record
                        self._new.add(number)
                        del left[number]
                seen.append(range(window.skip, window.skip + max(1, len(page.records))))
            # What is not where it was has moved meanwhile, and is found again the next time.
            left = {one: at for one, at in left.items() if not any(at in part for part in seen)}

    def remember(self) -> None:
        """Put into the state what has been sent so far, in case that this run is cut off."""
        paginator, position = self._source.paginator, self._source.position
        if self._is_told and paginator.ascends and position.after is not None:
            sent = bisect_right(paginator.passed_ids, position.after)
            if sent > self._kept:
                position.remember(encode_ids(paginator.passed_ids[self._kept : sent]))
                self._kept = sent
            late = paginator.late_ids[self._kept_late : self._source.entered_sent]
            if late:
                position.remember(encode_ids(sorted(late)))
                self._kept_late += len(late)

    def keep_in(self, state: dict[str, Any]) -> None:
        """Keep what is known now, once all tombstones have been sent.

        Args:
            state: The state of the stream, with its new bookmark.
        """
        if self._is_refused:
            return  # what is known stays known, as of the bookmark then
        if not self._is_possible:
            state.pop(KNOWN, None)
            return
        self._keep(state, self._new.union(self._known or ()) - self._gone)

    def keep_sent(self, state: dict[str, Any]) -> None:
        """Keep what was known and what was sent, of a list that was not read whole.

        Args:
            state: The state of the stream, with its old bookmark.
        """
        paginator = self._source.paginator
        if self._is_told and paginator.ascends:
            self._keep(state, self._all_sent().union(self._known or ()))

    def _all_sent(self) -> set[int]:
        """Say which ids this run and those that were cut off before it have sent."""
        paginator = self._source.paginator
        return {*self._before, *paginator.passed_ids, *paginator.late_ids}

    def _keep(self, state: dict[str, Any], known: set[int]) -> None:
        ids = sorted(known)
        bookmark = state.get("replication_key_value")
        state[KNOWN] = {"ids": encode_ids(ids), "count": len(ids), "bookmark": bookmark}
        if self._is_misled:
            state[KNOWN]["is_misled"] = True

    def _compare(self, read: Read) -> None:
        if self._is_whole:
            self._gone = set(self._known or ()).difference(self._seen)
            self._is_misled = self._source.paginator.has_holes
            return
        if self._search is not None:
            self._run(self._search, read)
        if self._is_misled and self._is_possible:
            self._read_all(read)
        elif not self._is_current:
            self._new.update(self._ids_of(self._behind(), read))
        elif self._search is not None:
            self._reconcile(self._search, read)

    def _run(self, search: DeletionSearch, read: Read) -> None:
        (name,) = self._stream.own_key
        paged_requests = self.paged_requests
        while wanted := search.wanted:
            for page, paged_request, skip in zip(
                read(paged_requests), paged_requests, wanted, strict=True
            ):
                ids = [record.get(name) for record in page.records]
                search.add_page(skip, ids, page.response.total, paged_request.top)
            paged_requests = list(map(self._window, search.wanted))
        self._is_possible = search.is_possible
        self._is_misled = search.is_misled
        self._gone = search.gone
        self._back = {one: search.places[one] for one in search.found - self._seen}

    def _read_all(self, read: Read) -> None:
        """Read all ids, where places tell nothing."""
        paginator = OffsetPaginator(self._stream.own_key, page_size=self._page_size)
        known = set(self._known or ())
        places = self._ids_of(paginator, read)
        last = paginator.last if paginator.last is not None else -1
        if not paginator.is_whole and not paginator.is_contiguous:
            self._warn("deletions cannot be found, because its list has gaps and changes.")
            self._gone = set()
            return
        # Of a list that is not whole, what comes behind its last record may be there still.
        self._gone = {one for one in known - set(places) if paginator.is_whole or one < last}
        fresh = set(places) - known - self._seen
        self._back = {one: places[one] for one in fresh if self._is_current and known}
        self._new.update(fresh - set(self._back))
        self._is_misled = paginator.has_holes or not paginator.is_whole or paginator.total is None

    def _reconcile(self, search: DeletionSearch, read: Read) -> None:
        """Compare what is known now with how many records there are, and look for the rest."""
        known = set(self._known or ()) - self._gone
        known |= self._seen | set(self._back)
        if search.total is None or search.total <= len(known):
            return
        since, updated = self._source.part.since or "", dict[object, object]()
        behind = self._ids_of(self._behind(), read, updated)
        for number in behind.keys() - known:
            # What was updated since then is for the next sync, which finds it by its date.
            if is_before(updated.get(number), since):
                self._back[number] = behind[number]
        if search.total > len(known | behind.keys()):
            self._warn(
                f"Insightly counts {search.total:,} records, of which {len(known):,} are known. "
                "The rest may have come back where others went; refresh_days reads all again, and "
                "insightly verify says which it is."
            )

    def _ids_of(
        self, paginator: OffsetPaginator, read: Read, updated: dict[object, object] | None = None
    ) -> dict[int, int]:
        """Read ids and where they stand, and if asked for, when the records were updated."""
        (name,), date = self._stream.own_key, self._stream.replication_key or ""
        found = {}
        with suppress(IncompleteError):  # its cursor tells what that means
            for page in read([self._brief(paginator)]):
                new = {record.get(name) for record in page.records}
                for place, record in enumerate(page.response.records, page.skip):
                    if record.get(name) not in new:
                        continue
                    found[record.get(name)] = place
                    if updated is not None:
                        updated[record.get(name)] = record.get(date)
        self._is_possible &= paginator.ascends
        return found if self._is_possible else {}  # type: ignore[return-value]  # they are ids

    def _check_excess(self) -> None:
        known, gone = len(self._known or ()), len(self._gone)
        percent = self._stream.config["max_deletes_percent"]
        if percent < 100 and gone > max(FEWEST, known * percent / 100):  # noqa: PLR2004 - all
            self.excess = (
                f"{gone:,} of the {known:,} records that were there would be called gone at once, "
                f"more than max_deletes_percent ({percent:g}) allows, so none is. Look whether the "
                "user of the API key may see less than before. If they really are gone, run it "
                "once with max_deletes_percent 100."
            )

    def _behind(self) -> OffsetPaginator:
        """Begin behind the last known record."""
        there = [one for one in self._known or () if one not in self._gone]
        return OffsetPaginator(
            self._stream.own_key,
            page_size=self._page_size,
            after=there[-1] if there else None,
            skip=max(0, len(there) - 1),
        )

    def _windows_over(self, places: Iterable[int]) -> Iterator[OnePagePaginator]:
        """Cover places with as few pages as will do, none longer than it has to be."""
        rest = sorted(places)
        while rest:
            first = rest[0]
            near = rest[: bisect_left(rest, first + self._page_size)]
            yield OnePagePaginator(first, max(SMALLEST_PAGE, near[-1] - first + 1))
            rest = rest[len(near) :]

    def _whole(self, window: OnePagePaginator) -> PagedRequest:
        stats = self._source.paged_request.stats
        return PagedRequest(self._stream.path, paginator=window, stats=stats)

    def _window(self, skip: int) -> PagedRequest:
        """Ask for one page; what is needed is only where its ids stand."""
        return self._brief(OnePagePaginator(skip, self._page_size))

    def _brief(self, paginator: OffsetPaginator | OnePagePaginator) -> PagedRequest:
        stats = self._source.paged_request.stats
        return PagedRequest(self._stream.path, {"brief": "true"}, paginator=paginator, stats=stats)

    def _warn(self, what: str) -> None:
        self._stream.logger.warning("%s: %s", self._stream.name, what)


def tombstone(key: str, number: int, moment: datetime | None) -> dict[str, Any]:
    """Make the row that says that a record is gone.

    Args:
        key: The name of the primary key.
        number: The id.
        moment: When that was noticed, by the server's clock; None if it told no time.

    Returns:
        The row.
    """
    return {key: number, DELETED: utc_text(moment or datetime.now(timezone.utc))}
