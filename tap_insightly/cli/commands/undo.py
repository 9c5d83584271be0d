"""``insightly undo``: puts back what the target has replaced, from its undo file."""

from __future__ import annotations

import sys
from collections import Counter
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

import click

from tap_insightly.cli.arguments import confirm, dry_run_option, show, yes_option
from tap_insightly.cli.options import with_client
from tap_insightly.cli.output import echo
from tap_insightly.undo.journal import JournalError
from tap_insightly.undo.lines import account_of
from tap_insightly.undo.progress import Progress
from tap_insightly.undo.reach import Reach, Rehearsal
from tap_insightly.undo.recording import raise_if_other, read
from tap_insightly.undo.undoing import FAILED, LEFT, NOTHING, UNDONE, WAITING, Undoer

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from tap_insightly.api import InsightlyClient
    from tap_insightly.undo.recording import Entry
    from tap_insightly.undo.undoing import Result

_NOT_RESTORED = (
    "Records that are back have new ids, and are without what Insightly sets itself and what hung "
    "on them: dates of creation and update, pictures, comments, notes, e-mails, files, history."
)
_NAMES = {
    UNDONE: "undone",
    NOTHING: "as before already",
    LEFT: "left",
    FAILED: "refused",
    WAITING: "waiting for one that was refused",
}


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

    Its progress is kept in FILE.undone: if it was ended, run it again to go on.
    Asks first at a terminal, and needs --yes elsewhere.

    \b
    Examples:
      $ insightly undo undo.jsonl --dry-run
      $ insightly undo undo.jsonl --object contact --yes
      $ insightly undo undo.jsonl --yes
    """
    try:
        recorded = read(file)
        if recorded.was_cut_off:
            echo(f"The last line of {file} was cut off, before anything of it was sent.")
        if not recorded.entries:
            echo(f"There is nothing to undo in {file}.")
            return
        account = account_of(client)
        for own in recorded.accounts:
            raise_if_other(file, own, account)
        progress = Progress(file, recorded)
    except JournalError as error:
        raise click.UsageError(str(error)) from None
    only = frozenset(client.object(name).path for name in names)
    reach = Rehearsal(client, lambda request: show(client, request)) if is_dry else Reach(client)
    with progress:
        undoer = Undoer(reach, recorded, progress, only=only, is_forced=is_forced)
        if not undoer.due:
            echo(f"There is nothing left to undo in {file}.")
            return
        if not is_dry:
            host = urlsplit(client.session.base_url).netloc
            confirm(f"Undo {_count_text(undoer.due)} in {host}", is_sure=is_sure)
            progress.keep()
        if not _report(undoer.run(), is_dry=is_dry):
            sys.exit(1)


def _count_text(entries: Iterable[Entry]) -> str:
    counts = Counter(entry.action for entry in entries)
    return ", ".join(f"{count:,} {action}" for action, count in counts.most_common())


def _report(results: Iterable[tuple[Entry, Result]], *, is_dry: bool) -> bool:
    """Say what becomes of each line, and tell whether all went well."""
    counts, is_back, is_whole = Counter[str](), False, True
    for entry, result in results:
        counts[result.outcome] += 1
        is_back |= result.is_back
        is_whole &= not result.lost
        if result.outcome in {FAILED, WAITING}:
            echo(f"Error: line {entry.place.number}: {result.said}")
        elif not is_dry or result.outcome != UNDONE:
            click.echo(result.said)
        for lost in result.lost:
            echo(f"{entry.object_name} {entry.record_id}: not put back: {lost}.")
    if is_back:
        echo(_NOT_RESTORED)
    summary = ", ".join(f"{counts[one]:,} {name}" for one, name in _NAMES.items() if counts[one])
    echo(f"{'A dry run: ' if is_dry else ''}{summary}.")
    return is_whole and not counts[FAILED] and not counts[WAITING]
