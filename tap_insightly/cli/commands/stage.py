"""``insightly stage``: moves records through their pipelines."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from tap_insightly.cli import completing
from tap_insightly.cli.arguments import dry_run_option, object_and_id, send
from tap_insightly.cli.options import with_client

if TYPE_CHECKING:
    from tap_insightly.api import InsightlyClient


@click.group()
def stage() -> None:
    """Move records through their pipelines."""


@stage.command("set")
@object_and_id
@click.argument("name", metavar="STAGE", shell_complete=completing.stages)
@click.option(
    "--pipeline",
    metavar="PIPELINE",
    help="Put it into this pipeline, an id or a name.",
    shell_complete=completing.pipelines,
)
@dry_run_option
@with_client
def stage_set(
    client: InsightlyClient,
    object_name: str,
    record_id: int,
    name: str,
    *,
    pipeline: str | None,
    is_dry: bool,
) -> None:
    """Move an opportunity, a project or a lead to a stage.

    STAGE is the id or the name of a stage of the record's pipeline. A record that is in none goes
    into the pipeline of the stage. Leads do not tell their pipeline: give --pipeline if several
    have a stage of that name.

    \b
    Examples:
      $ insightly stage set opportunity 301 Negotiation --pipeline 'Sales' --dry-run
    """
    from tap_insightly.api import InvalidFieldsError

    try:
        request = client.build_stage_request(object_name, record_id, name, pipeline)
    except InvalidFieldsError as error:
        text = " ".join(error.problems).replace("pipeline=", "--pipeline ")
        raise click.UsageError(text) from None
    send(client, request, is_dry=is_dry)
