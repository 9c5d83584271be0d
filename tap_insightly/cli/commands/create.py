"""``insightly create``: a new record."""

from __future__ import annotations

from typing import IO, TYPE_CHECKING

import click

from tap_insightly.cli.arguments import (
    collect_values,
    dry_run_option,
    id_only_option,
    object_argument,
    show,
    values_option,
    write_record,
)
from tap_insightly.cli.options import with_client

if TYPE_CHECKING:
    from collections.abc import Sequence

    from tap_insightly.api import InsightlyClient


@click.command()
@object_argument("create")
@values_option
@dry_run_option
@id_only_option
@with_client
def create(
    client: InsightlyClient,
    object_name: str,
    texts: Sequence[str],
    *,
    file: IO[bytes] | None,
    is_dry: bool,
    is_brief: bool,
) -> None:
    """Create a record, and write it with its new id.

    Names of fields are those of `insightly fields OBJECT`, standard and custom ones, in any case.
    All values are checked first: if one is wrong, nothing is sent. Lists, such as TAGS, are
    separated by semicolons, or JSON.

    \b
    Examples:
      $ insightly create contact FIRST_NAME=Ada LAST_NAME=Lovelace TAGS='vip;london'
      $ insightly create organisation ORGANISATION_NAME='Analytical Engines' --id-only
    """
    fields = client.fields(object_name)
    values = collect_values(fields, texts, file)
    if is_dry:
        show(client, client.build_create_request(fields, values))
        return
    record = client.create(fields.obj.name, values)
    write_record(record, fields.obj.key, is_brief=is_brief)
