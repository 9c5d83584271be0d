"""CSV: files, written by MeltanoLabs' target-csv."""

from __future__ import annotations

import ast
import csv
from datetime import datetime
from decimal import Decimal
from typing import TYPE_CHECKING, Any

import pytest

from tests.destinations import source
from tests.destinations.pipe import Pipe, documented, documented_setting
from tests.destinations.warehouse import GONE, account

if TYPE_CHECKING:
    from pathlib import Path

    from tap_insightly.sandbox import Sandbox
    from tests.destinations.source import Cell, Loaded

pytestmark = pytest.mark.slow
__all__ = ["account"]

csv.field_size_limit(1_000_000)


class Csv:
    """The pipe into files; those of each run are in a folder of their own."""

    def __init__(self, folder: Path, account: Sandbox, **settings: Any) -> None:
        self.pipe = Pipe(
            folder, account, "target-csv", documented("target-csv")["config"], **settings
        )
        self.out = folder

    def __call__(self, number: int) -> dict[str, list[Loaded]]:
        """Run it; return what the target wrote, by stream."""
        out = self.out / f"run-{number}"
        self.pipe(output_path=str(out))
        files, nested = {}, source.nested(self.pipe.sandbox)
        for path in out.iterdir():
            stream, _, moment = path.stem.partition("-")
            assert moment, "each sync has files of its own"
            with path.open(encoding="utf-8", newline="") as file:
                files[stream] = [_decoded(row, nested) for row in csv.DictReader(file, strict=True)]
        return files


def _decoded(row: dict[str, str], nested: frozenset[str]) -> Loaded:
    """Read nested data, which this target writes as Python does."""
    return {
        name: ast.literal_eval(text) if name in nested and text else text
        for name, text in row.items()
    }


def adapt(cell: Cell) -> Any:
    """What such a file holds of a cell: text, and no difference between empty and null."""
    if cell.value is None:
        return ""
    if cell.kind == "json":
        return cell.value
    if isinstance(cell.value, datetime):
        return f"{cell.value}+00:00"
    return str(cell.value)


def test_everything_arrives_as_it_is_in_insightly(account: Sandbox, tmp_path: Path) -> None:
    files = Csv(tmp_path, account)(1)
    assert source.compare(account, files.__getitem__, adapt) > 5000


def test_the_next_sync_writes_what_changed_and_what_is_gone(
    account: Sandbox, tmp_path: Path
) -> None:
    schema = documented_setting("tombstone_schema")
    pipe = Csv(tmp_path, account, detect_deletes=True, tombstone_schema=schema)
    first = pipe(1)
    changed = source.change(account)
    second = pipe(2)
    gone = {
        row["CONTACT_ID"]: {
            name for name, value in row.items() if value and not name.startswith("_sdc_")
        }
        for row in second["contacts"]
        if row[GONE]
    }
    assert gone == {str(key): {"CONTACT_ID"} for key in changed.deleted}
    assert all(row.keys() == second["contacts"][0].keys() for row in second["contacts"])

    newest = {row["CONTACT_ID"]: row for row in first["contacts"] + second["contacts"]}
    there = [{source.NEW_FIELD: "", **row} for row in newest.values() if not row[GONE]]
    source.compare(account, lambda _: there, adapt, streams=["contacts"])


def test_money_keeps_every_digit(account: Sandbox, tmp_path: Path) -> None:
    account.create("/Contacts", CUSTOMFIELDS=source.custom(Credit_Limit__c=source.MUCH_MONEY))
    (*_, row) = Csv(tmp_path, account)(1)["contacts"]
    assert Decimal(row["Credit_Limit__c"]) == Decimal(source.MUCH_MONEY)
