"""Warehouses of the tests: what the tap sends, in tables, without the programs of others."""

from __future__ import annotations

import csv
import json
from typing import TYPE_CHECKING, Any

from tests.relating import catalog, sync
from tests.verify.stores import DuckDBStore

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping
    from pathlib import Path

    from tap_insightly.sandbox import Sandbox

    Execute = Callable[[str], object]

TYPES = {"integer": "bigint", "number": "numeric(38, 9)", "boolean": "boolean"}


def load(sandbox: Sandbox, streams: Any, execute: Execute, schema: str = "insightly") -> Any:
    """Sync in this process, and write what comes into tables; return the state."""
    done = sync(sandbox, streams)
    execute(f"create schema if not exists {schema}")
    for message in done.messages:
        if message["type"] == "SCHEMA":
            columns = message["schema"]["properties"]
            columns |= {"_sdc_deleted_at": {"type": ["string", "null"], "format": "date-time"}}
            listed = ", ".join(f'"{name}" {kind(prop)}' for name, prop in columns.items())
            execute(f'create table {schema}."{message["stream"]}" ({listed})')
    for stream in {m["stream"] for m in done.messages if m["type"] == "RECORD"}:
        rows = done.rows(stream)
        names = ", ".join(f'"{name}"' for name in rows[0])
        for start in range(0, len(rows), 200):
            values = ", ".join(
                f"({', '.join(map(literal, row.values()))})" for row in rows[start : start + 200]
            )
            execute(f'insert into {schema}."{stream}" ({names}) values {values}')  # noqa: S608 - ours
    return done.state


def documented_warehouse(sandbox: Sandbox, folder: Path) -> DuckDBStore:
    """What examples verify: a file of DuckDB and one of CSV, which hold what is there."""
    store = DuckDBStore(folder / "warehouse.duckdb")
    with store.changing() as execute:
        load(sandbox, catalog(), execute)
    write_csv(folder / "contacts.csv", sandbox.records("/Contacts"))
    return store


def kind(prop: Mapping[str, Any]) -> str:
    types = prop["type"] if isinstance(prop["type"], list) else [prop["type"]]
    (first, *more) = [one for one in types if one != "null"]
    if more:
        return "text"
    if first in {"array", "object"}:
        return "json"
    return "timestamp" if prop.get("format") == "date-time" else TYPES.get(first, "text")


def literal(value: Any) -> str:
    if value is None:
        return "null"
    if isinstance(value, list | dict):
        value = json.dumps(value, default=str)
    return "'" + str(value).replace("'", "''") + "'"


def write_csv(path: Path, rows: Iterator[Mapping[str, Any]] | list[dict[str, Any]]) -> None:
    """Write keys and dates as a warehouse exports them."""
    with path.open("w", newline="", encoding="utf-8") as file:
        writer = csv.DictWriter(
            file, ["contact_id", "date_updated_utc", "_sdc_deleted_at"], extrasaction="ignore"
        )
        writer.writeheader()
        writer.writerows({k.lower(): v for k, v in row.items()} for row in rows)
