"""What the sandbox holds: tables of records, ready to be sent."""

from __future__ import annotations

from bisect import bisect_left
from copy import copy
from dataclasses import dataclass, field
from datetime import datetime, timezone
from typing import TYPE_CHECKING, Any

from tap_insightly.openapi import COMPONENTS, READ
from tap_insightly.sandbox.replies import encode
from tap_insightly.streams import STREAMS

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from tap_insightly.sandbox.journal import Journal
    from tap_insightly.sandbox.searching import Wanted

Record = dict[str, Any]

NESTED = frozenset({"CUSTOMFIELDS", "TAGS", "LINKS", "DATES", "EMAILDOMAINS", "TEAMMEMBERS"})
"""What ``brief=true`` leaves out (spec)."""

RECORD_TYPES = frozenset(
    {"contacts", "leads", "opportunities", "organisations", "projects", "emails"}
)
"""The kinds of record whose tags are listed (spec)."""

ANY_CUSTOM_OBJECT = "/{OBJECT_NAME}"
"""What the documents have instead of the path of a custom object."""

STAMPS = ("DATE_CREATED_UTC", "DATE_UPDATED_UTC")
"""What a record gets by itself when it is made."""


def component_of(path: str) -> str:
    """Find what a list consists of.

    Args:
        path: The path in the OpenAPI document, text such as ``/Contacts``.

    Returns:
        The component's name, such as ``Contact``.
    """
    answers = READ["paths"][path]["get"]["responses"]
    answer = answers[str(status_of(path))]
    schema = answer["content"]["application/json"]["schema"]
    reference: str = schema.get("items", schema)["$ref"]
    return reference.rpartition("/")[2]


def status_of(path: str) -> int:
    """Find the status that a list is answered with.

    Args:
        path: The path in the OpenAPI document.

    Returns:
        A number: 200, or 201 where the API is described so (spec).
    """
    answers = READ["paths"][path]["get"]["responses"]
    return next(int(status) for status in answers if status.startswith("2"))


STANDARD_PATHS: tuple[str, ...] = tuple(
    path for path in READ["paths"] if "{" not in path and not path.endswith("/Search")
)
OWNERS: Mapping[str, str] = {
    stream.path: stream.custom_fields_for for stream in STREAMS if stream.custom_fields_for
}
"""The objects that can have custom fields, by path."""


def field_for(owner: str) -> str:
    """Spell an object as FIELD_FOR might; for objects of several words this is assumed.

    Args:
        owner: The object's name, such as ``OpportunityLineItem``.

    Returns:
        Such as ``OPPORTUNITY_LINE_ITEM``.
    """
    words = "".join(f"_{c}" if c.isupper() and at else c for at, c in enumerate(owner))
    return owner if owner.isupper() else words.upper()


def timestamp(moment: datetime) -> str:
    """Write a moment as records carry it (seen live).

    Args:
        moment: An aware datetime.

    Returns:
        Text such as ``2025-04-19 00:49:32``, in UTC.
    """
    return moment.astimezone(timezone.utc).strftime("%Y-%m-%d %H:%M:%S")


@dataclass
class CustomFields:
    """The custom fields of one object."""

    owner: str
    """As FIELD_FOR spells it, such as ``CONTACT``."""

    singular: str
    definitions: list[Record] = field(default_factory=list)


