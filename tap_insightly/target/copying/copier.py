"""Writes the records of another account, each once all that it needs is there."""

from __future__ import annotations

import hashlib
from collections import Counter, defaultdict
from contextlib import suppress
from functools import partial
from typing import TYPE_CHECKING, Any

import msgspec

from tap_insightly.api import InsightlyError, InvalidFieldsError
from tap_insightly.api.closing import Closing
from tap_insightly.streams import STREAMS
from tap_insightly.target.copying.references import NAMES, in_order
from tap_insightly.target.copying.settling import Named, settle
from tap_insightly.target.copying.writing import Copied
from tap_insightly.target.guarding import check_deletions, total_of
from tap_insightly.target.loading import is_refusal
from tap_insightly.target.router import RouteError
from tap_insightly.target.shares import Share

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from tap_insightly.api import InsightlyObject
    from tap_insightly.target.copying.idmap import IdMap
    from tap_insightly.target.target import TargetInsightly

_encode = msgspec.json.Encoder(decimal_format="number", order="sorted").encode
_OF_TAP = frozenset(stream.name for stream in STREAMS)


class Copier(Closing):
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
            of = self._target.router.object(stream)
        except RouteError:
            if stream not in _OF_TAP:
                raise
            return None
        if of.path not in NAMES and (of.key is None or "create" not in of.can):
            return None
        route = self._target.router.route(stream, schema, is_written=of.path not in NAMES)
        tally = self._target.ledger.open_stream(stream, self._target.client.session.total)
        client = self._target.client.counting(tally)
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
            of = copied.route.of
            msg = f"{of.key} is empty, without which it cannot be told from others."
            raise InvalidFieldsError(of.name, [msg])
        stream, path = copied.route.stream, copied.route.of.path
        digest = hashlib.sha256(_encode(record)).hexdigest()
        known = self._ids.find(path, source)
        if known is not None and known[1] == digest and not self._ids.is_waiting(path, source):
            self._target.ledger.count(stream, "unchanged")
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
        objects = in_order(one.route.of for one in self._streams.values())
        self._check_deletions(objects)
        before = -1
        while before < self._written:
            before = self._written
            for of in objects:
                self._pass(of)
        for of in objects:
            self._refuse_the_rest(of)
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
        for of in objects:
            for source, stream, record, _ in self._ids.waiting(of.path):
                known = self._ids.find(of.path, source)
                if known is None or known[0] is None:
                    continue
                with suppress(InvalidFieldsError):  # which is told when its turn comes
                    if self._streams[stream].route.row(record).is_deleted:
                        deletions[stream].append(record)
        client, most = self._target.client, Share.of(config["max_deletes"])
        check_deletions(
            deletions,
            lambda stream: total_of(client, self._streams[stream].route.of),
            most,
            self._target.ledger,
        )

    def _pass(self, of: InsightlyObject) -> None:
        for source, stream, record, digest in self._ids.waiting(of.path):
            do = partial(self._write, stream, source, record, digest)
            self._target.work.submit(do, [(of.path, source)])
        self._target.work.wait()

    def _write(self, stream: str, source: int, record: dict[str, Any], digest: str) -> None:
        copied = self._streams[stream]
        of = copied.route.of
        outcome: str | None
        seen = self._missing.get((of.path, source))
        try:
            row = copied.route.row(record)
            if row.is_deleted:
                self._delete(copied, source)
                return
            if of.path in NAMES:
                outcome = copied.match(source, record, row, self._named)
                later: list[str] = []
            else:
                translated = copied.translate(row, record)
                later = translated.later
                if seen is not None and len(later) >= seen:
                    return  # nothing that it leads to was written since
                outcome = copied.write(source, row, translated)
                if seen is None:
                    self._never.update((stream, name) for name in translated.never)
        except InsightlyError as error:
            self._refuse(copied, source, record, error)
            return
        self._missing[of.path, source] = len(later)
        if outcome is None:
            return  # held until what it needs is there
        self._written += 1
        if seen is None or not copied.was_written(source):
            self._target.ledger.count(stream, outcome)
            copied.note_written(source)
        if not later:
            self._ids.done(of.path, source, digest)

    def _delete(self, copied: Copied, source: int) -> None:
        outcome = "ignored"
        if self._target.config["allow_delete"]:
            outcome = copied.delete(source)
        self._target.ledger.count(copied.route.stream, outcome)
        self._ids.done(copied.route.of.path, source, None)

    def _refuse(
        self, copied: Copied, source: int, record: dict[str, Any], error: InsightlyError
    ) -> None:
        if not is_refusal(error):
            raise error
        self._target.refuse(copied.route, record, copied.route.name_of(record), error)
        self._ids.done(copied.route.of.path, source, None)

    def _refuse_the_rest(self, of: InsightlyObject) -> None:
        """Refuse what needs records that did not come; count what only leads to such ones."""
        for source, stream, record, _ in self._ids.waiting(of.path):
            copied = self._streams[stream]
            later = copied.translate(copied.route.row(record), record).later
            known = self._ids.find(of.path, source)
            if known is not None and known[0] is not None:
                self._later.update((stream, name) for name in later)
                continue
            names = ", ".join(dict.fromkeys(later))
            msg = f"{names} lead to records that did not come, which a new one needs."
            self._refuse(copied, source, record, InvalidFieldsError(of.name, [msg]))

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
