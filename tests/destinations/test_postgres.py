"""Postgres: a server of the tests' own, loaded by target-postgres."""

from __future__ import annotations

import json
from decimal import Decimal
from typing import TYPE_CHECKING, Any

import psycopg
import pytest
from psycopg.rows import dict_row
from psycopg.types.json import set_json_loads

from tap_insightly.sandbox import Faults
from tests.conftest import Tap, new_sandbox, only
from tests.destinations import source
from tests.destinations.pipe import documented_setting, sql
from tests.destinations.postgres import postgres
from tests.destinations.warehouse import Warehouse, WarehouseTests, account

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from tap_insightly.sandbox import Sandbox
    from tests.destinations.source import Cell, Loaded

pytestmark = pytest.mark.slow
__all__ = ["account"]


class Postgres(Warehouse):
    """A database of Postgres."""

    target = "target-postgres"

    def __init__(self, server: dict[str, Any]) -> None:
        self.options = {**server, "database": server["dbname"]}
        del self.options["dbname"]
        self.connection = psycopg.connect(**server, autocommit=True, row_factory=dict_row)
        self.connection.prepare_threshold = None  # tables change from one test to the next
        set_json_loads(lambda text: json.loads(text, parse_float=Decimal), self.connection)

    def ask(self, statement: str) -> list[Loaded]:
        cursor = self.connection.execute(statement.encode())
        return cursor.fetchall() if cursor.description else []

    @staticmethod
    def adapt(cell: Cell) -> Any:
        if cell.kind == "any" and cell.value is not None:
            return str(cell.value)  # a column of no certain type is text
        return cell.value

    @staticmethod
    def name(column: str) -> str:
        return column

    def clear(self) -> None:
        self.ask("drop schema if exists insightly cascade")


@pytest.fixture(scope="module")
def server() -> Iterator[Postgres]:
    with postgres() as server:
        postgres_server = Postgres(server)
        yield postgres_server
        postgres_server.connection.close()


@pytest.fixture
def warehouse(server: Postgres) -> Postgres:
    server.clear()
    return server


class TestPostgres(WarehouseTests):
    """What every database has to keep."""


def test_all_values_are_the_same_whether_records_are_validated_or_not(
    warehouse: Postgres, account: Sandbox, tmp_path: Path
) -> None:
    """That `validate_records: false` is fast is no use if it is not."""
    loaded = []
    for is_validated in (True, False):
        warehouse.clear()
        (tmp_path / "state.json").unlink(missing_ok=True)
        warehouse.pipe(tmp_path, account)(validate_records=is_validated)
        tables = warehouse.ask("select tablename from pg_tables where schemaname = 'insightly'")
        loaded.append({one["tablename"]: values(warehouse, one["tablename"]) for one in tables})
    assert loaded[0] == loaded[1]
    assert len(loaded[0]) > 40
    assert sum(map(len, loaded[0].values())) > 400


def values(warehouse: Postgres, table: str) -> list[str]:
    """All rows, in some order, without when they were loaded."""
    return sorted(
        repr({name: value for name, value in row.items() if not name.startswith("_sdc_")})
        for row in warehouse.load(table)
    )


def test_copy_instead_of_insert_loads_the_same(
    warehouse: Postgres, account: Sandbox, tmp_path: Path
) -> None:
    warehouse.pipe(tmp_path, account)(use_copy=True)
    source.compare(account, warehouse.load, warehouse.adapt)


def test_files_of_batch_messages_load_the_same(
    warehouse: Postgres, account: Sandbox, tmp_path: Path
) -> None:
    config = documented_setting("batch_config", "file://")
    config["storage"]["root"] = (tmp_path / "batches").as_uri()
    warehouse.pipe(tmp_path, account, batch_config=config)()
    source.compare(account, warehouse.load, warehouse.adapt)


