"""Records as rows: a table for people, CSV for spreadsheets, page by page as they come."""

from __future__ import annotations

import shutil
import sys
from decimal import Decimal
from itertools import chain
from typing import TYPE_CHECKING, Any
from unicodedata import combining, east_asian_width

import click

from tap_insightly.api.records.fields import Field
from tap_insightly.api.records.reading import value_of
from tap_insightly.cli.output import (
    echo,
    text_of,
    write_csv_lines,
    write_json,
    write_line,
    write_list,
)
from tap_insightly.openapi.objects import CUSTOM_FIELDS

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence

    from tap_insightly.api import Fields

    Record = Mapping[str, Any]

_NUMERIC = ("integer", "number")
_EMPTY: tuple[object, ...] = (None, "", [])
_LEAST = 12  # characters that a column keeps in a terminal; if they do not fit, others are left out
_GAP = "  "
_CUT = "…"


def columns_of(fields: Fields, chosen: Iterable[Field]) -> list[Field]:
    """List the columns of fields: the array of custom fields becomes a column for each."""
    custom = [one for one in fields if one.is_custom]
    found = chain.from_iterable(custom if one.name == CUSTOM_FIELDS else (one,) for one in chosen)
    return list({one.name: one for one in found}.values())


def write_csv(columns: Sequence[Field], pages: Iterable[Sequence[Record]]) -> None:
    """Write records as CSV (RFC 4180, UTF-8), page by page."""
    names = [one.name for one in columns]
    head: list[list[str]] = [names]
    for page in pages:
        rows = ([text_of(value_of(one, name)) for name in names] for one in page)
        write_csv_lines(head, rows)
        head = []
    write_csv_lines(head, ())  # if there was no page


def note_left_out(
    columns: Sequence[Field], pages: Iterable[Sequence[Record]], *, is_whole: bool
) -> Iterator[Sequence[Record]]:
    """Pass records on, and in the end name the fields with values that have no column.

    Nothing is named if columns were chosen, so that `is_whole` is false.
    """
    known = {CUSTOM_FIELDS, *(one.name for one in columns)}
    others: dict[str, None] = {}
    for page in pages:
        for record in page if is_whole else ():
            custom = record.get(CUSTOM_FIELDS) or ()
            own = ((str(one.get("FIELD_NAME")), one.get("FIELD_VALUE")) for one in custom)
            for name, value in chain(record.items(), own):
                if name not in known and value not in _EMPTY:
                    others[name] = None
        yield page
    if others:
        echo(
            f"Left out, as it is not known what they are: {', '.join(others)}. "
            "They are in --format json."
        )


def write_answer(data: Any, form: str) -> None:  # noqa: ANN401 - any JSON
    """Write what was answered, which may be records of any kind, one of them, or anything else."""
    if form == "json":
        write_json(data)
    elif form == "jsonl" and isinstance(data, list):
        write_list(data, is_lines=True)
    elif form == "jsonl":
        write_line(data)
    else:
        write_pages([data if isinstance(data, list) else [data]], form)


def write_pages(pages: Iterable[Sequence[Any]], form: str) -> None:
    """Write records of any kind as CSV or as a table: the first page has the columns."""
    found = iter(pages)
    first = [_as_record(one) for one in next(found, [])]
    columns = columns_in(first)
    rest = chain([first], ([_as_record(one) for one in page] for page in found))
    seen = note_left_out(columns, rest, is_whole=True)
    if form == "csv":
        write_csv(columns, seen)
    else:
        write_list_table(columns, seen, "")


def _as_record(value: Any) -> Record:  # noqa: ANN401 - any JSON
    return value if isinstance(value, dict) else {"value": value}


def columns_in(records: Iterable[Record]) -> list[Field]:
    """List the columns that records have, custom fields among them, by what they hold."""
    values: dict[str, list[Any]] = {}
    for record in records:
        for name, value in record.items():
            if name != CUSTOM_FIELDS:
                values.setdefault(name, []).append(value)
        for one in record.get(CUSTOM_FIELDS) or ():
            values.setdefault(str(one.get("FIELD_NAME")), []).append(one.get("FIELD_VALUE"))
    return [Field(name, _kind(found)) for name, found in values.items()]


def _kind(values: Iterable[Any]) -> str:
    given = [value for value in values if value is not None]
    numbers = [isinstance(one, int | Decimal) and not isinstance(one, bool) for one in given]
    return "number" if numbers and all(numbers) else "string"


