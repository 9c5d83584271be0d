"""``insightly get``, ``create``, ``update`` and ``delete``: records of any object, by its name."""

from __future__ import annotations

from contextlib import closing
from dataclasses import replace
from typing import IO, TYPE_CHECKING, Any

import click

from tap_insightly.api import InvalidFieldsError
from tap_insightly.api.records.reading import value_of
from tap_insightly.cli.arguments import (
    assigned,
    confirm,
    dry_run_option,
    id_only_option,
    object_and_id,
    read_values,
    show,
    write_record,
    yes_option,
)
from tap_insightly.cli.formats import (
    FORMATS,
    spread,
    watched,
    write_csv,
    write_record_table,
    write_table,
)
from tap_insightly.cli.options import with_client
from tap_insightly.cli.output import echo, write_json, write_line, write_list

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping, Sequence

    from tap_insightly.api import Field, Fields, InsightlyClient

    Function = Callable[..., Any]

_VALUES_HELP = "A JSON object of values by name; - for stdin. NAME=VALUE goes before it."


def _with_values(function: Function) -> Function:
    """Give a command values by name, as arguments and from a file."""
    values = click.argument("texts", metavar="[NAME=VALUE]...", nargs=-1)
    file = click.option("--from", "file", type=click.File("rb"), metavar="FILE", help=_VALUES_HELP)
    return values(file(function))


def _names(_: click.Context, __: click.Parameter, text: str | None) -> list[str]:
    return [name.strip() for name in (text or "").split(",") if name.strip()]


@click.command()
@click.argument("object_name", metavar="OBJECT")
@click.argument("record_id", metavar="[ID]", type=click.IntRange(min=1), required=False)
@click.option(
    "--where", "wheres", multiple=True, metavar="NAME=VALUE", help="Only with exactly this value."
)
@click.option("--updated-after", metavar="MOMENT", help="Only what was updated since (UTC).")
@click.option(
    "--limit", type=click.IntRange(min=1), metavar="NUMBER", help="At most this many records."
)
@click.option("--fields", "names", metavar="NAMES", callback=_names, help="Only these: A,B,C.")
@click.option(
    "--format", "form", type=click.Choice(FORMATS), help="What to write: JSON, unless given."
)
@click.option("--jsonl", is_flag=True, help="Write lines of JSON: short for --format jsonl.")
@click.option("--etag", is_flag=True, help="Write the version alone, to be given to update.")
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
    jsonl: bool,
    etag: bool,
) -> None:
    """Read one record, or a list of them.

    OBJECT is a name in any spelling: contact, Contacts, quote, Fruit__c. A list is written while
    it is being read. The API searches by one field at a time, and has no search for some objects.

    CSV has a column for each field, custom ones too, and can be given to `insightly load`. A
    table has the columns that have a value in the first page, unless --fields names others; in a
    terminal, it is as wide as that.

    \b
    Examples:
      $ insightly get contact 301
      $ insightly get leads --updated-after 2026-01-01 --format csv
      $ insightly get contacts --where FIRST_NAME=Ada --fields CONTACT_ID,EMAIL_ADDRESS
    """  # noqa: D301 - click takes the character, which is no backslash
    is_list = record_id is None
    if not is_list and (wheres or updated_after or limit):
        msg = "--where, --updated-after and --limit are for lists; with an ID there is one record."
        raise click.UsageError(msg)
    if jsonl and form not in {None, "jsonl"}:
        msg = f"--jsonl is --format jsonl, and {form} is given, too."
        raise click.UsageError(msg)
    if etag and (is_list or names or jsonl or form):
        msg = "--etag is for one record with an ID, without --fields, --format and --jsonl."
        raise click.UsageError(msg)
    form = "jsonl" if jsonl else form or "json"
    if etag and record_id is not None:
        _write_version(object_name, record_id, client.get_with_etag(object_name, record_id)[1])
        return
    conditions = {"updated_after": updated_after, "where": assigned(wheres), "limit": limit}
    if form in {"table", "csv"}:
        _write_rows(client, object_name, record_id, names, is_csv=form == "csv", **conditions)
        return
    pick = _picked(client, object_name, names)
    if record_id is not None:
        write = write_line if form == "jsonl" else write_json
        write(pick(client.get(object_name, record_id)))
        return
    name = client.object(object_name).name  # a path is for `insightly api`
    with closing(client.records(name, **conditions)) as records:
        write_list(map(pick, records), is_lines=form == "jsonl")


