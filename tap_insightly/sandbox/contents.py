"""What is in an account, and how it changes."""

from __future__ import annotations

import threading
from contextlib import contextmanager
from datetime import datetime, timezone
from itertools import count
from typing import TYPE_CHECKING, Any

from tap_insightly.sandbox.children import Children
from tap_insightly.sandbox.faults import Faults
from tap_insightly.sandbox.journal import Journal
from tap_insightly.sandbox.store import STAMPS, STANDARD_PATHS, Table, component_of, timestamp

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

    from tap_insightly.sandbox.store import Record

_IDS_APART = 1_000_000  # of one list and the next
_TO_CHILDREN = 200_000_000


class Contents:
    """The records of an account, and what is below them."""

    def __init__(self, first_id: int) -> None:
        """Begin with none.

        Args:
            first_id: Ids begin there.
        """
        self.clock: Callable[[], datetime] = lambda: datetime.now(timezone.utc)
        """What time the sandbox thinks it is."""
        self.faults = Faults()
        self.lock = threading.RLock()
        self._pretended: datetime | None = None
        self._free_ids = count(first_id, _IDS_APART)
        self.tables = {path: self._table(component_of(path)) for path in STANDARD_PATHS}
        self.below = Children(self.tables, first_id + _TO_CHILDREN)
        """What single records have below them, such as comments."""
        self._bin: dict[tuple[str, int], tuple[Record, Mapping[str, list[Record]]]] = {}
        """What was deleted, with what was below it: Insightly keeps it for 30 days (docs)."""

    def now(self) -> datetime:
        """Tell the moment of what is done now.

        Returns:
            What the clock says, or the moment that something is done as of.
        """
        return self._pretended or self.clock()

    @contextmanager
    def pretending(self, moment: datetime) -> Iterator[None]:
        """Do something as of a moment. Whoever does holds the lock.

        Args:
            moment: An aware datetime.
        """
        self._pretended = moment
        try:
            yield
        finally:
            self._pretended = None

    def count(self, path: str) -> int:
        """Count the records of an object.

        Args:
            path: The object's path.

        Returns:
            How many there are.
        """
        return len(self.tables[path].rows)

    def records(self, path: str) -> list[Record]:
        """List the records of an object.

        Args:
            path: The object's path.

        Returns:
            Copies, as they are served.
        """
        with self.lock:
            return [dict(row) for row in self.tables[path].rows]

    def create(self, path: str, **fields: Any) -> Record:  # noqa: ANN401 - any JSON value
        """Create a record.

        Args:
            path: The object's path.
            **fields: Its fields; the id and the timestamps come by themselves.

        Returns:
            A copy of the record.
        """
        with self.lock:
            table, now = self.tables[path], timestamp(self.now())
            stamps = {name: now for name in STAMPS if name in table.fields}
            record = table.blank() | stamps | fields | {table.keys[0]: table.next_id()}
            table.add(_with_custom_field_ids(record))
            self.below.note_state(path, record, None, now)
            return dict(record)

    def update(self, path: str, key: int, **fields: Any) -> Record | None:  # noqa: ANN401 - as above
        """Change some fields of a record.

        Args:
            path: The object's path.
            key: The record's id.
            **fields: New values by name.

        Returns:
            A copy of the record; None if there is none.
        """
        with self.lock:
            table, now = self.tables[path], timestamp(self.now())
            if "DATE_UPDATED_UTC" in table.fields:
                fields["DATE_UPDATED_UTC"] = now
            before = (table.find(key) or {}).get("OPPORTUNITY_STATE")
            record = table.change(key, _with_custom_field_ids(fields))
            if record is None:
                return None
            self.below.note_state(path, record, before, now)
            return dict(record)

    def put(self, path: str, key: int, **fields: Any) -> Record | None:  # noqa: ANN401 - as above
        """Set fields of a record, and nothing else: its dates are what they were, or are given.

        Args:
            path: The object's path.
            key: The record's id.
            **fields: New values by name, such as a DATE_UPDATED_UTC.

        Returns:
            A copy of the record; None if there is none.
        """
        with self.lock:
            record = self.tables[path].change(key, _with_custom_field_ids(fields))
            return None if record is None else dict(record)

    def delete(self, path: str, key: int) -> bool:
        """Delete a record and all that is below it; every later one moves one place up.

        Args:
            path: The object's path.
            key: The record's id.

        Returns:
            Whether there was one.
        """
        with self.lock:
            record = self.tables[path].remove(key)
            if record is None:
                return False
            self._bin[path, key] = (record, self.below.take(path, key))
            return True

    def restore(self, path: str, key: int, *, touch: bool = False) -> Record | None:
        """Bring a record back that was deleted, to its old place and with all that was below it.

        Args:
            path: The object's path.
            key: The record's id.
            touch: Whether this updates it, where it has a date of its update. What Insightly does
                is not known.

        Returns:
            A copy of the record; None if none was deleted.
        """
        with self.lock:
            if (path, key) not in self._bin:
                return None
            record, below = self._bin.pop((path, key))
            self.tables[path].insert(key, record)
            self.below.give_back(path, key, below)
            if touch and "DATE_UPDATED_UTC" in record:
                self.put(path, key, DATE_UPDATED_UTC=timestamp(self.now()))
            return dict(record)

    def children(self, path: str, name: str) -> dict[int, list[Record]]:
        """List what the records of an object have below them.

        Args:
            path: The object's path, such as ``/Notes``.
            name: The kind, such as ``Comments``.

        Returns:
            Copies, as they are served, by id of the record that they are below, in ascending
            order; only for records that have any.

        Raises:
            KeyError: If records of the object have none of that kind.
        """
        with self.lock:
            below = self.below.of(path, self.below.kind(path, name))
            return {key: [dict(row) for row in below[key]] for key in sorted(below) if below[key]}

    def create_child(
        self,
        path: str,
        parent_id: int,
        name: str,
        *,
        touch: bool = True,
        **fields: Any,  # noqa: ANN401 - as above
    ) -> Record:
        """Create a record below another, such as a comment on a note.

        Args:
            path: The path of the object that it is below, such as ``/Notes``.
            parent_id: The id of the record that it is below.
            name: The kind, such as ``Comments``.
            touch: Whether this updates the other record, where that has a date of its update.
                What Insightly does is not known.
            **fields: Its fields; the id, the dates and the id of the other record come by
                themselves.

        Returns:
            A copy of the record.

        Raises:
            KeyError: If there is no record with that id, or none of its object has that kind.
        """
        with self.lock:
            kind = self.below.kind(path, name)
            if self.tables[path].find(parent_id) is None:
                msg = f"There is no {path}/{parent_id}."
                raise KeyError(msg)
            if kind.is_numbered and kind.key is not None:
                fields[kind.key] = None
            record = self.below.add(path, parent_id, kind, fields, timestamp(self.now()))
            if touch:
                self.update(path, parent_id)
            return dict(record)

    def delete_child(self, path: str, parent_id: int, name: str, key: int) -> bool:
        """Delete a record below another. This does not update the other.

        Args:
            path: The path of the object that it is below.
            parent_id: The id of the record that it is below.
            name: The kind, such as ``Comments``; one that has ids.
            key: Its id; for a membership that of the list.

        Returns:
            Whether there was one.

        Raises:
            KeyError: If records of the object have none of that kind, or the kind has no ids.
        """
        with self.lock:
            kind = self.below.kind(path, name)
            if kind.key is None:
                msg = f"{kind.name} has no ids."
                raise KeyError(msg)
            return self.below.remove(path, parent_id, kind, key)

    def _table(self, component: str) -> Table:
        return Table(component, next(self._free_ids), Journal(self))


def _with_custom_field_ids(record: dict[str, Any]) -> dict[str, Any]:
    for custom in record.get("CUSTOMFIELDS") or ():
        custom.setdefault("CUSTOM_FIELD_ID", custom["FIELD_NAME"])  # seen live
    return record
