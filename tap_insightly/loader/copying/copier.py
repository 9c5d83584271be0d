"""Copies the records of another account, each once all that it leads to is here."""

from __future__ import annotations

import hashlib
from collections import Counter, defaultdict
from contextlib import suppress
from functools import partial
from typing import TYPE_CHECKING, Any

from typing_extensions import override

from tap_insightly.api import InsightlyError, InvalidFieldsError
from tap_insightly.api.http.closeable import Closeable
from tap_insightly.api.http.codec import encode_sorted
from tap_insightly.loader.copying.intents import resolve_intents
from tap_insightly.loader.copying.name_matcher import NameMatcher
from tap_insightly.loader.copying.references import NAMES, in_order
from tap_insightly.loader.copying.stream_copy import StreamCopy
from tap_insightly.loader.errors import MappingError, is_refusal
from tap_insightly.loader.guards import check_deletions, require_count
from tap_insightly.streams import STREAMS

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from tap_insightly.api import InsightlyObject
    from tap_insightly.loader.copying.id_map import IdMap, WaitingRecord
    from tap_insightly.loader.run import LoadRun

_TAP_STREAMS = frozenset(stream.name for stream in STREAMS)


class Copier(Closeable):
    """Takes records in any order, and writes them in one in which their references exist.

    Records are kept in the id map until they are written, so that they outlive the process. A
    record that leads to one that has not come yet waits there for later runs.
    """

    def __init__(self, run: LoadRun, id_map: IdMap) -> None:
        """Ask nothing yet."""
        self._run = run
        self._id_map = id_map
        self._names = NameMatcher(id_map)
        self._streams: dict[str, StreamCopy] = {}
        self._pending_counts: dict[tuple[str, int], int] = {}
        self._pending: Counter[tuple[str, str]] = Counter()
        self._unresolvable: Counter[tuple[str, str]] = Counter()
        self._write_count = 0
        self.is_done = False
        """Whether everything is written that can be."""

    def open_stream(self, stream: str, schema: Mapping[str, Any]) -> StreamCopy | None:
        """Begin a stream; None if such records cannot be copied.

        A `MappingError` if it is neither a stream of the tap nor called like an object.
        """
        try:
            obj = self._run.mappings.object(stream)
        except MappingError:
            if stream not in _TAP_STREAMS:
                raise
            return None
        if obj.path not in NAMES and (obj.key is None or "create" not in obj.can):
            return None
        mapping = self._run.mappings.mapping(stream, schema, is_written=obj.path not in NAMES)
        client = self._run.count_requests(stream)
        self._streams[stream] = StreamCopy(client, mapping, self._id_map)
        self._id_map.put_schema(stream, schema)
        return self._streams[stream]

    def add(self, copy: StreamCopy, record: Mapping[str, Any]) -> None:
        """Keep a record, to be written by `run`, unless it was written and has not changed."""
        try:
            self._add(copy, record)
        except InsightlyError as error:
            self._run.refuse(copy.mapping, record, "", error)

    def _add(self, copy: StreamCopy, record: Mapping[str, Any]) -> None:
        source_id = copy.mapping.map(record).record_id
        if source_id is None:
            obj = copy.mapping.obj
            msg = f"{obj.key} is empty, without which it cannot be told from others."
            raise InvalidFieldsError(obj.name, [msg])
        stream, path = copy.mapping.stream, copy.mapping.obj.path
        digest = hashlib.sha256(encode_sorted(record)).hexdigest()
        known = self._id_map.find(path, source_id)
        is_same = known is not None and known.digest == digest
        if is_same and not self._id_map.is_waiting(path, source_id):
            self._run.report.count(stream, "unchanged")
            return
        self._id_map.add_waiting(path, source_id, stream, record, digest)

    def run(self) -> None:
        """Write all that waits, as far as it can be written."""
        resolve_intents(self._run.client, self._id_map)
        for stream, schema in self._id_map.schemas().items():
            if stream not in self._streams:  # of a run before
                self.open_stream(stream, schema)
        objects = in_order(copy.mapping.obj for copy in self._streams.values())
        self._check_deletions(objects)
        before = -1
        while before < self._write_count:
            before = self._write_count
            for obj in objects:
                self._write_waiting(obj)
        for obj in objects:
            self._refuse_incomplete(obj)
        self._run.queue.wait()
        self._log_gaps()
        self.is_done = True

    @override
    def close(self) -> None:
        """Close the id map."""
        self._id_map.close()

    def _check_deletions(self, objects: Iterable[InsightlyObject]) -> None:
        if not self._run.config["allow_delete"]:
            return
        deletions: defaultdict[str, list[Mapping[str, Any]]] = defaultdict(list)
        for obj in objects:
            for waiting in self._id_map.waiting(obj.path):
                if self._id_map.target_of(obj.path, waiting.source_id) is None:
                    continue
                with suppress(InvalidFieldsError):  # it is refused when its turn comes
                    if self._streams[waiting.stream].mapping.map(waiting.record).is_deleted:
                        deletions[waiting.stream].append(waiting.record)
        check_deletions(
            deletions,
            lambda stream: require_count(self._run.client, self._streams[stream].mapping.obj),
            self._run.max_deletes,
            self._run.report,
        )

    def _write_waiting(self, obj: InsightlyObject) -> None:
        for waiting in self._id_map.waiting(obj.path):
            key = (obj.path, waiting.source_id)
            self._run.queue.submit(partial(self._write, obj, waiting), [key])
        self._run.queue.wait()

    def _write(self, obj: InsightlyObject, waiting: WaitingRecord) -> None:
        source_id, stream, record, digest = waiting
        copy = self._streams[stream]
        outcome: str | None
        pending_before = self._pending_counts.get((obj.path, source_id))
        try:
            mapped = copy.mapping.map(record)
            if mapped.is_deleted:
                self._delete(copy, source_id)
                return
            if obj.path in NAMES:
                outcome = copy.match(source_id, record, mapped, self._names)
                pending: list[str] = []
            else:
                translated = copy.translate(mapped, record)
                pending = translated.pending
                if pending_before is not None and len(pending) >= pending_before:
                    return  # nothing that it leads to was written since
                outcome = copy.write(source_id, mapped, translated)
                if pending_before is None:
                    self._unresolvable.update((stream, name) for name in translated.unresolvable)
        except InsightlyError as error:
            self._refuse(copy, source_id, record, error)
            return
        self._pending_counts[obj.path, source_id] = len(pending)
        if outcome is None:
            return  # it waits until what it needs is there
        self._write_count += 1
        if pending_before is None or not copy.was_written(source_id):
            self._run.report.count(stream, outcome)
            copy.note_written(source_id)
        if not pending:
            self._id_map.finish(obj.path, source_id, digest)

    def _delete(self, copy: StreamCopy, source_id: int) -> None:
        outcome = "ignored"
        if self._run.config["allow_delete"]:
            outcome = copy.delete(source_id)
        self._run.report.count(copy.mapping.stream, outcome)
        self._id_map.finish(copy.mapping.obj.path, source_id, None)

    def _refuse(
        self, copy: StreamCopy, source_id: int, record: dict[str, Any], error: InsightlyError
    ) -> None:
        if not is_refusal(error):
            raise error
        self._run.refuse(copy.mapping, record, copy.mapping.describe(record), error)
        self._id_map.finish(copy.mapping.obj.path, source_id, None)

    def _refuse_incomplete(self, obj: InsightlyObject) -> None:
        """Refuse what needs records that did not come; count what only leads to such ones."""
        for source_id, stream, record, _ in self._id_map.waiting(obj.path):
            copy = self._streams[stream]
            pending = copy.translate(copy.mapping.map(record), record).pending
            if self._id_map.target_of(obj.path, source_id) is not None:
                self._pending.update((stream, name) for name in pending)
                continue
            names = ", ".join(dict.fromkeys(pending))
            msg = f"{names} lead to records that did not come, which a new one needs."
            self._refuse(copy, source_id, record, InvalidFieldsError(obj.name, [msg]))

    def _log_gaps(self) -> None:
        """Log how many values lead to records that are not here."""
        for (stream, name), count in sorted(self._unresolvable.items()):
            self._run.logger.warning(
                "%s: %s values of %s lead to what is not in this account; they were left out.",
                stream,
                f"{count:,}",
                name,
            )
        for (stream, name), count in sorted(self._pending.items()):
            self._run.logger.warning(
                "%s: %s values of %s lead to records that did not come yet; they wait for them.",
                stream,
                f"{count:,}",
                name,
            )
