"""``insightly tag``: adds tags to records, and removes them."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from tap_insightly.cli.arguments import dry_run_option, object_and_id, send
from tap_insightly.cli.options import with_client
from tap_insightly.cli.output import echo

if TYPE_CHECKING:
    from tap_insightly.api import InsightlyClient


@click.group()
def tag() -> None:
    """Add tags to records, and remove them."""


@tag.command("add")
@object_and_id
@click.argument("name", metavar="NAME")
@dry_run_option
@with_client
def tag_add(
    client: InsightlyClient, object_name: str, record_id: int, name: str, *, is_dry: bool
) -> None:
    """Add a tag to a record, unless it has it.

    \b
    Examples:
      $ insightly tag add contact 301 vip
    """
    request = client.build_add_tag_request(object_name, record_id, name)
    if request is None:
        obj = client.object(object_name)
        echo(f"{obj.name} {record_id} has the tag '{name}' already.")
        return
    send(client, request, is_dry=is_dry)


@tag.command("remove")
@object_and_id
@click.argument("name", metavar="NAME")
@dry_run_option
@with_client
def tag_remove(
    client: InsightlyClient, object_name: str, record_id: int, name: str, *, is_dry: bool
) -> None:
    """Remove a tag of a record.

    \b
    Examples:
      $ insightly tag remove contact 301 vip
    """
    request = client.build_remove_tag_request(object_name, record_id, name)
    send(client, request, is_dry=is_dry, done=f"The tag '{name}' is removed.")
