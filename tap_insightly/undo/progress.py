"""How far undoing has come: a file of its own, next to what is undone, that outlives every run."""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal
from pathlib import Path
from typing import TYPE_CHECKING, Any

import msgspec

from tap_insightly.api.http.closeable import Closeable
from tap_insightly.undo.journal import Journal, JournalError, Lines
from tap_insightly.undo.lines import now_text

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from tap_insightly.undo.recording import Entry, Recorded

SUFFIX = ".undone"
"""What the name of the file ends with, after that of the other."""


class Step(msgspec.Struct, frozen=True, kw_only=True):
    """What all lines have."""

    line: int
    """The number of the line that is undone."""

    digest: str
    """What tells that line from others, so that no other file is taken for its own."""

    time: str = msgspec.field(default_factory=now_text)
    """When, RFC 3339."""


class Begun(Step, frozen=True, kw_only=True, tag_field="step", tag="creating"):
    """A record that was deleted is about to be created anew."""

    path: str
    """Where the request goes."""

    values: dict[str, Any]
    """Its body."""

    since: str
    """When, by the server's clock."""

    there: list[int] | None
    """The ids of all that is there already, of a list that cannot be searched; None of others."""


class Refused(Step, frozen=True, kw_only=True, tag_field="step", tag="refused"):
    """It was not created."""


class Made(Step, frozen=True, kw_only=True, tag_field="step", tag="created"):
    """It was created; what is not written with a record is still to come."""

    record_id: int = msgspec.field(name="id")
    """Its new id."""


class Left(Step, frozen=True, kw_only=True, tag_field="step", tag="left"):
    """Something was left, as it was changed since; a later run looks again."""

    fields: list[str]
    """Which fields, if only some of them were."""


class Ended(Step, frozen=True, kw_only=True, tag_field="step", tag="done"):
    """There is nothing more to do about the line."""


_decode = msgspec.json.Decoder(Begun | Refused | Made | Left | Ended, float_hook=Decimal).decode


@dataclass
class Standing:
    """What was done about one line so far."""

    begun: Begun | None = None
    """That a record is about to be created, if it is not known whether it was."""

    made: int | None = None
    """The new id of a record that was created anew."""

    left: frozenset[str] = frozenset()
    """The fields that were left; none if all are still to be looked at."""

    is_ended: bool = False
    """Whether there is nothing more to do."""


class Progress(Closeable):
    """Knows what was done about each line, and takes down what is done."""

    def __init__(self, path: str | Path, recorded: Recorded) -> None:
        """Read how far it is; nothing is taken down before `keep`.

        Args:
            path: The path of what is undone.
            recorded: What that says.

        Raises:
            JournalError: If the file cannot be read, or is about something else.
        """
        self._path = own = Path(f"{path}{SUFFIX}")
        self._journal: Journal | None = None
        self._standings: dict[int, Standing] = {}
        digests = {entry.place.number: entry.place.digest for entry in recorded.entries}
        for _, step in Lines(own, _decode) if own.exists() else ():
            if digests.get(step.line, step.digest) != step.digest:
                msg = (
                    f"{own} is about another file than {path} is now: line {step.line} has "
                    "changed since. Put the one back, or the other away."
                )
                raise JournalError(msg)
            self._take(step)

    def keep(self) -> None:
        """Take down what is done from now on.

        Raises:
            JournalError: If the file cannot be written.
        """
        self._journal = Journal(self._path)

    def of(self, entry: Entry) -> Standing:
        """Say what was done about a line.

        Args:
            entry: The line.

        Returns:
            What was done.
        """
        return self._standings.setdefault(entry.place.number, Standing())

    def begin(
        self,
        entry: Entry,
        path: str,
        values: dict[str, Any],
        since: str,
        there: Iterable[int] | None,
    ) -> None:
        """Take down that a record is about to be created anew.

        Args:
            entry: The line of its deletion.
            path: Where the request goes.
            values: Its body.
            since: When, by the server's clock.
            there: The ids of all that is there, of a list that cannot be searched; else None.
        """
        ids = None if there is None else list(there)
        number, digest = entry.place.number, entry.place.digest
        self._add(
            Begun(line=number, digest=digest, path=path, values=values, since=since, there=ids)
        )

    def refuse(self, entry: Entry) -> None:
        """Take down that it was not created.

        Args:
            entry: The line of its deletion.
        """
        self._add(Refused(line=entry.place.number, digest=entry.place.digest))

    def make(self, entry: Entry, record_id: int) -> None:
        """Take down that it was created.

        Args:
            entry: The line of its deletion.
            record_id: Its new id.
        """
        number, digest = entry.place.number, entry.place.digest
        self._add(Made(line=number, digest=digest, record_id=record_id))

    def leave(self, entry: Entry, fields: Sequence[str]) -> None:
        """Take down that something was left.

        Args:
            entry: The line.
            fields: Which fields, if only some of them were.
        """
        number, digest = entry.place.number, entry.place.digest
        self._add(Left(line=number, digest=digest, fields=list(fields)))

    def end(self, entry: Entry) -> None:
        """Take down that there is nothing more to do about a line.

        Args:
            entry: The line.
        """
        self._add(Ended(line=entry.place.number, digest=entry.place.digest))

    def close(self) -> None:
        """Close the file."""
        if self._journal is not None:
            self._journal.close()

    def _add(self, step: Begun | Refused | Made | Left | Ended) -> None:
        if self._journal is not None:
            self._journal.add(step)
        self._take(step)

    def _take(self, step: Begun | Refused | Made | Left | Ended) -> None:
        standing = self._standings.setdefault(step.line, Standing())
        if isinstance(step, Begun | Refused):
            standing.begun = step if isinstance(step, Begun) else None
        elif isinstance(step, Made):
            standing.begun, standing.made = None, step.record_id
        elif isinstance(step, Left):
            standing.left = frozenset(step.fields)
        else:
            standing.is_ended = True
