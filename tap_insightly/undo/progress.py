"""How far undoing has come: a file next to the undo file, which outlives every run."""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeAlias

import msgspec
from typing_extensions import override

from tap_insightly.api.http.closeable import Closeable
from tap_insightly.undo_file.journal import JournalError, JournalReader, JournalWriter
from tap_insightly.undo_file.lines import now_text

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from tap_insightly.undo_file.recorder import UndoEntry, UndoFile

SUFFIX = ".undone"
"""What the file's name has behind that of the undo file."""


class _Step(msgspec.Struct, frozen=True, kw_only=True):
    """What the lines of this file have."""

    line: int
    """The number of the line in the undo file."""

    digest: str
    """That line's hash, so that no other file is taken for it."""

    time: str = msgspec.field(default_factory=now_text)


class CreatingStep(_Step, frozen=True, kw_only=True, tag_field="step", tag="creating"):
    """A record that was deleted is about to be created anew."""

    path: str
    """Where the request goes."""

    values: dict[str, Any]
    """The body."""

    since: str
    """When it is sent, by the server's clock."""

    there: list[int] | None
    """All ids that a list had before, if it cannot be searched; else None."""


class RefusedStep(_Step, frozen=True, kw_only=True, tag_field="step", tag="refused"):
    """It was not created."""


class CreatedStep(_Step, frozen=True, kw_only=True, tag_field="step", tag="created"):
    """It was created; its stage and its links are still to come."""

    record_id: int = msgspec.field(name="id")
    """Its new id."""


class LeftStep(_Step, frozen=True, kw_only=True, tag_field="step", tag="left"):
    """Something was left, as it was changed since; a later run looks again."""

    fields: list[str]
    """Which fields, if only some were left."""


class DoneStep(_Step, frozen=True, kw_only=True, tag_field="step", tag="done"):
    """There is nothing more to do about the line."""


Step: TypeAlias = CreatingStep | RefusedStep | CreatedStep | LeftStep | DoneStep

_decode = msgspec.json.Decoder(Step, float_hook=Decimal).decode


@dataclass
class LineStatus:
    """What was done about one line of the undo file."""

    creating: CreatingStep | None = None
    """A creation of which nobody knows yet whether it was done."""

    new_id: int | None = None
    """The new id of a record that was created anew."""

    left_fields: frozenset[str] = frozenset()
    """The fields that were left; none if all are still to be looked at."""

    is_done: bool = False
    """Whether there is nothing more to do."""


class UndoProgress(Closeable):
    """Knows what was done about each line, and notes what is done."""

    def __init__(self, path: str | Path, undo_file: UndoFile) -> None:
        """Read how far it is; nothing is written before `open`."""
        self._path = own_path = Path(f"{path}{SUFFIX}")
        self._journal: JournalWriter | None = None
        self._statuses: dict[int, LineStatus] = {}
        digests = {entry.position.number: entry.position.digest for entry in undo_file.entries}
        for _, step in JournalReader(own_path, _decode) if own_path.exists() else ():
            if digests.get(step.line, step.digest) != step.digest:
                msg = (
                    f"{own_path} is about another file than {path} is now: line {step.line} has "
                    "changed since. Restore that file, or move this one away."
                )
                raise JournalError(msg)
            self._apply(step)

    def open(self) -> None:
        """Write down what is done from now on."""
        self._journal = JournalWriter(self._path)

    def status(self, entry: UndoEntry) -> LineStatus:
        """What was done about a line."""
        return self._statuses.setdefault(entry.position.number, LineStatus())

    def note_creating(
        self,
        entry: UndoEntry,
        path: str,
        values: dict[str, Any],
        since: str,
        there: Iterable[int] | None,
    ) -> None:
        """Note that a record is about to be created anew; see `CreatingStep`."""
        ids = None if there is None else list(there)
        number, digest = entry.position.number, entry.position.digest
        self._add(
            CreatingStep(
                line=number, digest=digest, path=path, values=values, since=since, there=ids
            )
        )

    def note_refused(self, entry: UndoEntry) -> None:
        """Note that it was not created."""
        self._add(RefusedStep(line=entry.position.number, digest=entry.position.digest))

    def note_created(self, entry: UndoEntry, new_id: int) -> None:
        """Note that it was created."""
        number, digest = entry.position.number, entry.position.digest
        self._add(CreatedStep(line=number, digest=digest, record_id=new_id))

    def note_left(self, entry: UndoEntry, fields: Sequence[str]) -> None:
        """Note that something was left: some fields, or all of it."""
        number, digest = entry.position.number, entry.position.digest
        self._add(LeftStep(line=number, digest=digest, fields=list(fields)))

    def note_done(self, entry: UndoEntry) -> None:
        """Note that there is nothing more to do about a line."""
        self._add(DoneStep(line=entry.position.number, digest=entry.position.digest))

    @override
    def close(self) -> None:
        if self._journal is not None:
            self._journal.close()

    def _add(self, step: Step) -> None:
        if self._journal is not None:
            self._journal.add(step)
        self._apply(step)

    def _apply(self, step: Step) -> None:
        status = self._statuses.setdefault(step.line, LineStatus())
        if isinstance(step, CreatingStep | RefusedStep):
            status.creating = step if isinstance(step, CreatingStep) else None
        elif isinstance(step, CreatedStep):
            status.creating, status.new_id = None, step.record_id
        elif isinstance(step, LeftStep):
            status.left_fields = frozenset(step.fields)
        else:
            status.is_done = True