def test_a_tombstone_in_a_file_empties_its_row(
    warehouse: Postgres, account: Sandbox, tmp_path: Path
) -> None:
    """In files, tombstones have no schema of their own."""
    config = documented_setting("batch_config", "file://")
    config["storage"]["root"] = (tmp_path / "batches").as_uri()
    pipe = warehouse.pipe(tmp_path, account, detect_deletes=True, batch_config=config)
    catalog = only(Tap(tmp_path).discover(account, detect_deletes=True), "contacts")
    pipe(catalog=catalog)
    key = account.records("/Contacts")[2]["CONTACT_ID"]
    account.delete("/Contacts", key)
    pipe(catalog=catalog)
    (gone,) = (row for row in warehouse.load("contacts") if row["_sdc_deleted_at"] is not None)
    assert (gone["CONTACT_ID"], gone["DATE_UPDATED_UTC"]) == (key, None)
    source.compare(account, warehouse.load_what_is_there, warehouse.adapt, streams=["contacts"])


def test_what_belongs_to_records_joins_with_them(
    warehouse: Postgres, account: Sandbox, tmp_path: Path
) -> None:
    streams = ("contacts", "record_tags", "opportunities", "opportunity_state_history")
    catalog = only(Tap(tmp_path).discover(account), *streams)
    warehouse.pipe(tmp_path, account)(catalog=catalog)
    tags = warehouse.ask(
        'select "CONTACT_ID", "TAG_NAME" from insightly.contacts join insightly.record_tags '
        """on "PARENT_TYPE" = 'Contact' and "PARENT_ID" = "CONTACT_ID" """
    )
    assert sorted((row["CONTACT_ID"], row["TAG_NAME"]) for row in tags) == sorted(
        (record["CONTACT_ID"], tag["TAG_NAME"])
        for record in account.records("/Contacts")
        for tag in record["TAGS"]
    )
    states = warehouse.ask(
        'select o."OPPORTUNITY_ID" as key, count(*) from insightly.opportunities o '
        'join insightly.opportunity_state_history using ("OPPORTUNITY_ID") group by 1'
    )
    history = account.children("/Opportunities", "StateHistory")
    assert {row["key"]: row["count"] for row in states} == {
        key: len(changes) for key, changes in history.items() if changes
    }


@pytest.mark.parametrize(
    ("use_copy", "money", "truth"),
    [(False, source.MUCH_MONEY, "true"), (True, "1234567890123456800", "t")],
)
def test_money_keeps_every_digit_and_a_field_of_no_certain_type_is_text(
    warehouse: Postgres, tmp_path: Path, *, use_copy: bool, money: str, truth: str
) -> None:
    """With COPY, this target keeps 15 digits only."""
    with new_sandbox(records=3).serve() as account:
        for score in ("high", 7, True, "1.50", None):
            fields = source.custom(Score__c=score, Credit_Limit__c=source.MUCH_MONEY)
            account.create("/Contacts", CUSTOMFIELDS=fields)
        catalog = only(Tap(tmp_path).discover(account), "contacts")
        warehouse.pipe(tmp_path, account)(catalog=catalog, use_copy=use_copy)
    rows = warehouse.ask(
        'select "Score__c" as score, "Credit_Limit__c" as money from insightly.contacts '
        'order by "CONTACT_ID" desc limit 5'
    )
    assert [row["score"] for row in rows] == [None, "1.50", truth, "7", "high"]
    assert {row["money"] for row in rows} == {Decimal(money)}


def test_a_character_that_postgres_does_not_have_stops_nothing(
    warehouse: Postgres, tmp_path: Path
) -> None:
    with new_sandbox(records=3).serve() as account:
        account.create(
            "/Contacts", FIRST_NAME=source.NUL, CUSTOMFIELDS=source.custom(Hobby__c="\0")
        )
        catalog = only(Tap(tmp_path).discover(account), "contacts")
        warehouse.pipe(tmp_path, account)(catalog=catalog)
    (row,) = warehouse.ask(
        'select "FIRST_NAME" as name, "Hobby__c" as hobby from insightly.contacts '
        'order by "CONTACT_ID" desc limit 1'
    )
    assert (row["name"], row["hobby"]) == ("before\ufffdafter", "\ufffd")


