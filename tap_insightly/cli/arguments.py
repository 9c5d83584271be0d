"""What commands share: arguments, options, values by name, a question first, and dry runs."""

from __future__ import annotations

import sys
from typing import IO, TYPE_CHECKING, Any
from urllib.parse import urlencode

import click

from tap_insightly.cli import completing
from tap_insightly.cli.output import echo, write_json
from tap_insightly.files import decoded

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping

    from tap_insightly.api import Field, Fields, InsightlyClient, Request

    Function = Callable[..., Any]

_VALUES_HELP = "A JSON object of values by name; - for stdin. NAME=VALUE goes before it."
_SHOWN_HEADERS = ("If-Match",)  # the others are the same in every request


def object_argument(verb: str | None = None) -> Callable[[Function], Function]:
    """Add the argument `object_name`; with a verb, a Tab offers those that it can be done with."""
    return click.argument("object_name", metavar="OBJECT", shell_complete=completing.objects(verb))


def object_and_id(function: Function) -> Function:
    """Add the first two arguments, `object_name` and `record_id`."""
    record_id = click.argument("record_id", metavar="ID", type=click.IntRange(min=1))
    return object_argument()(record_id(function))


def yes_option(function: Function) -> Function:
    """Add the option not to be asked, `is_sure`."""
    text = "Do not ask first; needed where there is no terminal to ask at."
    return click.option("-y", "--yes", "is_sure", is_flag=True, help=text)(function)


def dry_run_option(function: Function) -> Function:
    """Add the option to change nothing, `is_dry`."""
    text = "Show what would be sent, and send nothing that changes anything."
    return click.option("-n", "--dry-run", "is_dry", is_flag=True, help=text)(function)


def values_option(function: Function) -> Function:
    """Add values by name: arguments as `texts`, and a JSON object as `file`."""
    values = click.argument(
        "texts",
        metavar="[NAME=VALUE]...",
        nargs=-1,
        shell_complete=completing.fields("=", is_written=True),
    )
    file = click.option("--from", "file", type=click.File("rb"), metavar="FILE", help=_VALUES_HELP)
    return values(file(function))


def id_only_option(function: Function) -> Function:
    """Add the option to write nothing but an id, `is_brief`."""
    text = "Write the id alone."
    return click.option("-q", "--id-only", "is_brief", is_flag=True, help=text)(function)


def parse_assignments(texts: Iterable[str]) -> dict[str, str]:
    """Split texts such as ``FIRST_NAME=Ada`` into values by name."""
    found: dict[str, str] = {}
    for text in texts:
        name, equals, value = text.partition("=")
        if not name or not equals:
            msg = f"'{text}' is not NAME=value."
            raise click.UsageError(msg)
        if name in found:
            msg = f"{name} is given twice."
            raise click.UsageError(msg)
        found[name] = value
    return found


def read_json(text: str, what: str) -> Any:  # noqa: ANN401 - anything that JSON can be
    """Parse JSON, with every digit of its numbers; `what` begins the text of an error."""
    import msgspec

    from tap_insightly.api.http.response import Response

    if not text.strip():
        msg = f"{what} is empty."
        raise click.UsageError(msg)
    try:
        return Response(text.encode()).data
    except UnicodeEncodeError:  # an argument with bytes that are no characters
        msg = f"{what} is no text in UTF-8."
    except msgspec.DecodeError as error:
        msg = f"{what} is not JSON: {error}."
    raise click.UsageError(msg)


def read_text(file: IO[bytes]) -> str:
    """Read a text file in any Unicode encoding, whatever the locale, without a byte order mark."""
    try:
        return decoded(file.read())
    except ValueError as error:
        msg = f"{file_name(file)} cannot be read: {error}."
        raise click.UsageError(msg) from None


def file_name(file: IO[bytes]) -> str:
    """Name a file at the beginning of a sentence."""
    name = getattr(file, "name", None)
    return name if isinstance(name, str) and not name.startswith("<") else "Standard input"


def read_values(file: IO[bytes] | None) -> dict[str, Any]:
    """Read a JSON object of values by name; nothing if there is no file."""
    if file is None:
        return {}
    name = file_name(file)
    values = read_json(read_text(file), name)
    if not isinstance(values, dict):
        msg = f"{name} is not a JSON object of values by name."
        raise click.UsageError(msg)
    return values


def collect_values(fields: Fields, texts: Iterable[str], file: IO[bytes] | None) -> dict[str, Any]:
    """Collect the values to write: arguments go before the file, and ``NAME=`` clears a field."""
    given: dict[str, Any] = {}
    for name, text in parse_assignments(texts).items():
        field = fields.meant(name, is_written=True)
        own = name if field is None or fields.find(name) is not None else field.name
        if own != name:
            echo(f"'{name}' is taken for {own}.")
        if own in given:
            msg = f"{own} is given twice."
            raise click.UsageError(msg)
        given[own] = text or None
    taken: set[Field | None] = {fields.find(name) for name in given} - {None}
    others = read_values(file).items()
    return {name: one for name, one in others if fields.find(name) not in taken} | given


def confirm(what: str, *, is_sure: bool) -> None:
    """Ask at the terminal whether to do something, such as ``Delete Contact 301``."""
    if is_sure:
        return
    if not sys.stdin.isatty():
        msg = f"{what}: that needs --yes where there is no terminal to ask at."
        raise click.UsageError(msg)
    click.confirm(f"{what}?", prompt_suffix=" ", abort=True, err=True)


def show(client: InsightlyClient, request: Request) -> None:
    """Write what would be sent: method, URL and body."""
    query = f"?{urlencode(request.params)}" if request.params else ""
    click.echo(f"{request.method} {client.session.base_url}{request.path}{query}")
    for name in _SHOWN_HEADERS:
        if name in request.headers:
            click.echo(f"{name}: {request.headers[name]}")
    if request.body is not None:
        write_json(request.content)


def send(client: InsightlyClient, request: Request, *, is_dry: bool, done: str = "") -> None:
    """Send a request and write the answer, or `done` if it is empty; in a dry run, only show it."""
    if is_dry:
        show(client, request)
        return
    response = client.session.send(request)
    if response.data is not None:
        write_json(response.data)
    elif done:
        echo(done)


def write_record(record: Mapping[str, Any], key: str | None, *, is_brief: bool) -> None:
    """Write a record, or its id alone."""
    if not is_brief:
        write_json(record)
    elif (record_id := record.get(key or "")) is not None:
        click.echo(record_id)
    else:
        echo("It was done, but the answer to it has no id.")
