"""What waits for the end of the run: deletions, which are counted before the first one is sent."""

from __future__ import annotations

import threading
from collections import Counter, defaultdict
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, Any

from tap_insightly.api import InsightlyError
from tap_insightly.loader.guards import check_deletions, total_of
from tap_insightly.loader.record_loader import is_refusal

if TYPE_CHECKING:
    from collections.abc import Callable, Hashable, Iterable, Mapping, Sequence

    from tap_insightly.api import InsightlyClient
    from tap_insightly.loader.mirror import Mirror
    from tap_insightly.loader.queue import WriteQueue
    from tap_insightly.loader.record_loader import RecordLoader
    from tap_insightly.loader.report import LoadReport
    from tap_insightly.loader.shares import Share
    from tap_insightly.loader.stream_mapping import Row, StreamMapping

    Record = Mapping[str, Any]
    Refuse = Callable[[StreamMapping, Record, str, InsightlyError], object]


@dataclass(frozen=True)
class _Waiting:
    loader: RecordLoader
    row: Row
    record: Record
    keys: Sequence[Hashable]
    do: Callable[[], object]


class DeferredDeletions:
    """Keeps deletions, what comes after them for the same records, and mirrors."""

    def __init__(
        self, client: InsightlyClient, work: WriteQueue, report: LoadReport, most: Share
    ) -> None:
        """Start with nothing.

        Args:
            client: The account.
            work: What does things.
            report: What counts them.
            most: How many records of a stream may be deleted.
        """
        self._client = client
        self._work = work
        self._report = report
        self._most = most
        self._waiting: list[_Waiting] = []
        self._keys: set[Hashable] = set()
        self.mirrors: dict[str, Mirror] = {}
        """What removes from objects what is not in a stream, by stream."""
        self._is_done = False
        self._lock = threading.Lock()
        self._seen: defaultdict[str, set[int]] = defaultdict(set)
        self._unclear: Counter[str] = Counter()

    def see(self, path: str, record_id: int | None) -> None:
        """Take down that a record is in a stream, for what is mirrored.

        Args:
            path: The path of the list.
            record_id: Its id here; None if it has none.
        """
        if record_id is not None:
            with self._lock:
                self._seen[path].add(record_id)

    @property
    def is_open(self) -> bool:
        """Whether anything waits, of which no state may be passed on yet."""
        return not self._is_done and bool(self._waiting or self.mirrors)

    def takes(self, loader: RecordLoader, row: Row, keys: Iterable[Hashable]) -> bool:
        """Tell whether a record has to wait.

        Args:
            loader: What writes it.
            row: The record.
            keys: What it must not be written at the same time with.

        Returns:
            Whether it is to be deleted, or waits for a deletion of one of its keys.
        """
        is_deletion = row.is_deleted and loader.may_delete
        return is_deletion or not self._keys.isdisjoint(keys)

    def add(
        self,
        loader: RecordLoader,
        row: Row,
        record: Record,
        keys: Sequence[Hashable],
        do: Callable[[], object],
    ) -> None:
        """Keep a record.

        Args:
            loader: What writes it.
            row: The record.
            record: The record as it came.
            keys: What it must not be written at the same time with.
            do: Writes it.
        """
        self._waiting.append(_Waiting(loader, row, record, keys, do))
        self._keys.update(keys)

    def finish(self, refuse: Refuse) -> None:
        """Do what waits, unless that would delete too many records.

        Args:
            refuse: What to do with a record that is refused.

        Raises:
            TooManyError: If it would; then nothing is deleted, of any stream.
            NotWholeError: If it is not known what is not in a stream that is mirrored.
            InsightlyError: If something cannot be done.
        """
        deletions = defaultdict(
            list, {name: [*own.values()] for name, own in self._found().items()}
        )
        totals: dict[str, int] = {}
        left = {}
        for stream, mirror in self.mirrors.items():
            rejected = self._report.rejected(stream) + self._unclear[stream]
            left[stream] = mirror.find(self._seen[mirror.route.obj.path], rejected)
        for stream, (records, total) in left.items():
            deletions[stream] += records
            totals[stream] = total
        objects = {one.loader.route.stream: one.loader.route.obj for one in self._waiting}

        def total_by(stream: str) -> int:
            found = totals.get(stream)
            return total_of(self._client, objects[stream]) if found is None else found

        check_deletions(deletions, total_by, self._most, self._report)
        waiting, self._waiting = self._waiting, []
        self._keys.clear()
        for one in waiting:
            self._work.submit(one.do, one.keys)
        for stream, (records, _) in left.items():
            for record in records:
                self._work.submit(partial(self._take, self.mirrors[stream], record, refuse))
        self._work.wait()
        self._is_done = True

    def _found(self) -> dict[str, dict[int, Record]]:
        """Find out which of the records that are to be deleted are there, by stream and id."""
        found: defaultdict[str, dict[int, Record]] = defaultdict(dict)

        def look(one: _Waiting) -> None:
            stream = one.loader.route.stream
            try:
                record_id = one.loader.find(one.row)
            except InsightlyError as error:
                if not is_refusal(error):
                    raise
                with self._lock:
                    self._unclear[stream] += 1  # it is refused when its turn comes
                return
            with self._lock:
                if record_id is not None and one.row.is_deleted:
                    found[stream][record_id] = one.record
            if self.mirrors:
                self.see(one.loader.route.obj.path, record_id)

        for one in self._waiting:
            if one.row.is_deleted or self.mirrors:
                self._work.submit(partial(look, one))
        self._work.wait()
        return found

    def _take(self, mirror: Mirror, record: Record, refuse: Refuse) -> None:
        try:
            loaded = mirror.take(dict(record))
        except InsightlyError as error:
            key = str(mirror.route.obj.key)
            refuse(mirror.route, record, f"{key} {record[key]}", error)
        else:
            self._report.count(mirror.stream, loaded.outcome)
