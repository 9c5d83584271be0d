"""Writes the records of another account, each once all that it needs is there."""

from __future__ import annotations

import hashlib
from collections import Counter, defaultdict
from contextlib import suppress
from functools import partial
from typing import TYPE_CHECKING, Any

import msgspec

from tap_insightly.api import InsightlyError, InvalidFieldsError
from tap_insightly.api.http.closeable import Closeable
from tap_insightly.loader.copying.references import NAMES, in_order
from tap_insightly.loader.copying.settling import Named, settle
from tap_insightly.loader.copying.writing import Copied
from tap_insightly.loader.guards import check_deletions, total_of
from tap_insightly.loader.mappings import MappingError
from tap_insightly.loader.record_loader import is_refusal
from tap_insightly.loader.shares import Share
from tap_insightly.streams import STREAMS

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from tap_insightly.api import InsightlyObject
    from tap_insightly.loader.copying.id_map import IdMap
    from tap_insightly.loader.target import TargetInsightly

_encode = msgspec.json.Encoder(decimal_format="number", order="sorted").encode
_OF_TAP = frozenset(stream.name for stream in STREAMS)


class Copier(Closeable):
    """Takes records in any order, and writes them in one in which their references exist.

    They are kept in the file of the id map until they are written, so that they outlive the
    process; a record that leads to one that did not come yet waits there for later runs.
    """

    def __init__(self, target: TargetInsightly, ids: IdMap) -> None:
        """Get ready; nothing is asked yet.

        Args:
            target: The target.
            ids: What is known of ids.
        """
        self._target = target
        self._ids = ids
        self._named = Named(ids)
        self._streams: dict[str, Copied] = {}
        self._missing: dict[tuple[str, int], int] = {}
        self._later: Counter[tuple[str, str]] = Counter()
        self._never: Counter[tuple[str, str]] = Counter()
        self._written = 0
        self.is_done = False
        """Whether all was written that can be."""

    def open(self, stream: str, schema: Mapping[str, Any]) -> Copied | None:
        """Begin with a stream.

        Args:
            stream: The stream's name.
            schema: Its schema.

        Returns:
            What writes its records; None if such records cannot be copied.

        Raises:
            InsightlyError: If the stream is none that a tap of Insightly has, nor of an object.
        """
        try:
            obj = self._target.mappings.object(stream)
        except MappingError:
            if stream not in _OF_TAP:
                raise
            return None
        if obj.path not in NAMES and (obj.key is None or "create" not in obj.can):
            return None
        route = self._target.mappings.route(stream, schema, is_written=obj.path not in NAMES)
        stats = self._target.report.open_stream(stream, self._target.client.session.stats)
        client = self._target.client.with_stats(stats)
        self._streams[stream] = Copied(client, route, self._ids)
        self._ids.keep_schema(stream, schema)
        return self._streams[stream]

    def take(self, copied: Copied, record: Mapping[str, Any]) -> None:
        """Take a record, to be written by `run`.

        Args:
            copied: What writes the records of its stream.
            record: The record.

        Raises:
            InvalidFieldsError: If it has no id.
        """
        source = copied.route.row(record).record_id
        if source is None:
            obj = copied.route.obj
            msg = f"{obj.key} is empty, without which it cannot be told from others."
            raise InvalidFieldsError(obj.name, [msg])
        stream, path = copied.route.stream, copied.route.obj.path
        digest = hashlib.sha256(_encode(record)).hexdigest()
        known = self._ids.find(path, source)
        if known is not None and known[1] == digest and not self._ids.is_waiting(path, source):
            self._target.report.count(stream, "unchanged")
            return
        self._ids.wait_for(path, source, stream, record, digest)

    def run(self) -> None:
        """Write all that waits, as far as that can be.

        Raises:
            InsightlyError: If a record was refused, and that is to end the run, or if there is
                no use in going on.
        """
        settle(self._target.client, self._ids)
        for stream, schema in self._ids.schemas().items():
            if stream not in self._streams:  # of a run before
                self.open(stream, schema)
        objects = in_order(one.route.obj for one in self._streams.values())
        self._check_deletions(objects)
        before = -1
        while before < self._written:
            before = self._written
            for obj in objects:
                self._pass(obj)
        for obj in objects:
            self._refuse_the_rest(obj)
        self._target.work.wait()
        self._tell()
        self.is_done = True

    def close(self) -> None:
        """Close the file."""
        self._ids.close()

    def _check_deletions(self, objects: Iterable[InsightlyObject]) -> None:
        config = self._target.config
        if not config["allow_delete"]:
            return
        deletions: defaultdict[str, list[Mapping[str, Any]]] = defaultdict(list)
        for obj in objects:
            for source, stream, record, _ in self._ids.waiting(obj.path):
                known = self._ids.find(obj.path, source)
                if known is None or known[0] is None:
                    continue
                with suppress(InvalidFieldsError):  # which is told when its turn comes
                    if self._streams[stream].route.row(record).is_deleted:
                        deletions[stream].append(record)
        client, most = self._target.client, Share.of(config["max_deletes"])
        check_deletions(
            deletions,
            lambda stream: total_of(client, self._streams[stream].route.obj),
            most,
            self._target.report,
        )

    def _pass(self, obj: InsightlyObject) -> None:
        for source, stream, record, digest in self._ids.waiting(obj.path):
            do = partial(self._write, stream, source, record, digest)
            self._target.work.submit(do, [(obj.path, source)])
        self._target.work.wait()

    def _write(self, stream: str, source: int, record: dict[str, Any], digest: str) -> None:
        copied = self._streams[stream]
        obj = copied.route.obj
        outcome: str | None
        seen = self._missing.get((obj.path, source))
        try:
            row = copied.route.row(record)
            if row.is_deleted:
                self._delete(copied, source)
                return
            if obj.path in NAMES:
                outcome = copied.match(source, record, row, self._named)
                pending: list[str] = []
            else:
                translated = copied.translate(row, record)
                pending = translated.pending
                if seen is not None and len(pending) >= seen:
                    return  # nothing that it leads to was written since
                outcome = copied.write(source, row, translated)
                if seen is None:
                    self._never.update((stream, name) for name in translated.unresolvable)
        except InsightlyError as error:
            self._refuse(copied, source, record, error)
            return
        self._missing[obj.path, source] = len(pending)
        if outcome is None:
            return  # held until what it needs is there
        self._written += 1
        if seen is None or not copied.was_written(source):
            self._target.report.count(stream, outcome)
            copied.note_written(source)
        if not pending:
            self._ids.done(obj.path, source, digest)

    def _delete(self, copied: Copied, source: int) -> None:
        outcome = "ignored"
        if self._target.config["allow_delete"]:
            outcome = copied.delete(source)
        self._target.report.count(copied.route.stream, outcome)
        self._ids.done(copied.route.obj.path, source, None)

    def _refuse(
        self, copied: Copied, source: int, record: dict[str, Any], error: InsightlyError
    ) -> None:
        if not is_refusal(error):
            raise error
        self._target.refuse(copied.route, record, copied.route.name_of(record), error)
        self._ids.done(copied.route.obj.path, source, None)

    def _refuse_the_rest(self, obj: InsightlyObject) -> None:
        """Refuse what needs records that did not come; count what only leads to such ones."""
        for source, stream, record, _ in self._ids.waiting(obj.path):
            copied = self._streams[stream]
            pending = copied.translate(copied.route.row(record), record).pending
            known = self._ids.find(obj.path, source)
            if known is not None and known[0] is not None:
                self._later.update((stream, name) for name in pending)
                continue
            names = ", ".join(dict.fromkeys(pending))
            msg = f"{names} lead to records that did not come, which a new one needs."
            self._refuse(copied, source, record, InvalidFieldsError(obj.name, [msg]))

    def _tell(self) -> None:
        for (stream, name), count in sorted(self._never.items()):
            self._target.logger.warning(
                "%s: %s values of %s lead to what is not in this account; they were left out.",
                stream,
                f"{count:,}",
                name,
            )
        for (stream, name), count in sorted(self._later.items()):
            self._target.logger.warning(
                "%s: %s values of %s lead to records that did not come yet; they wait for them.",
                stream,
                f"{count:,}",
                name,
            )
