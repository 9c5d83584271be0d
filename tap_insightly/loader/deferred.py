"""Deletions, which wait for the end of the run to be counted before the first one is sent."""

from __future__ import annotations

import threading
from collections import Counter, defaultdict
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, Any

from tap_insightly.api import InsightlyError
from tap_insightly.loader.errors import is_refusal
from tap_insightly.loader.guards import check_deletions, require_count

if TYPE_CHECKING:
    from collections.abc import Callable, Hashable, Iterable, Mapping, Sequence

    from tap_insightly.api import InsightlyClient
    from tap_insightly.loader.mirror import Mirror
    from tap_insightly.loader.queue import WriteQueue
    from tap_insightly.loader.record_loader import RecordLoader
    from tap_insightly.loader.report import LoadReport
    from tap_insightly.loader.shares import Share
    from tap_insightly.loader.stream_mapping import MappedRecord, StreamMapping

    Record = Mapping[str, Any]
    Refuse = Callable[[StreamMapping, Record, str, InsightlyError], object]


@dataclass(frozen=True)
class _Deferred:
    loader: RecordLoader
    mapped: MappedRecord
    record: Record
    keys: Sequence[Hashable]
    load: Callable[[], object]


class DeferredDeletions:
    """Keeps deletions, later records with the same keys, and mirrors, until `run`."""

    def __init__(
        self, client: InsightlyClient, queue: WriteQueue, report: LoadReport, max_deletes: Share
    ) -> None:
        """Start with nothing."""
        self._client = client
        self._queue = queue
        self._report = report
        self._max_deletes = max_deletes
        self._deferred: list[_Deferred] = []
        self._keys: set[Hashable] = set()
        self.mirrors: dict[str, Mirror] = {}
        """The mirrors, by stream."""
        self._is_done = False
        self._lock = threading.Lock()
        self._present: defaultdict[str, set[int]] = defaultdict(set)
        self._not_found: Counter[str] = Counter()

    def note_present(self, path: str, record_id: int | None) -> None:
        """Note that a record of a list is in a stream, so that no mirror removes it."""
        if record_id is not None:
            with self._lock:
                self._present[path].add(record_id)

    @property
    def is_pending(self) -> bool:
        """Whether anything is still to be done, of which no state may be written yet."""
        return not self._is_done and bool(self._deferred or self.mirrors)

    def must_wait(
        self, loader: RecordLoader, mapped: MappedRecord, keys: Iterable[Hashable]
    ) -> bool:
        """Whether a record is to be deleted, or comes after a deletion of one of its keys."""
        is_deletion = mapped.is_deleted and loader.may_delete
        return is_deletion or not self._keys.isdisjoint(keys)

    def add(
        self,
        loader: RecordLoader,
        mapped: MappedRecord,
        record: Record,
        keys: Sequence[Hashable],
        load: Callable[[], object],
    ) -> None:
        """Keep a record, as it came and as it was mapped."""
        self._deferred.append(_Deferred(loader, mapped, record, keys, load))
        self._keys.update(keys)

    def run(self, refuse: Refuse) -> None:
        """Do all that waits; if that would delete too many records, nothing is deleted at all."""
        deletions = defaultdict(
            list, {stream: [*records.values()] for stream, records in self._find_records().items()}
        )
        totals: dict[str, int] = {}
        missing = {}
        for stream, mirror in self.mirrors.items():
            rejected = self._report.rejected(stream) + self._not_found[stream]
            present = self._present[mirror.mapping.obj.path]
            missing[stream], totals[stream] = mirror.find_missing(present, rejected)
        for stream, records in missing.items():
            deletions[stream] += records
        objects = {one.loader.mapping.stream: one.loader.mapping.obj for one in self._deferred}

        def count_total(stream: str) -> int:
            total = totals.get(stream)
            return require_count(self._client, objects[stream]) if total is None else total

        check_deletions(deletions, count_total, self._max_deletes, self._report)
        deferred, self._deferred = self._deferred, []
        self._keys.clear()
        for one in deferred:
            self._queue.submit(one.load, one.keys)
        for stream, records in missing.items():
            for record in records:
                self._queue.submit(partial(self._remove, self.mirrors[stream], record, refuse))
        self._queue.wait()
        self._is_done = True

    def _find_records(self) -> dict[str, dict[int, Record]]:
        """The records to be deleted that are here, by stream and id."""
        found: defaultdict[str, dict[int, Record]] = defaultdict(dict)

        def find(one: _Deferred) -> None:
            stream = one.loader.mapping.stream
            try:
                record_id = one.loader.find_id(one.mapped)
            except InsightlyError as error:
                if not is_refusal(error):
                    raise
                with self._lock:
                    self._not_found[stream] += 1  # it is refused when its turn comes
                return
            with self._lock:
                if record_id is not None and one.mapped.is_deleted:
                    found[stream][record_id] = one.record
            if self.mirrors:
                self.note_present(one.loader.mapping.obj.path, record_id)

        for one in self._deferred:
            if one.mapped.is_deleted or self.mirrors:
                self._queue.submit(partial(find, one))
        self._queue.wait()
        return found

    def _remove(self, mirror: Mirror, record: Record, refuse: Refuse) -> None:
        try:
            result = mirror.remove(dict(record))
        except InsightlyError as error:
            key = str(mirror.mapping.obj.key)
            refuse(mirror.mapping, record, f"{key} {record[key]}", error)
        else:
            self._report.count(mirror.stream, result.outcome)
