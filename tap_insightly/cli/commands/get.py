"""``insightly get``: one record, or a list of them."""

from __future__ import annotations

from contextlib import closing
from typing import TYPE_CHECKING, Any

import click

from tap_insightly.cli import completing, web
from tap_insightly.cli.arguments import object_argument, parse_assignments
from tap_insightly.cli.options import with_client
from tap_insightly.cli.output import format_option, write_json, write_line, write_list

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from tap_insightly.api import Field, Fields, InsightlyClient


def _names(_: click.Context, __: click.Parameter, text: str | None) -> list[str]:
    return [name.strip() for name in (text or "").split(",") if name.strip()]


@click.command()
@object_argument()
@click.argument("record_id", metavar="[ID]", type=click.IntRange(min=1), required=False)
@click.option(
    "--where",
    "wheres",
    multiple=True,
    metavar="NAME=VALUE",
    help="Only with exactly this value.",
    shell_complete=completing.fields("="),
)
@click.option("--updated-after", metavar="MOMENT", help="Only what was updated since (UTC).")
@click.option(
    "--limit", type=click.IntRange(min=1), metavar="NUMBER", help="At most this many records."
)
@click.option(
    "--fields",
    "names",
    metavar="NAMES",
    callback=_names,
    help="Only these: A,B,C.",
    shell_complete=completing.fields(is_list=True),
)
@format_option("json", is_default_told=False)
@click.option("--etag", is_flag=True, help="Write only the version, for update --if-match.")
@click.option(
    "-w",
    "--web",
    "is_web",
    is_flag=True,
    help="Open the record in the browser; where there is none, write its address.",
)
@click.option(
    "--web-url",
    envvar=web.VARIABLE,
    metavar="URL",
    help=f"Where records are, if not at {web.ADDRESS}.",
)
@with_client
def get(  # noqa: PLR0913 - the options of a command
    client: InsightlyClient,
    object_name: str,
    record_id: int | None,
    *,
    wheres: Sequence[str],
    updated_after: str | None,
    limit: int | None,
    names: Sequence[str],
    form: str | None,
    etag: bool,
    is_web: bool,
    web_url: str | None,
) -> None:
    """Read one record, or a list of them.

    OBJECT is a name in any spelling: contact, Contacts, quote, Fruit__c. A list is written while
    it is read. The API searches by one field at a time, and has no search for some objects.

    CSV has a column for each field, custom ones too, and `insightly load` reads it. A table has
    the columns with a value in the first page, unless --fields names others; in a terminal, it is
    no wider than the window.

    \b
    Examples:
      $ insightly get contact 301
      $ insightly get leads --updated-after 2026-01-01 --format csv
      $ insightly get contacts --where FIRST_NAME=Ada --fields CONTACT_ID,EMAIL_ADDRESS
    """
    is_list = record_id is None
    if not is_list and (wheres or updated_after or limit):
        msg = "--where, --updated-after and --limit are for lists; with an ID there is one record."
        raise click.UsageError(msg)
    if etag and (is_list or names or form):
        msg = "--etag is for one record with an ID, without --fields and --format."
        raise click.UsageError(msg)
    if is_web and (record_id is None or names or form or etag):
        msg = "--web is for one record with an ID, without --fields, --format and --etag."
        raise click.UsageError(msg)
    if is_web and record_id is not None:
        web.open_page(web.page_of(client, object_name, record_id, web_url))
        return
    if etag and record_id is not None:
        _write_version(object_name, record_id, client.get_with_etag(object_name, record_id)[1])
        return
    conditions = {
        "updated_after": updated_after,
        "where": _where(client, object_name, parse_assignments(wheres)),
        "limit": limit,
    }
    if form in {"table", "csv"}:
        _write_rows(client, object_name, record_id, names, is_csv=form == "csv", **conditions)
        return
    pick = _picker(client, object_name, names)
    if record_id is not None:
        write = write_line if form == "jsonl" else write_json
        write(pick(client.get(object_name, record_id)))
        return
    name = client.object(object_name).name  # a path is for `insightly api`
    with closing(client.records(name, **conditions)) as records:
        write_list(map(pick, records), is_lines=form == "jsonl")


def _where(
    client: InsightlyClient, object_name: str, values: Mapping[str, str]
) -> Mapping[str, str]:
    """Spell the names of fields as the account does; a wrong one is refused by the client."""
    if not values:
        return values
    fields = client.fields(object_name)
    found = {name: fields.meant(name) for name in values}
    return {one.name if (one := found[name]) else name: text for name, text in values.items()}


def _write_rows(
    client: InsightlyClient,
    object_name: str,
    record_id: int | None,
    names: Sequence[str],
    *,
    is_csv: bool,
    **conditions: Any,  # noqa: ANN401 - as the library has them
) -> None:
    """Write records as CSV or as a table; one record as a table of its fields."""
    from tap_insightly.cli.formats import (
        columns_of,
        note_left_out,
        write_csv,
        write_list_table,
        write_record_table,
    )

    fields = client.fields(object_name)
    chosen = _chosen(fields, names)
    columns = columns_of(fields, chosen or fields)
    if record_id is not None:
        record = client.get(fields.obj.name, record_id)
        if is_csv:
            write_csv(columns, note_left_out(columns, [[record]], is_whole=not chosen))
        else:
            write_record_table(columns, record, is_whole=not chosen)
        return
    with closing(client.pages(fields.obj.name, **conditions)) as pages:
        seen = note_left_out(columns, pages, is_whole=not chosen)
        if is_csv:
            write_csv(columns, seen)
        else:
            write_list_table(columns, seen, None if chosen else fields.obj.key or "")


def _write_version(object_name: str, record_id: int, version: str | None) -> None:
    if version is None:
        msg = f"The API tells no version of {object_name} {record_id}."
        raise click.ClickException(msg)
    click.echo(version)


def _picker(
    client: InsightlyClient, object_name: str, names: Sequence[str]
) -> Callable[[Mapping[str, Any]], Mapping[str, Any]]:
    """Make a function that picks fields of a record; without names, all of them."""
    if not names:
        return lambda record: record
    from tap_insightly.api.records.reading import value_of

    chosen = [field.name for field in _chosen(client.fields(object_name), names)]
    return lambda record: {name: value_of(record, name) for name in chosen}


def _chosen(fields: Fields, names: Sequence[str]) -> list[Field]:
    """Find fields by their names; an error lists all names that are wrong."""
    found = {name: fields.meant(name) for name in names}
    if problems := [fields.unknown(name) for name, one in found.items() if one is None]:
        from tap_insightly.api import InvalidFieldsError

        raise InvalidFieldsError(fields.obj.name, problems)
    return [one for one in found.values() if one is not None]
