"""Opens the warehouse that a user has named."""

from __future__ import annotations

import re
from pathlib import Path
from typing import TYPE_CHECKING

from tap_insightly.verify.csvfile import CSVFile
from tap_insightly.verify.duckdb import DuckDB, Parquet
from tap_insightly.verify.errors import NotComparableError
from tap_insightly.verify.postgres import Postgres

if TYPE_CHECKING:
    from tap_insightly.verify.warehouse import Database, Warehouse

_ACCEPTED = "postgresql://user@host:5432/database, duckdb:///path/file.duckdb or path/file.duckdb"
_PARQUET = b"PAR1"


def open_warehouse(dsn: str, schema: str | None = None) -> Database:
    """Connect to the warehouse of a DSN, or of the path of a DuckDB file."""
    warehouse = _connected(dsn.strip(), schema)
    try:
        _ = warehouse.tables  # a schema that does not exist is found out at once
    except NotComparableError:
        warehouse.close()
        raise
    return warehouse


def open_file(path: str) -> Warehouse:
    """Open a file of keys and dates: Parquet by its content, else CSV."""
    try:
        with Path(path).open("rb") as file:
            is_parquet = file.read(len(_PARQUET)) == _PARQUET
    except OSError as error:
        msg = f"{path} cannot be read: {error.strerror}."
        raise NotComparableError(msg) from None
    return Parquet(path) if is_parquet else CSVFile(path)


def _connected(dsn: str, schema: str | None) -> Database:
    scheme, sign, rest = dsn.partition("://")
    kind = scheme.partition("+")[0].lower() if sign else ""  # SQLAlchemy names drivers behind a +
    if kind in {"postgres", "postgresql"}:
        return Postgres(f"postgresql://{rest}", schema)
    if re.match(r"(host|hostaddr|dbname|user|service|port|password)\s*=", dsn):
        return Postgres(dsn, schema)
    if kind == "duckdb":
        return DuckDB(_path(rest), schema)
    if not sign and (dsn.lower().endswith((".duckdb", ".db", ".ddb")) or Path(dsn).is_file()):
        return DuckDB(Path(dsn).expanduser(), schema)
    # It is not shown: it may hold a password.
    msg = (
        f"The DSN is of no kind that is known here: {_ACCEPTED}. For other warehouses, export rows "
        "to a file."
    )
    raise NotComparableError(msg)


def _path(rest: str) -> Path:
    """Read the path of a URL: some write three slashes where others write four."""
    path = Path(rest.removeprefix("/")) if rest.startswith("/") else Path(rest)
    is_absolute = rest.startswith("/") and not path.is_file()
    return Path("/" + rest.lstrip("/")) if is_absolute else path
