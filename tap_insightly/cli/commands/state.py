"""``insightly state``: says how an opportunity has gone."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from tap_insightly.api.records.states import STATES
from tap_insightly.cli.arguments import dry_run_option, object_and_id, send
from tap_insightly.cli.options import with_client

if TYPE_CHECKING:
    from tap_insightly.api import InsightlyClient


@click.group()
def state() -> None:
    """Change the states of opportunities."""


@state.command("set")
@object_and_id
@click.argument("name", metavar="STATE", type=click.Choice(STATES, case_sensitive=False))
@click.option("--reason", metavar="REASON", help="One of the account's reasons, an id or a text.")
@dry_run_option
@with_client
def state_set(
    client: InsightlyClient,
    object_name: str,
    record_id: int,
    name: str,
    *,
    reason: str | None,
    is_dry: bool,
) -> None:
    """Say that an opportunity is open, won, lost, abandoned or suspended.

    The reasons are those of `insightly get opportunitystatereasons`.

    \b
    Examples:
      $ insightly state set opportunity 301 won
    """
    request = client.build_state_request(object_name, record_id, name, reason)
    send(client, request, is_dry=is_dry)
