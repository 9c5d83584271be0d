"""What is in an object and not in a stream: of a stream that says all that there is."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING, Any

from tap_insightly.api import InsightlyError
from tap_insightly.api.records.diff import is_same
from tap_insightly.api.records.reading import created_at, id_of, value_of
from tap_insightly.loader.guards import count_of
from tap_insightly.loader.record_loader import LoadResult

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping

    from tap_insightly.api import Field, InsightlyClient
    from tap_insightly.loader.record_loader import RecordLoader
    from tap_insightly.loader.stream_mapping import StreamMapping

    Record = dict[str, Any]


CLOCKS_APART = timedelta(minutes=10)  # that of answers, and that of the dates in records


class NotWholeError(InsightlyError):
    """A stream is to be mirrored, and it is not known whether all of it came."""


class Mirror:
    """Removes from an object what is not in a stream."""

    def __init__(
        self,
        client: InsightlyClient,
        loader: RecordLoader,
        condition: tuple[Field, Any] | None,
        values: Mapping[str, Any] | None,
    ) -> None:
        """Begin with a stream.

        Args:
            client: The account.
            loader: What writes the records of the stream.
            condition: Which records belong to the stream: those with this value in this field;
                None for all of the object.
            values: What those are given that are not in the stream; None to delete them.
        """
        self._client = client
        self._loader = loader
        self._condition = condition
        self._values = values
        self._began = client.session.now()
        self._last_id = self._highest()
        self._has_any = False
        self._is_whole = False

    @property
    def route(self) -> StreamMapping:
        """Where the records go."""
        return self._loader.route

    @property
    def stream(self) -> str:
        """The stream's name."""
        return self.route.stream

    def begin(self, loader: RecordLoader) -> None:
        """Take another loader of the same stream, whose schema has changed.

        Args:
            loader: What writes its records from now on.
        """
        self._loader = loader

    def note(self, *, is_end: bool) -> None:
        """Take down what came last: a record, or what says that all of the stream came.

        Args:
            is_end: Whether it was a state, or the new version of the table.
        """
        self._is_whole = is_end
        self._has_any |= not is_end

    def find(self, seen: Collection[int], rejected: int) -> tuple[list[Record], int]:
        """Find what is not in the stream.

        Args:
            seen: The ids of what is in this stream, and in others of the same object.
            rejected: How many records of the stream were refused.

        Returns:
            The records, and how many there are of which they could have been.

        Raises:
            NotWholeError: If it is not known whether all of the stream came, or was understood.
            InsightlyError: If the object cannot be read.
        """
        name = self.route.obj.name
        if not self._is_whole:
            msg = (
                f"Stream '{self.stream}' did not come to its end: after its last record came "
                f"neither a state nor a new version, so nobody knows which records of {name} are "
                "not in it. Nothing was deleted of it."
            )
            raise NotWholeError(msg)
        if not self._has_any:
            msg = (
                f"Stream '{self.stream}' has no record at all, which is more likely a mistake than "
                f"meant. Nothing was deleted of {name}."
            )
            raise NotWholeError(msg)
        if self._last_id is None and self._began is None:
            msg = (
                f"{name}: Insightly tells neither the time nor how many there are, so nobody knows "
                "what was made since the run began. Nothing was deleted of it."
            )
            raise NotWholeError(msg)
        if rejected:
            msg = (
                f"Stream '{self.stream}': {rejected:,} records were refused, so nobody knows which "
                f"records of {name} they are. Nothing was deleted of it."
            )
            raise NotWholeError(msg)
        where = None if self._condition is None else {self._condition[0].name: self._condition[1]}
        key, total = str(self.route.obj.key), 0
        left: list[Record] = []
        for record in self._client.records(name, where=where):
            if self._belongs(record):
                total += 1
                record_id = id_of(record, key)
                if record_id is None:
                    msg = f"{name} has a record without an id, so nothing was deleted of it."
                    raise NotWholeError(msg)
                if record_id not in seen and not self._is_new(record, record_id):
                    left.append({**record, key: record_id})
        return left, total

    def take(self, record: Record) -> LoadResult:
        """Delete a record that is not in the stream, or give it what it is to be given.

        Args:
            record: The record, as `find` has it.

        Returns:
            What became of it.

        Raises:
            InsightlyError: If that cannot be done.
        """
        record_id = int(record[str(self.route.obj.key)])
        now = self._loader.read(record_id)
        if now is None or not self._belongs(now):  # somebody has changed it meanwhile
            return LoadResult("unchanged", record_id)
        if self._values is not None:
            return self._loader.change(record_id, self._values, now)
        return self._loader.delete_one(record_id)

    def _belongs(self, record: Mapping[str, Any]) -> bool:
        """Tell whether a record has the value, whatever a search answers."""
        if self._condition is None:
            return True
        field, value = self._condition
        return is_same(field, value, value_of(record, field.name))

    def _highest(self) -> int | None:
        """Ask for the highest id that there is: that of the last record; new ones are higher."""
        obj, get = self.route.obj, self._client.session.get
        total = count_of(self._client, obj)
        if not total:
            return total  # None if that is not told
        records = get(obj.path, {"top": "1", "skip": str(total - 1), "brief": "true"}).records
        return id_of(records[-1], str(obj.key)) if records and records[-1] else None

    def _is_new(self, record: Mapping[str, Any], record_id: int) -> bool:
        """Tell whether a record was made since the run began, so that the stream cannot have it."""
        if self._last_id is not None:
            return record_id > self._last_id
        made = created_at(record)
        if made is None or self._began is None:
            return False
        return made >= self._began - CLOCKS_APART
