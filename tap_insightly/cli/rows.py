"""The file that `insightly load` reads: CSV, or lines of JSON. Errors name the line."""

from __future__ import annotations

import csv
import json
import shutil
import tempfile
from abc import ABC, abstractmethod
from codecs import BOM_UTF16_BE, BOM_UTF16_LE
from collections import Counter
from decimal import Decimal
from typing import IO, TYPE_CHECKING, Any, NoReturn

import click
from typing_extensions import override

from tap_insightly.cli.arguments import file_name

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

FILE_FORMATS = ("csv", "jsonl")
DELIMITERS = ",;\t|"
_ENDINGS = {".csv": "csv", ".tsv": "csv", ".jsonl": "jsonl", ".ndjson": "jsonl"}
_LARGEST_CELL = 2**31 - 1  # characters: as much as csv takes on every system


class RowFile(ABC):
    """A file of rows, which can be read several times; what cannot, such as a pipe, is copied."""

    def __init__(self, file: IO[bytes]) -> None:
        self.name = file_name(file)
        """Its name, to begin a sentence with."""
        self._file = file
        if not file.seekable():
            # It is removed with the process, however that ends.
            self._file = tempfile.TemporaryFile()  # noqa: SIM115
            shutil.copyfileobj(file, self._file)
            self._file.seek(0)
        self._start = self._file.tell()  # what comes before was read already

    @abstractmethod
    def columns(self) -> list[str]:
        """List the names of the columns."""

    @abstractmethod
    def __iter__(self) -> Iterator[str]:
        """Read the file from its beginning, each row as a JSON object."""

    def _lines(self) -> Iterator[tuple[int, str]]:
        """Read lines with their numbers, whatever they end with."""
        self._file.seek(self._start)
        number = 0
        for chunk in self._file:
            for raw in chunk.splitlines(keepends=True):
                number += 1
                if number == 1 and raw.startswith((BOM_UTF16_LE, BOM_UTF16_BE)):
                    self._refuse(1, "is no text in UTF-8, but in UTF-16. Save the file as UTF-8")
                try:
                    text = raw.decode("utf-8-sig" if number == 1 else "utf-8")
                except UnicodeDecodeError as error:
                    what = f"is no text in UTF-8 (byte {error.start + 1}). Save the file as UTF-8"
                    self._refuse(number, what)
                if "\0" in text:
                    self._refuse(number, "has a character that is in no text (NUL)")
                yield number, text

    def _refuse(self, line: int, what: str) -> NoReturn:
        msg = f"{self.name}: line {line:,} {what}."
        raise click.UsageError(msg)


class CSVRowFile(RowFile):
    """A CSV file, whose first line has the names of the columns."""

    def __init__(
        self, file: IO[bytes], *, delimiter: str | None = None, clear_empty: bool = False
    ) -> None:
        super().__init__(file)
        csv.field_size_limit(_LARGEST_CELL)
        self._clear_empty = clear_empty
        self._delimiter = delimiter or self._find_delimiter()

    @override
    def columns(self) -> list[str]:
        line, cells = next(self._cells(), (1, []))
        names = [cell.strip() for cell in cells]
        if not names:
            msg = f"{self.name} is empty: it has no line of column names."
            raise click.UsageError(msg)
        if "" in names:
            self._refuse(line, f"gives column {names.index('') + 1} no name")
        if twice := [name for name, count in Counter(names).items() if count > 1]:
            self._refuse(line, f"has more than one column {' and '.join(twice)}")
        return names

    @override
    def __iter__(self) -> Iterator[str]:
        names = self.columns()
        cells_of_rows = self._cells()
        next(cells_of_rows)
        for line, cells in cells_of_rows:
            if len(cells) != len(names):
                what = f"has {len(cells):,} cells, but there are {len(names):,} columns"
                self._refuse(line, what)
            pairs = zip(names, cells, strict=True)
            yield json.dumps({n: cell or None for n, cell in pairs if cell or self._clear_empty})

    def _cells(self) -> Iterator[tuple[int, list[str]]]:
        lines = (text for _, text in self._lines())
        reader = csv.reader(lines, delimiter=self._delimiter, strict=True)
        while True:
            line = reader.line_num + 1
            try:
                cells = next(reader, None)
            except csv.Error as error:
                self._refuse(line, f"is no CSV: {error}")
            if cells is None:
                return
            if any(cells):  # programs that write tables leave empty lines behind
                yield line, cells

    def _find_delimiter(self) -> str:
        head = next((text for _, text in self._lines() if text.strip()), "")
        return max(DELIMITERS, key=lambda one: len(next(csv.reader([head], delimiter=one))))


class JSONRowFile(RowFile):
    """A file with a JSON object a line."""

    @override
    def columns(self) -> list[str]:
        names = dict.fromkeys(name for _, record in self._records() for name in record)
        if not names:
            msg = f"{self.name} is empty: it has no row."
            raise click.UsageError(msg)
        return list(names)

    @override
    def __iter__(self) -> Iterator[str]:
        return (text for text, _ in self._records())

    def _records(self) -> Iterator[tuple[str, dict[str, Any]]]:
        for line, text in self._lines():
            if not text.strip():
                continue
            try:
                record = json.loads(
                    text,
                    parse_float=Decimal,
                    parse_constant=_refuse_constant,
                    object_pairs_hook=_unique_names,
                )
            except json.JSONDecodeError as error:
                self._refuse(line, f"is no JSON: {error.msg} (character {error.pos + 1})")
            except RecursionError:
                self._refuse(line, "is nested too deeply")
            except ValueError as error:
                self._refuse(line, f"is no JSON that can be used: {error}")
            if "\\ud" in text.lower() and not _is_whole(record):
                self._refuse(line, "has half a character (a surrogate without the other)")
            if not isinstance(record, dict):
                self._refuse(line, f"is no JSON object, but {_shortened(text)}")
            yield text.strip(), record


def _unique_names(pairs: Sequence[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) < len(pairs):
        (name, _), *_ = Counter(name for name, _ in pairs).most_common(1)
        msg = f"it has two values for {name!r}"
        raise ValueError(msg)
    return found


def _is_whole(value: object) -> bool:
    try:
        json.dumps(value, ensure_ascii=False, default=str).encode()
    except UnicodeEncodeError:
        return False
    return True


def _refuse_constant(text: str) -> NoReturn:
    msg = f"{text} is no number of JSON"
    raise ValueError(msg)


def _shortened(text: str) -> str:
    text = text.strip()
    return text if len(text) <= 60 else f"{text[:57]}..."  # noqa: PLR2004 - as much as a line has room


def open_rows(
    file: IO[bytes], form: str | None, *, delimiter: str | None, clear_empty: bool
) -> RowFile:
    """Open a file in a format, or in the one that its name tells."""
    name = file_name(file)
    endings = (kind for end, kind in _ENDINGS.items() if name.lower().endswith(end))
    form = form or next(endings, None)
    if form is None:
        msg = f"{name}: say with --format whether it is csv or jsonl; its name does not tell."
        raise click.UsageError(msg)
    if form == "csv":
        return CSVRowFile(file, delimiter=delimiter, clear_empty=clear_empty)
    if delimiter is not None or clear_empty:
        msg = "--delimiter and --clear-empty are for CSV; in JSON, null clears a field."
        raise click.UsageError(msg)
    return JSONRowFile(file)
