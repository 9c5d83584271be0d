"""``insightly note``: adds notes to records."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from tap_insightly.cli.arguments import (
    dry_run_option,
    id_only_option,
    object_and_id,
    read_text,
    show,
    write_record,
)
from tap_insightly.cli.options import with_client

if TYPE_CHECKING:
    from tap_insightly.api import InsightlyClient


@click.group()
def note() -> None:
    """Add notes to records."""


@note.command("add")
@object_and_id
@click.option("--title", required=True, metavar="TEXT", help="The title of the note.")
@click.option("--body", default="", metavar="TEXT", help="Text or HTML; - for stdin.")
@dry_run_option
@id_only_option
@with_client
def note_add(  # noqa: PLR0913 - the options of a command
    client: InsightlyClient,
    object_name: str,
    record_id: int,
    *,
    title: str,
    body: str,
    is_dry: bool,
    is_brief: bool,
) -> None:
    """Add a note to a record, and write it.

    \b
    Examples:
      $ insightly note add contact 301 --title 'Met in London' --body 'Will call on Monday.'
    """
    text = body
    if body == "-":
        text = read_text(click.open_file("-", "rb")).replace("\r\n", "\n")
    if is_dry:
        show(client, client.build_note_request(object_name, record_id, title, text))
        return
    made = client.add_note(object_name, record_id, title, text)
    write_record(made, "NOTE_ID", is_brief=is_brief)
