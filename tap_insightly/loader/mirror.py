"""Mirrors a stream: finds and removes the records of an object that are not in the stream."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING, Any

from tap_insightly.api.records.diff import is_same
from tap_insightly.api.records.reading import created_at, id_of, value_of
from tap_insightly.loader.errors import IncompleteStreamError
from tap_insightly.loader.guards import count_records
from tap_insightly.loader.record_loader import LoadResult

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping

    from tap_insightly.api import Field, InsightlyClient
    from tap_insightly.loader.record_loader import RecordLoader
    from tap_insightly.loader.stream_mapping import StreamMapping

    Record = dict[str, Any]


CLOCK_DIFFERENCE = timedelta(minutes=10)  # between the Date of responses and dates in records


class Mirror:
    """Removes from an object what is not in a stream."""

    def __init__(
        self,
        client: InsightlyClient,
        loader: RecordLoader,
        condition: tuple[Field, Any] | None,
        values: Mapping[str, Any] | None,
    ) -> None:
        """Note what is there when the stream begins.

        Only records with the value of the condition belong to the stream; what is not in the
        stream is given the values, or deleted if there are none.
        """
        self._client = client
        self._loader = loader
        self._condition = condition
        self._values = values
        self._started_at = client.session.now()
        self._last_id = self._highest_id()
        self._has_records = False
        self._is_complete = False

    @property
    def mapping(self) -> StreamMapping:
        """Where the records go."""
        return self._loader.mapping

    @property
    def stream(self) -> str:
        """The stream's name."""
        return self.mapping.stream

    def use_loader(self, loader: RecordLoader) -> None:
        """Go on with another loader of the same stream, as its schema has changed."""
        self._loader = loader

    def note_record(self) -> None:
        """Note that a record came, so that what came before was not all of the stream."""
        self._has_records = True
        self._is_complete = False

    def note_end(self) -> None:
        """Note a message that says that all of the stream came: a state, or a new version."""
        self._is_complete = True

    def find_missing(self, present: Collection[int], rejected: int) -> tuple[list[Record], int]:
        """The records that are not in the stream, and how many could be.

        `present` are the ids that came, in this stream and in others of the same object;
        `rejected` is how many records were refused, which makes it impossible to tell.
        """
        name = self.mapping.obj.name
        if not self._is_complete:
            msg = (
                f"Stream '{self.stream}' did not come to its end: neither a state nor a new "
                f"version came after its last record. So nobody knows which records of {name} are "
                "not in it. Nothing was deleted of it."
            )
            raise IncompleteStreamError(msg)
        if not self._has_records:
            msg = (
                f"Stream '{self.stream}' has no record at all, which is most likely a mistake. "
                f"Nothing was deleted of {name}."
            )
            raise IncompleteStreamError(msg)
        if self._last_id is None and self._started_at is None:
            msg = (
                f"{name}: Insightly tells neither the time nor how many records there are. So "
                "nobody knows what was created since the run began. Nothing was deleted of it."
            )
            raise IncompleteStreamError(msg)
        if rejected:
            msg = (
                f"Stream '{self.stream}': {rejected:,} records were refused, so nobody knows which "
                f"records of {name} they are. Nothing was deleted of it."
            )
            raise IncompleteStreamError(msg)
        where = None if self._condition is None else {self._condition[0].name: self._condition[1]}
        key, total = str(self.mapping.obj.key), 0
        missing: list[Record] = []
        for record in self._client.records(name, where=where):
            if not self._is_in_scope(record):
                continue
            total += 1
            record_id = id_of(record, key)
            if record_id is None:
                msg = f"{name} has a record without an id, so nothing was deleted of it."
                raise IncompleteStreamError(msg)
            if record_id not in present and not self._is_new(record, record_id):
                missing.append({**record, key: record_id})
        return missing, total

    def remove(self, record: Record) -> LoadResult:
        """Delete a record that is missing in the stream, or write the values to it."""
        record_id = int(record[str(self.mapping.obj.key)])
        current = self._loader.read(record_id)
        if current is None or not self._is_in_scope(current):  # changed by somebody meanwhile
            return LoadResult("unchanged", record_id)
        if self._values is not None:
            return self._loader.update(record_id, self._values, current)
        return self._loader.delete(record_id)

    def _is_in_scope(self, record: Mapping[str, Any]) -> bool:
        """Whether a record has the value of the condition, whatever a search answers."""
        if self._condition is None:
            return True
        field, value = self._condition
        return is_same(field, value, value_of(record, field.name))

    def _highest_id(self) -> int | None:
        """The id of the last record, as new ones get higher ids; None if that is not told."""
        obj, get = self.mapping.obj, self._client.session.get
        total = count_records(self._client, obj)
        if not total:
            return total
        records = get(obj.path, {"top": "1", "skip": str(total - 1), "brief": "true"}).records
        return id_of(records[-1], str(obj.key)) if records and records[-1] else None

    def _is_new(self, record: Mapping[str, Any], record_id: int) -> bool:
        """Whether a record was created since the run began, so that the stream cannot have it."""
        if self._last_id is not None:
            return record_id > self._last_id
        created = created_at(record)
        if created is None or self._started_at is None:
            msg = (
                f"{self.mapping.obj.name} {record_id} does not say when it was created, and "
                "Insightly not how many records there are. So nobody knows whether it was created "
                "since the run began. Nothing was deleted."
            )
            raise IncompleteStreamError(msg)
        return created >= self._started_at - CLOCK_DIFFERENCE
