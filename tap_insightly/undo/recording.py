"""The file of what writes have replaced, as those who write fill it and others read it."""

from __future__ import annotations

import hashlib
from collections import defaultdict
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

from tap_insightly.api.http.closeable import Closeable
from tap_insightly.api.http.codec import encode_sorted
from tap_insightly.undo.journal import Journal, JournalError, Lines, Place
from tap_insightly.undo.lines import (
    Account,
    AnyLine,
    AnyWrite,
    Created,
    Creating,
    decode,
    is_same_account,
)

if TYPE_CHECKING:
    from collections.abc import Mapping


class Recorder(Closeable):
    """Takes down what writes replace, for any number of threads."""

    def __init__(self, path: str | Path, account: Account) -> None:
        """Open a file, at its end, and say whose it is.

        Args:
            path: Its path.
            account: The account that is written to.

        Raises:
            JournalError: If the file cannot be written, is none of this kind, or is about
                another account.
        """
        own = next((line for _, line in Lines(path, decode)), None) if _has_any(path) else None
        if isinstance(own, Account):
            raise_if_other(path, own, account)
        elif own is not None:
            raise JournalError(_without_account(path))
        self._journal = Journal(path)
        self._journal.add(account)

    def add(self, line: AnyWrite) -> None:
        """Take a write down; it is on disk then.

        Args:
            line: What is to be known of it.

        Raises:
            JournalError: If it cannot be written, so that nothing may be sent.
        """
        self._journal.add(line)

    def close(self) -> None:
        """Close the file."""
        self._journal.close()


class Entry(NamedTuple):
    """A write, in what is kept of it while others are undone."""

    place: Place
    """Where its line is."""

    action: str
    """What was done, as the line says."""

    object_name: str
    """The object."""

    record_id: int | None
    """The id of the record; None if it is not known."""


@dataclass(frozen=True)
class Recorded:
    """What a file says, in order; of lines that may be long, only where they are."""

    accounts: tuple[Account, ...]
    """Whose it is, once for each run that added to it."""

    entries: tuple[Entry, ...]
    """All writes, but for intentions to create of which it is said that they were done."""

    lines: Lines[AnyLine]
    """The file."""

    @property
    def was_cut_off(self) -> bool:
        """Whether the last line was; it is left out."""
        return self.lines.was_cut_off


def read(path: str | Path) -> Recorded:
    """Read a file.

    Args:
        path: Its path.

    Returns:
        What it says.

    Raises:
        JournalError: If it cannot be read, or is none of this kind.
    """
    lines = Lines(path, decode)
    accounts: list[Account] = []
    entries: dict[int, Entry] = {}
    begun: defaultdict[tuple[str, bytes], list[int]] = defaultdict(list)
    for place, line in lines:
        if isinstance(line, Account):
            accounts.append(line)
            continue
        if not accounts:
            raise JournalError(_without_account(path))
        record_id = None if isinstance(line, Creating) else line.record_id
        action = str(line.__struct_config__.tag)
        entries[place.number] = Entry(place, action, line.object_name, record_id)
        if isinstance(line, Creating | Created):
            # Of several that are alike, the last one is meant: those before were cut off.
            same = begun[line.object_name, _digest(line.values)]
            if isinstance(line, Creating):
                same.append(place.number)
            elif same:
                del entries[same.pop()]
    return Recorded(tuple(accounts), tuple(entries.values()), lines)


def raise_if_other(path: str | Path, own: Account, account: Account) -> None:
    """Make sure that a file is about an account.

    Args:
        path: The path of the file.
        own: The account that it is about.
        account: The account that it should be about.

    Raises:
        JournalError: If it is about another.
    """
    if not is_same_account(own, account):
        msg = f"{path} is about another account ({_named(own)}) than this one ({_named(account)})."
        raise JournalError(msg)


def _named(account: Account) -> str:
    return f"{account.instance} at {account.url}" if account.instance else account.url


def _has_any(path: str | Path) -> bool:
    return Path(path).exists()


def _without_account(path: str | Path) -> str:
    return f"{path}, line 1: it does not say which account it is about, as such a file does."


def _digest(values: Mapping[str, Any]) -> bytes:
    return hashlib.sha256(encode_sorted(values)).digest()
