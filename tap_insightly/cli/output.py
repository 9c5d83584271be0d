"""Data on standard output: JSON for programs, tables for people."""

from __future__ import annotations

import csv
import functools
import io
import sys
from contextlib import suppress
from typing import TYPE_CHECKING, Any

import click

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping, Sequence

    Function = Callable[..., Any]

_SHORT = ("json", "jsonl")  # formats that have an option of their own

FORMATS = ("table", "csv", "json", "jsonl")


def format_option(
    default: str = "table", *, is_default_told: bool = True
) -> Callable[[Function], Function]:
    """Add the option that says in which format to write, `form`, and its short forms.

    If none is given, the command gets the default, or None if that `is_default_told` is not set.
    """
    used = default if is_default_told else None

    def decorate(function: Function) -> Function:
        @functools.wraps(function)
        def wrapped(*args: Any, form: str | None, **kwargs: Any) -> Any:  # noqa: ANN401 - as click has it
            given = {name for name in _SHORT if kwargs.pop(f"is_{name}")}
            given |= {form} if form else set()
            if len(given) > 1:
                msg = f"There is one format, but {' and '.join(sorted(given))} are given."
                raise click.UsageError(msg)
            return function(*args, form=next(iter(given), used), **kwargs)

        decorated: Function = wrapped
        for name in reversed(_SHORT):
            text = f"Short for --format {name}."
            decorated = click.option(f"--{name}", f"is_{name}", is_flag=True, help=text)(decorated)
        text = f"What to write: {default}, unless given."
        return click.option("--format", "form", type=click.Choice(FORMATS), help=text)(decorated)

    return decorate


def write_rows(
    form: str,
    rows: Iterable[Mapping[str, Any]],
    show: Callable[[], object],
    *,
    whole: object = None,
) -> None:
    """Write rows by name in a format: what people look at is written by `show`.

    In JSON it is an array of them, or the `whole` that they are a part of.
    """
    if form == "table":
        show()
    elif form == "csv":
        _write_csv(rows)
    elif form == "jsonl" or whole is None:
        write_list(rows, is_lines=form == "jsonl")
    else:
        write_json(whole)


def _write_csv(rows: Iterable[Mapping[str, Any]]) -> None:
    for number, row in enumerate(rows):
        write_csv_lines([row] if number == 0 else [], [[text_of(one) for one in row.values()]])


def write_csv_lines(heads: Iterable[Iterable[str]], lines: Iterable[Iterable[str]]) -> None:
    """Write lines of CSV (RFC 4180, UTF-8)."""
    text = io.StringIO()
    csv.writer(text).writerows([*heads, *lines])
    click.echo(text.getvalue().encode(), nl=False)


def text_of(value: object) -> str:
    """Write a value as text: nothing for null, and JSON with every digit for what is no text."""
    if value is None:
        return ""
    return value if isinstance(value, str) else _encode(value).decode()


def echo(message: str) -> None:
    """Say something that is no data, on standard error."""
    click.echo(message, err=True)


def write_json(value: Any) -> None:  # noqa: ANN401 - anything that JSON can be
    """Write indented JSON."""
    import msgspec

    click.echo(msgspec.json.format(_encode(value), indent=2))


def write_line(value: Any) -> None:  # noqa: ANN401 - anything that JSON can be
    """Write JSON in one line."""
    click.echo(_encode(value))


def write_array(values: Iterable[Any]) -> None:
    """Write a JSON array item by item, so that none has to be kept."""
    start = b"["
    for value in values:
        click.echo(start + b"\n" + _encode(value), nl=False)
        start = b","
    click.echo("[]" if start == b"[" else "\n]")


def write_list(values: Iterable[Any], *, is_lines: bool) -> None:
    """Write a JSON array, or a line of JSON for each item, as they come."""
    if not is_lines:
        write_array(values)
        return
    for value in values:
        write_line(value)


def write_table(headers: Sequence[str], rows: Iterable[Sequence[object]]) -> None:
    """Write a table: a drawn one to a terminal if rich is there, else aligned columns."""
    cells = [[_text(cell) for cell in row] for row in rows]
    numeric = [
        bool(cells)
        and all(row[at].replace(",", "").replace(".", "").isdigit() or not row[at] for row in cells)
        for at in range(len(headers))
    ]
    if sys.stdout.isatty():
        with suppress(ImportError):
            _draw(headers, cells, numeric)
            return
    widths = [max(len(row[at]) for row in [list(headers), *cells]) for at in range(len(headers))]
    for row in [list(headers), ["-" * width for width in widths], *cells]:
        parts = [
            cell.rjust(width) if is_number else cell.ljust(width)
            for cell, width, is_number in zip(row, widths, numeric, strict=True)
        ]
        click.echo("  ".join(parts).rstrip())


def _encode(value: object) -> bytes:
    from tap_insightly.api.http.codec import encode

    return encode(value)


def _text(cell: object) -> str:
    if cell is None:
        return ""
    is_number = isinstance(cell, int | float) and not isinstance(cell, bool)
    return f"{cell:,}" if is_number else str(cell)


def _draw(headers: Sequence[str], cells: list[list[str]], numeric: list[bool]) -> None:
    from rich.console import Console
    from rich.table import Table

    table = Table()
    for header, is_number in zip(headers, numeric, strict=True):
        table.add_column(header, justify="right" if is_number else "left")
    for row in cells:
        table.add_row(*row)
    Console().print(table)