def test_one_statement_removes_what_is_deleted_in_insightly(
    warehouse: Postgres, account: Sandbox, tmp_path: Path
) -> None:
    streams = ("contacts", "organisations")
    pipe = warehouse.pipe(tmp_path, account, detect_deletes=True)
    catalog = only(Tap(tmp_path).discover(account, detect_deletes=True), *streams)
    pipe(catalog=catalog)
    for record in account.records("/Contacts")[3:6]:
        account.delete("/Contacts", record["CONTACT_ID"])
    account.delete("/Organisations", account.records("/Organisations")[0]["ORGANISATION_ID"])
    pipe(catalog=catalog)
    assert len(warehouse.load("contacts")) == account.count("/Contacts") + 3
    warehouse.ask(sql("Hard deletes in Postgres, after each sync"))
    source.compare(account, warehouse.load, warehouse.adapt, streams=streams)


@pytest.mark.parametrize("is_hard", [False, True])
def test_rows_of_lists_that_are_read_whole_go_with_activate_version(
    warehouse: Postgres, account: Sandbox, tmp_path: Path, *, is_hard: bool
) -> None:
    pipe = warehouse.pipe(tmp_path, account, emit_activate_version_messages=True)
    pipe(hard_delete=is_hard)
    key = account.records("/LeadSources")[0]["LEAD_SOURCE_ID"]
    account.delete("/LeadSources", key)
    pipe(hard_delete=is_hard)
    gone = [
        row["LEAD_SOURCE_ID"] for row in warehouse.load("lead_sources") if row["_sdc_deleted_at"]
    ]
    assert gone == ([] if is_hard else [key])
    source.compare(account, warehouse.load_what_is_there, warehouse.adapt)


@pytest.mark.parametrize(
    "habits",
    [
        {"forbidden": {"/LeadSources"}},
        {"missing": {"/LeadSources"}},
        {"totals": {"/LeadSources": 100}},
        {"bodies": {"/LeadSources": b"[]"}},
    ],
    ids=["forbidden", "missing", "short", "empty"],
)
def test_rows_of_a_list_that_cannot_be_read_whole_stay(
    warehouse: Postgres, account: Sandbox, tmp_path: Path, habits: dict[str, Any]
) -> None:
    """However hard the target deletes what is of another version."""
    catalog = only(Tap(tmp_path).discover(account), "lead_sources", "lead_statuses")
    pipe = warehouse.pipe(tmp_path, account, emit_activate_version_messages=True)
    pipe(catalog=catalog, hard_delete=True)
    before = [row["LEAD_SOURCE_ID"] for row in warehouse.load("lead_sources")]
    account.faults = Faults(**habits)
    pipe(catalog=catalog, hard_delete=True)
    after = warehouse.load("lead_sources")
    assert [row["LEAD_SOURCE_ID"] for row in after if not row["_sdc_deleted_at"]] == before


def test_fields_with_long_names_load_each_into_its_own_column(
    warehouse: Postgres, account: Sandbox, tmp_path: Path
) -> None:
    """Postgres cuts names itself, so that two columns of the same beginning would be one."""
    beginning = "How_did_you_hear_about_us_and_what_made_you_get_in_touch_größer_"
    names = [f"{beginning}{end}__c" for end in ("one", "two")]
    for name in names:
        account.add_custom_field("/Contacts", name, "TEXT", name, "", [])
    fields = [{"FIELD_NAME": name, "FIELD_VALUE": name} for name in names]
    key = account.create("/Contacts", FIRST_NAME="Long", CUSTOMFIELDS=fields)["CONTACT_ID"]
    warehouse.pipe(tmp_path, account)(catalog=only(Tap(tmp_path).discover(account), "contacts"))
    (row,) = (row for row in warehouse.load("contacts") if row["CONTACT_ID"] == key)
    values = {column: value for column, value in row.items() if column.startswith("How_did")}
    assert sorted(values.values()) == names
