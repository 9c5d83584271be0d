"""What every database has to keep of Insightly: tests that each destination inherits."""

from __future__ import annotations

from abc import ABC, abstractmethod
from datetime import timedelta
from typing import TYPE_CHECKING, Any

import pytest

from tap_insightly.values import parse_moment
from tests.conftest import Tap, new_sandbox, only
from tests.destinations import source
from tests.destinations.pipe import Pipe, documented, sql

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence
    from pathlib import Path

    from tap_insightly.sandbox import Sandbox
    from tests.destinations.source import Cell, Loaded

LOOKBACK = timedelta(seconds=60)  # the tap's default
GONE = "_sdc_deleted_at"
MOMENT = "2026-11-24T14:00:00Z"


class Warehouse(ABC):
    """A database, as a user of it sees it."""

    target: str
    """The name of the target that loads it."""

    options: Mapping[str, Any]
    """The configuration of the target, besides that of docs/destinations.md."""

    @abstractmethod
    def ask(self, statement: str) -> list[Loaded]:
        """Run a statement; return rows, nested data as Python has it."""

    @staticmethod
    @abstractmethod
    def adapt(cell: Cell) -> Any:
        """Say what it makes of a cell."""

    @staticmethod
    @abstractmethod
    def name(column: str) -> str:
        """Say what it makes of the name of a column."""

    @abstractmethod
    def clear(self) -> None:
        """Remove what earlier tests left."""

    def load(self, stream: str) -> list[Loaded]:
        """Read a table."""
        return self.ask(f'select * from insightly."{stream}"')  # noqa: S608 - our own words

    def load_what_is_there(self, stream: str) -> list[Loaded]:
        """Read the rows of a table that are not marked as deleted."""
        return [row for row in self.load(stream) if row[GONE] is None]

    def pipe(self, folder: Path, account: Sandbox, **settings: Any) -> Pipe:
        """Connect an account with it, as docs/destinations.md says."""
        config = documented(self.target)["config"] | dict(self.options)
        return Pipe(folder, account, self.target, config, **settings)


@pytest.fixture
def account() -> Iterator[Sandbox]:
    """An account with values that are hard to carry."""
    with source.new_account().serve() as account:
        yield account


