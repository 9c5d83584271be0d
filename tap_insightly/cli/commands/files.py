"""``insightly files``: the contents of files that are attached to records."""

from __future__ import annotations

import json
import sys
from dataclasses import asdict
from typing import IO, TYPE_CHECKING, Any

import click

from tap_insightly.cli.arguments import file_name
from tap_insightly.cli.options import with_client
from tap_insightly.cli.output import echo, format_option, write_rows
from tap_insightly.cli.rows import FILE_FORMATS, open_rows

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence

    from tap_insightly.api import InsightlyClient
    from tap_insightly.attachments import Attachment, FetchResult

TABLE = "file_attachments"
KEY = "FILE_ID"
COLUMNS = (KEY, "FILE_NAME", "CONTENT_TYPE", "FILE_SIZE", "DATE_UPDATED_UTC")


@click.command()
@click.argument("object_name", metavar="[OBJECT]", required=False)
@click.argument("record_ids", metavar="[ID]...", type=click.IntRange(min=1), nargs=-1)
@click.option(
    "--to",
    "address",
    required=True,
    metavar="ADDRESS",
    help="Where contents go: a folder, or an address of fsspec, such as s3://bucket/files.",
)
@click.option(
    "--list",
    "file",
    type=click.File("rb"),
    metavar="FILE",
    help="Rows of file_attachments: CSV, lines of JSON, or the messages of a tap; - for stdin.",
)
@click.option(
    "--list-format",
    type=click.Choice(FILE_FORMATS),
    help="What the list is, if its name does not tell; from stdin lines of JSON.",
)
@click.option(
    "--dsn",
    envvar="INSIGHTLY_DSN",
    metavar="DSN",
    help=(
        "A warehouse with the table file_attachments: postgresql://..., or a DuckDB file. A "
        "password is better given in INSIGHTLY_DSN."
    ),
)
@click.option("--schema", metavar="NAME", help="The schema of the table, if several have it.")
@click.option(
    "--quota-share",
    type=click.FloatRange(0, 1, min_open=True),
    default=0.1,
    show_default=True,
    metavar="SHARE",
    help="The most of the day's requests that this run uses.",
)
@format_option()
@with_client
def files(  # noqa: PLR0913 - the options of a command
    client: InsightlyClient,
    object_name: str | None,
    record_ids: Sequence[int],
    *,
    address: str,
    file: IO[bytes] | None,
    list_format: str | None,
    dsn: str | None,
    schema: str | None,
    quota_share: float,
    form: str,
) -> None:
    """Fetch the contents of file attachments, each once.

    Which files there are is told by records (OBJECT and IDs), by a list, or by the table of a
    warehouse that a sync of the stream file_attachments has filled. The address keeps an index of
    all of them: what one run does not get done, the next one does, which needs no list for that.

    Contents lie in content/, named by their SHA-256, so that the same content is there once. The
    lines of JSON in index/ say which file has which.

    \b
    Examples:
      $ insightly files --to attachments contact 301
      $ insightly files --to attachments --list attachments.csv --quota-share 0.05
      $ insightly files --to attachments
    """
    if object_name and file is not None:
        msg = "Records and --list are two ways to say which files there are; give one."
        raise click.UsageError(msg)
    if object_name and not record_ids:
        msg = (
            f"Which {object_name}? Give the ids of records. For the files of all, sync the stream "
            "file_attachments, and name the warehouse with --dsn."
        )
        raise click.UsageError(msg)
    from tap_insightly.attachments import ContentStore, Fetcher, Index

    store = ContentStore(address)
    index = Index(store.lines())
    if index.unreadable:
        echo(f"{store.name}: {index.unreadable:,} lines of the index cannot be read, and are left.")
    rows: Iterable[Mapping[str, Any]] = ()
    if object_name:
        rows = _of_records(client, object_name, record_ids)
    elif file is not None:
        rows = _of_list(file, list_format)
    elif dsn is not None:
        rows = _of_table(dsn, schema)
    elif not index.entries:
        msg = (
            f"There is no index at {store.name} to go on with. Say which files there are: by "
            "records, --list or --dsn."
        )
        raise click.UsageError(msg)
    with Fetcher(client.session, store, index, quota_share=quota_share, warn=echo) as fetcher:
        wanted = fetcher.want(_attachments(rows))
        result = fetcher.run()
    row = {"wanted": wanted, **asdict(result)}
    write_rows(form, [row], lambda: click.echo(_summary(result, store.name)), whole=row)


def _attachments(rows: Iterable[Mapping[str, Any]]) -> list[Attachment]:
    from tap_insightly.attachments import attachment_of

    found = [attachment_of(row) for row in rows]
    if nameless := found.count(None):
        if nameless == len(found):
            msg = f"None of the {nameless:,} rows names a file: there is no column {KEY}."
            raise click.UsageError(msg)
        echo(f"{nameless:,} rows name no file (FILE_ID), and are left out.")
    return [one for one in found if one is not None]


def _of_records(
    client: InsightlyClient, object_name: str, record_ids: Sequence[int]
) -> Iterator[Mapping[str, Any]]:
    from tap_insightly.api import OffsetPaginator, PagedRequest, Prefetcher

    obj = client.object(object_name)
    with Prefetcher(client.session) as prefetcher:
        for record_id in record_ids:
            path = f"{obj.path_of(record_id)}/FileAttachments"
            request = PagedRequest(path, paginator=OffsetPaginator([KEY]))
            for page in prefetcher.read(request):
                yield from page.records


def _of_list(file: IO[bytes], form: str | None) -> Iterator[Mapping[str, Any]]:
    """Read rows, or of the messages of a tap those of the stream, which may have an alias."""
    is_pipe = file_name(file) == file_name(sys.stdin.buffer)
    form = form or ("jsonl" if is_pipe else None)
    rows = open_rows(file, form, delimiter=None, clear_empty=False)
    for text in rows:
        row = json.loads(text)
        if "type" not in row:
            yield row
        elif row["type"] == "RECORD" and KEY in row.get("record", ()):
            yield row["record"]


def _of_table(dsn: str, schema: str | None) -> Iterator[Mapping[str, Any]]:
    from tap_insightly.verify import NotComparableError
    from tap_insightly.verify.opening import open_warehouse

    try:
        with open_warehouse(dsn, schema) as warehouse:
            yield from warehouse.values(warehouse.table(TABLE, [KEY]), COLUMNS)
    except NotComparableError as error:  # no driver, no server, no table: in a sentence
        raise click.ClickException(str(error)) from None


def _summary(result: FetchResult, name: str) -> str:
    size = f"{result.stored_bytes / 1e6:,.1f} MB"
    parts = [
        (
            f"{name}: {result.stored:,} files fetched, {size}, {result.contents:,} contents new, "
            f"{result.requests:,} requests."
        )
    ]
    if result.other_size:
        parts.append(f"{result.other_size:,} have another size than Insightly tells.")
    if result.gone:
        parts.append(f"{result.gone:,} are gone from Insightly.")
    if result.failed:
        parts.append(f"{result.failed:,} failed, for reasons told above; run it again.")
    if result.left:
        parts.append(
            f"{result.left:,} are left for the next run, as this one has used its share of the "
            "day's requests (--quota-share)."
        )
    return " ".join(parts)
