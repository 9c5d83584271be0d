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
    """Give a command its first two arguments: an object and the id of one of its records.

    Args:
        function: The command, which gets them as `object_name` and `record_id`.

    Returns:
        The command.
    """
    record_id = click.argument("record_id", metavar="ID", type=click.IntRange(min=1))
    return click.argument("object_name", metavar="OBJECT")(record_id(function))


def yes_option(function: Function) -> Function:
    """Give a command the option to be sure.

    Args:
        function: The command, which gets it as `is_sure`.

    Returns:
        The command.
    """
    text = "Do not ask first; needed where there is no terminal to ask at."
    return click.option("-y", "--yes", "is_sure", is_flag=True, help=text)(function)


def dry_run_option(function: Function) -> Function:
    """Give a command the option to change nothing.

    Args:
        function: The command, which gets it as `is_dry`.

    Returns:
        The command.
    """
    text = "Show what would be sent, and send nothing that changes anything."
    return click.option("-n", "--dry-run", "is_dry", is_flag=True, help=text)(function)


def values_option(function: Function) -> Function:
    """Give a command values by name, as arguments and from a file."""
    values = click.argument("texts", metavar="[NAME=VALUE]...", nargs=-1)
    file = click.option("--from", "file", type=click.File("rb"), metavar="FILE", help=_VALUES_HELP)
    return values(file(function))


def id_only_option(function: Function) -> Function:
    """Give a command the option to write nothing but an id.

    Args:
        function: The command, which gets it as `is_brief`.

    Returns:
        The command.
    """
    text = "Write the id alone."
    return click.option("-q", "--id-only", "is_brief", is_flag=True, help=text)(function)


def assigned(texts: Iterable[str]) -> dict[str, str]:
    """Take assignments apart.

    Args:
        texts: Such as ``FIRST_NAME=Ada``.

    Returns:
        Texts by name.

    Raises:
        UsageError: If one is no assignment, or a name is given twice.
    """
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
    """Read JSON, with every digit of its numbers.

    Args:
        text: The JSON.
        what: Where it is from, text to begin a sentence with.

    Returns:
        The value.

    Raises:
        UsageError: If it is empty, or no JSON.
    """
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
    """Read a file of text, in whatever encoding of Unicode, and never in the one of the place.

    Args:
        file: The file.

    Returns:
        The text, without a byte order mark.

    Raises:
        UsageError: If it is no such text.
    """
    try:
        return decoded(file.read())
    except ValueError as error:
        msg = f"{name_of(file)} cannot be read: {error}."
        raise click.UsageError(msg) from None


def name_of(file: IO[bytes]) -> str:
    """Say what a file is called.

    Args:
        file: The file.

    Returns:
        Its name, text to begin a sentence with.
    """
    name = getattr(file, "name", None)
    return name if isinstance(name, str) and not name.startswith("<") else "Standard input"


def read_values(file: IO[bytes] | None) -> dict[str, Any]:
    """Read values by name from a file.

    Args:
        file: A JSON object; None for no file.

    Returns:
        The values.

    Raises:
        UsageError: If it is none.
    """
    if file is None:
        return {}
    name = name_of(file)
    values = parsed(read_text(file), name)
    if not isinstance(values, dict):
        msg = f"{name} is not a JSON object of values by name."
        raise click.UsageError(msg)
    return values


def collect_values(fields: Fields, texts: Iterable[str], file: IO[bytes] | None) -> dict[str, Any]:
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


def confirm(what: str, *, is_sure: bool) -> None:
    """Ask whether something is to be done, at the terminal.

    Args:
        what: What is to be done, text such as ``Delete Contact 301``.
        is_sure: Whether that was said already.

    Raises:
        UsageError: If nobody can be asked.
    """
    if is_sure:
        return
    if not sys.stdin.isatty():
        msg = f"{what}: that needs --yes where there is no terminal to ask at."
        raise click.UsageError(msg)
    click.confirm(f"{what}?", prompt_suffix=" ", abort=True, err=True)


def show(client: InsightlyClient, request: Request) -> None:
    """Write what would be sent: method, address and body.

    Args:
        client: Who would send it.
        request: The request.
    """
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
    """Write a record, or its id alone.

    Args:
        record: The record.
        key: The field with the id, text; None if there is none.
        is_brief: Whether to write the id alone.
    """
    if not is_brief:
        write_json(record)
    elif (record_id := record.get(key or "")) is not None:
        click.echo(record_id)
    else:
        echo("It was done, but the answer to it has no id.")
