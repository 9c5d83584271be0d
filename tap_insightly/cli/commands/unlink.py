"""``insightly unlink``: removes a link."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from tap_insightly.cli.arguments import dry_run_option, object_and_id, send
from tap_insightly.cli.options import with_client

if TYPE_CHECKING:
    from tap_insightly.api import InsightlyClient


@click.command()
@object_and_id
@click.argument("link_id", metavar="LINK_ID", type=click.IntRange(min=1))
@dry_run_option
@with_client
def unlink(
    client: InsightlyClient, object_name: str, record_id: int, link_id: int, *, is_dry: bool
) -> None:
    """Remove a link of a record.

    LINK_ID is in the LINKS of the record.

    \b
    Examples:
      $ insightly unlink contact 301 12 --dry-run
    """
    request = client.build_unlink_request(object_name, record_id, link_id)
    send(client, request, is_dry=is_dry, done=f"Link {link_id} is removed.")
