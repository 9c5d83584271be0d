"""Databases to verify: one of DuckDB, one of Postgres, each with the same tests."""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import psycopg
import pytest

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path


class DuckDBStore:
    """A file."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.dsn = str(path)

    @contextmanager
    def changing(self) -> Iterator[Any]:
        """What runs statements; closed in the end, as only one may have the file open."""
        duckdb = pytest.importorskip("duckdb", reason="duckdb 1.2.2 is not built for this Python")
        with duckdb.connect(str(self.path)) as connection:
            yield connection.execute


class PostgresStore:
    """A server."""

    def __init__(self, server: dict[str, Any]) -> None:
        self.server = server
        login = f"{server['user']}:se%40cret-word@{server['host']}:{server['port']}"
        self.dsn = f"postgresql://{login}/{server['dbname']}"

    @contextmanager
    def changing(self) -> Iterator[Any]:
        """What runs statements."""
        with psycopg.connect(**self.server) as connection:
            yield lambda statement: connection.execute(statement.encode())

    def clear(self) -> None:
        with self.changing() as execute:
            for schema in ("insightly", "other"):
                execute(f"drop schema if exists {schema} cascade")
