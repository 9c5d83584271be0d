"""Comparing known ids with a list that is not read anyway, for as few requests as will do."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from tap_insightly.sync.id_list import UnorderedError
from tap_insightly.values import is_before

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from tap_insightly.api import PagedRequest
    from tap_insightly.api.lists.deletion_search import DeletionSearch
    from tap_insightly.api.lists.paginator import OffsetPaginator
    from tap_insightly.sync.id_list import IdList, Read


@dataclass
class Findings:
    """What a comparison found."""

    gone: set[int] = field(default_factory=set)
    """Known ids that the list does not have any more."""
    learned: set[int] = field(default_factory=set)
    """Ids of the list that are known from now on."""
    returned: dict[int, int] = field(default_factory=dict)
    """Ids that came back, and their places in the list."""
    is_misled: bool = False
    """Whether places in the list prove nothing."""


class IdComparison:
    """Compares known ids with a list that is not read anyway.

    Raises `UnorderedError` wherever the list turns out not to ascend, and `InsightlyError` if the
    API ends the sync.
    """

    def __init__(
        self,
        known: Sequence[int],
        sent: set[int],
        id_list: IdList,
        read: Read,
        warn: Callable[[str], None],
    ) -> None:
        """Prepare to compare ids that were known before, and those that were sent by now."""
        self._known = known
        self._sent = sent
        self._list = id_list
        self._read = read
        self._warn = warn

    def search(self, search: DeletionSearch, paged_requests: Sequence[PagedRequest]) -> Findings:
        """Find by their places what is gone, and what came back between the known ones.

        `paged_requests` are the first that the search wants.
        """
        while wanted := search.wanted:
            pages = self._read(paged_requests)
            for page, paged_request, skip in zip(pages, paged_requests, wanted, strict=True):
                ids = [record.get(self._list.key) for record in page.records]
                search.add_page(skip, ids, page.response.total, paged_request.top)
            paged_requests = self._list.pages(search)
        if not search.is_possible:
            raise UnorderedError
        returned = {one: search.places[one] for one in search.found - self._sent}
        return Findings(gone=search.gone, returned=returned, is_misled=search.is_misled)

    def learn(self, findings: Findings) -> None:
        """Read the ids behind the known ones, which other runs have sent."""
        known = [one for one in self._known if one not in findings.gone]
        entries = self._list.entries(behind(known, self._list), self._read)
        findings.learned.update(entry.record_id for entry in entries)

    def reconcile(self, search: DeletionSearch, findings: Findings, date: str, since: str) -> None:
        """Look behind the known ids for more that came back, if the list has more than is known.

        What was updated since the moment that the stream was read from is for the next sync, which
        finds it by its date.
        """
        there = [one for one in self._known if one not in findings.gone]
        known = {*there, *self._sent, *findings.returned}
        if search.total is None or search.total <= len(known):
            return
        seen: set[int] = set()
        for entry in self._list.entries(behind(there, self._list), self._read):
            seen.add(entry.record_id)
            if entry.record_id not in known and is_before(entry.record.get(date), since):
                findings.returned[entry.record_id] = entry.place
        if search.total > len(known | seen):
            self._warn(
                f"Insightly counts {search.total:,} records, of which {len(known):,} are known. "
                "The rest may have come back where others went; refresh_days reads all again, and "
                "insightly verify says which it is."
            )

    def read_all(self, before: Findings, *, is_all_known: bool) -> Findings:
        """Read all ids, where places prove nothing."""
        paginator = self._list.paginator()
        places = {
            entry.record_id: entry.place for entry in self._list.entries(paginator, self._read)
        }
        if not paginator.is_whole and not paginator.is_contiguous:
            self._warn("deletions cannot be found, because its list has gaps and changes.")
            return Findings(returned=before.returned, is_misled=True)
        known = set(self._known)
        last = -1 if paginator.last is None else paginator.last
        # Of a list that is not whole, what comes behind its last record may be there still.
        gone = {one for one in known - places.keys() if paginator.is_whole or one < last}
        fresh = places.keys() - known - self._sent
        is_returned = is_all_known and bool(known)
        return Findings(
            gone=gone,
            learned=set() if is_returned else fresh,
            returned={one: places[one] for one in fresh} if is_returned else {},
            is_misled=paginator.has_holes or not paginator.is_whole or paginator.total is None,
        )


def behind(known: Sequence[int], id_list: IdList) -> OffsetPaginator:
    """Begin behind the last known record, which is where as many as are known come before it."""
    if not known:
        return id_list.paginator()
    return id_list.paginator(after=known[-1], skip=len(known) - 1)
