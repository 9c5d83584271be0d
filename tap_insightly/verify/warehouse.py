"""Warehouses: where the rows of streams are. All statements only read."""

from __future__ import annotations

from abc import abstractmethod
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from typing_extensions import override

from tap_insightly.api.http.closeable import Closeable
from tap_insightly.tombstone import DELETED_AT
from tap_insightly.verify.errors import NotComparableError
from tap_insightly.verify.rows import WarehouseRow, seconds

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

_TEXTS = ("char", "text", "string")  # in the names of types
_MOMENTS = ("timestamp", "date")
_SINGER = "_sdc_"  # how the names of columns begin that targets add


class NoTableError(NotComparableError):
    """The warehouse has no table of this stream."""


@dataclass(frozen=True)
class Table:
    """A table or a view, and its columns."""

    schema: str
    name: str
    columns: Mapping[str, tuple[str, str]]
    """Name and type of each, by its name in lower case."""

    def __str__(self) -> str:
        return f"{self.schema}.{self.name}" if self.schema else self.name

    def has(self, columns: Sequence[str]) -> bool:
        """Tell whether it has these columns, in any case."""
        return all(name.casefold() in self.columns for name in columns)


class Warehouse(Closeable):
    """A database, or a file, with the rows of streams."""

    @abstractmethod
    def table(self, stream: str, keys: Sequence[str]) -> Table:
        """Find the table of a stream; raise a NoTableError if there is none."""

    @abstractmethod
    def rows(
        self, table: Table, keys: Sequence[str], updated: str | None, *, is_numeric: bool
    ) -> Iterator[WarehouseRow]:
        """Read keys and dates; `updated` is the column of the date of the last update."""

    @override
    def close(self) -> None:
        """Close the connection; a file has none."""


class Database(Warehouse):
    """What databases have in common: the tables of their catalog, and how rows are read."""

    def __init__(self, schema: str | None) -> None:
        self._schema = schema
        self._tables: list[Table] | None = None

    @abstractmethod
    def execute(self, statement: str) -> Iterator[Sequence[Any]]:
        """Run a statement that only reads."""

    @property
    @abstractmethod
    def catalog(self) -> str:
        """The condition for the rows of `information_schema.columns` that count."""

    @property
    def tables(self) -> list[Table]:
        """All tables and views."""
        if self._tables is None:
            self._tables = self._read_tables()
        return self._tables

    def _read_tables(self) -> list[Table]:
        found: dict[tuple[str, str], dict[str, tuple[str, str]]] = {}
        for schema, table, column, kind in self.execute(
            "select table_schema, table_name, column_name, data_type "  # noqa: S608 - our words
            f"from information_schema.columns where {self.catalog}"
        ):
            found.setdefault((schema, table), {})[column.casefold()] = (column, kind.lower())
        tables = [Table(*names, columns) for names, columns in found.items()]
        if self._schema is None:
            return tables
        wanted = self._schema.casefold()
        schemas = sorted({table.schema for table in tables})
        if wanted not in map(str.casefold, schemas):
            msg = (
                f"The warehouse has no schema '{self._schema}' with tables that this user can "
                f"see; it has {', '.join(schemas) or 'none at all'}."
            )
            raise NotComparableError(msg)
        return [table for table in tables if table.schema.casefold() == wanted]

    @override
    def table(self, stream: str, keys: Sequence[str]) -> Table:
        """Find the table with the name of a stream, in any case.

        If several schemas have one, it is the one that a target has written.
        """
        named = [one for one in self.tables if one.name.casefold() == stream.casefold()]
        if not named:
            where = f"schema {self._schema}" if self._schema else "any schema"
            msg = f"The warehouse has no table '{stream}' in {where} that this user can see."
            raise NoTableError(msg)
        usable = [one for one in named if one.has(keys)]
        if not usable:
            names = ", ".join(map(str, named))
            msg = f"{names} has no column {' and '.join(keys)}, by which records are compared."
            raise NotComparableError(msg)
        loaded = [one for one in usable if any(map(_is_singers, one.columns))]
        chosen = loaded or usable
        if len(chosen) > 1:
            names = " and ".join(sorted(map(str, chosen)))
            msg = f"There are {names}: say by --schema which one is meant."
            raise NotComparableError(msg)
        return chosen[0]

    @override
    def rows(
        self, table: Table, keys: Sequence[str], updated: str | None, *, is_numeric: bool
    ) -> Iterator[WarehouseRow]:
        """Read keys and dates, sorted by keys that are numbers."""
        kind = "bigint" if is_numeric else "varchar"
        chosen = [f"cast({_column(table, name)[0]} as {kind})" for name in keys]
        chosen += [_date_sql(table, name) for name in (updated, DELETED_AT)]
        order = "order by 1" if is_numeric else ""  # texts have another order in each database
        statement = f"select {', '.join(chosen)} from {quote_name(table)} {order}"  # noqa: S608 - quote_name
        *_, count = range(len(keys) + 1)
        for row in self.execute(statement):
            key = row[:count]
            if None in key:
                continue  # no record of Insightly has no key
            dates = (seconds(one) if isinstance(one, str) else one for one in row[count:])
            yield WarehouseRow(key[0] if is_numeric else tuple(key), *dates)

    def values(self, table: Table, columns: Sequence[str]) -> Iterator[dict[str, Any]]:
        """Read some columns of all rows, by the names given; what the table lacks is left out."""
        names = [name for name in columns if table.has([name])]
        chosen = ", ".join(_column(table, name)[0] for name in names)
        for row in self.execute(f"select {chosen} from {quote_name(table)}"):  # noqa: S608 - quote_name
            yield dict(zip(names, row, strict=True))

    def records(
        self, table: Table, key: str, updated: str | None, ids: Sequence[int]
    ) -> Iterator[tuple[int, dict[str, Any]]]:
        """Read whole rows by id, the newest of an id last; names of columns are in lower case."""
        names = [name for name, _ in table.columns.values()]
        column = f"cast({_column(table, key)[0]} as bigint)"
        statement = (
            f"select {column}, {', '.join(map(quote_name, names))} "  # noqa: S608 - quote_name
            f"from {quote_name(table)} where {column} in ({', '.join(map(str, map(int, ids)))})"
        )
        if updated is not None and table.has([updated]):
            statement += f" order by {_column(table, updated)[0]} nulls first"
        for number, *values in self.execute(statement):
            yield number, dict(zip(table.columns, values, strict=True))


def quote_name(name: Table | str) -> str:
    """Quote the name of a column or a table for SQL."""
    if isinstance(name, Table):
        return ".".join(quote_name(part) for part in (name.schema, name.name) if part)
    return '"' + name.replace('"', '""') + '"'


def _is_singers(column: str) -> bool:
    return column.startswith(_SINGER)


def _column(table: Table, name: str) -> tuple[str, str]:
    found, kind = table.columns[name.casefold()]
    return quote_name(found), kind


def _date_sql(table: Table, name: str | None) -> str:
    """Write the SQL that reads a date as seconds since 1970, or as text if the column is text."""
    if name is None or name.casefold() not in table.columns:
        return "null"
    column, kind = _column(table, name)
    if any(one in kind for one in _TEXTS):
        return column
    if not any(one in kind for one in _MOMENTS):
        msg = f"{name} of {table} is of type {kind}, which is no date."
        raise NotComparableError(msg)
    moment = f"cast(floor(extract(epoch from {column})) as bigint)"
    return f"case when isfinite({column}) then {moment} end"
