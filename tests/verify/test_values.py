"""Whole records: every value that differs is told, and what a type cannot hold is no difference."""

from __future__ import annotations

from datetime import date, datetime, timedelta, timezone
from decimal import Decimal
from typing import TYPE_CHECKING, Any

import pytest

from tap_insightly.sandbox import Faults
from tap_insightly.verify.values import is_same
from tests.destinations import source
from tests.relating import catalog
from tests.verify.conftest import Case
from tests.verify.loading import load

if TYPE_CHECKING:
    from pathlib import Path

NOON = datetime(2026, 4, 9, 12)  # noqa: DTZ001 - as a warehouse has it: UTC, without a zone


@pytest.mark.parametrize(
    ("ours", "theirs"),
    [
        (None, None),
        ("", None),
        ("text", "text"),
        ("a\x00b", "a\ufffdb"),
        ("a\x00b", "ab"),
        (7, 7),
        (7, Decimal("7.000")),
        (Decimal("1.50"), 1.5),
        (Decimal("1234567890123456789.01"), 1234567890123456800.0),
        (True, True),
        (True, "t"),
        (False, "false"),
        (False, 0),
        ("1.50", 1.5),
        (7, "7"),
        ("2026-04-09T12:00:00Z", NOON),
        ("2026-04-09T12:00:00.7Z", NOON),
        ("2026-04-09T12:00:00Z", NOON.replace(tzinfo=timezone.utc)),
        ("2026-04-09T00:00:00Z", date(2026, 4, 9)),
        ("2026-04-09T12:00:00Z", "2026-04-09 12:00:00+00:00"),
        (["a", "b"], ["a", "b"]),
        (["a", "b"], '["a", "b"]'),
        ([{"ID": 1, "DETAILS": None}], ['{"ID": 1}']),
        ([{"ID": Decimal("1.5")}], '[{"ID": 1.5}]'),
        ([], "[]"),
    ],
)
def test_these_are_the_same(ours: Any, theirs: Any) -> None:
    assert is_same(ours, theirs)


@pytest.mark.parametrize(
    ("ours", "theirs"),
    [
        (None, "text"),
        ("text", None),
        (0, None),
        (False, None),
        ("text", "Text"),
        ("text ", "text"),
        (7, 8),
        (7, "seven"),
        (Decimal("1.50"), 1.51),
        (True, False),
        (True, "maybe"),
        ("high", 7),
        ("2026-04-09T12:00:00Z", NOON + timedelta(seconds=1)),
        ("2026-04-09T12:00:00Z", date(2026, 4, 9)),
        (["a", "b"], ["b", "a"]),
        (["a", "b"], ["a"]),
        ([{"ID": 1}], '[{"ID": 2}]'),
        ([{"ID": 1}], "not json"),
        (["a"], 7),
    ],
)
def test_these_are_not(ours: Any, theirs: Any) -> None:
    assert not is_same(ours, theirs)


def test_what_differs_in_a_record_is_told_by_column(case: Case) -> None:
    key = case.ids()[4]
    table = 'insightly."contacts"'
    case.execute(
        f"update {table} set \"FIRST_NAME\" = 'Nobody', \"Hobby__c\" = 'none' "  # noqa: S608 - ours
        f'where "CONTACT_ID" = {key}'
    )
    args = ("--stream", "contacts", "--values", "1000", "--seed", "1")
    done = case.verify(*args, "--json")
    assert done.code == 1, done.stdout
    values = done.json["values"]
    assert values["compared"] == len(case.ids())
    (one,) = values["differing"]
    assert (one["stream"], one["key"]) == ("contacts", key)
    assert set(one["columns"]) == {"FIRST_NAME", "Hobby__c"}
    assert one["columns"]["FIRST_NAME"]["warehouse"] == "Nobody"
    shown = case.verify(*args)
    assert f"contacts {key} differs in FIRST_NAME, Hobby__c" in shown.lines


def test_every_value_of_every_type_is_the_same_after_a_sync(tmp_path: Path) -> None:
    from tests.verify.stores import DuckDBStore  # noqa: PLC0415 - not there on every Python

    store = DuckDBStore(tmp_path / "warehouse.duckdb")
    with source.new_account().serve() as account:
        with store.changing() as execute:
            load(account, catalog(), execute)
        done = Case(account, store, None).verify("--values", "100000", "--json")
    assert done.code == 0, [one["columns"] for one in done.json["values"]["differing"]]
    assert done.json["values"]["compared"] > 200


def test_the_same_seed_takes_the_same_records(duck: Case) -> None:
    asked = []
    for seed in (1, 1, 2):
        assert duck.verify("--values", "5", "--seed", seed).code == 0
        paths = [one.path for one in duck.account.requests]
        asked.append({path for path in paths if path.rpartition("/")[2].isdigit()})
    assert len(asked[0]) == 5
    assert asked[0] == asked[1] != asked[2]
    done = duck.verify("--values", "5")
    assert "5 whole records compared (--seed " in done.stdout


def test_what_changed_or_went_since_is_not_compared(duck: Case) -> None:
    ids = duck.ids()
    duck.account.update("/Contacts", ids[0], FIRST_NAME="Changed")
    duck.account.delete("/Contacts", ids[1])
    args = ("--stream", "contacts", "--values", "1000", "--json")
    values = duck.verify(*args).json["values"]
    assert (values["compared"], values["changed_since"]) == (len(ids) - 2, 2)
    assert values["differing"] == []


def test_columns_that_are_not_there_are_told(duck: Case) -> None:
    duck.execute('alter table insightly.contacts drop column "Hobby__c"')
    done = duck.verify("--stream", "contacts", "--values", "1", "--json")
    assert done.code == 0
    assert done.json["values"]["notes"] == ["insightly.contacts has no Hobby__c."]


def test_of_several_rows_of_a_record_the_newest_is_compared(duck: Case) -> None:
    key = duck.ids()[4]
    duck.execute(
        "insert into insightly.contacts (CONTACT_ID, FIRST_NAME, DATE_UPDATED_UTC) "  # noqa: S608 - ours
        f"values ({key}, 'Old', '2001-02-03')"
    )
    done = duck.verify("--stream", "contacts", "--values", "1000", "--json")
    assert done.code == 0, done.stdout
    assert done.json["values"]["compared"] == len(duck.ids())


def test_records_that_cannot_be_read_are_not_called_the_same(duck: Case) -> None:
    args = ("--stream", "contacts", "--values", "5")
    duck.verify(*args)
    duck.account.faults = Faults(daily_quota=len(duck.account.requests) - 3)
    done = duck.verify(*args, "--json")
    assert done.code == 75
    values = done.json["values"]
    assert values["compared"] + values["failed"] == 5
    assert values["failed"] >= 3
    duck.account.faults = Faults(daily_quota=duck.account.faults.daily_quota)
    assert "could not be compared." in duck.verify(*args).stdout
