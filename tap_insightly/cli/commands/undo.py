"""``insightly undo``: puts back what the target has replaced, from its undo file."""

from __future__ import annotations

import sys
from collections import Counter
from contextlib import ExitStack
from functools import partial
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

import click

from tap_insightly.cli.arguments import confirm, dry_run_option, show, yes_option
from tap_insightly.cli.options import with_client
from tap_insightly.cli.output import echo

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from tap_insightly.api import InsightlyClient
    from tap_insightly.undo.undoer import UndoOutcome, UndoResult
    from tap_insightly.undo_file.recorder import UndoEntry

_NOT_RESTORED = (
    "Records that are back have new ids, and are without what Insightly sets itself and what hung "
    "on them: dates of creation and update, pictures, comments, notes, e-mails, files, history."
)


@click.command()
@click.argument("file", metavar="FILE", type=click.Path(exists=True, dir_okay=False))
@click.option(
    "--object", "names", multiple=True, metavar="OBJECT", help="Only records of this kind."
)
@click.option(
    "--force", "is_forced", is_flag=True, help="Put back also what was changed since, and delete."
)
@dry_run_option
@yes_option
@with_client
def undo(
    client: InsightlyClient,
    file: str,
    *,
    names: Sequence[str],
    is_forced: bool,
    is_dry: bool,
    is_sure: bool,
) -> None:
    """Put back what target-insightly has written, from the last write to the first.

    FILE is what the target's setting undo_file named. What was created is deleted, what was
    changed is as it was before, what was deleted is created anew, with a new id. What somebody
    else has changed since is left alone, and listed.

    How far it has come is kept in FILE.undone: run it again to go on, whatever ended it.
    Asks first at a terminal, and needs --yes elsewhere.

    \b
    Examples:
      $ insightly undo undo.jsonl --dry-run
      $ insightly undo undo.jsonl --object contact --yes
      $ insightly undo undo.jsonl --yes
    """
    from tap_insightly.undo.opening import opened_undo
    from tap_insightly.undo_file.journal import JournalError

    with ExitStack() as opened:
        try:
            undoer, progress, undo_file = opened.enter_context(
                opened_undo(
                    client,
                    file,
                    names=names,
                    is_forced=is_forced,
                    show=partial(show, client) if is_dry else None,
                )
            )
        except JournalError as error:
            raise click.UsageError(str(error)) from None
        if undo_file.was_cut_off:
            echo(f"The last line of {file} was cut off, before anything of it was sent.")
        if not undoer.due:
            left = "left " if undo_file.entries else ""
            echo(f"There is nothing {left}to undo in {file}.")
            return
        if not is_dry:
            host = urlsplit(client.session.base_url).netloc
            confirm(f"Undo {_count_text(undoer.due)} in {host}", is_sure=is_sure)
            progress.open()
        if not _report(undoer.run(), is_dry=is_dry):
            sys.exit(1)


def _count_text(entries: Iterable[UndoEntry]) -> str:
    counts = Counter(entry.action for entry in entries)
    return ", ".join(f"{count:,} {action}" for action, count in counts.most_common())


def _report(results: Iterable[tuple[UndoEntry, UndoResult]], *, is_dry: bool) -> bool:
    """Say what becomes of each line, and tell whether all went well."""
    from tap_insightly.undo.undoer import UndoOutcome

    counts: Counter[UndoOutcome] = Counter()
    is_restored, is_whole = False, True
    for entry, result in results:
        counts[result.outcome] += 1
        is_restored |= result.is_restored
        is_whole &= not result.lost
        if result.outcome in {UndoOutcome.REFUSED, UndoOutcome.WAITING}:
            echo(f"Error: line {entry.position.number}: {result.message}")
        elif not is_dry or result.outcome is not UndoOutcome.UNDONE:
            click.echo(result.message)
        for lost in result.lost:
            echo(f"{entry.object_name} {entry.record_id}: not put back: {lost}.")
    if is_restored:
        echo(_NOT_RESTORED)
    summary = ", ".join(f"{counts[one]:,} {one.value}" for one in UndoOutcome if counts[one])
    echo(f"{'A dry run: ' if is_dry else ''}{summary}.")
    return is_whole and not counts[UndoOutcome.REFUSED] and not counts[UndoOutcome.WAITING]
