"""JSON lines: files, written by target-jsonl."""

from __future__ import annotations

import json
from datetime import datetime
from decimal import Decimal
from typing import TYPE_CHECKING, Any

from tests.destinations import source
from tests.destinations.pipe import Pipe, documented
from tests.destinations.warehouse import GONE, account

if TYPE_CHECKING:
    from pathlib import Path

    from tap_insightly.sandbox import Sandbox
    from tests.destinations.source import Cell, Loaded

__all__ = ["account"]


class JsonLines:
    """The pipe into files; those of each run are in a folder of their own."""

    def __init__(self, folder: Path, account: Sandbox, **settings: Any) -> None:
        config = documented("target-jsonl")["config"] | {"do_timestamp_file": False}
        self.pipe = Pipe(folder, account, "target-jsonl", config, **settings)
        self.out = folder

    def __call__(self, number: int) -> dict[str, list[Loaded]]:
        """Run it; return what the target wrote, by stream."""
        out = self.out / f"run-{number}"
        out.mkdir()
        self.pipe(destination_path=str(out))
        return {
            path.stem: [json.loads(row) for row in path.read_bytes().splitlines()]
            for path in out.iterdir()
        }


def adapt(cell: Cell) -> Any:
    """What such a file holds of a cell."""
    if isinstance(cell.value, datetime):
        return f"{cell.value:%Y-%m-%dT%H:%M:%S}Z"
    if isinstance(cell.value, Decimal):
        whole = cell.value == cell.value.to_integral_value() and "." not in str(cell.value)
        return int(cell.value) if whole else float(cell.value)
    return cell.value


def test_everything_arrives_as_it_is_in_insightly(account: Sandbox, tmp_path: Path) -> None:
    files = JsonLines(tmp_path, account)(1)
    assert len(files) == len(source.paths(account)) + 2  # permissions and custom fields
    assert source.compare(account, files.__getitem__, adapt) > 5000


def test_the_next_sync_writes_what_changed_and_what_is_gone(
    account: Sandbox, tmp_path: Path
) -> None:
    pipe = JsonLines(tmp_path, account, detect_deletes=True)
    first = pipe(1)
    changed = source.change(account)
    second = pipe(2)
    sent = [row for row in second["contacts"] if row.get(GONE) is None]
    assert {row["CONTACT_ID"] for row in sent} > {changed.created, changed.updated}
    assert len(sent) < len(first["contacts"])
    gone = [row["CONTACT_ID"] for row in second["contacts"] if row.get(GONE) is not None]
    assert sorted(gone) == sorted(changed.deleted)

    # The newest line of each key is what a reader of these files goes by.
    newest = {row["CONTACT_ID"]: row for row in first["contacts"] + second["contacts"]}
    there = [{source.NEW_FIELD: None, **row} for row in newest.values() if row.get(GONE) is None]
    source.compare(account, lambda _: there, adapt, streams=["contacts"])
