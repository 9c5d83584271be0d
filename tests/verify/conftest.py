"""What the tests share: an account, and warehouses that have just been loaded from it."""

from __future__ import annotations

import shutil
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import pytest

from tests.cli.running import Result, run
from tests.conftest import new_sandbox
from tests.destinations.postgres import postgres
from tests.relating import catalog
from tests.verify.loading import load
from tests.verify.stores import DuckDBStore, PostgresStore

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from tap_insightly.sandbox import Sandbox


@dataclass
class Case:
    """An account, and a warehouse that held the same when the test began."""

    account: Sandbox
    store: DuckDBStore | PostgresStore
    state: Any

    def execute(self, statement: str) -> None:
        """Change the warehouse; names are those of the tap."""
        with self.store.changing() as execute:
            execute(statement)

    def verify(self, *args: object, **settings: Any) -> Result:
        """Verify, and count the requests anew."""
        self.account.requests.clear()
        return run(self.account, "verify", "--dsn", self.store.dsn, *args, **settings)

    def found(self, stream: str, *args: object, code: int = 1) -> dict[str, Any]:
        """What is said of one stream."""
        done = self.verify("--json", *args)
        assert done.code == code, done.stdout + done.stderr
        (one,) = [one for one in done.json["streams"] if one["stream"] == stream]
        assert isinstance(one, dict)
        return one

    def ids(self, path: str = "/Contacts") -> list[int]:
        key = self.account.tables[path].keys[0]
        return [one[key] for one in self.account.records(path)]


@pytest.fixture(scope="session")
def loaded(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Any]:
    """A file of DuckDB with everything of a sandbox, and the state; to be copied."""
    store = DuckDBStore(tmp_path_factory.mktemp("loaded") / "warehouse.duckdb")
    with new_sandbox().serve() as account, store.changing() as execute:
        state = load(account, catalog(), execute)
    return store.path, state


@pytest.fixture
def duck(loaded: tuple[Path, Any], tmp_path: Path) -> Iterator[Case]:
    """An account and a file of DuckDB."""
    path, state = loaded
    shutil.copy(path, tmp_path / "warehouse.duckdb")
    with new_sandbox().serve() as account:
        yield Case(account, DuckDBStore(tmp_path / "warehouse.duckdb"), state)


@pytest.fixture(scope="session")
def server() -> Iterator[PostgresStore]:
    """A server of Postgres."""
    with postgres() as server:
        yield PostgresStore(server)


@pytest.fixture
def post(server: PostgresStore) -> Iterator[Case]:
    """An account and a database of Postgres."""
    server.clear()
    with new_sandbox().serve() as account:
        with server.changing() as execute:
            state = load(account, catalog(), execute)
        yield Case(account, server, state)


@pytest.fixture(params=["duck", pytest.param("post", marks=pytest.mark.slow)])
def case(request: pytest.FixtureRequest) -> Case:
    """An account and a warehouse of each kind."""
    found = request.getfixturevalue(request.param)
    assert isinstance(found, Case)
    return found