def write_list_table(
    columns: Sequence[Field], pages: Iterable[Sequence[Record]], key: str | None = None
) -> None:
    """Write records as aligned columns, page by page; the first page decides how wide they are.

    With a `key`, only the columns with a value in the first page are written, the key first.
    """
    table: _Table | None = None
    for page in pages:
        if key is not None and table is None:
            columns = _with_values(columns, page, key)
        rows = [[text_of(value_of(record, one.name)) for one in columns] for record in page]
        if table is None:
            heads = [one.name for one in columns]
            table = _Table(heads, rows, [one.kind in _NUMERIC for one in columns])
        table.write(rows)
    if table is None:
        echo("There are none.")
    elif table.left_out:
        echo(
            f"{len(columns) - table.left_out} of {len(columns)} columns are shown, as the terminal "
            "is not wider; --fields chooses others."
        )


def write_record_table(columns: Sequence[Field], record: Record, *, is_whole: bool) -> None:
    """Write one record, a line for each field; of a whole record, for those with a value."""
    rows = [(one.name, value_of(record, one.name)) for one in columns]
    rows = [(name, value) for name, value in rows if not is_whole or value not in _EMPTY]
    cells = [[name, text_of(value)] for name, value in rows]
    _Table(["field", "value"], cells, [False, False]).write(cells)


def _with_values(columns: Sequence[Field], page: Sequence[Record], key: str) -> list[Field]:
    first = [one for one in columns if one.name == key]
    return first + [
        one
        for one in columns
        if one.name != key and any(value_of(record, one.name) not in _EMPTY for record in page)
    ]


class _Table:
    """Aligned columns, as wide as the first rows need, but not wider than a terminal."""

    def __init__(
        self, heads: Sequence[str], rows: Iterable[Sequence[str]], is_numeric: Sequence[bool]
    ) -> None:
        self._is_numeric = is_numeric
        self._is_terminal = sys.stdout.isatty()
        widths = [max(map(width_of, column)) for column in zip(heads, *rows, strict=True)]
        if self._is_terminal:
            widths = fitted(widths, shutil.get_terminal_size().columns)
        self._widths = widths
        self.left_out = len(heads) - len(widths)
        """How many columns have no room."""
        self.write([heads, ["-" * width for width in widths]])

    def write(self, rows: Iterable[Sequence[str]]) -> None:
        lines = "".join(f"{self._line(row)}\n" for row in rows)
        encoding = getattr(sys.stdout, "encoding", None) or "utf-8"
        # People look at this: better a question mark than no table.
        click.echo(lines.encode(encoding, "replace").decode(encoding), nl=False)

    def _line(self, row: Sequence[str]) -> str:
        cells = zip(row, self._widths, self._is_numeric, strict=False)  # some have no room
        return _GAP.join(self._cell(*cell) for cell in cells).rstrip()

    def _cell(self, text: str, width: int, is_numeric: bool) -> str:  # noqa: FBT001 - one of a row
        text = printable(text)
        if self._is_terminal:
            text = cut(text, width)
        padding = " " * (width - width_of(text))
        return padding + text if is_numeric else text + padding


def fitted(widths: Sequence[int], room: int) -> list[int]:
    """Make the widths of columns fit into a line: shrink the widest, then leave out the last."""
    found = [min(width, room) for width in widths]
    while len(found) > 1 and _total(min(width, _LEAST) for width in found) > room:
        found.pop()
    while _total(found) > room and max(found) > 1:
        found[found.index(max(found))] -= 1
    return found


def _total(widths: Iterable[int]) -> int:
    each = list(widths)
    return sum(each) + len(_GAP) * (len(each) - 1)


def printable(text: str) -> str:
    """Replace control characters and line breaks by spaces, so that a text stays in its cell."""
    return text if text.isprintable() else "".join(c if c.isprintable() else " " for c in text)


def width_of(text: str) -> int:
    """Count the cells of a terminal that a text takes: a Chinese character takes two."""
    if text.isascii():
        return len(text)
    return sum(0 if combining(c) else 1 + (east_asian_width(c) in "WF") for c in text)


def cut(text: str, width: int) -> str:
    """Shorten a text to so many cells of a terminal, with a mark where it is cut."""
    if width_of(text) <= width:
        return text
    left, kept = width - 1, ""
    for character in text:
        left -= width_of(character)
        if left < 0:
            break
        kept += character
    return kept + _CUT
