"""``insightly load``: writes the rows of a file to an object, as the target does."""

from __future__ import annotations

import io
import json
import re
import shutil
import sys
import time
import warnings
from contextlib import closing, contextmanager
from typing import IO, TYPE_CHECKING, Any, cast

import click

from tap_insightly.api.http.errors import InsightlyError
from tap_insightly.cli import completing
from tap_insightly.cli.app import Failure
from tap_insightly.cli.arguments import dry_run_option, object_argument, parse_assignments
from tap_insightly.cli.options import with_settings
from tap_insightly.cli.output import echo
from tap_insightly.cli.rows import FILE_FORMATS, RowFile, open_rows
from tap_insightly.exit_codes import FAILED
from tap_insightly.loader.settings import MODES, SETTINGS

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

    from tap_insightly.api import InsightlyClient
    from tap_insightly.cli.file_target import FileTarget

    Function = Callable[..., Any]

_RARE = {"ignored": "deletions left", "absent": "left out as they are not here"}
# Settings that the target has for each stream; here there is one stream.
_BY_STREAM = {
    "match_on": click.option(
        "--match-on",
        metavar="FIELD",
        help="By which field rows without an id are found.",
        shell_complete=completing.fields(),
    ),
    "field_map": click.option(
        "--map",
        "field_map",
        multiple=True,
        metavar="COLUMN=FIELD",
        help="Which field a column is written to; COLUMN= leaves it out.",
    ),
    "mode": click.option(
        "--mode",
        type=click.Choice(MODES),
        help="Whether to create, to update, or both; mirror deletes what is not in the file, too.",
    ),
    "mirror_filter": click.option(
        "--mirror-filter",
        multiple=True,
        metavar="NAME=VALUE",
        help="Mirror only records with this value.",
    ),
    "mirror_field": click.option(
        "--mirror-field",
        multiple=True,
        metavar="NAME=VALUE",
        help="Write this instead of deleting what is not in the file.",
    ),
}
# Also, one has a short form here, and one is for copies of whole accounts.
_NOT_OPTIONS = {"stream_to_object", *_BY_STREAM, "dry_run", "id_map"}
OWN_SETTINGS = tuple(setting for setting in SETTINGS if setting.name not in _NOT_OPTIONS)
"""The settings of the target that are options of the same names."""


def _with_streams(function: Function) -> Function:
    """Add options for the settings that the target has for each stream."""
    for option in reversed(_BY_STREAM.values()):
        function = option(function)
    return function


def _delimiter(_: click.Context, __: click.Parameter, text: str | None) -> str | None:
    found = {"tab": "\t", "\\t": "\t"}.get((text or "").lower(), text)
    if found is not None and (len(found) != 1 or found in '"\r\n'):
        msg = f"{text!r} is none; one character is, or the word tab."
        raise click.BadParameter(msg)
    return found


@click.command()
@object_argument()
@click.argument("file", metavar="FILE", type=click.File("rb"))
@click.option(
    "--format",
    "file_format",
    type=click.Choice(FILE_FORMATS),
    help="What FILE is, if its name does not tell.",
)
@click.option(
    "--delimiter",
    metavar="CHARACTER",
    callback=_delimiter,
    help="What separates the cells of CSV; detected, unless given.",
)
@click.option("--clear-empty", is_flag=True, help="Have empty cells of CSV clear their fields.")
@click.option(
    "--skip-rows",
    type=click.IntRange(min=0),
    default=0,
    metavar="NUMBER",
    help="Skip this many rows, which are written already.",
)
@_with_streams
@click.option("--mirror-all", is_flag=True, help="Mirror all records of the object.")
@dry_run_option
@with_settings(OWN_SETTINGS)
def load(  # noqa: PLR0913 - the options of a command
    config: Mapping[str, Any],
    object_name: str,
    file: IO[bytes],
    *,
    file_format: str | None,
    delimiter: str | None,
    clear_empty: bool,
    skip_rows: int,
    mirror_all: bool,
    is_dry: bool,
    **by_stream: Any,  # noqa: ANN401 - what `_BY_STREAM` has
) -> None:
    """Write the rows of a file: update the records that there are, create the others.

    FILE is CSV with a line of column names, or lines of JSON; - is standard input. Columns go to
    the fields of their names, in any case. A row with an id updates that record, one without is
    found by the field of --match-on, or creates a record. Empty cells leave their fields alone.

    The whole file is checked first: if something is wrong with it, nothing is sent. Records that
    are already as in the file are not written. With --allow-delete, rows with a value in a column
    _sdc_deleted_at are deleted.

    \b
    Examples:
      $ insightly load contacts people.csv --match-on EMAIL_ADDRESS --map remark= --dry-run
      $ insightly load contacts people.csv --map remark=BACKGROUND --skip-rows 1
      $ insightly load organisations firms.jsonl --on-error skip --rejects-file rejects.jsonl
    """
    from tap_insightly.api import InsightlyClient
    from tap_insightly.connection import open_session

    rows = open_rows(file, file_format, delimiter=delimiter, clear_empty=clear_empty)
    names, count = rows.columns(), sum(1 for _ in rows)
    if skip_rows > count:
        msg = f"--skip-rows {skip_rows}: {rows.name} has only {count:,} rows."
        raise click.UsageError(msg)
    if skip_rows and by_stream.get("mode") == "mirror":
        msg = "--skip-rows leaves out rows, of which --mode mirror would delete the records."
        raise click.UsageError(msg)
    lag = config["search_lag_seconds"]
    session = open_session(config, "insightly")
    with InsightlyClient.from_session(session, search_lag_seconds=lag) as client:
        stream = client.object(object_name).name
        made = {setting.name: config[setting.name] for setting in OWN_SETTINGS}
        made |= {name: _for(stream, value) for name, value in by_stream.items() if value}
        if mirror_all:
            made["mirror_filter"] = {stream: {}}
        made |= {"stream_to_object": {stream: stream}, "dry_run": is_dry}
        target = _target(client, stream, made, skip_rows)
        schema: dict[str, Any] = {"properties": {name: {} for name in names}}
        _check(target, schema)
        messages = _messages(stream, schema, rows, skip_rows)
        with _progress_bar(target, count):
            is_whole = _write(target, messages, count)
    if not is_whole:
        sys.exit(FAILED)


