"""What is in an account, and how it changes."""

from __future__ import annotations

import hashlib
import threading
from contextlib import contextmanager
from datetime import datetime, timezone
from itertools import count
from typing import TYPE_CHECKING, Any

from tap_insightly.openapi.objects import all_objects, object_name_at, objects_by_path
from tap_insightly.sandbox.account.children import Children
from tap_insightly.sandbox.account.custom_fields import CustomFields, no_custom_fields
from tap_insightly.sandbox.account.faults import Faults
from tap_insightly.sandbox.account.given import (
    CUSTOM_OBJECTS,
    described_object,
    in_any_case,
    with_key,
)
from tap_insightly.sandbox.account.journal import Journal
from tap_insightly.sandbox.account.moments import timestamp
from tap_insightly.sandbox.account.records import STAMPS
from tap_insightly.sandbox.account.table import Table

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence

    from tap_insightly.sandbox.account.records import Record

DEFAULT_KEY = "sandbox-api-key"
"""The key that is accepted if no other is chosen."""

ENTRY_KEYS: Mapping[str, str] = {
    "LINKS": "LINK_ID",
    "DATES": "DATE_ID",
    "EMAILDOMAINS": "EMAIL_DOMAIN_ID",
}
"""The field with an entry's id, by the array of a record that it is in."""

_IDS_APART = 1_000_000  # of one list and the next
_TO_CHILDREN = 200_000_000
_TO_ENTRIES = 400_000_000


