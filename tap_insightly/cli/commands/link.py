"""``insightly link``: says that two records belong together."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import click

from tap_insightly.cli import completing
from tap_insightly.cli.arguments import dry_run_option, object_and_id, show
from tap_insightly.cli.options import with_client
from tap_insightly.cli.output import write_json

if TYPE_CHECKING:
    from tap_insightly.api import InsightlyClient


@click.command()
@object_and_id
@click.argument("other_name", metavar="OTHER", shell_complete=completing.objects())
@click.argument("other_id", metavar="OTHER_ID", type=click.IntRange(min=1))
@click.option("--role", metavar="TEXT", help="What the other is to the record.")
@click.option("--details", metavar="TEXT", help="More about it.")
@click.option(
    "--relationship",
    "relationship_id",
    type=click.IntRange(min=1),
    metavar="ID",
    help="The kind of relation; see `insightly get relationships`.",
)
@dry_run_option
@with_client
def link(
    client: InsightlyClient,
    object_name: str,
    record_id: int,
    other_name: str,
    other_id: int,
    *,
    is_dry: bool,
    **about: Any,  # noqa: ANN401 - as the library has them
) -> None:
    """Link a record to another, unless it is already.

    Writes the link, with the LINK_ID that `unlink` takes.

    \b
    Examples:
      $ insightly link contact 301 organisation 301 --role Advisor --dry-run
      $ insightly link task 301 project 301 --dry-run
    """
    if is_dry:
        show(
            client, client.build_link_request(object_name, record_id, other_name, other_id, **about)
        )
        return
    write_json(client.link(object_name, record_id, other_name, other_id, **about))
