"""``insightly delete``: removes a record."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from tap_insightly.cli.arguments import confirm, dry_run_option, object_and_id, show, yes_option
from tap_insightly.cli.options import with_client
from tap_insightly.cli.output import echo

if TYPE_CHECKING:
    from tap_insightly.api import InsightlyClient


@click.command()
@object_and_id
@dry_run_option
@yes_option
@with_client
def delete(
    client: InsightlyClient, object_name: str, record_id: int, *, is_dry: bool, is_sure: bool
) -> None:
    """Delete a record. There is no way back through the API.

    Asks first at a terminal, and needs --yes elsewhere.

    \b
    Examples:
      $ insightly delete task 301 --dry-run
      $ insightly delete task 301 --yes
    """
    obj = client.object(object_name)
    request = client.build_delete_request(obj.name, record_id)
    if is_dry:
        show(client, request)
        return
    confirm(f"Delete {obj.name} {record_id}", is_sure=is_sure)
    client.session.send(request)
    echo(f"{obj.name} {record_id} is deleted.")
