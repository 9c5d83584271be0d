"""Writing the undo file, and reading it as a whole."""

from __future__ import annotations

import hashlib
from collections import defaultdict
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

from typing_extensions import override

from tap_insightly.api.http.closeable import Closeable
from tap_insightly.api.http.codec import encode_sorted
from tap_insightly.undo_file.journal import (
    JournalError,
    JournalReader,
    JournalWriter,
    LinePosition,
)
from tap_insightly.undo_file.lines import (
    AccountLine,
    CreatedLine,
    CreatingLine,
    Line,
    WriteLine,
    decode_line,
    is_same_account,
)

if TYPE_CHECKING:
    from collections.abc import Mapping


class Recorder(Closeable):
    """Adds the lines of writes to an undo file, for any number of threads."""

    def __init__(self, path: str | Path, account: AccountLine) -> None:
        """Open the file at its end, and add the account; refuse a file about anything else."""
        lines = JournalReader(path, decode_line) if Path(path).exists() else ()
        first = next((line for _, line in lines), None)
        if isinstance(first, AccountLine):
            check_account(path, first, account)
        elif first is not None:
            raise JournalError(_without_account(path))
        self._journal = JournalWriter(path)
        self._journal.add(account)

    def add(self, line: WriteLine) -> None:
        """Add a line; if that fails, the write must not be sent."""
        self._journal.add(line)

    @override
    def close(self) -> None:
        self._journal.close()


class UndoEntry(NamedTuple):
    """A write, in what is kept of its line in memory."""

    position: LinePosition
    action: str
    object_name: str
    record_id: int | None
    """None if no line says which id the new record got."""


@dataclass(frozen=True)
class UndoFile:
    """What an undo file says, in order; lines may be long, so they are read again when needed."""

    accounts: tuple[AccountLine, ...]
    """One for each run that added to it."""

    entries: tuple[UndoEntry, ...]
    """All writes. A ``creating`` is left out if its ``created`` is there."""

    lines: JournalReader[Line]

    @property
    def was_cut_off(self) -> bool:
        """Whether the last line was cut off; it is left out."""
        return self.lines.was_cut_off


def read_undo_file(path: str | Path) -> UndoFile:
    """Read a whole file."""
    lines = JournalReader(path, decode_line)
    accounts: list[AccountLine] = []
    entries: dict[int, UndoEntry] = {}
    open_creations: defaultdict[tuple[str, bytes], list[int]] = defaultdict(list)
    for position, line in lines:
        if isinstance(line, AccountLine):
            accounts.append(line)
            continue
        if not accounts:
            raise JournalError(_without_account(path))
        record_id = None if isinstance(line, CreatingLine) else line.record_id
        action = str(line.__struct_config__.tag)
        entries[position.number] = UndoEntry(position, action, line.object_name, record_id)
        if isinstance(line, CreatingLine | CreatedLine):
            # Of several that are alike, the last one is meant: those before were cut off.
            numbers = open_creations[line.object_name, _digest(line.values)]
            if isinstance(line, CreatingLine):
                numbers.append(position.number)
            elif numbers:
                del entries[numbers.pop()]
    return UndoFile(tuple(accounts), tuple(entries.values()), lines)


def check_account(path: str | Path, found: AccountLine, wanted: AccountLine) -> None:
    """Refuse a file that is about another account."""
    if not is_same_account(found, wanted):
        msg = f"{path} is about another account ({_named(found)}) than this one ({_named(wanted)})."
        raise JournalError(msg)


def _named(account: AccountLine) -> str:
    return f"{account.instance} at {account.url}" if account.instance else account.url


def _without_account(path: str | Path) -> str:
    return f"{path}, line 1: it does not say which account it is about, as such a file does."


def _digest(values: Mapping[str, Any]) -> bytes:
    return hashlib.sha256(encode_sorted(values)).digest()
