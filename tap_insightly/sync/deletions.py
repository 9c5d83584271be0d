"""Which records are gone from a list, and which came back.

The first sync remembers the ids. Each later one compares them with the list: for free if it reads
the whole list anyway, else with a `DeletionSearch`. What the list has and was not known, though it
is not new, came back: it is sent again, which takes its tombstone away.
"""

from __future__ import annotations

from enum import Enum, auto
from typing import TYPE_CHECKING, Any

from tap_insightly.api import NotAvailableError
from tap_insightly.api.lists.deletion_search import DeletionSearch
from tap_insightly.api.lists.id_set import IdSet, union
from tap_insightly.api.lists.seen_keys import are_ascending_ids
from tap_insightly.sync.id_comparison import Findings, IdComparison, behind
from tap_insightly.sync.id_list import IdList, UnorderedError
from tap_insightly.sync.known_ids import KNOWN, KnownIds, SentIds, keep_known
from tap_insightly.sync.refresh import gone_in

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator, Mapping, Sequence

    from tap_insightly.api import Page, PagedRequest
    from tap_insightly.streams import InsightlyStream
    from tap_insightly.sync.id_list import Read
    from tap_insightly.sync.partition_read import PartitionRead

FEWEST = 100
"""Records that may always be called gone at once."""


class Method(Enum):
    """How the known ids are compared with the list."""

    WHOLE_LIST = auto()
    """The sync reads the whole list: known ids that it does not send are gone."""
    SEARCH = auto()
    """Places in the list show where ids are missing."""
    ALL_IDS = auto()
    """Places in the list proved nothing the last time, so all ids are read."""
    LEARN = auto()
    """No ids are known that could be missing; those are read that other runs have sent."""


class Outcome(Enum):
    """What came of it."""

    PENDING = auto()
    """The stream is still being read."""
    COMPARED = auto()
    """Known ids and list were compared."""
    UNORDERED = auto()
    """Ids do not ascend in the list: nothing can be found out, and what is known is of no use."""
    REFUSED = auto()
    """The list cannot be asked, so what is known stays known, as of the bookmark then."""


