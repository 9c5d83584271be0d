"""What the sandbox holds below single records: comments, files, what states a deal was in."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import chain
from typing import TYPE_CHECKING

from tap_insightly.openapi.objects import ANY_CUSTOM_OBJECT, child_lists, objects_by_path
from tap_insightly.sandbox.account.records import STAMPS
from tap_insightly.sandbox.account.table import Table

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from tap_insightly.sandbox.account.records import Record

_STAMPS = (*STAMPS, "DATE_CHANGED_UTC")
# Children have ids of their own, far from those of the lists. They are numbered by component: a
# comment's id says nothing about whether a note or a task was commented on.
_IDS_APART = 10_000_000


@dataclass(frozen=True)
class ChildKind:
    """What the records of an object can have below them, in all that the document says of it."""

    name: str
    """As the path spells it, such as ``Comments``."""

    component: str
    """Its component in the OpenAPI document, such as ``TicketComment``."""

    key: str | None
    """The field with its id, if there is one. For a membership that is the id of the list."""

    is_numbered: bool
    """Whether new ones are given their id. Which list a membership is of is chosen."""

    id_offset: int
    """How far its ids are from those of the first component."""

    parent_field: str | None
    """The field with the id of the record that it is below, if it carries one."""

    parent_type: type[int | str]
    """What that field is: a number, or text where quotes' documents have it so (spec)."""

    updated: str | None
    """The field that ``updated_after_utc`` compares with, if it takes that."""

    is_paged: bool
    """Whether it is answered page by page, and can be searched by date."""

    status: int
    """The status that it is answered with."""

    blank: Record
    """Every field, with nothing in it."""

    def path_below(self, path: str) -> str:
        """Write its path as faults have it."""
        return f"{path}/{{id}}/{self.name}"


def _kinds() -> Iterator[tuple[tuple[str, str], ChildKind]]:
    components: list[str] = []
    for below in child_lists():
        obj = objects_by_path().get(below.parent)
        table = Table(below.component)
        (parent_key,) = Table(obj.component if obj else "CustomObjectRecord").keys
        key = table.keys[0] if table.keys else None
        parent_field = parent_key if parent_key in table.fields else None
        is_number = parent_field is None or "integer" in table.fields[parent_field]["type"]
        if below.component not in components:
            components.append(below.component)
        yield (
            (below.parent, below.name.lower()),
            ChildKind(
                name=below.name,
                component=below.component,
                key="LIST_ID" if "LIST_ID" in table.fields else key,
                is_numbered=key is not None,
                id_offset=_IDS_APART * components.index(below.component),
                parent_field=parent_field,
                parent_type=int if is_number else str,
                updated=below.searched_by,
                is_paged=below.is_paged,
                status=below.status,
                blank=table.blank(),
            ),
        )


_KINDS = dict(_kinds())


class Children:
    """The records below records. Whoever uses it holds the sandbox's lock."""

    def __init__(self, tables: Mapping[str, Table], first_id: int) -> None:
        """Begin with none."""
        self._first_id = first_id
        self._tables = tables
        self._rows: dict[tuple[str, str], dict[int, list[Record]]] = {}
        self._last_ids: dict[str, int] = {}

    def kind(self, path: str, name: str) -> ChildKind:
        """Find a kind of child."""
        parent = path if path in objects_by_path() else ANY_CUSTOM_OBJECT
        kind = _KINDS.get((parent, name.lower()))
        if kind is None or path not in self._tables:
            msg = f"There is no {path}/{{id}}/{name}."
            raise KeyError(msg)
        return kind

    def of(self, path: str, kind: ChildKind) -> Mapping[int, list[Record]]:
        """Give all children of a kind."""
        return self._rows.get((path, kind.name), {})

    def add(
        self, path: str, parent_id: int, kind: ChildKind, fields: Record, now: str | None = None
    ) -> Record:
        """Put a child at the end of its list."""
        record = dict(kind.blank)
        if now is not None:
            record |= {name: now for name in _STAMPS if name in record}
        record |= fields
        if kind.parent_field is not None:
            record[kind.parent_field] = kind.parent_type(parent_id)
        if kind.key is not None:
            if record[kind.key] is None:
                record[kind.key] = self.next_id(kind)
            last = self._last_ids.get(kind.component, 0)
            self._last_ids[kind.component] = max(last, record[kind.key])
        below = self._rows.setdefault((path, kind.name), {})
        rows = below.setdefault(parent_id, [])
        rows.append(record)
        if kind.is_numbered:
            rows.sort(key=lambda row: int(row[str(kind.key)]))
        return record

    def check(self, path: str, parent_id: int, kind: ChildKind, fields: Record) -> None:
        """Check what is given for a new child, so that nothing of it is replaced.

        Raises:
            ValueError: If there is one with this id, or if it would belong to another record.
        """
        owner, key = fields.get(kind.parent_field or ""), fields.get(kind.key or "")
        if owner is not None and owner != kind.parent_type(parent_id):
            msg = f"{path}/{parent_id}/{kind.name}: {kind.parent_field} cannot be {owner!r}."
            raise ValueError(msg)
        if key is None:
            return
        below = self.of(path, kind)
        near = chain(*below.values()) if kind.is_numbered else below.get(parent_id, ())
        if any(row[str(kind.key)] == key for row in near):
            msg = f"{path}/{parent_id}/{kind.name}: there is one with {kind.key} {key!r}."
            raise ValueError(msg)

    def next_id(self, kind: ChildKind) -> int:
        """Give the next free id."""
        first_id = self._first_id + kind.id_offset
        return self._last_ids.get(kind.component, first_id - 1) + 1

    def remove(self, path: str, parent_id: int, kind: ChildKind, key: int) -> bool:
        """Delete a child."""
        rows = self.of(path, kind).get(parent_id, [])
        kept = [row for row in rows if row[str(kind.key)] != key]
        is_there = len(kept) < len(rows)
        rows[:] = kept
        return is_there

    def take(self, path: str, parent_id: int) -> Mapping[str, list[Record]]:
        """Delete all that is below a record."""
        return {
            name: below.pop(parent_id)
            for (parent, name), below in self._rows.items()
            if parent == path and parent_id in below
        }

    def give_back(self, path: str, parent_id: int, taken: Mapping[str, list[Record]]) -> None:
        """Put back what was taken."""
        for name, rows in taken.items():
            self._rows[path, name][parent_id] = rows

    def note_state(self, path: str, record: Record, before: str | None, now: str) -> None:
        """Continue the history of a deal, if its state is another one now."""
        state = record.get("OPPORTUNITY_STATE")
        if path == "/Opportunities" and state is not None and state != before:
            kind = self.kind(path, "StateHistory")
            # No reason: an opportunity has no field to give one in.
            self.add(path, record["OPPORTUNITY_ID"], kind, {"FOR_OPPORTUNITY_STATE": state}, now)