class WarehouseTests:
    """To be inherited; the module has a fixture ``warehouse``."""

    def test_everything_arrives_as_it_is_in_insightly(
        self, warehouse: Warehouse, account: Sandbox, tmp_path: Path
    ) -> None:
        warehouse.pipe(tmp_path, account)()
        same = source.compare(account, warehouse.load, warehouse.adapt, name=warehouse.name)
        assert same > 5000

    def test_the_next_sync_brings_what_changed_and_leaves_the_rest_alone(
        self, warehouse: Warehouse, account: Sandbox, tmp_path: Path
    ) -> None:
        pipe = warehouse.pipe(tmp_path, account)
        state = pipe()
        key, written = warehouse.name("CONTACT_ID"), "_sdc_batched_at"
        before = {row[key]: row for row in warehouse.load("contacts")}
        bookmark = state["bookmarks"]["contacts"]["replication_key_value"]
        changed = source.change(account)
        pipe()

        after = {row[key]: row for row in warehouse.load("contacts")}
        since = parse_moment(bookmark) - LOOKBACK
        sent = {
            record["CONTACT_ID"]
            for record in account.records("/Contacts")
            if parse_moment(record["DATE_UPDATED_UTC"]) >= since
        }
        assert sent > {changed.created, changed.updated}
        assert len(sent) < len(after) / 2
        rewritten = {k for k, row in after.items() if row[written] != _of(before, k, written)}
        assert rewritten == sent
        # Nobody asked for deletions, so what is gone stays as it was.
        gone = set(changed.deleted)
        assert all(after[k] == {**before[k], warehouse.name(source.NEW_FIELD): None} for k in gone)

        def load(stream: str) -> list[Loaded]:
            rows = warehouse.load(stream)
            return [row for row in rows if row[key] not in gone] if stream == "contacts" else rows

        source.compare(account, load, warehouse.adapt, name=warehouse.name)

    def test_what_is_deleted_in_insightly_is_marked(
        self, warehouse: Warehouse, account: Sandbox, tmp_path: Path
    ) -> None:
        pipe = warehouse.pipe(tmp_path, account, detect_deletes=True)
        pipe()
        id_name = warehouse.name("CONTACT_ID")
        before = {row[id_name]: row for row in warehouse.load("contacts")}
        view = sql("What is still in Insightly, in Postgres and DuckDB, after each sync")
        warehouse.ask(view)
        changed = source.change(account)
        key = account.records("/Organisations")[-1]["ORGANISATION_ID"]
        account.delete("/Organisations", key)
        pipe()
        contacts = warehouse.load("contacts")
        assert len(contacts) == len(before) + 1
        gone = {row[id_name]: _data(row) for row in contacts if row[GONE] is not None}
        new = {warehouse.name(source.NEW_FIELD): None}
        assert gone == {key: _data(before[key]) | new for key in changed.deleted}
        there = warehouse.load_what_is_there
        source.compare(account, there, warehouse.adapt, name=warehouse.name)
        # With the view that the document shows, which was made before there was the new field.
        warehouse.ask(view)
        source.compare(
            account,
            lambda _: warehouse.load("contacts_now"),
            warehouse.adapt,
            name=warehouse.name,
            streams=["contacts"],
        )

    def test_a_deletion_changes_its_own_row_only_and_goes_if_the_record_comes_back(
        self, warehouse: Warehouse, account: Sandbox, tmp_path: Path
    ) -> None:
        pipe = warehouse.pipe(tmp_path, account, detect_deletes=True)
        catalog = only(Tap(tmp_path).discover(account, detect_deletes=True), "contacts")
        id_name, name = warehouse.name("CONTACT_ID"), warehouse.name("LAST_NAME")

        def load() -> dict[int, Loaded]:
            return {row[id_name]: row for row in warehouse.load("contacts")}

        pipe(catalog=catalog)
        before = load()
        assert all(row[GONE] is None for row in before.values())
        other, *_, last = account.records("/Contacts")
        keys = {other["CONTACT_ID"], (key := last["CONTACT_ID"])}
        for one in keys:
            account.delete("/Contacts", one)
        pipe(catalog=catalog)
        after = load()
        assert {k for k, row in after.items() if row[GONE] is not None} == keys
        assert {k: _data(row) for k, row in after.items()} == {
            k: _data(row) for k, row in before.items()
        }
        # One with its old date, the other as if this user had lost sight of it for a while.
        account.restore("/Contacts", other["CONTACT_ID"])
        account.restore("/Contacts", key)
        account.update("/Contacts", key, LAST_NAME="Returned")
        pipe(catalog=catalog)
        assert (load()[key][name], load()[key][GONE]) == ("Returned", None)
        assert load()[other["CONTACT_ID"]][GONE] is None
        source.compare(
            account, warehouse.load, warehouse.adapt, name=warehouse.name, streams=["contacts"]
        )

    def test_a_tombstone_of_a_schema_of_its_own_keeps_what_was_known_last(
        self, warehouse: Warehouse, tmp_path: Path
    ) -> None:
        with new_sandbox(records=1).serve() as nobody:
            pipe = warehouse.pipe(tmp_path, nobody)
        first = [*SCHEMA, record(301, "Ada"), record(302, "Ben"), STATE]
        pipe.feed(first)
        pipe.feed([*SCHEMA, record(302, "Bea"), *TOMBSTONES, STATE])
        pipe.feed([*SCHEMA, record(302, "Bob"), STATE])
        rows = warehouse.load("people")
        named = {
            row[warehouse.name("ID")]: (row[warehouse.name("NAME")], row[GONE]) for row in rows
        }
        assert (named[301][0], named[302]) == ("Ada", ("Bob", None))
        assert named[999][0] is None  # one that never existed: a row that is not there, too
        assert named[301][1] is not None
        assert named[999][1] is not None

    def test_a_tombstone_under_the_schema_of_its_stream_empties_the_row(
        self, warehouse: Warehouse, tmp_path: Path
    ) -> None:
        """What the targets do, and why tombstones come under a schema of their own."""
        with new_sandbox(records=1).serve() as nobody:
            pipe = warehouse.pipe(tmp_path, nobody)
        pipe.feed([*SCHEMA, record(301, "Ada"), STATE])
        pipe.feed([*SCHEMA, tombstone(301), STATE])
        (row,) = warehouse.load("people")
        assert row[warehouse.name("NAME")] is None
        assert row[GONE] is not None


def _data(row: Loaded) -> Loaded:
    """What a row has of Insightly, without what the target notes of its own work."""
    return {name: value for name, value in row.items() if not name.startswith("_sdc_")}


def _of(rows: Mapping[Any, Loaded], key: Any, column: str) -> Any:
    return rows[key][column] if key in rows else None


_GONE = {"type": ["string", "null"], "format": "date-time"}
_KEY = {"ID": {"type": "integer"}}


def _schema(properties: Mapping[str, Any]) -> list[dict[str, Any]]:
    schema = {"type": "object", "properties": dict(properties)}
    return [{"type": "SCHEMA", "stream": "people", "schema": schema, "key_properties": ["ID"]}]


SCHEMA: Sequence[dict[str, Any]] = _schema(
    {**_KEY, "NAME": {"type": ["string", "null"]}, GONE: _GONE}
)
STATE: dict[str, Any] = {"type": "STATE", "value": {"bookmarks": {}}}


def record(number: int, name: str) -> dict[str, Any]:
    """A message."""
    row = {"ID": number, "NAME": name, GONE: None}
    return {"type": "RECORD", "stream": "people", "record": row, "time_extracted": MOMENT}


def tombstone(number: int) -> dict[str, Any]:
    """A message that says that a record is gone."""
    row = {"ID": number, GONE: MOMENT}
    return {"type": "RECORD", "stream": "people", "record": row, "time_extracted": MOMENT}


TOMBSTONES = [*_schema({**_KEY, GONE: _GONE}), tombstone(301), tombstone(999)]