class Deletions:
    """What one sync finds out about deletions in one stream."""

    def __init__(self, stream: InsightlyStream, partition_read: PartitionRead) -> None:
        """Plan the comparison, while nothing of the list or search was read yet."""
        self._stream = stream
        self._partition_read = partition_read
        self._sent = SentIds(partition_read)
        self._known = KnownIds.of_state(stream.saved_state())
        self._list = IdList(stream, partition_read.paged_request.stats)
        self._method = self._choose_method()
        self._outcome = Outcome.PENDING
        self._findings = Findings(is_misled=self._known.is_misled)
        self._sent_ids = IdSet()  # known when the stream has been read
        self.excess: str | None = None
        """What is wrong if too much would be called gone, a sentence; None if it is not."""
        self._search: DeletionSearch | None = None
        self.paged_requests: Sequence[PagedRequest] = ()
        """What will be asked for in any case; can be asked for ahead of time."""
        if self._method is Method.SEARCH:
            self._search = DeletionSearch(self._known.ids or (), page_size=self._list.page_size)
            self.paged_requests = self._list.pages(self._search)

    def _choose_method(self) -> Method:
        if self._partition_read.partition.since is None and self._sent.is_complete:
            return Method.WHOLE_LIST
        if self._known.is_misled:
            return Method.ALL_IDS
        return Method.SEARCH if self._known.ids else Method.LEARN

    @property
    def _is_all_known(self) -> bool:
        """Whether known ids and those that are sent now are all that was ever sent."""
        return self._known.is_current and self._sent.is_complete

    @property
    def learning(self) -> PagedRequest | None:
        """What is read only to learn its ids: those behind the known ones; None if none is."""
        if self._method is Method.WHOLE_LIST or self._is_all_known:
            return None
        return self._list.brief(behind(self._known.ids or (), self._list))

    def remember_sent(self) -> None:
        """Keep what has been sent so far, in case that this run is cut off."""
        self._sent.update_checkpoint()

    def find(self, read: Read) -> None:
        """Find what is gone and what came back, once the stream has been read.

        Raises:
            InsightlyError: If the API ends the sync.
        """
        self._sent_ids = self._sent.all()
        try:
            self._findings = self._compare(self._sent_ids, read)
        except NotAvailableError as error:
            self._outcome = Outcome.REFUSED
            self._warn(f"deletions cannot be found: {error}")
        except UnorderedError:
            self._outcome = Outcome.UNORDERED
            self._warn("deletions cannot be found, because ids do not ascend in its list.")
        else:
            self._outcome = Outcome.COMPARED

    def _compare(self, sent: IdSet, read: Read) -> Findings:
        paginator = self._partition_read.paginator
        if not paginator.ascends:
            raise UnorderedError
        known = self._known.ids or ()
        if self._method is Method.WHOLE_LIST:
            gone = IdSet(one for one in known if one not in sent)
            return Findings(gone=gone, is_misled=paginator.has_holes)
        comparison = IdComparison(known, sent, self._list, read, self._warn)
        findings = Findings(is_misled=self._method is Method.ALL_IDS)
        if self._search is not None:
            findings = comparison.search(self._search, self.paged_requests)
        if findings.is_misled:
            return comparison.read_all(findings, is_all_known=self._is_all_known)
        if not self._is_all_known:
            comparison.learn(findings)
        elif self._search is not None:
            date, since = self._stream.replication_key, self._partition_read.partition.since
            comparison.reconcile(self._search, findings, date or "", since or "")
        return findings

    def returned(self, read: Read) -> Iterator[Mapping[str, Any]]:
        """Read what came back, whole.

        Raises:
            InsightlyError: If the API ends the sync.
        """
        if self._outcome is Outcome.COMPARED:
            # What is not where it was has moved meanwhile, and is found again the next time.
            for entry in self._list.records_at(self._findings.returned, read):
                yield entry.record
                self._findings.learned.add(entry.record_id)

    def compare(self, page: Page) -> None:
        """Compare a page of the list that was read for other reasons, once its records are sent."""
        if self._outcome is Outcome.COMPARED:
            key, found = self._list.key, self._findings
            values: list[Any] = [record.get(key) for record in page.records]
            ids = {one for one in values if are_ascending_ids([one])}  # the rest cannot be ids
            found.learned.update(sorted(ids))
            missing = gone_in(page, key, self._known.ids or ())
            found.gone.update(
                one for one in missing if one not in found.learned and one not in self._sent_ids
            )
            found.gone -= ids

    def gone(self) -> Collection[int]:
        """Return ids that are gone, in ascending order; none if they are too many to be true."""
        if self._outcome is not Outcome.COMPARED:
            return ()
        self.excess = self._excess()
        return () if self.excess else self._findings.gone

    def _excess(self) -> str | None:
        known, gone = len(self._known.ids or ()), len(self._findings.gone)
        percent = self._stream.config["max_deletes_percent"]
        if percent >= 100 or gone <= max(FEWEST, known * percent / 100):  # noqa: PLR2004 - all
            return None
        return (
            f"{gone:,} of the {known:,} records that were there would be called gone at once, "
            f"more than max_deletes_percent ({percent:g}) allows, so none is. Look whether the "
            "user of the API key may see less than before. If they really are gone, run it "
            "once with max_deletes_percent 100."
        )

    def keep_in(self, state: dict[str, Any]) -> None:
        """Keep what is known now, of the new bookmark, once all tombstones have been sent."""
        if self._outcome is Outcome.COMPARED:
            found = self._findings
            known = union(self._known.ids or (), self._sent_ids, found.learned)
            there = (one for one in known if one not in found.gone)
            keep_known(state, there, is_misled=found.is_misled)
        elif self._outcome is Outcome.UNORDERED:
            state.pop(KNOWN, None)

    def keep_sent(self, state: dict[str, Any]) -> None:
        """Keep what was known and what was sent, of a list that was not read whole."""
        if self._sent.is_complete and self._partition_read.paginator.ascends:
            known = union(self._known.ids or (), self._sent.all())
            keep_known(state, known, is_misled=self._known.is_misled)

    def _warn(self, what: str) -> None:
        self._stream.logger.warning("%s: %s", self._stream.name, what)
