"""``insightly update``: other values for some fields of a record."""

from __future__ import annotations

from dataclasses import replace
from typing import IO, TYPE_CHECKING

import click

from tap_insightly.cli.arguments import (
    collect_values,
    dry_run_option,
    id_only_option,
    object_and_id,
    show,
    values_option,
    write_record,
)
from tap_insightly.cli.options import with_client
from tap_insightly.cli.output import echo

if TYPE_CHECKING:
    from collections.abc import Sequence

    from tap_insightly.api import InsightlyClient


@click.command()
@object_and_id
@values_option
@click.option("--if-match", metavar="ETAG", help="Only if the record still has this version.")
@click.option(
    "--skip-unchanged", is_flag=True, help="Read the record first, and send only what differs."
)
@dry_run_option
@id_only_option
@with_client
def update(  # noqa: PLR0913 - the options of a command
    client: InsightlyClient,
    object_name: str,
    record_id: int,
    texts: Sequence[str],
    *,
    file: IO[bytes] | None,
    if_match: str | None,
    skip_unchanged: bool,
    is_dry: bool,
    is_brief: bool,
) -> None:
    """Change some fields of a record, and write it as it is then.

    Fields that are not named stay as they are; NAME= clears one. As with create, nothing is sent
    if a value is wrong. With --if-match, the update is refused if somebody else has changed the
    record since: `insightly get OBJECT ID --etag` writes its version.

    \b
    Examples:
      $ insightly update contact 301 TITLE=Countess PHONE=
      $ insightly update lead 301 LEAD_RATING=5 --skip-unchanged --id-only
    """
    if not texts and file is None:
        msg = "There is nothing to write: give NAME=VALUE, or --from a file."
        raise click.UsageError(msg)
    fields = client.fields(object_name)
    values = collect_values(fields, texts, file)
    if not is_dry:
        record = client.update(
            fields.obj.name, record_id, values, if_match=if_match, skip_unchanged=skip_unchanged
        )
        write_record(record, fields.obj.key, is_brief=is_brief)
        return
    before = client.get(fields.obj.name, record_id) if skip_unchanged else None
    request = client.build_update_request(fields, record_id, values, before)
    if request is None:
        echo("Nothing differs, so nothing would be sent.")
        return
    headers = {"If-Match": if_match} if if_match is not None else {}
    show(client, replace(request, headers={**request.headers, **headers}))