class Account:
    """The records of an account and what is below them, its clock, and what goes wrong with it."""

    def __init__(self, plan: str, first_id: int) -> None:
        """Begin with no records."""
        self.plan = plan
        self.clock: Callable[[], datetime] = lambda: datetime.now(timezone.utc)
        """What time the sandbox thinks it is."""
        self.faults = Faults()
        self.lock = threading.RLock()
        self.observers: list[Callable[[str, Record], None]] = []
        """Told of each record that was made or updated, with its path, while the lock is held."""
        self._pretended: datetime | None = None
        self._free_ids = count(first_id, _IDS_APART)
        self.tables = {one.path: self._table(one.component) for one in all_objects()}
        self.custom_fields = no_custom_fields()
        """The custom fields of each object that can have some, by path."""
        self.below = Children(self.tables, first_id + _TO_CHILDREN)
        """What single records have below them, such as comments."""
        self._entry_ids = {array: count(first_id + _TO_ENTRIES) for array in ENTRY_KEYS}
        self._bin: dict[tuple[str, int], tuple[Record, Mapping[str, list[Record]]]] = {}
        """What was deleted, with what was below it: Insightly keeps it for 30 days (docs)."""

    def now(self) -> datetime:
        """Tell the moment of what is done now."""
        return self._pretended or self.clock()

    @contextmanager
    def pretending(self, moment: datetime) -> Iterator[None]:
        """Do something as of a moment. Whoever does holds the lock."""
        self._pretended = moment
        try:
            yield
        finally:
            self._pretended = None

    @property
    def paths(self) -> Sequence[str]:
        """The paths of all lists, custom objects included."""
        return tuple(self.tables)

    @property
    def user_id(self) -> int:
        """The id of the user whose key it is."""
        user_id: int = self.tables["/Users"].rows[0]["USER_ID"]
        return user_id

    def path_of(self, name: str) -> str | None:
        """Find a list by its name in any case."""
        return next((path for path in self.tables if path[1:].lower() == name.lower()), None)

    def object_at(self, path: str) -> str:
        """Name what a list consists of, as links do."""
        return object_name_at(path)

    def is_paged(self, path: str) -> bool:
        """Tell whether a list is handed out in pages."""
        obj = objects_by_path().get(path)
        return obj is None or obj.is_paged

    def is_single(self, path: str) -> bool:
        """Tell whether there is one object at a path, and no list."""
        obj = objects_by_path().get(path)
        return obj is not None and obj.is_single

    def path_of_object(self, name: str) -> str | None:
        """Find a list by the name of what it consists of."""
        return next((path for path in self.tables if self.object_at(path) == name), None)

    def add_custom_object(self, name: str, **fields: Any) -> Record:  # noqa: ANN401 - any JSON value
        """Define a custom object, with no custom fields yet; other fields say how it is shown."""
        return self.create(CUSTOM_OBJECTS, OBJECT_NAME=name, **fields)

    def define_custom_object(self, name: str) -> None:
        """Have a list for the records of a custom object.

        Raises:
            ValueError: If there is one of this name, in any case.
        """
        if self.path_of(name) is not None:
            msg = f"There is a list {self.path_of(name)}."
            raise ValueError(msg)
        self.tables[f"/{name}"] = self._table("CustomObjectRecord")
        self.custom_fields[f"/{name}"] = CustomFields(name.upper(), name)

    def add_custom_field(
        self,
        path: str,
        name: str,
        field_type: str,
        label: str,
        help_text: str | None = None,
        options: Sequence[str] = (),
    ) -> None:
        """Define a custom field of the object at a path; options are for what can be chosen.

        Raises:
            ValueError: If the object cannot have any, or has one of this name.
        """
        path = self._path(path)
        own = self.custom_fields.get(path)
        if own is None or any(one["FIELD_NAME"] == name for one in own.definitions):
            msg = f"{path} cannot have {'another' if own else 'a'} custom field {name}."
            raise ValueError(msg)
        own.add(name, field_type, label, help_text, options)

    def next_entry_id(self, array: str) -> int:
        """Give an id for an entry of an array, above all others that there ever were."""
        return next(self._entry_ids[array])

    @staticmethod
    def is_converted(status: Record) -> bool:
        """Tell whether a lead status is one of converted leads.

        Which STATUS_TYPE means that is not known; the sandbox uses 3.
        """
        return bool(status["STATUS_TYPE"] == 3)  # noqa: PLR2004

    @staticmethod
    def etag(path: str, record: Record) -> str:
        """Make the version tag of a record."""
        return f'"{hashlib.sha256(repr((path, record)).encode()).hexdigest()[:16]}"'

    def _path(self, path: str) -> str:
        """Find a list by its path in any case, as requests do.

        Raises:
            KeyError: If there is none.
        """
        found = path if path in self.tables else self.path_of(path.removeprefix("/"))
        if found is None:
            msg = f"There is no list {path}."
            raise KeyError(msg)
        return found

    def count(self, path: str) -> int:
        """Count the records of an object."""
        return len(self.tables[self._path(path)].rows)

    def records(self, path: str) -> list[Record]:
        """Copy the records of an object, as they are served."""
        with self.lock:
            return [dict(row) for row in self.tables[self._path(path)].rows]

    def create(self, path: str, **fields: Any) -> Record:  # noqa: ANN401 - any JSON value
        """Create a record, and give a copy of it.

        Its id and timestamps come by themselves, if they are not given. A custom object is defined
        by that.

        Raises:
            ValueError: If there is one with this key, or if it could not be read through the API.
        """
        with self.lock:
            path = self._path(path)
            table, now = self.tables[path], timestamp(self.now())
            if self.is_single(path):
                msg = f"There is one {path}, which can be updated."
                raise ValueError(msg)
            fields = in_any_case(table, fields)
            if path == CUSTOM_OBJECTS:
                fields = described_object(fields)
            stamps = {name: now for name in STAMPS if name in table.fields}
            record = with_key(path, table, table.blank() | stamps | fields)
            key = record[table.keys[0]]
            if (path, key) in self._bin:
                msg = f"{path}: {key} was deleted, and can be restored."
                raise ValueError(msg)
            if path == CUSTOM_OBJECTS:
                self.define_custom_object(key)
            _with_custom_field_ids(record)
            if table.has_id and key < table.next_id():
                table.insert(key, record)
            else:
                table.add(record)
            return self._written(path, record, None, now)

    def update(self, path: str, key: int, **fields: Any) -> Record | None:  # noqa: ANN401 - as above
        """Change some fields of a record, but not its key."""
        with self.lock:
            path, fields = self._arranged(path, key, fields)
            table, now = self.tables[path], timestamp(self.now())
            if "DATE_UPDATED_UTC" in table.fields:
                fields["DATE_UPDATED_UTC"] = now
            before = (table.find(key) or {}).get("OPPORTUNITY_STATE")
            record = table.change(key, _with_custom_field_ids(fields))
            if record is None:
                return None
            return self._written(path, record, before, now)

    def put(self, path: str, key: int, **fields: Any) -> Record | None:  # noqa: ANN401 - as above
        """Set fields of a record, and nothing else: its dates are what they were, or are given."""
        with self.lock:
            path, fields = self._arranged(path, key, fields)
            record = self.tables[path].change(key, _with_custom_field_ids(fields))
            return None if record is None else dict(record)

    def _arranged(self, path: str, key: int, fields: Mapping[str, Any]) -> tuple[str, Record]:
        """Name what is to be changed as the API does.

        Raises:
            ValueError: If the record would have another key.
        """
        path = self._path(path)
        table = self.tables[path]
        arranged, before = in_any_case(table, fields), table.find(key)
        moved = [
            one for one in table.keys if before and arranged.get(one, before[one]) != before[one]
        ]
        if moved:
            msg = f"{path}: {moved[0]} cannot be changed."
            raise ValueError(msg)
        return path, arranged

    def delete(self, path: str, key: int) -> bool:
        """Delete a record and all that is below it; every later one moves one place up."""
        with self.lock:
            path = self._path(path)
            record = self.tables[path].remove(key)
            if record is None:
                return False
            self._bin[path, key] = (record, self.below.take(path, key))
            return True

    def restore(self, path: str, key: int, *, touch: bool = False) -> Record | None:
        """Bring a record back that was deleted, to its old place and with all that was below it.

        With `touch` it counts as updated now. What Insightly does is not known.
        """
        with self.lock:
            path = self._path(path)
            if (path, key) not in self._bin:
                return None
            record, below = self._bin.pop((path, key))
            self.tables[path].insert(key, record)
            self.below.give_back(path, key, below)
            if touch and "DATE_UPDATED_UTC" in record:
                self.put(path, key, DATE_UPDATED_UTC=timestamp(self.now()))
            return dict(record)

    def children(self, path: str, name: str) -> dict[int, list[Record]]:
        """Copy what the records of an object have below them, by the id of each that has any."""
        with self.lock:
            path = self._path(path)
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

        Its id comes by itself, if it is not given. With `touch` the other counts as updated now.
        What Insightly does is not known.

        Raises:
            ValueError: If there is one with this id, or if it would belong to another record.
        """
        with self.lock:
            path = self._path(path)
            kind = self.below.kind(path, name)
            if self.tables[path].find(parent_id) is None:
                msg = f"There is no {path}/{parent_id}."
                raise KeyError(msg)
            self.below.check(path, parent_id, kind, fields)
            record = self.below.add(path, parent_id, kind, fields, timestamp(self.now()))
            if touch:
                self.update(path, parent_id)
            return dict(record)

    def delete_child(self, path: str, parent_id: int, name: str, key: int) -> bool:
        """Delete a record below another, which is not updated; a membership by its list's id."""
        with self.lock:
            path = self._path(path)
            kind = self.below.kind(path, name)
            if kind.key is None:
                msg = f"{kind.name} has no ids."
                raise KeyError(msg)
            return self.below.remove(path, parent_id, kind, key)

    def _written(self, path: str, record: Record, state_before: str | None, now: str) -> Record:
        self.below.note_state(path, record, state_before, now)
        for observer in self.observers:
            observer(path, record)
        return dict(record)

    def _table(self, component: str) -> Table:
        journal = Journal(self.now, lambda: self.faults.search_lag)
        return Table(component, next(self._free_ids), journal)


def _with_custom_field_ids(record: dict[str, Any]) -> dict[str, Any]:
    for custom in record.get("CUSTOMFIELDS") or ():
        custom.setdefault("CUSTOM_FIELD_ID", custom["FIELD_NAME"])  # seen live
    return record
