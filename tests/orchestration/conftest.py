"""An account, a target, and a Dagster of the test's own."""

from __future__ import annotations

import json
from contextlib import suppress
from importlib.util import find_spec
from typing import TYPE_CHECKING, Any

import pytest

from tests.conftest import KEY, Tap
from tests.destinations.pipe import program

with suppress(ModuleNotFoundError):
    from insightly_dagster.folder import AccountFolder

if TYPE_CHECKING:
    from pathlib import Path

    from tap_insightly.sandbox import Sandbox

# Where Dagster is not installed, these tests are not for this Python: `make test` has another.
collect_ignore_glob = [] if find_spec("dagster") else ["test_*.py"]


class Place:
    """A configuration file with the account acme, a target that writes JSON lines, and a folder."""

    def __init__(self, folder: Path, sandbox: Sandbox) -> None:
        self.folder, self.sandbox = folder, sandbox
        self.output = folder / "output"
        self.output.mkdir()
        self.target_config = folder / "target.json"
        settings = {"destination_path": str(self.output), "do_timestamp_file": False}
        self.target_config.write_text(json.dumps(settings))
        self.write_accounts(acme="ACME_KEY")

    def write_accounts(self, **variables: str) -> None:
        tables = [
            f'[accounts.{name}]\napi_key_env = "{variable}"\n'
            f'api_url = "{self.sandbox.api_url}"\nrequests_per_second = 100\n'
            for name, variable in variables.items()
        ]
        (self.folder / "config.toml").write_text("\n".join(tables))

    @property
    def target(self) -> list[str]:
        return [str(program("target-jsonl")), "--config", str(self.target_config)]

    def rows(self, stream: str) -> list[dict[str, Any]]:
        """What was written of a stream, in all runs."""
        path = self.output / f"{stream}.jsonl"
        return [json.loads(line) for line in path.read_text().splitlines()] if path.exists() else []

    def files_with_key(self) -> list[Path]:
        """Files below the folder in which the key is."""
        files = (path for path in self.folder.rglob("*") if path.is_file())
        return [path for path in files if KEY.encode() in path.read_bytes()]


@pytest.fixture(scope="session")
def catalog(shared_sandbox: Sandbox, tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    """The catalog of all accounts here, which have the same data."""
    return Tap(tmp_path_factory.mktemp("catalog")).discover(shared_sandbox)


@pytest.fixture
def place(
    tmp_path: Path, sandbox: Sandbox, catalog: dict[str, Any], monkeypatch: pytest.MonkeyPatch
) -> Place:
    """An account of the configuration file."""
    monkeypatch.setenv("ACME_KEY", KEY)
    monkeypatch.setenv("WRONG_KEY", "a-key-that-is-wrong-1234")
    monkeypatch.setenv("INSIGHTLY_CONFIG", str(tmp_path / "config.toml"))
    (tmp_path / "dagster").mkdir()
    monkeypatch.setenv("DAGSTER_HOME", str(tmp_path / "dagster"))
    AccountFolder(tmp_path / "accounts", "acme").write_catalog(catalog)
    return Place(tmp_path, sandbox)
