"""DuckDB: a file, loaded by target-duckdb."""

from __future__ import annotations

import json
from decimal import Decimal
from typing import TYPE_CHECKING, Any

import pytest

from tests.conftest import new_sandbox
from tests.destinations import source
from tests.destinations.pipe import documented_setting, sql
from tests.destinations.warehouse import Warehouse, WarehouseTests, account

duckdb = pytest.importorskip("duckdb", reason="duckdb 1.2.2 is not built for this Python")

if TYPE_CHECKING:
    from pathlib import Path

    from tap_insightly.sandbox import Sandbox
    from tests.destinations.source import Cell, Loaded

pytestmark = pytest.mark.slow
__all__ = ["account"]


class DuckDB(Warehouse):
    """A database in a file."""

    target = "target-duckdb"

    def __init__(self, folder: Path) -> None:
        self.path = folder / "warehouse.duckdb"
        self.options = {"filepath": str(self.path)}

    def ask(self, statement: str) -> list[Loaded]:
        with duckdb.connect(str(self.path)) as connection:
            relation = connection.sql(statement)
            if relation is None:
                return []
            is_json = [str(kind) == "JSON" for kind in relation.types]
            return [
                {
                    name: json.loads(value) if nested and value is not None else value
                    for name, value, nested in zip(relation.columns, row, is_json, strict=True)
                }
                for row in relation.fetchall()
            ]

    @staticmethod
    def adapt(cell: Cell) -> Any:
        if cell.value is None or cell.value == "":
            return None  # this target makes null of an empty text
        if cell.kind in {"number", "any"}:
            return float(cell.value)  # and a float of a number
        return cell.value

    @staticmethod
    def name(column: str) -> str:
        return column.lower()

    def clear(self) -> None:
        self.path.unlink(missing_ok=True)


@pytest.fixture
def warehouse(tmp_path: Path) -> DuckDB:
    return DuckDB(tmp_path)


class TestDuckDB(WarehouseTests):
    """What every database has to keep."""


def test_hard_delete_removes_what_is_deleted_in_insightly(
    warehouse: DuckDB, account: Sandbox, tmp_path: Path
) -> None:
    pipe = warehouse.pipe(tmp_path, account, detect_deletes=True)
    pipe(hard_delete=True)
    source.change(account)
    pipe(hard_delete=True)
    source.compare(account, warehouse.load, warehouse.adapt, name=warehouse.name)


def test_this_target_keeps_15_digits_of_a_number_and_makes_null_of_an_empty_text(
    warehouse: DuckDB, tmp_path: Path
) -> None:
    with new_sandbox(records=3).serve() as account:
        fields = source.custom(Credit_Limit__c=source.MUCH_MONEY)
        account.create("/Contacts", FIRST_NAME="", CUSTOMFIELDS=fields)
        warehouse.pipe(tmp_path, account)()
    (row,) = warehouse.ask(
        "select first_name, credit_limit__c from insightly.contacts "
        "order by contact_id desc limit 1"
    )
    assert row["first_name"] is None
    lost = Decimal(row["credit_limit__c"]) - Decimal(source.MUCH_MONEY)
    assert 0 < abs(lost) < 200


def test_a_text_in_a_field_of_no_certain_type_has_to_be_cast_on_the_way(
    warehouse: DuckDB, tmp_path: Path
) -> None:
    with new_sandbox(records=3).serve() as account:
        for score in ("high", 7, "1.50", None):
            account.create("/Contacts", CUSTOMFIELDS=source.custom(Score__c=score))
        maps = documented_setting("stream_maps")
        with pytest.raises(AssertionError, match="Could not convert string"):
            warehouse.pipe(tmp_path, account)()
        warehouse.clear()
        warehouse.pipe(tmp_path, account, stream_maps=maps)()
    rows = warehouse.ask(
        "select score__c as score from insightly.contacts order by contact_id desc limit 4"
    )
    assert [row["score"] for row in rows] == [None, "1.50", "7", "high"]


def test_rows_of_lists_that_are_read_whole_stay_with_this_target(
    warehouse: DuckDB, account: Sandbox, tmp_path: Path
) -> None:
    """It takes ACTIVATE_VERSION messages, and does nothing."""
    pipe = warehouse.pipe(tmp_path, account, emit_activate_version_messages=True)
    pipe(hard_delete=True)
    sources = account.records("/LeadSources")
    account.delete("/LeadSources", sources[0]["LEAD_SOURCE_ID"])
    warehouse.ask(  # as if that had been yesterday
        "update insightly.lead_sources set _sdc_extracted_at = _sdc_extracted_at - interval 1 day"
    )
    pipe(hard_delete=True)
    assert len(warehouse.load("lead_sources")) == len(sources)
    # What was not written by the last sync is what is gone.
    warehouse.ask(sql("Rows of lists that are read whole, in DuckDB, after each sync"))
    source.compare(account, warehouse.load, warehouse.adapt, name=warehouse.name)
