"""CSV files with keys and dates, which any warehouse can write."""

from __future__ import annotations

import csv
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from typing_extensions import override

from tap_insightly.tombstone import DELETED_AT
from tap_insightly.values import EMPTY_DATES
from tap_insightly.verify.errors import NotComparableError
from tap_insightly.verify.rows import WarehouseRow, seconds
from tap_insightly.verify.warehouse import Table, Warehouse

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

_DELIMITERS = ",;\t|"
_LARGEST_ID = 2**63 - 1


class CSVFile(Warehouse):
    """A CSV file, which holds one stream."""

    def __init__(self, path: str | Path) -> None:
        self._path = Path(path)
        try:
            with self._path.open("rb") as file:
                start = file.read(2)
        except OSError as error:
            msg = f"{path} cannot be read: {error.strerror}."
            raise NotComparableError(msg) from None
        is_utf16 = start in {b"\xff\xfe", b"\xfe\xff"}
        self._encoding = "utf-16" if is_utf16 else "utf-8-sig"

    @override
    def table(self, stream: str, keys: Sequence[str]) -> Table:
        """Take the file for the table of any stream."""
        with self._lines() as lines:
            names = next(lines, [])
        table = Table("", self._path.name, {name.casefold(): (name, "text") for name in names})
        if not table.has(keys):
            has = ", ".join(filter(None, names)) or "none"
            msg = f"{self._path} has no column {' and '.join(keys)}; its first line has {has}."
            raise NotComparableError(msg)
        return table

    @override
    def rows(
        self, table: Table, keys: Sequence[str], updated: str | None, *, is_numeric: bool
    ) -> Iterator[WarehouseRow]:
        names = list(table.columns)
        places = [names.index(key.casefold()) for key in keys]
        dates = [self._place(names, name) for name in (updated, DELETED_AT)]
        with self._lines() as lines:
            next(lines, None)
            for number, cells in enumerate(lines, start=2):
                if not any(cells):
                    continue
                if len(cells) != len(names):
                    self._refuse(number, f"{len(cells)} columns, and the first one {len(names)}")
                key = tuple(cells[place] for place in places)
                moments = (self._moment(cells, place, number) for place in dates)
                yield WarehouseRow(self._number(key[0], number) if is_numeric else key, *moments)

    def _number(self, text: str, line: int) -> int:
        try:
            number = int(text)
        except ValueError:
            number = -1
        if not 0 <= number <= _LARGEST_ID:
            self._refuse(line, f"{text!r}, where an id belongs")
        return number

    def _moment(self, cells: Sequence[str], place: int | None, line: int) -> int | None:
        if place is None or cells[place].strip() in EMPTY_DATES:
            return None
        moment = seconds(cells[place])
        if moment is None:
            self._refuse(line, f"{cells[place]!r}, where a date belongs")
        return moment

    def _refuse(self, line: int, what: str) -> None:
        msg = f"{self._path}: line {line} has {what}."
        raise NotComparableError(msg)

    @staticmethod
    def _place(names: Sequence[str], name: str | None) -> int | None:
        there = name is not None and name.casefold() in names
        return names.index(name.casefold()) if there and name else None

    @contextmanager
    def _lines(self) -> Iterator[Iterator[list[str]]]:
        try:
            with self._path.open(encoding=self._encoding, newline="") as file:
                head = file.readline()
                file.seek(0)
                delimiter = max(_DELIMITERS, key=head.count)
                yield csv.reader(file, delimiter=delimiter)
        except UnicodeError as error:
            name = self._encoding.upper().removesuffix("-SIG")
            msg = f"{self._path} cannot be read as CSV: it is no text in {name} ({error})."
            raise NotComparableError(msg) from None
        except csv.Error as error:
            msg = f"{self._path} cannot be read as CSV: {error}."
            raise NotComparableError(msg) from None
