"""Undoes the writes of an undo file, from the last to the first."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass
from datetime import timedelta
from enum import Enum
from typing import TYPE_CHECKING, Any

from tap_insightly.api import (
    InsightlyError,
    NotAvailableError,
    UnknownObjectError,
    UnknownOutcomeError,
)
from tap_insightly.api.records.fields import spread_custom_fields
from tap_insightly.api.records.reading import value_of
from tap_insightly.api.records.stages import STAGE
from tap_insightly.loader.errors import is_refusal
from tap_insightly.undo.record_ids import RecordIds
from tap_insightly.undo.restorer import Restorer
from tap_insightly.undo_file.lines import (
    CreatedLine,
    CreatingLine,
    DeletedLine,
    LinkedLine,
    MovedLine,
    UpdatedLine,
)
from tap_insightly.values import parse_moment

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from tap_insightly.api import Fields, InsightlyObject
    from tap_insightly.undo.access import AccountAccess
    from tap_insightly.undo.progress import UndoProgress
    from tap_insightly.undo_file.lines import Line
    from tap_insightly.undo_file.recorder import UndoEntry, UndoFile

    Record = dict[str, Any]

LONGEST_CREATION = timedelta(hours=1)
"""A record that was created later than this after a request was created by somebody else."""


class UndoOutcome(Enum):
    """What can become of a line."""

    UNDONE = "undone"
    UNCHANGED = "as before already"
    LEFT = "left"
    """It was changed since by somebody else."""
    REFUSED = "refused"
    WAITING = "waiting for one that was refused"
    """Undoing a later write to the same record was refused."""


@dataclass(frozen=True)
class UndoResult:
    """What became of a line."""

    outcome: UndoOutcome

    message: str
    """The same for people, a sentence."""

    left_fields: tuple[str, ...] = ()
    """The fields that were left, if only some were."""

    lost: tuple[str, ...] = ()
    """What of a record that is back could not be restored."""

    is_restored: bool = False
    """Whether a record was created anew."""


class Undoer:
    """Undoes what a file says."""

    def __init__(
        self,
        access: AccountAccess,
        undo_file: UndoFile,
        progress: UndoProgress,
        *,
        only: frozenset[str] = frozenset(),
        is_forced: bool = False,
    ) -> None:
        """Find out what is due, in some lists (`only`) or in all of them.

        With `is_forced`, what was changed since is undone all the same.
        """
        self._access = access
        self._client = access.client
        self._lines = undo_file.lines
        self._progress = progress
        self._is_forced = is_forced
        self._ids = RecordIds(access.client, undo_file.entries, progress)
        self._restorer = Restorer(access, undo_file, self._ids, progress)
        self._left_fields: defaultdict[tuple[str, int], set[str]] = defaultdict(set)
        self._failed: set[tuple[str, int]] = set()
        self._visited: set[int] = set()
        self._created: dict[int, Record | UnknownOutcomeError | None] = {}
        self.due = [one for one in reversed(undo_file.entries) if self._is_due(one, only)]
        """The lines that are still to be undone, the last one first."""

    def _is_due(self, entry: UndoEntry, only: frozenset[str]) -> bool:
        if self._progress.status(entry).is_done:
            return False
        return not only or self._ids.path(entry.object_name) in only

    def run(self) -> Iterator[tuple[UndoEntry, UndoResult]]:
        """Undo each line that is due as far as it can be, and go on with the next."""
        due = {entry.position.number for entry in self.due}
        for entry in self.due:
            entries = [entry]
            is_visited = entry.position.number in self._visited
            if entry.action in {"updated", "deleted"} and not is_visited:
                entries = self._restorer.order(
                    entry, is_due=lambda one: one.position.number in due - self._visited
                )
            for one in entries:
                if one.position.number not in self._visited:
                    self._visited.add(one.position.number)
                    yield one, self._undo(one)

    def _undo(self, entry: UndoEntry) -> UndoResult:
        old_key = self._ids.key(entry)
        name = f"{entry.object_name} {entry.record_id or ''}".strip()
        key = None if old_key is None else (old_key[0], self._ids.current(*old_key))
        if key is not None and key in self._failed:
            message = f"{name} waits, as something later about it could not be undone."
            return UndoResult(UndoOutcome.WAITING, message)
        try:
            obj = self._client.object(entry.object_name)
            result = self._undo_line(entry, obj, self._lines.read_line(entry.position))
        except InsightlyError as error:
            if not is_refusal(error) and not isinstance(error, UnknownObjectError):
                raise
            if key is not None and old_key is not None:
                self._failed.add(key)
                self._restorer.failed.add(old_key)
            return UndoResult(UndoOutcome.REFUSED, f"{name}: {error}")
        if result.outcome is UndoOutcome.LEFT:
            self._progress.note_left(entry, result.left_fields)
        else:
            self._progress.note_done(entry)
        return result

    def _undo_line(self, entry: UndoEntry, obj: InsightlyObject, line: Line) -> UndoResult:
        if isinstance(line, CreatingLine):
            return self._undo_creating(entry, obj, line)
        if isinstance(line, CreatedLine):
            return self._remove(obj, line.record_id, line.values)
        if isinstance(line, UpdatedLine):
            return self._undo_update(entry, obj, line)
        if isinstance(line, MovedLine):
            return self._undo_move(obj, line)
        if isinstance(line, LinkedLine):
            return self._undo_link(obj, line)
        if isinstance(line, DeletedLine):
            return self._undo_deletion(entry, obj, line)
        msg = f"Line {entry.position.number} is about no write."
        raise InsightlyError(msg)

    def _undo_creating(
        self, entry: UndoEntry, obj: InsightlyObject, line: CreatingLine
    ) -> UndoResult:
        if "search" not in obj.can:
            message = (
                f"{obj.name}: whether one was created before the run was cut off cannot be found "
                f"out, as these cannot be searched. It would have {line.values}."
            )
            return UndoResult(UndoOutcome.LEFT, message)
        if entry.position.number not in self._created:
            self._find_all_created(obj)
        found = self._created[entry.position.number]
        if isinstance(found, UnknownOutcomeError):
            message = f"{obj.name}: one may have been created, or not: {found}"
            return UndoResult(UndoOutcome.LEFT, message)
        if found is None or _is_later(found, line.since):
            message = f"{obj.name}: one that was about to be created was not."
            return UndoResult(UndoOutcome.UNCHANGED, message)
        return self._remove(obj, int(found[str(obj.key)]), line.values)

    def _find_all_created(self, obj: InsightlyObject) -> None:
        """Find what was created by the requests of an object of which no line says that it was."""
        lines: list[tuple[int, CreatingLine]] = []
        for entry in self.due:
            if entry.action == "creating" and self._ids.path(entry.object_name) == obj.path:
                line = self._lines.read_line(entry.position)
                if isinstance(line, CreatingLine):
                    lines.append((entry.position.number, line))
        fields = self._client.fields(obj.name)
        found = self._restorer.find_created(fields, [line for _, line in lines])
        for (number, _), one in zip(lines, found, strict=True):
            self._created[number] = one

    def _remove(
        self, obj: InsightlyObject, record_id: int, values: Mapping[str, Any]
    ) -> UndoResult:
        """Delete a record that was created with some values, unless it was changed since."""
        name, fields = f"{obj.name} {record_id}", self._client.fields(obj.name)
        record = self._access.read(obj, record_id)
        if record is None:
            return UndoResult(UndoOutcome.UNCHANGED, f"{name} is gone already.")
        changed = [
            field
            for field, sent in spread_custom_fields(values)
            if not self._ids.is_after(fields, record, field, sent)
        ]
        changed += sorted(self._left_fields[obj.path, record_id] - {*changed})
        if changed and not self._is_forced:
            message = f"{name} was changed since ({', '.join(changed)}), and is left."
            return UndoResult(UndoOutcome.LEFT, message)
        try:
            self._access.delete(obj, record_id)
        except NotAvailableError as error:
            if not error.is_missing:
                raise
        return UndoResult(UndoOutcome.UNDONE, f"{name} is deleted.")

    def _undo_update(self, entry: UndoEntry, obj: InsightlyObject, line: UpdatedLine) -> UndoResult:
        fields, record_id = (
            self._client.fields(obj.name),
            self._ids.current(obj.path, line.record_id),
        )
        before = dict(spread_custom_fields(line.before))
        after = dict(spread_custom_fields(line.after))
        names = [
            one for one in before if one in (self._progress.status(entry).left_fields or before)
        ]
        left: list[str] = []
        restored: Record = {}
        is_gone = False

        def changes(record: Record | None) -> Mapping[str, Any]:
            nonlocal is_gone
            left.clear()
            restored.clear()
            is_gone = record is None
            for name in names if record is not None else ():
                if name in self._left_fields[obj.path, record_id]:
                    left.append(name)
                elif self._ids.is_before(fields, record or {}, name, before[name]):
                    continue
                elif self._is_forced or self._is_ours(
                    fields, record or {}, name, before[name], after.get(name)
                ):
                    restored[name] = self._ids.translate(obj, name, before[name])
                else:
                    left.append(name)
            return restored

        self._access.update(fields, record_id, changes)
        if is_gone:
            return self._gone(obj, line.record_id, *names)
        self._left_fields[obj.path, record_id].update(left)
        parts = [f"{', '.join(restored)} put back"] if restored else []
        parts += [f"{', '.join(left)} changed since, and left"] if left else []
        name = _name(obj, line.record_id, record_id)
        message = f"{name}: {'; '.join(parts) or 'is as it was before'}."
        outcome = UndoOutcome.UNDONE if restored else UndoOutcome.UNCHANGED
        return UndoResult(UndoOutcome.LEFT if left else outcome, message, tuple(left))

    def _is_ours(
        self, fields: Fields, record: Record, name: str, before: object, after: object
    ) -> bool:
        """Whether a field has what was written to it, or what became of that by itself."""
        if self._ids.is_after(fields, record, name, after):
            return True
        # What led to a record that was deleted may do so still, by its old id.
        return self._ids.is_after(fields, record, name, before, or_empty=False)

    def _undo_move(self, obj: InsightlyObject, line: MovedLine) -> UndoResult:
        record_id = self._ids.current(obj.path, line.record_id)
        name = _name(obj, line.record_id, record_id)
        record = self._access.read(obj, record_id)
        if record is None:
            return self._gone(obj, line.record_id)
        stage = {one: record.get(one) for one in line.before}
        is_told = all(one in record for one in line.before)
        left_fields = self._left_fields[obj.path, record_id]
        is_left = bool(left_fields & set(STAGE))
        if is_told and stage == line.before and not is_left:
            message = f"{name}: is at the stage where it was before."
            return UndoResult(UndoOutcome.UNCHANGED, message)
        if not self._is_forced and (is_left or stage != line.after):
            left_fields.update(STAGE)
            why = "was moved since" if is_told else "does not tell at which stage it is"
            return UndoResult(UndoOutcome.LEFT, f"{name}: {why}, and is left there.")
        self._access.move(obj, record_id, line.before)
        return UndoResult(UndoOutcome.UNDONE, f"{name}: is back at its stage.")

    def _undo_link(self, obj: InsightlyObject, line: LinkedLine) -> UndoResult:
        record_id = self._ids.current(obj.path, line.record_id)
        name = _name(obj, line.record_id, record_id)
        other = f"{line.link.get('LINK_OBJECT_NAME')} {line.link.get('LINK_OBJECT_ID')}"
        record = self._access.read(obj, record_id)
        if record is None:
            return self._gone(obj, line.record_id)
        links = record.get("LINKS") or ()
        ids = [one.get("LINK_ID") for one in links if line.link.items() <= one.items()]
        if not ids or ids[0] is None:
            message = f"{name}: is not linked to {other}, as before."
            return UndoResult(UndoOutcome.UNCHANGED, message)
        self._access.unlink(obj, record_id, int(ids[0]))
        return UndoResult(UndoOutcome.UNDONE, f"{name}: the link to {other} is removed.")

    def _undo_deletion(
        self, entry: UndoEntry, obj: InsightlyObject, line: DeletedLine
    ) -> UndoResult:
        if (obj.path, line.record_id) in self._ids.created:
            name = f"{obj.name} {line.record_id}"
            message = f"{name} was not there before, so that it need not come back."
            return UndoResult(UndoOutcome.UNCHANGED, message)
        message, lost = self._restorer.restore(entry, obj, line)
        is_restored = self._progress.status(entry).new_id is not None
        outcome = UndoOutcome.UNDONE if is_restored else UndoOutcome.UNCHANGED
        return UndoResult(outcome, message, lost=tuple(lost), is_restored=is_restored)

    def _gone(self, obj: InsightlyObject, record_id: int, *names: str) -> UndoResult:
        """Say of a record that is gone that it need not be there, or that it should."""
        name = f"{obj.name} {record_id}"
        if (obj.path, record_id) in self._ids.created:
            message = f"{name} is not there any more, nor was it before."
            return UndoResult(UndoOutcome.UNCHANGED, message)
        message = f"{name} is not there any more, so that nothing of it can be put back."
        return UndoResult(UndoOutcome.LEFT, message, names)


def _name(obj: InsightlyObject, old_id: int, record_id: int) -> str:
    return f"{obj.name} {old_id}" + (f" (now {record_id})" if record_id != old_id else "")


def _is_later(record: Mapping[str, Any], since: str) -> bool:
    """Whether a record was created long after a request; not if it does not tell when."""
    created = value_of(record, "DATE_CREATED_UTC")
    try:
        return parse_moment(created) > parse_moment(since) + LONGEST_CREATION
    except (ValueError, AttributeError):
        return False
