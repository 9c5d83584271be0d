"""Comparing known ids with a list that is not read anyway, for as few requests as will do."""

from __future__ import annotations

from dataclasses import dataclass, field
from itertools import chain
from typing import TYPE_CHECKING

from tap_insightly.api.lists.id_set import IdSet, has_id
from tap_insightly.sync.id_list import UnorderedError
from tap_insightly.values import is_before

if TYPE_CHECKING:
    from collections.abc import Callable, Container, Sequence

    from tap_insightly.api import PagedRequest
    from tap_insightly.api.lists.deletion_search import DeletionSearch
    from tap_insightly.api.lists.paginator import OffsetPaginator
    from tap_insightly.sync.id_list import IdList, Read


@dataclass
class Findings:
    """What a comparison found."""

    gone: IdSet = field(default_factory=IdSet)
    """Known ids that the list does not have any more."""
    learned: IdSet = field(default_factory=IdSet)
    """Ids of the list that are known from now on, besides those that were sent."""
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
        sent: IdSet,
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
        entries = self._list.entries(behind(self._known, self._list, findings.gone), self._read)
        findings.learned.update(entry.record_id for entry in entries)

    def reconcile(self, search: DeletionSearch, findings: Findings, date: str, since: str) -> None:
        """Look behind the known ids for more that came back, if the list has more than is known.

        What was updated since the moment that the stream was read from is for the next sync, which
        finds it by its date.
        """
        before, gone = self._known, findings.gone
        besides = IdSet(
            one
            for one in chain(self._sent, findings.returned)
            if one in gone or not has_id(before, one)
        )
        known = len(before) - len(gone) + len(besides)
        if search.total is None or search.total <= known:
            return
        unknown = 0
        for entry in self._list.entries(behind(before, self._list, gone), self._read):
            if entry.record_id not in besides:
                unknown += 1
                if is_before(entry.record.get(date), since):
                    findings.returned[entry.record_id] = entry.place
        if search.total > known + unknown:
            self._warn(
                f"Insightly counts {search.total:,} records, of which {known:,} are known. "
                "The rest may have come back where others went; refresh_days reads all again, and "
                "insightly verify says which it is."
            )

    def read_all(self, before: Findings, *, is_all_known: bool) -> Findings:
        """Read all ids, where places prove nothing."""
        paginator = self._list.paginator()
        is_returned = is_all_known and bool(self._known)
        listed, learned, returned = IdSet(), IdSet(), dict[int, int]()
        for entry in self._list.entries(paginator, self._read):
            one = entry.record_id
            listed.add(one)
            if has_id(self._known, one) or one in self._sent:
                continue
            if is_returned:
                returned[one] = entry.place
            else:
                learned.add(one)
        if not paginator.is_whole and not paginator.is_contiguous:
            self._warn("deletions cannot be found, because its list has gaps and changes.")
            return Findings(returned=before.returned, is_misled=True)
        last = -1 if paginator.last is None else paginator.last
        missing = (one for one in self._known if one not in listed)
        return Findings(
            # Of a list that is not whole, what comes behind its last record may be there still.
            gone=IdSet(one for one in missing if paginator.is_whole or one < last),
            learned=learned,
            returned=returned,
            is_misled=paginator.has_holes or not paginator.is_whole or paginator.total is None,
        )


def behind(known: Sequence[int], id_list: IdList, gone: Container[int] = ()) -> OffsetPaginator:
    """Begin behind the last known record, which is where as many as are known come before it.

    Those that are gone do not count.
    """
    there = (one for one in reversed(known) if one not in gone)
    last = next(there, None)
    if last is None:
        return id_list.paginator()
    return id_list.paginator(after=last, skip=sum(1 for _ in there))
