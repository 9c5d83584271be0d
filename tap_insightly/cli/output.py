"""Data on standard output: JSON for programs, tables for people."""

from __future__ import annotations

import sys
from contextlib import suppress
from typing import TYPE_CHECKING, Any

import click
import msgspec

from tap_insightly.api.http.codec import encode

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence

    Function = Callable[..., Any]


def json_option(function: Function) -> Function:
    """Add the option to write JSON instead of a table, `is_json`."""
    text = "Write JSON instead of a table."
    return click.option("--json", "is_json", is_flag=True, help=text)(function)


def echo(message: str) -> None:
    """Say something that is no data, on standard error."""
    click.echo(message, err=True)


def write_json(value: Any) -> None:  # noqa: ANN401 - anything that JSON can be
    """Write indented JSON."""
    click.echo(msgspec.json.format(encode(value), indent=2))


def write_line(value: Any) -> None:  # noqa: ANN401 - anything that JSON can be
    """Write JSON in one line."""
    click.echo(encode(value))


def write_array(values: Iterable[Any]) -> None:
    """Write a JSON array item by item, so that none has to be kept."""
    start = b"["
    for value in values:
        click.echo(start + b"\n" + encode(value), nl=False)
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


def _text(cell: object) -> str:
    if cell is None:
        return ""
    is_number = isinstance(cell, int | float) and not isinstance(cell, bool)
    return f"{cell:,}" if is_number else str(cell)


def _draw(headers: Sequence[str], cells: list[list[str]], numeric: list[bool]) -> None:
    from rich.console import Console  # noqa: PLC0415 - an extra
    from rich.table import Table  # noqa: PLC0415 - an extra

    table = Table()
    for header, is_number in zip(headers, numeric, strict=True):
        table.add_column(header, justify="right" if is_number else "left")
    for row in cells:
        table.add_row(*row)
    Console().print(table)
