"""What commands that write share: values, a question first, and a look at what would be sent."""

from __future__ import annotations

import sys
from typing import IO, TYPE_CHECKING, Any
from urllib.parse import urlencode

import click
import msgspec

from tap_insightly.api import Response
from tap_insightly.cli.output import echo, write_json
from tap_insightly.files import decoded

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping

    from tap_insightly.api import Field, Fields, InsightlyClient, Request

    Function = Callable[..., Any]

_VALUES_HELP = "A JSON object of values by name; - for stdin. NAME=VALUE goes before it."
_TO_SHOW = ("If-Match",)  # of the headers of a request; the others say nothing of its own


def object_and_id(function: Function) -> Function:
    """Give a command its first two arguments: an object and the id of one of its records."""
    record_id = click.argument("record_id", metavar="ID", type=click.IntRange(min=1))
    return click.argument("object_name", metavar="OBJECT")(record_id(function))


def yes_option(function: Function) -> Function:
    """Give a command the option to be sure."""
    text = "Do not ask first; needed where there is no terminal to ask at."
    return click.option("-y", "--yes", "is_sure", is_flag=True, help=text)(function)


def dry_run_option(function: Function) -> Function:
    """Give a command the option to change nothing."""
    text = "Show what would be sent, and send nothing that changes anything."
    return click.option("-n", "--dry-run", "is_dry", is_flag=True, help=text)(function)


def values_option(function: Function) -> Function:
    """Give a command values by name, as arguments and from a file."""
    values = click.argument("texts", metavar="[NAME=VALUE]...", nargs=-1)
    file = click.option("--from", "file", type=click.File("rb"), metavar="FILE", help=_VALUES_HELP)
    return values(file(function))


def id_only_option(function: Function) -> Function:
    """Give a command the option to write nothing but an id."""
    text = "Write the id alone."
    return click.option("-q", "--id-only", "is_brief", is_flag=True, help=text)(function)


def assigned(texts: Iterable[str]) -> dict[str, str]:
    """Take assignments apart."""
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


def parsed(text: str, what: str) -> Any:  # noqa: ANN401 - anything that JSON can be
    """Read JSON, with every digit of its numbers."""
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
    """Read a file of text, in whatever encoding of Unicode, and never in the one of the place."""
    try:
        return decoded(file.read())
    except ValueError as error:
        msg = f"{name_of(file)} cannot be read: {error}."
        raise click.UsageError(msg) from None


def name_of(file: IO[bytes]) -> str:
    """Say what a file is called."""
    name = getattr(file, "name", None)
    return name if isinstance(name, str) and not name.startswith("<") else "Standard input"


def read_values(file: IO[bytes] | None) -> dict[str, Any]:
    """Read values by name from a file."""
    if file is None:
        return {}
    name = name_of(file)
    values = parsed(read_text(file), name)
    if not isinstance(values, dict):
        msg = f"{name} is not a JSON object of values by name."
        raise click.UsageError(msg)
    return values


def collect_values(fields: Fields, texts: Iterable[str], file: IO[bytes] | None) -> dict[str, Any]:
    """Put together what is to be written: arguments go before the file."""
    given: dict[str, Any] = {name: text or None for name, text in assigned(texts).items()}
    taken: set[Field | None] = {fields.find(name) for name in given} - {None}
    others = read_values(file).items()
    return {name: one for name, one in others if fields.find(name) not in taken} | given


def confirm(what: str, *, is_sure: bool) -> None:
    """Ask whether something is to be done, at the terminal."""
    if is_sure:
        return
    if not sys.stdin.isatty():
        msg = f"{what}: that needs --yes where there is no terminal to ask at."
        raise click.UsageError(msg)
    click.confirm(f"{what}?", prompt_suffix=" ", abort=True, err=True)


def show(client: InsightlyClient, request: Request) -> None:
    """Write what would be sent: method, address and body."""
    query = f"?{urlencode(request.params)}" if request.params else ""
    click.echo(f"{request.method} {client.session.base_url}{request.path}{query}")
    for name in _TO_SHOW:
        if name in request.headers:
            click.echo(f"{name}: {request.headers[name]}")
    if request.body is not None:
        write_json(Response(request.body).data)


def send(client: InsightlyClient, request: Request, *, is_dry: bool, done: str = "") -> None:
    """Send a request and write what is answered, or `done` if nothing is; or only show it."""
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
