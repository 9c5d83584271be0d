"""Putting back what writes have replaced, from the last to the first."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass, field
from datetime import timedelta
from typing import TYPE_CHECKING, Any

from tap_insightly.api import (
    InsightlyError,
    NotAvailableError,
    UnknownObjectError,
    UnknownOutcomeError,
)
from tap_insightly.api.records.reading import value_of
from tap_insightly.api.records.stages import STAGE
from tap_insightly.loader.record_loader import is_refusal
from tap_insightly.undo.identities import Identities, flat
from tap_insightly.undo.lines import Created, Creating, Deleted, Moved, Updated
from tap_insightly.undo.restoring import Restorer
from tap_insightly.values import parse_moment

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from tap_insightly.api import InsightlyObject
    from tap_insightly.undo.lines import AnyLine
    from tap_insightly.undo.progress import Progress
    from tap_insightly.undo.reach import Reach
    from tap_insightly.undo.recording import Entry, Recorded

    Record = dict[str, Any]

UNDONE, NOTHING, LEFT, FAILED, WAITING = "undone", "as before", "left", "failed", "waiting"
"""What can become of a line: it is undone; there was nothing to do; it was changed since and left;
it was refused; or it waits for another of the same record that was."""

LONGEST_CREATION = timedelta(hours=1)
"""How long after an intention a record can come of it; who creates one later is somebody else."""


@dataclass(frozen=True)
class Result:
    """What became of a line."""

    outcome: str
    """One of those above."""

    said: str
    """The same for people, a sentence."""

    fields: tuple[str, ...] = ()
    """The fields that were left, if only some were."""

    lost: tuple[str, ...] = field(default=())
    """What of a record that is back could not be put back."""

    is_back: bool = False
    """Whether a record was created anew."""


class Undoer:
    """Undoes what a file says."""

    def __init__(
        self,
        reach: Reach,
        recorded: Recorded,
        progress: Progress,
        *,
        only: frozenset[str] = frozenset(),
        is_forced: bool = False,
    ) -> None:
        """Get ready.

        Args:
            reach: The account.
            recorded: What the file says.
            progress: What was undone already.
            only: The paths of the lists to undo something in; none for all.
            is_forced: Whether to put back also what was changed since.

        Raises:
            InsightlyError: If the account does not tell of its objects.
        """
        self._reach = reach
        self._client = reach.client
        self._recorded = recorded
        self._progress = progress
        self._is_forced = is_forced
        self._ids = Identities(reach.client, recorded.entries, progress)
        self._restorer = Restorer(reach, recorded, self._ids, progress)
        self._left: defaultdict[tuple[str, int], set[str]] = defaultdict(set)
        self._held: set[tuple[str, int]] = set()
        self._done: set[int] = set()
        self._made: dict[int, Record | UnknownOutcomeError | None] = {}
        self.due = [one for one in reversed(recorded.entries) if self._is_due(one, only)]
        """The lines that are still to be undone, the last one first."""

    def _is_due(self, entry: Entry, only: frozenset[str]) -> bool:
        if self._progress.of(entry).is_ended:
            return False
        return not only or self._ids.path(entry.object_name) in only

    def run(self) -> Iterator[tuple[Entry, Result]]:
        """Undo what is still to be undone.

        Yields:
            Each line, once it is undone as far as it can be, and what became of it.

        Raises:
            InsightlyError: If there is no use in going on.
        """
        due = {entry.place.number for entry in self.due}
        for entry in self.due:
            steps = [entry]
            if entry.action in {"updated", "deleted"} and entry.place.number not in self._done:
                steps = self._restorer.order(
                    entry, is_due=lambda one: one.place.number in due - self._done
                )
            for step in steps:
                if step.place.number not in self._done:
                    self._done.add(step.place.number)
                    yield step, self._undo(step)

    def _undo(self, entry: Entry) -> Result:
        old = self._ids.key(entry)
        name = f"{entry.object_name} {entry.record_id or ''}".strip()
        key = None if old is None else (old[0], self._ids.now(*old))
        if key is not None and key in self._held:
            said = f"{name} waits, as something later about it could not be undone."
            return Result(WAITING, said)
        try:
            obj = self._client.object(entry.object_name)
            result = self._result(entry, obj, self._recorded.lines.at(entry.place))
        except InsightlyError as error:
            if not is_refusal(error) and not isinstance(error, UnknownObjectError):
                raise
            if key is not None and old is not None:
                self._held.add(key)
                self._restorer.failed.add(old)
            return Result(FAILED, f"{name}: {error}")
        if result.outcome == LEFT:
            self._progress.leave(entry, result.fields)
        else:
            self._progress.end(entry)
        return result

    def _result(self, entry: Entry, obj: InsightlyObject, line: AnyLine) -> Result:
        if isinstance(line, Creating):
            return self._creating(entry, obj, line)
        if isinstance(line, Created):
            return self._created(obj, line)
        if isinstance(line, Updated):
            return self._updated(entry, obj, line)
        if isinstance(line, Moved):
            return self._moved(obj, line)
        if isinstance(line, Deleted):
            return self._deleted(entry, obj, line)
        msg = f"Line {entry.place.number} is about no write."
        raise InsightlyError(msg)

    def _creating(self, entry: Entry, obj: InsightlyObject, line: Creating) -> Result:
        if "search" not in obj.can:
            said = (
                f"{obj.name}: whether one was created before the run was cut off cannot be found "
            )
            return Result(
                LEFT, f"{said}out, as these cannot be searched. It would have {line.values}."
            )
        if entry.place.number not in self._made:
            self._look_for_all(obj)
        found = self._made[entry.place.number]
        if isinstance(found, UnknownOutcomeError):
            return Result(LEFT, f"{obj.name}: one may have been created, or not: {found}")
        if found is None or _is_later(found, line.since):
            return Result(NOTHING, f"{obj.name}: one that was about to be created was not.")
        return self._remove(obj, int(found[str(obj.key)]), line.values)

    def _look_for_all(self, obj: InsightlyObject) -> None:
        """Find what came of the intentions that no line says to be done."""
        lines: list[tuple[int, Creating]] = []
        for entry in self.due:
            if entry.action == "creating" and self._ids.path(entry.object_name) == obj.path:
                line = self._recorded.lines.at(entry.place)
                if isinstance(line, Creating):
                    lines.append((entry.place.number, line))
        found = self._restorer.find(self._client.fields(obj.name), [line for _, line in lines])
        for (number, _), one in zip(lines, found, strict=True):
            self._made[number] = one

    def _created(self, obj: InsightlyObject, line: Created) -> Result:
        return self._remove(obj, line.record_id, line.values)

    def _remove(self, obj: InsightlyObject, record_id: int, values: Mapping[str, Any]) -> Result:
        name, fields = f"{obj.name} {record_id}", self._client.fields(obj.name)
        record = self._reach.record(obj, record_id)
        if record is None:
            return Result(NOTHING, f"{name} is gone already.")
        changed = [
            one
            for one, sent in flat(values).items()
            if not self._ids.is_after(fields, record, one, sent)
        ]
        changed += sorted(self._left[obj.path, record_id] - {*changed})
        if changed and not self._is_forced:
            said = f"{name} was changed since ({', '.join(changed)}), and is left."
            return Result(LEFT, said)
        try:
            self._reach.delete(obj, record_id)
        except NotAvailableError as error:
            if not error.is_missing:
                raise
        return Result(UNDONE, f"{name} is deleted.")

    def _updated(self, entry: Entry, obj: InsightlyObject, line: Updated) -> Result:
        fields, now = self._client.fields(obj.name), self._ids.now(obj.path, line.record_id)
        before, after = flat(line.before), flat(line.after)
        names = [one for one in before if one in (self._progress.of(entry).left or before)]
        left: list[str] = []
        put: Record = {}
        is_gone = False

        def changes(record: Record | None) -> Mapping[str, Any]:
            nonlocal is_gone
            left.clear()
            put.clear()
            is_gone = record is None
            for name in names if record is not None else ():
                if name in self._left[obj.path, now]:
                    left.append(name)
                elif self._ids.is_before(fields, record or {}, name, before[name]):
                    continue
                elif self._is_forced or any(
                    self._ids.is_after(fields, record or {}, name, one, or_nothing=is_ours)
                    # What led to a record that was deleted may do so still, by its old id.
                    for one, is_ours in ((after.get(name), True), (before[name], False))
                ):
                    put[name] = self._ids.mapped(obj, name, before[name])
                else:
                    left.append(name)
            return put

        self._reach.update(fields, now, changes)
        name = _name(obj, line.record_id, now)
        if is_gone:
            return self._gone(obj, line.record_id, *names)
        self._left[obj.path, now].update(left)
        parts = [f"{', '.join(put)} put back"] if put else []
        parts += [f"{', '.join(left)} changed since, and left"] if left else []
        said = f"{name}: {'; '.join(parts) or 'is as it was before'}."
        outcome = LEFT if left else UNDONE if put else NOTHING
        return Result(outcome, said, tuple(left))

    def _moved(self, obj: InsightlyObject, line: Moved) -> Result:
        now = self._ids.now(obj.path, line.record_id)
        name = _name(obj, line.record_id, now)
        record = self._reach.record(obj, now)
        if record is None:
            return self._gone(obj, line.record_id)
        place = {one: record.get(one) for one in line.before}
        is_told = all(one in record for one in line.before)
        is_held = bool(self._left[obj.path, now] & set(STAGE))
        if is_told and place == line.before and not is_held:
            return Result(NOTHING, f"{name}: is at the stage where it was before.")
        if not self._is_forced and (is_held or place != line.after):
            self._left[obj.path, now].update(STAGE)
            why = "was moved since" if is_told else "does not tell at which stage it is"
            return Result(LEFT, f"{name}: {why}, and is left there.")
        self._reach.move(obj, now, line.before)
        return Result(UNDONE, f"{name}: is back at its stage.")

    def _deleted(self, entry: Entry, obj: InsightlyObject, line: Deleted) -> Result:
        if (obj.path, line.record_id) in self._ids.created:
            said = (
                f"{obj.name} {line.record_id} was not there before, so that it need not come back."
            )
            return Result(NOTHING, said)
        said, lost = self._restorer.restore(entry, obj, line)
        is_back = self._progress.of(entry).made is not None
        return Result(UNDONE if is_back else NOTHING, said, lost=tuple(lost), is_back=is_back)

    def _gone(self, obj: InsightlyObject, record_id: int, *names: str) -> Result:
        """Say of a record that is not there that it need not be, or that it should."""
        name = f"{obj.name} {record_id}"
        if (obj.path, record_id) in self._ids.created:
            return Result(NOTHING, f"{name} is not there any more, nor was it before.")
        said = f"{name} is not there any more, so that nothing of it can be put back."
        return Result(LEFT, said, names)


def _name(obj: InsightlyObject, record_id: int, now: int) -> str:
    return f"{obj.name} {record_id}" + (f" (now {now})" if now != record_id else "")


def _is_later(record: Mapping[str, Any], since: str) -> bool:
    """Tell whether a record was created long after a request; not if it does not tell when."""
    created = value_of(record, "DATE_CREATED_UTC")
    try:
        return parse_moment(created) > parse_moment(since) + LONGEST_CREATION
    except (ValueError, AttributeError):
        return False
