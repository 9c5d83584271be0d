"""The sandbox itself: data, faults and a clock, behind a server on this machine."""

from __future__ import annotations

import hashlib
import random
import threading
from datetime import datetime, timezone
from itertools import count
from typing import TYPE_CHECKING, Any

from tap_insightly.sandbox.app import App
from tap_insightly.sandbox.arrays import Arrays
from tap_insightly.sandbox.children import Children
from tap_insightly.sandbox.data import SETTINGS, fill, fill_children
from tap_insightly.sandbox.faults import Faults
from tap_insightly.sandbox.serving import Served
from tap_insightly.sandbox.store import (
    OWNERS,
    STAMPS,
    STANDARD_PATHS,
    CustomFields,
    Table,
    component_of,
    field_for,
    timestamp,
)

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from tap_insightly.sandbox.replies import RequestLog
    from tap_insightly.sandbox.store import Record

DEFAULT_KEY = "sandbox-api-key"
_FIRST_ID, _FIRST_ID_EMPTY = 300_000_000, 700_000_000
_IDS_APART = 1_000_000  # of one list and the next
_TO_CHILDREN, _TO_ENTRIES = 200_000_000, 400_000_000


class Sandbox(Served):
    """An account with data, which can be served, changed while it is served, and made to fail."""

    def __init__(
        self,
        records: int = 5000,
        *,
        plan: str = "enterprise",
        seed: int = 1,
        api_key: str = DEFAULT_KEY,
        is_empty: bool = False,
        first_id: int | None = None,
    ) -> None:
        """Make up an account; the same arguments give the same data, byte for byte.

        Args:
            records: How many contacts; other objects come in proportion.
            plan: ``enterprise`` or ``professional``, which leaves some objects out.
            seed: The seed of all chance.
            api_key: The key that is accepted.
            is_empty: Whether there are only settings, such as users, pipelines and custom
                fields: those of the account that the same arguments give otherwise, by name.
            first_id: Ids begin there, a number. None for where no id of the other kind of
                account is, so that an id of one leads nowhere in the other.
        """
        first_id = first_id or (_FIRST_ID_EMPTY if is_empty else _FIRST_ID)
        self.plan = plan
        self.api_key = api_key
        self.rng = random.Random(seed)  # noqa: S311 - made-up data, no secret
        self.faults = Faults()
        self.requests: list[RequestLog] = []
        """What was asked so far."""
        self.on_request: Callable[[RequestLog], None] | None = None
        """Called before each answer is made, so that a test can change data between pages."""
        self.clock: Callable[[], datetime] = lambda: datetime.now(timezone.utc)
        """What time the sandbox thinks it is."""
        self.lock = threading.RLock()
        self._free_ids = count(first_id, _IDS_APART)
        self.tables = {path: self._table(component_of(path)) for path in STANDARD_PATHS}
        self.below = Children(self.tables, first_id + _TO_CHILDREN)
        """What single records have below them, such as comments."""
        self.arrays = Arrays(self, first_id + _TO_ENTRIES)
        """What puts together the arrays that records carry."""
        self.custom_fields = {
            path: CustomFields(field_for(owner), owner) for path, owner in OWNERS.items()
        }
        fill(self, records, random.Random(seed))  # noqa: S311 - as above
        if is_empty:
            self._keep_settings()
            return
        # Chance of their own, so that the records are the same with and without children.
        fill_children(self, records, random.Random(f"{seed} children"))  # noqa: S311 - as above

    @property
    def paths(self) -> Sequence[str]:
        """The paths of all lists, custom objects included."""
        return tuple(self.tables)

    def path_of(self, name: str) -> str | None:
        """Find a list by its name in any case.

        Args:
            name: Such as ``contacts``.

        Returns:
            Its path, or None.
        """
        return next((path for path in self.tables if path[1:].lower() == name.lower()), None)

    def object_at(self, path: str) -> str:
        """Name what a list consists of, as links do.

        Args:
            path: The list's path.

        Returns:
            Text such as ``Contact`` or ``Fruit__c``.
        """
        return component_of(path) if path in STANDARD_PATHS else path[1:]

    def path_of_object(self, name: str) -> str | None:
        """Find a list by the name of what it consists of.

        Args:
            name: Such as ``Contact`` or ``Fruit__c``.

        Returns:
            Its path, or None.
        """
        return next((path for path in self.tables if self.object_at(path) == name), None)

    def add_custom_object(self, name: str) -> None:
        """Define a custom object, with no fields yet.

        Args:
            name: Its name, such as ``Fruit__c``.
        """
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
        """Define a custom field.

        Args:
            path: The object's path, such as ``/Contacts``.
            name: The field's name, such as ``Hobby__c``.
            field_type: Its type, such as ``TEXT``.
            label: Its label.
            help_text: Its help text.
            options: What can be chosen, for dropdowns and multi-selects.
        """
        own = self.custom_fields[path]
        blank = dict.fromkeys(Table("CustomField").fields)
        chosen = [
            {"OPTION_ID": number, "OPTION_VALUE": option, "OPTION_DEFAULT": False}
            for number, option in enumerate(options, 1)
        ]
        own.definitions.append(
            blank
            | {
                "FIELD_NAME": name,
                "FIELD_ORDER": len(own.definitions) + 1,
                "FIELD_FOR": own.owner,
                "FIELD_LABEL": label,
                "FIELD_TYPE": field_type,
                "FIELD_HELP_TEXT": help_text,
                "EDITABLE": field_type != "AUTONUMBER",
                "VISIBLE": True,
                "CUSTOM_FIELD_OPTIONS": chosen,
            }
        )

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
            table, now = self.tables[path], timestamp(self.clock())
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
            table, now = self.tables[path], timestamp(self.clock())
            if "DATE_UPDATED_UTC" in table.fields:
                fields["DATE_UPDATED_UTC"] = now
            before = (table.find(key) or {}).get("OPPORTUNITY_STATE")
            record = table.change(key, _with_custom_field_ids(fields))
            if record is None:
                return None
            self.below.note_state(path, record, before, now)
            return dict(record)

    def delete(self, path: str, key: int) -> bool:
        """Delete a record and all that is below it; every later one moves one place up.

        Args:
            path: The object's path.
            key: The record's id.

        Returns:
            Whether there was one.
        """
        with self.lock:
            self.below.forget(path, key)
            return self.tables[path].remove(key)

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
            record = self.below.add(path, parent_id, kind, fields, timestamp(self.clock()))
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

    @staticmethod
    def is_converted(status: Record) -> bool:
        """Tell whether a lead status is one of converted leads.

        Which STATUS_TYPE means that is not known; the sandbox uses 3.

        Args:
            status: The lead status.

        Returns:
            Whether it is.
        """
        return bool(status["STATUS_TYPE"] == 3)  # noqa: PLR2004

    @staticmethod
    def etag(path: str, record: Record) -> str:
        """Make the version tag of a record.

        Args:
            path: The object's path.
            record: The record.

        Returns:
            A tag that changes with the record.
        """
        return f'"{hashlib.sha256(repr((path, record)).encode()).hexdigest()[:16]}"'

    def _table(self, component: str) -> Table:
        return Table(component, next(self._free_ids))

    def _keep_settings(self) -> None:
        for path, table in self.tables.items():
            if path not in SETTINGS:
                table.clear()

    def _app(self) -> App:
        return App(self)


def _with_custom_field_ids(record: dict[str, Any]) -> dict[str, Any]:
    for custom in record.get("CUSTOMFIELDS") or ():
        custom.setdefault("CUSTOM_FIELD_ID", custom["FIELD_NAME"])  # seen live
    return record