def _write_rows(
    client: InsightlyClient,
    object_name: str,
    record_id: int | None,
    names: Sequence[str],
    *,
    is_csv: bool,
    **conditions: Any,  # noqa: ANN401 - as the library has them
) -> None:
    """Write records as rows, as CSV or as a table; one record as a table of its fields."""
    fields = client.fields(object_name)
    chosen = _chosen(fields, names)
    columns = spread(fields, chosen or fields)
    if record_id is not None:
        record = client.get(fields.obj.name, record_id)
        if is_csv:
            write_csv(columns, watched(columns, [[record]], is_whole=not chosen))
        else:
            write_record_table(columns, record, is_whole=not chosen)
        return
    with closing(client.pages(fields.obj.name, **conditions)) as pages:
        seen = watched(columns, pages, is_whole=not chosen)
        if is_csv:
            write_csv(columns, seen)
        else:
            write_table(columns, seen, None if chosen else fields.obj.key or "")


def _write_version(object_name: str, record_id: int, version: str | None) -> None:
    if version is None:
        msg = f"The API tells no version of {object_name} {record_id}."
        raise click.ClickException(msg)
    click.echo(version)


def _picked(
    client: InsightlyClient, object_name: str, names: Sequence[str]
) -> Callable[[Mapping[str, Any]], Mapping[str, Any]]:
    """Say how to pick fields of a record, standard and custom ones.

    Args:
        client: The account.
        object_name: The object, text.
        names: The names of the fields; none for all.

    Returns:
        What makes a smaller record of a record.

    Raises:
        InvalidFieldsError: If there is no such field.
    """
    if not names:
        return lambda record: record
    chosen = [field.name for field in _chosen(client.fields(object_name), names)]
    return lambda record: {name: value_of(record, name) for name in chosen}


def _chosen(fields: Fields, names: Sequence[str]) -> list[Field]:
    """Find fields by their names, or say of all that are none that they are."""
    found = {name: fields.find(name) for name in names}
    if problems := [fields.unknown(name) for name, one in found.items() if one is None]:
        raise InvalidFieldsError(fields.obj.name, problems)
    return [one for one in found.values() if one is not None]


def _values(fields: Fields, texts: Iterable[str], file: IO[bytes] | None) -> dict[str, Any]:
    """Put together what is to be written: arguments go before the file.

    Args:
        fields: The fields of the object.
        texts: Assignments; nothing behind the sign clears a field.
        file: A JSON object; None for no file.

    Returns:
        Values by name.

    Raises:
        UsageError: If they cannot be read.
    """
    given: dict[str, Any] = {name: text or None for name, text in assigned(texts).items()}
    taken: set[Field | None] = {fields.find(name) for name in given} - {None}
    others = read_values(file).items()
    return {name: one for name, one in others if fields.find(name) not in taken} | given


@click.command()
@click.argument("object_name", metavar="OBJECT")
@_with_values
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
    """Create a record, and write it with the id that it got.

    Names of fields are those of `insightly fields OBJECT`, standard and custom ones, in any case.
    All values are looked at first: if something is wrong with them, nothing is sent. Lists, such
    as TAGS, are separated by semicolons, or JSON.

    \b
    Examples:
      $ insightly create contact FIRST_NAME=Ada LAST_NAME=Lovelace TAGS='vip;london'
      $ insightly create organisation ORGANISATION_NAME='Analytical Engines' --id-only
    """  # noqa: D301 - as above
    fields = client.fields(object_name)
    values = _values(fields, texts, file)
    if is_dry:
        show(client, client.build_create_request(fields, values))
        return
    record = client.create(fields.obj.name, values)
    write_record(record, fields.obj.key, is_brief=is_brief)


@click.command()
@object_and_id
@_with_values
@click.option("--if-match", metavar="ETAG", help="Only if the record has this version still.")
@click.option("--skip-unchanged", is_flag=True, help="Read it first, and send what differs, if so.")
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
    if something is wrong. With --if-match, an update that somebody else has come before is
    refused: the version is written by `insightly get OBJECT ID --etag`.

    \b
    Examples:
      $ insightly update contact 301 TITLE=Countess PHONE=
      $ insightly update lead 301 LEAD_RATING=5 --skip-unchanged --id-only
    """  # noqa: D301 - as above
    if not texts and file is None:
        msg = "There is nothing to write: give NAME=VALUE, or --from a file."
        raise click.UsageError(msg)
    fields = client.fields(object_name)
    values = _values(fields, texts, file)
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
    """  # noqa: D301 - as above
    obj = client.object(object_name)
    request = client.build_delete_request(obj.name, record_id)
    if is_dry:
        show(client, request)
        return
    confirm(f"Delete {obj.name} {record_id}", is_sure=is_sure)
    client.session.send(request)
    echo(f"{obj.name} {record_id} is deleted.")


COMMANDS: tuple[click.Command, ...] = (get, create, update, delete)
