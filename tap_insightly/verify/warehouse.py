"""Where rows come from: tables of a database, whatever it is, by statements that only read."""

from __future__ import annotations

from abc import abstractmethod
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from tap_insightly.api.http.closeable import Closeable
from tap_insightly.streams.deleting import DELETED
from tap_insightly.verify.errors import NotComparableError
from tap_insightly.verify.rows import Row, seconds

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

_TEXTS = ("char", "text", "string")  # in the names of types
_MOMENTS = ("timestamp", "date")
_SINGER = "_sdc_"  # what the names of columns begin with that targets add


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
        """Say which one it is."""
        return f"{self.schema}.{self.name}" if self.schema else self.name

    def has(self, columns: Sequence[str]) -> bool:
        """Tell whether it has these columns, in any case."""
        return all(name.casefold() in self.columns for name in columns)


class Warehouse(Closeable):
    """Where the rows of streams are."""

    @abstractmethod
    def table(self, stream: str, keys: Sequence[str]) -> Table:
        """Find the table of a stream."""

    @abstractmethod
    def rows(
        self, table: Table, keys: Sequence[str], updated: str | None, *, is_numeric: bool
    ) -> Iterator[Row]:
        """Read keys and dates."""

    def close(self) -> None:
        """End the connection; a file has none."""


class Database(Warehouse):
    """What databases have in common: their catalog, and how they read."""

    def __init__(self, schema: str | None) -> None:
        """Take where to look."""
        self._schema = schema
        self._tables: list[Table] | None = None

    @abstractmethod
    def execute(self, statement: str) -> Iterator[Sequence[Any]]:
        """Run a statement that only reads."""

    @property
    @abstractmethod
    def catalog(self) -> str:
        """A condition for the part of `information_schema.columns` that is meant."""

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

    def table(self, stream: str, keys: Sequence[str]) -> Table:
        """Find the table of a stream: of this name, in any case."""
        called_so = [one for one in self.tables if one.name.casefold() == stream.casefold()]
        if not called_so:
            where = f"schema {self._schema}" if self._schema else "any schema"
            msg = f"The warehouse has no table '{stream}' in {where} that this user can see."
            raise NoTableError(msg)
        fitting = [one for one in called_so if one.has(keys)]
        if not fitting:
            names = ", ".join(map(str, called_so))
            msg = f"{names} has no column {' and '.join(keys)}, by which records are compared."
            raise NotComparableError(msg)
        loaded = [one for one in fitting if any(map(_is_singers, one.columns))]
        chosen = loaded or fitting
        if len(chosen) > 1:
            names = " and ".join(sorted(map(str, chosen)))
            msg = f"There are {names}: say by --schema which one is meant."
            raise NotComparableError(msg)
        return chosen[0]

    def rows(
        self, table: Table, keys: Sequence[str], updated: str | None, *, is_numeric: bool
    ) -> Iterator[Row]:
        """Read keys and dates, sorted by the keys."""
        kind = "bigint" if is_numeric else "varchar"
        chosen = [f"cast({_column(table, name)[0]} as {kind})" for name in keys]
        chosen += [_moment(table, name) for name in (updated, DELETED)]
        order = "order by 1" if is_numeric else ""  # texts have another order in each database
        statement = f"select {', '.join(chosen)} from {quoted(table)} {order}"  # noqa: S608 - quoted
        *_, count = range(len(keys) + 1)
        for row in self.execute(statement):
            key = row[:count]
            if None in key:
                continue  # no record of Insightly has no key
            dates = (seconds(one) if isinstance(one, str) else one for one in row[count:])
            yield Row(key[0] if is_numeric else tuple(key), *dates)

    def records(
        self, table: Table, key: str, updated: str | None, ids: Sequence[int]
    ) -> Iterator[tuple[int, dict[str, Any]]]:
        """Read whole rows, those of one id from the oldest to the newest."""
        names = [name for name, _ in table.columns.values()]
        column = f"cast({_column(table, key)[0]} as bigint)"
        statement = (
            f"select {column}, {', '.join(map(quoted, names))} "  # noqa: S608 - quoted
            f"from {quoted(table)} where {column} in ({', '.join(map(str, map(int, ids)))})"
        )
        if updated is not None and table.has([updated]):
            statement += f" order by {_column(table, updated)[0]} nulls first"
        for number, *values in self.execute(statement):
            yield number, dict(zip(table.columns, values, strict=True))


def quoted(name: Table | str) -> str:
    """Write a name so that it means nothing else."""
    if isinstance(name, Table):
        return ".".join(quoted(part) for part in (name.schema, name.name) if part)
    return '"' + name.replace('"', '""') + '"'


def _is_singers(column: str) -> bool:
    return column.startswith(_SINGER)


def _column(table: Table, name: str) -> tuple[str, str]:
    found, kind = table.columns[name.casefold()]
    return quoted(found), kind


def _moment(table: Table, name: str | None) -> str:
    """Write what reads a moment as seconds since 1970, or as text if the warehouse has text."""
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