class Table:
    """The records of one object, in ascending order of their key."""

    def __init__(self, component: str, first_id: int = 1, journal: Journal | None = None) -> None:
        """Make an empty table.

        Args:
            component: The name of its component in the OpenAPI document.
            first_id: The id of its first record, a number, where ids are numbers.
            journal: Where to note what records were, if searches can be late.
        """
        schema = COMPONENTS[component]
        self.keys: Sequence[str] = schema.get("x-primary-key", ())
        self.fields: Mapping[str, Any] = {
            name: prop
            for name, prop in schema["properties"].items()
            # An ETag comes as a header here; which records carry it as a field is not known.
            if not prop.get("x-added-by-tap") and name != "ETag"
        }
        self.updated = next(
            (n for n in ("DATE_UPDATED_UTC", "DATE_CREATED_UTC") if n in self.fields), None
        )
        self.version = 0
        self.rows: list[Record] = []
        self._ids: list[int] = []
        self._first_id = first_id
        self._last_id = first_id - 1
        self._sent: dict[tuple[int, bool], bytes] = {}
        self._journal = journal

    @property
    def has_id(self) -> bool:
        """Whether records have one numeric key."""
        return len(self.keys) == 1 and "integer" in self.fields[self.keys[0]]["type"]

    def blank(self) -> Record:
        """Make a record with every field and nothing in it.

        Returns:
            The record.
        """
        return {
            name: [] if "array" in prop.get("type", ()) else None
            for name, prop in self.fields.items()
        }

    def next_id(self) -> int:
        """Give the next free id.

        Returns:
            A number above all others that there ever were.
        """
        return self._last_id + 1

    def add(self, record: Record) -> None:
        """Put a record at the end.

        Args:
            record: The record, with a key above all others where keys are numbers.
        """
        self.rows.append(record)
        self._last_id = record[self.keys[0]] if self.has_id else self.next_id()
        self._ids.append(self._last_id)
        self._note(self._last_id, None)
        self.version += 1

    def find(self, key: int) -> Record | None:
        """Look a record up.

        Args:
            key: Its id.

        Returns:
            The record itself, or None.
        """
        at = bisect_left(self._ids, key)
        return self.rows[at] if at < len(self._ids) and self._ids[at] == key else None

    def change(self, key: int, fields: Mapping[str, Any]) -> Record | None:
        """Change some fields of a record.

        Args:
            key: Its id.
            fields: New values by name.

        Returns:
            The record, or None if there is none.
        """
        record = self.find(key)
        if record is not None:
            self._note(key, record)
            record.update(fields)
            self._forget(key)
        return record

    def remove(self, key: int) -> Record | None:
        """Delete a record.

        Args:
            key: Its id.

        Returns:
            The record; None if there was none.
        """
        record = self.find(key)
        if record is not None:
            self.remove_at(bisect_left(self._ids, key))
        return record

    def remove_at(self, at: int) -> None:
        """Delete a record by its place, for lists that have no ids.

        Args:
            at: Its place in the table, a number.
        """
        key = self._ids[at]
        self._note(key, self.rows[at])
        del self.rows[at], self._ids[at]
        self._forget(key)

    def insert(self, key: int, record: Record) -> None:
        """Put a record where it belongs by its id.

        Args:
            key: Its id.
            record: The record.
        """
        self._note(key, None)
        at = bisect_left(self._ids, key)
        self.rows.insert(at, record)
        self._ids.insert(at, key)
        self._forget(key)

    def id_at(self, at: int) -> int:
        """Tell the id of a record.

        Args:
            at: Its place in the table, a number.

        Returns:
            The id; one of the sandbox's own, where records have none.
        """
        return self._ids[at]

    def clear(self) -> None:
        """Delete all records, as if there never had been any."""
        self.rows.clear()
        self._ids.clear()
        self._sent.clear()
        self._last_id = self._first_id - 1
        self.version += 1

    def encoded(self, at: int, *, is_brief: bool) -> bytes:
        """Give a record as it is sent.

        Args:
            at: Its place in the table.
            is_brief: Whether to leave nested data out.

        Returns:
            JSON.
        """
        key = (self._ids[at], is_brief)
        sent = self._sent.get(key)
        if sent is None:
            row = self.rows[at]
            if is_brief:
                row = {name: value for name, value in row.items() if name not in NESTED}
            sent = self._sent[key] = encode(row)
        return sent

    def as_searched(self) -> Table:
        """Give the records as a search sees them.

        Returns:
            The table itself, or one that lacks what was written lately; that one can only be read.
        """
        unseen = self._journal.unseen() if self._journal else {}
        if not unseen:
            return self
        seen = copy(self)
        seen.rows, seen._ids, seen._sent = list(self.rows), list(self._ids), {}  # noqa: SLF001 - our own
        seen._journal = None  # noqa: SLF001 - as above
        for key, before in unseen.items():
            at = bisect_left(seen._ids, key)  # noqa: SLF001 - as above
            is_there = seen.find(key) is not None
            if before is None:
                if is_there:
                    seen.remove_at(at)
            elif is_there:
                seen.rows[at] = before
            else:
                seen.insert(key, before)
        return seen

    def matches(self, since: str | None, wanted: Wanted | None) -> Sequence[int]:
        """Search.

        Args:
            since: Only records updated after this timestamp; None for all.
            wanted: What a field must have; None for anything.

        Returns:
            The places of the records in the table.
        """
        found: Sequence[int] = range(len(self.rows))
        if since is not None and self.updated:
            name, rows = self.updated, self.rows
            # Strictly after: whether the API includes the moment itself is not known, and this
            # is the answer that would expose a client that relies on the other.
            found = [at for at in found if (rows[at][name] or "") > since]
        if wanted is not None:
            has = wanted.test(self.fields)
            found = [at for at in found if has(self.rows[at])]
        return found

    def _note(self, key: int, before: Record | None) -> None:
        if self._journal is not None:
            self._journal.note(key, before)

    def _forget(self, key: int) -> None:
        self.version += 1
        for is_brief in (False, True):
            self._sent.pop((key, is_brief), None)
