"""What the sandbox holds: tables of records, ready to be sent."""

from __future__ import annotations

from bisect import bisect_left
from copy import copy
from typing import TYPE_CHECKING, Any

from tap_insightly.openapi import COMPONENTS
from tap_insightly.sandbox.account.records import NESTED, encode

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from tap_insightly.sandbox.account.journal import Journal
    from tap_insightly.sandbox.account.records import Record


class Table:
    """The records of one object, in ascending order of their key."""

    def __init__(self, component: str, first_id: int = 1, journal: Journal | None = None) -> None:
        """Make an empty table."""
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
        """Make a record with every field and nothing in it."""
        return {
            name: [] if "array" in prop.get("type", ()) else None
            for name, prop in self.fields.items()
        }

    def next_id(self) -> int:
        """Give the next free id."""
        return self._last_id + 1

    def add(self, record: Record) -> None:
        """Put a record at the end."""
        self.rows.append(record)
        self._last_id = record[self.keys[0]] if self.has_id else self.next_id()
        self._ids.append(self._last_id)
        self._note(self._last_id, None)
        self.version += 1

    def find(self, key: int) -> Record | None:
        """Look a record up."""
        at = bisect_left(self._ids, key)
        return self.rows[at] if at < len(self._ids) and self._ids[at] == key else None

    def change(self, key: int, fields: Mapping[str, Any]) -> Record | None:
        """Change some fields of a record."""
        record = self.find(key)
        if record is not None:
            self._note(key, record)
            record.update(fields)
            self._forget(key)
        return record

    def remove(self, key: int) -> Record | None:
        """Delete a record."""
        record = self.find(key)
        if record is not None:
            self.remove_at(bisect_left(self._ids, key))
        return record

    def remove_at(self, at: int) -> None:
        """Delete a record by its place, for lists that have no ids."""
        key = self._ids[at]
        self._note(key, self.rows[at])
        del self.rows[at], self._ids[at]
        self._forget(key)

    def insert(self, key: int, record: Record) -> None:
        """Put a record where it belongs by its id."""
        self._note(key, None)
        at = bisect_left(self._ids, key)
        self.rows.insert(at, record)
        self._ids.insert(at, key)
        self._forget(key)

    def id_at(self, at: int) -> int:
        """Tell the id of a record."""
        return self._ids[at]

    def clear(self) -> None:
        """Delete all records, as if there never had been any."""
        self.rows.clear()
        self._ids.clear()
        self._sent.clear()
        self._last_id = self._first_id - 1
        self.version += 1

    def encoded(self, at: int, *, is_brief: bool) -> bytes:
        """Give a record as it is sent."""
        key = (self._ids[at], is_brief)
        sent = self._sent.get(key)
        if sent is None:
            row = self.rows[at]
            if is_brief:
                row = {name: value for name, value in row.items() if name not in NESTED}
            sent = self._sent[key] = encode(row)
        return sent

    def as_searched(self, lag: float) -> Table:
        """Give the records as a search sees them that is so many seconds late; only to be read."""
        unseen = self._journal.unseen(lag) if self._journal else {}
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

    def matches(self, since: str | None, has: Callable[[Record], bool] | None) -> Sequence[int]:
        """Search."""
        found: Sequence[int] = range(len(self.rows))
        if since is not None and self.updated:
            name, rows = self.updated, self.rows
            # Strictly after: whether the API includes the moment itself is not known, and this
            # is the answer that would expose a client that relies on the other.
            found = [at for at in found if (rows[at][name] or "") > since]
        if has is not None:
            found = [at for at in found if has(self.rows[at])]
        return found

    def _note(self, key: int, before: Record | None) -> None:
        if self._journal is not None:
            self._journal.note(key, before)

    def _forget(self, key: int) -> None:
        self.version += 1
        for is_brief in (False, True):
            self._sent.pop((key, is_brief), None)
