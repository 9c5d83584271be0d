"""DuckDB databases and Parquet files, through DuckDB."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

from typing_extensions import override

from tap_insightly.verify.errors import NotComparableError, first_line
from tap_insightly.verify.warehouse import Database, Table

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from duckdb import DuckDBPyConnection

_AT_ONCE = 10_000  # rows


class DuckDB(Database):
    """A DuckDB database, which is a file."""

    catalog = (
        "table_catalog = current_database() and table_schema not in ('information_schema', "
        "'pg_catalog')"
    )

    def __init__(self, path: str | Path, schema: str | None = None) -> None:
        super().__init__(schema)
        if not Path(path).is_file():
            msg = f"There is no file {path}."
            raise NotComparableError(msg)
        self._connection = self._open(str(path), is_read_only=True)

    def _open(self, path: str, *, is_read_only: bool) -> DuckDBPyConnection:
        try:
            import duckdb  # noqa: PLC0415 - an extra
        except ImportError:
            msg = (
                "DuckDB and files of Parquet take a driver that is not installed: pip install "
                "'tap-insightly[duckdb]'"
            )
            raise NotComparableError(msg) from None
        self._error = duckdb.Error
        try:
            connection = duckdb.connect(path, read_only=is_read_only)
            connection.execute("set timezone = 'UTC'")
        except duckdb.Error as error:
            msg = f"{path} cannot be opened: {first_line(error)}"
            raise NotComparableError(msg) from None
        return connection

    @override
    def execute(self, statement: str) -> Iterator[Sequence[Any]]:
        """Run a statement, some rows at a time."""
        try:
            cursor = self._connection.cursor().execute(statement)
            while rows := cursor.fetchmany(_AT_ONCE):
                yield from rows
        except self._error as error:
            msg = f"DuckDB says: {first_line(error)}"
            raise NotComparableError(msg) from None

    @override
    def close(self) -> None:
        self._connection.close()


class Parquet(DuckDB):
    """A Parquet file, which holds one stream."""

    def __init__(self, path: str | Path) -> None:
        Database.__init__(self, None)
        self._path = path
        self._connection = self._open(":memory:", is_read_only=False)
        quoted = str(path).replace("'", "''")
        try:
            self._connection.execute(f"create view file as from read_parquet('{quoted}')")
        except self._error as error:
            msg = f"{path} cannot be read as Parquet: {first_line(error)}"
            raise NotComparableError(msg) from None

    @override
    def table(self, stream: str, keys: Sequence[str]) -> Table:
        """Take the file for the table of any stream."""
        (table,) = self.tables
        if not table.has(keys):
            names = ", ".join(name for name, _ in table.columns.values())
            msg = f"{self._path} has no column {' and '.join(keys)}; it has {names}."
            raise NotComparableError(msg)
        return table
