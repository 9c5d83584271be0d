"""What the tests of schedulers share: two accounts, and the programs that syncs call."""

from __future__ import annotations

import json
import shlex
import shutil
import subprocess
import sys
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from tests.conftest import new_sandbox
from tests.destinations.pipe import program
from tests.syncing import CATALOG

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tap_insightly.sandbox import Sandbox

SCHEDULES = Path(__file__).parents[2] / "deploy" / "schedule"
KEY = "5c1e-a-key-that-is-in-a-file"
TARGET = "target-jsonl --config $INSIGHTLY_SYNCS/../target.json"


@dataclass
class Place:
    """A folder in place of a machine on which accounts are synced."""

    folder: Path
    accounts: dict[str, Sandbox] = field(default_factory=dict)

    @property
    def programs(self) -> Path:
        return self.folder / "bin"

    @property
    def syncs(self) -> Path:
        return self.folder / "syncs"

    @property
    def environment(self) -> dict[str, str]:
        """All that a sync needs, and nothing of this process."""
        return {
            "PATH": f"{self.programs}:/usr/bin:/bin",
            "INSIGHTLY_CONFIG": str(self.folder / "config.toml"),
            "INSIGHTLY_SYNCS": str(self.syncs),
            "INSIGHTLY_TARGET": TARGET,
        }

    def install(self, name: str, *command: str | Path) -> None:
        """Put a program where scripts look for it."""
        path = self.programs / name
        path.parent.mkdir(exist_ok=True)
        path.write_text(f'#!/bin/sh\nexec {shlex.join(map(str, command))} "$@"\n')
        path.chmod(0o755)

    def run(self, *command: str | Path, **variables: str) -> subprocess.CompletedProcess[str]:
        """Run a command with the environment of a sync."""
        done = subprocess.run(  # noqa: S603 - our own commands
            list(map(str, command)),
            env=self.environment | variables,
            cwd=self.folder,
            capture_output=True,
            text=True,
            timeout=300,
            check=False,
        )
        assert KEY not in done.stdout + done.stderr
        return done

    def sync(self, account: str, **variables: str) -> subprocess.CompletedProcess[str]:
        """Sync an account, as all schedulers do."""
        return self.run("bash", self.programs / "sync.sh", account, **variables)

    def loaded(self, account: str) -> list[int]:
        """The ids of the contacts that have arrived."""
        files = sorted((self.syncs / account).glob("contacts*.jsonl"))
        lines = [line for path in files for line in path.read_text().splitlines()]
        return [json.loads(line)["CONTACT_ID"] for line in lines]

    def has_all(self, account: str) -> bool:
        """Whether all contacts of an account have arrived, and its state is kept."""
        state = json.loads((self.syncs / account / "state.json").read_text())
        ids = [row["CONTACT_ID"] for row in self.accounts[account].records("/Contacts")]
        return set(self.loaded(account)) == set(ids) and "users" in state["bookmarks"]


@contextmanager
def place(folder: Path) -> Iterator[Place]:
    """A machine with two accounts, of which nothing is loaded yet."""
    with ExitStack() as stack:
        found = Place(folder)
        (folder / "key").write_text(KEY)
        (folder / "key").chmod(0o600)
        tables = []
        for seed, name in enumerate(("acme", "beta"), 1):
            sandbox = found.accounts[name] = stack.enter_context(
                new_sandbox(seed=seed, api_key=KEY).serve()
            )
            tables.append(
                f'[accounts.{name}]\napi_url = "{sandbox.api_url}"\napi_key_file = "key"\n'
                "max_retries = 0\n"
            )
            (found.syncs / name).mkdir(parents=True)
            (found.syncs / name / "catalog.json").write_text(json.dumps(catalog()))
        (folder / "config.toml").write_text("\n".join(tables))
        target = {"destination_path": ".", "do_timestamp_file": True}
        (folder / "target.json").write_text(json.dumps(target))
        found.install("tap-insightly", sys.executable, "-m", "tap_insightly")
        found.install("insightly", sys.executable, "-m", "tap_insightly.cli")
        found.install("target-jsonl", program("target-jsonl"))
        shutil.copy(SCHEDULES / "sync.sh", found.programs)
        yield found


def catalog() -> dict[str, Any]:
    """Two streams with few fields, so that a sync takes no time."""
    (contacts,) = CATALOG["streams"]
    key = {"USER_ID": {"type": "integer"}}
    users = {
        "tap_stream_id": "users",
        "stream": "users",
        "key_properties": ["USER_ID"],
        "schema": {"type": "object", "properties": key},
        "metadata": [{"breadcrumb": [], "metadata": {"selected": True}}],
    }
    return {"streams": [contacts, users]}
