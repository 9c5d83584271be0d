"""After real syncs by real targets: what is taken out of the warehouse is named, exactly."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest

from tests.cli.running import run
from tests.conftest import Tap
from tests.destinations import source
from tests.destinations.postgres import postgres

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from tap_insightly.sandbox import Sandbox
    from tests.cli.running import Result
    from tests.destinations.warehouse import Warehouse

pytestmark = pytest.mark.slow


@pytest.fixture
def duckdb_target(tmp_path: Path) -> tuple[Warehouse, str]:
    """A file for target-duckdb."""
    from tests.destinations.test_duckdb import DuckDB  # noqa: PLC0415 - not on every Python

    warehouse = DuckDB(tmp_path)
    return warehouse, str(warehouse.path)


@pytest.fixture
def postgres_target() -> Iterator[tuple[Warehouse, str]]:
    """A server for target-postgres."""
    from tests.destinations.test_postgres import Postgres  # noqa: PLC0415 - as above

    with postgres() as server:
        warehouse = Postgres(server)
        address = f"{server['user']}@{server['host']}:{server['port']}/{server['dbname']}"
        yield warehouse, f"postgresql://{address}"
        warehouse.connection.close()


@pytest.mark.parametrize("target", ["duckdb_target", "postgres_target"])
def test_what_a_target_has_loaded_is_the_same_until_it_is_not(
    target: str, request: pytest.FixtureRequest, tmp_path: Path
) -> None:
    warehouse, dsn = request.getfixturevalue(target)
    with source.new_account(records=620).serve() as account:
        pipe = warehouse.pipe(tmp_path, account, detect_deletes=True)
        catalog = Tap(tmp_path).discover(account, detect_deletes=True)
        state = pipe(catalog=catalog)
        files = {"catalog": catalog, "state": state}
        for name, content in files.items():
            (tmp_path / f"{name}.json").write_text(json.dumps(content))
        options = [part for name in files for part in (f"--{name}", tmp_path / f"{name}.json")]

        def verify(*args: object) -> Result:
            account.requests.clear()
            return run(account, "verify", "--dsn", dsn, *options, "--json", *args)

        clean(account, verify())
        values = verify("--values", "60", "--seed", "1").json["values"]
        assert (values["compared"], values["differing"]) == (60, [])
        named(account, warehouse, verify)
        pipe(catalog=catalog)  # marks what is gone, and brings nothing that is missing
        assert of(verify("--dates"), "contacts")["gone"] == []


def clean(account: Sandbox, done: Result) -> None:
    """The same, for one request a list."""
    assert done.code == 0, done.stdout
    verdicts = {one["verdict"] for one in done.json["streams"]}
    assert verdicts == {"same"}
    contacts = of(done, "contacts")
    assert contacts["counted"]
    assert contacts["requests"] == 1
    paths = [one.path for one in account.requests]
    several = {"/v3.1/Tags", "/v3.1/CustomObjects"}  # for each kind; for their custom fields
    assert {path for path in paths if paths.count(path) > 1} == several


def named(account: Sandbox, warehouse: Warehouse, verify: Any) -> None:
    """Whatever is done to the warehouse is said."""
    key, table = warehouse.name("CONTACT_ID"), "insightly.contacts"
    ids = [one["CONTACT_ID"] for one in account.records("/Contacts")]
    date = warehouse.name("DATE_UPDATED_UTC")
    missing, older, gone = [ids[10], ids[11], ids[400]], [ids[2], ids[500]], [ids[20]]
    listed = ", ".join(map(str, missing))
    warehouse.ask(f'delete from {table} where "{key}" in ({listed})')  # noqa: S608 - ours
    listed = ", ".join(map(str, older))
    warehouse.ask(
        f'update {table} set "{date}" = \'2001-02-03\' where "{key}" in ({listed})'  # noqa: S608 - ours
    )
    warehouse.ask(f'insert into {table} ("{key}") values (7)')  # noqa: S608 - ours
    account.delete("/Contacts", ids[20])
    created = account.create("/Contacts", FIRST_NAME="New")["CONTACT_ID"]
    done = verify("--dates")
    assert done.code == 1
    found = of(done, "contacts")
    assert found["missing"] == missing
    assert found["older"] == older
    assert found["gone"] == [7, *gone]
    assert found["changed_since"] == [created]
    warehouse.ask(f'delete from {table} where "{key}" = 7')  # noqa: S608 - ours
    assert of(verify(), "contacts")["missing"] == missing, "by counting"


def of(done: Result, stream: str) -> dict[str, Any]:
    """What is said of one stream."""
    (one,) = [one for one in done.json["streams"] if one["stream"] == stream]
    assert isinstance(one, dict)
    return one