def _for(stream: str, value: str | tuple[str, ...]) -> Mapping[str, Any]:
    """Write a value as a setting of the target, by stream."""
    return {stream: value if isinstance(value, str) else parse_assignments(value)}


def _target(
    client: InsightlyClient, stream: str, config: Mapping[str, Any], skipped: int
) -> FileTarget:
    from singer_sdk.exceptions import ConfigValidationError

    from tap_insightly.cli.file_target import FileTarget

    made = {name: value for name, value in config.items() if value is not None}
    try:
        with warnings.catch_warnings():
            # The SDK's notice about an old Python is for those who run the target.
            warnings.simplefilter("ignore", FutureWarning)
            return FileTarget(client, stream, made, skipped)
    except ConfigValidationError as error:
        raise click.UsageError(" ".join(error.errors)) from None


def _check(target: FileTarget, schema: Mapping[str, Any]) -> None:
    """Find out which fields the columns go to, before anything is sent; close the target if not."""
    from tap_insightly.loader.errors import MappingError

    try:
        mapping = target.run.mappings.mapping(target.stream, schema)
    except BaseException as error:
        target.close()
        if isinstance(error, MappingError):
            raise click.UsageError(_as_options(str(error))) from None
        raise
    if mapping.left_out:
        echo(f"Left out, as the API sets or takes them otherwise: {', '.join(mapping.left_out)}.")


def _messages(stream: str, schema: Mapping[str, Any], rows: RowFile, skip: int) -> Iterator[str]:
    """Write rows as Singer messages, each with a state that counts the rows so far."""
    name = json.dumps(stream)
    yield json.dumps({"type": "SCHEMA", "stream": stream, "schema": schema, "key_properties": []})
    for number, row in enumerate(rows, start=1):
        if number > skip:
            yield f'{{"type":"RECORD","stream":{name},"record":{row}}}\n'
            yield f'{{"type":"STATE","value":{{"rows":{number}}}}}\n'


def _write(target: FileTarget, messages: Iterator[str], count: int) -> bool:
    """Write the rows, say what became of them, and tell whether none was refused."""
    try:
        with closing(target):
            target.listen(cast("IO[str]", messages))
    except (InsightlyError, click.UsageError) as error:
        _report(target)
        msg = f"{_as_options(str(error))} {_how_far(target, count)}".rstrip()
        raise Failure(msg, error) from error
    except SystemExit:
        _report(target)
        echo(f"It was ended. {_how_far(target, count)}".rstrip())
        raise
    return not _report(target)


def _report(target: FileTarget) -> int:
    """Say what became of the rows, and return how many were refused."""
    from tap_insightly.loader.report import OUTCOMES

    counts = target.outcomes()
    if counts is None:
        return 0
    text = ", ".join(f"{counts[outcome]:,} {outcome}" for outcome in OUTCOMES)
    for name, meaning in _RARE.items():
        if counts[name]:
            text += f", {counts[name]:,} {meaning}"
    dry = " Nothing was sent, as this was a dry run." if target.config["dry_run"] else ""
    echo(f"{target.stream}: {text}.{dry}")
    return counts["rejected"]


def _how_far(target: FileTarget, count: int) -> str:
    """Say which rows are written, and how to go on."""
    if target.config["dry_run"]:
        return ""
    # A mirror deletes what is not among the rows, so it needs all of them.
    if target.run.mappings.mode(target.stream) == "mirror":
        return "Run it again: a mirror needs all rows."
    if not target.written:
        return "None of the rows is known to be written."
    return (
        f"Rows up to {target.written:,} of {count:,} are written, and perhaps some behind them; "
        f"go on with --skip-rows {target.written}."
    )


def _as_options(text: str) -> str:
    """Replace the names of settings in a text by those of options."""
    names = {setting.name: setting.name.replace("_", "-") for setting in SETTINGS}
    names["field_map"] = "map"
    for name, option in names.items():
        if "_" in name:  # others are also everyday words
            text = re.sub(rf"\b{name}\b", f"--{option}", text)
    return text


@contextmanager
def _progress_bar(target: FileTarget, count: int) -> Iterator[None]:
    """Show in a terminal how many rows are written, below all other messages."""
    if not sys.stderr.isatty():
        yield
        return
    from tap_insightly.cli.formats import cut
    from tap_insightly.sync.progress import SECONDS_BETWEEN_DRAWINGS, Footer

    # The bar only gives the text: it cannot share a terminal with others that write.
    with click.progressbar(length=count, label="Rows", file=io.StringIO(), show_pos=True) as bar:
        footer, due = Footer(sys.stderr), 0.0

        def show(written: int) -> None:
            nonlocal due
            bar.update(written - bar.pos)
            if (now := time.monotonic()) >= due:
                due = now + SECONDS_BETWEEN_DRAWINGS
                footer.show(cut(bar.format_progress_line(), shutil.get_terminal_size().columns - 1))

        target.on_progress = show
        try:
            yield
        finally:
            footer.close()
