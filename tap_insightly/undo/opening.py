"""Opening an undo file for an account, to undo it or to see what that would do."""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING, NamedTuple

from tap_insightly.undo.access import AccountAccess, DryRunAccess
from tap_insightly.undo.progress import UndoProgress
from tap_insightly.undo.undoer import Undoer
from tap_insightly.undo_file.lines import read_account
from tap_insightly.undo_file.recorder import check_account, read_undo_file

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator
    from pathlib import Path

    from tap_insightly.api import InsightlyClient, Request
    from tap_insightly.undo_file.recorder import UndoFile


class OpenedUndo(NamedTuple):
    """What is needed to undo a file."""

    undoer: Undoer
    progress: UndoProgress
    """To be opened before anything is undone; a dry run notes nothing."""
    undo_file: UndoFile


@contextmanager
def opened_undo(
    client: InsightlyClient,
    path: str | Path,
    *,
    names: Iterable[str] = (),
    is_forced: bool = False,
    show: Callable[[Request], object] | None = None,
) -> Iterator[OpenedUndo]:
    """Open a file; `show` takes each request instead of sending it.

    Raises:
        JournalError: If it cannot be read, or is about another account.
    """
    undo_file = read_undo_file(path)
    if undo_file.entries:
        account = read_account(client)
        for own in undo_file.accounts:
            check_account(path, own, account)
    only = frozenset(client.object(name).path for name in names)
    access = AccountAccess(client) if show is None else DryRunAccess(client, show)
    with UndoProgress(path, undo_file) as progress:
        undoer = Undoer(access, undo_file, progress, only=only, is_forced=is_forced)
        yield OpenedUndo(undoer, progress, undo_file)
