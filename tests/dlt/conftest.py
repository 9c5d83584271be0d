"""Pipelines of dlt, from a sandbox into files of DuckDB."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest

pytest.importorskip("duckdb", reason="duckdb 1.2.2 is not built for this Python")

import dlt

from tap_insightly.dlt import insightly
from tests.conftest import KEY

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from dlt import Pipeline
    from dlt.extract import DltSource

    from tap_insightly.sandbox import Sandbox

    Source = Callable[..., DltSource]

PAGE = 10
"""Records of a page, in accounts of some sixty contacts."""


@pytest.fixture(autouse=True)
def _alone(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Nothing of whoever runs the tests is read, and nobody is told of them."""
    monkeypatch.setenv("DLT_DATA_DIR", str(tmp_path / "dlt"))
    monkeypatch.setenv("RUNTIME__DLTHUB_TELEMETRY", "false")
    monkeypatch.chdir(tmp_path)
    # A table for each page, so that there are many of them.
    monkeypatch.setattr("tap_insightly.dlt.reading.ROWS", 1)


@pytest.fixture
def pipeline(tmp_path: Path) -> Pipeline:
    """A pipeline into a file of its own."""
    destination = dlt.destinations.duckdb(str(tmp_path / "warehouse.duckdb"))
    return dlt.pipeline(
        "insightly",
        pipelines_dir=str(tmp_path / "pipelines"),
        destination=destination,
        dataset_name="crm",
    )


@pytest.fixture
def source(sandbox: Sandbox) -> Source:
    """What makes sources of the test's sandbox."""

    def make(*streams: str, **settings: Any) -> DltSource:
        given = {"requests_per_second": 100, "page_size": PAGE, "lookback_seconds": 1, **settings}
        return insightly(KEY, api_url=sandbox.api_url, streams=list(streams) or None, **given)

    return make


def ask(pipeline: Pipeline, statement: str) -> list[dict[str, Any]]:
    """Ask the destination; what is JSON there is read."""
    with pipeline.sql_client() as client:
        relation = client.native_connection.sql(statement)
        is_json = [str(kind) == "JSON" for kind in relation.types]
        return [
            {
                name: json.loads(value) if nested and value is not None else value
                for name, value, nested in zip(relation.columns, row, is_json, strict=True)
            }
            for row in relation.fetchall()
        ]


def ids(pipeline: Pipeline, table: str = "contacts", key: str = "contact_id") -> list[int]:
    """The keys of a table, in order."""
    return [row[key] for row in ask(pipeline, f"select {key} from crm.{table} order by 1")]  # noqa: S608 - ours


def contacts(sandbox: Sandbox) -> list[int]:
    """The ids of the contacts that there are."""
    return sorted(record["CONTACT_ID"] for record in sandbox.records("/Contacts"))
