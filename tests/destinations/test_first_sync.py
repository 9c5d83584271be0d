"""docs/without-meltano.md and README.md: their pipe works the first and every later time."""

from __future__ import annotations

import json
import os
import re
import shlex
import shutil
import signal
import subprocess
import sys
from typing import TYPE_CHECKING, Any

import pytest

from tests.conftest import KEY, new_sandbox, tap_environment
from tests.destinations import source
from tests.destinations.pipe import ROOT, program

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from tap_insightly.sandbox import Sandbox
    from tap_insightly.sandbox.app import RequestLog
    from tests.destinations.source import Loaded

SCRIPT = "docs/without-meltano.md"
SHOWN = {
    SCRIPT: re.compile(r"^```bash\n(#!.*?)^```$", re.DOTALL | re.MULTILINE),
    "README.md": re.compile(r"^```sh\n(\[ -s state.*?)^```$", re.DOTALL | re.MULTILINE),
}


class Folder:
    """A folder with a page's script, and the programs that it calls."""

    def __init__(self, folder: Path, account: Sandbox, page: str) -> None:
        self.folder = folder
        self.account = account
        (self.script,) = SHOWN[page].findall((ROOT / page).read_text(encoding="utf-8"))
        self.process: subprocess.Popen[str] | None = None
        self.install("tap-insightly", f'exec {shlex.quote(sys.executable)} -m tap_insightly "$@"')
        self.install("target-jsonl", f'exec {shlex.quote(str(program("target-jsonl")))} "$@"')

    def install(self, name: str, line: str) -> None:
        """Put a program where the script looks for it."""
        path = self.folder / "bin" / name
        path.parent.mkdir(exist_ok=True)
        path.write_text(f"#!/bin/sh\n{line}\n")
        path.chmod(0o755)

    @property
    def state(self) -> dict[str, Any]:
        """What the next run begins with; it has to be whole at any time."""
        state = json.loads((self.folder / "state.json").read_text())
        assert isinstance(state, dict)
        return state

    def start(self) -> subprocess.Popen[str]:
        """Start the script, as the head of a group of processes."""
        settings = {"api_key": KEY, "api_url": self.account.api_url, "requests_per_second": 100}
        env = tap_environment(**settings, max_concurrency=1)
        (self.folder / "sync.sh").write_text(self.script)
        self.process = subprocess.Popen(
            ["/usr/bin/env", "bash", "sync.sh"],
            cwd=self.folder,
            env=env | {"PATH": f"{self.folder / 'bin'}:{env['PATH']}"},
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            start_new_session=True,
        )
        return self.process

    def __call__(self, code: int = 0) -> str:
        """Run the script to its end; return what it said."""
        process = self.start()
        said, _ = process.communicate(timeout=300)
        assert process.returncode == code, said[-5000:]
        return said

    def taken(self) -> dict[str, list[Loaded]]:
        """What was written since the last time, by stream."""
        rows: dict[str, list[Loaded]] = {}
        for path in sorted(self.folder.rglob("*.jsonl")):
            lines = path.read_bytes().splitlines()
            rows.setdefault(re.split(r"[-.]", path.name)[0], []).extend(map(json.loads, lines))
            path.unlink()
        return rows


@pytest.fixture
def account() -> Iterator[Sandbox]:
    with new_sandbox(records=600).serve() as account:
        yield account


@pytest.fixture(params=SHOWN)
def folder(tmp_path: Path, account: Sandbox, request: pytest.FixtureRequest) -> Folder:
    return Folder(tmp_path, account, request.param)


def contacts(rows: dict[str, list[Loaded]]) -> set[int]:
    return {row["CONTACT_ID"] for row in rows.get("contacts", ())}


def test_the_first_run_brings_everything_and_the_second_what_has_changed(
    folder: Folder, account: Sandbox
) -> None:
    folder()
    first = folder.taken()
    assert contacts(first) == {row["CONTACT_ID"] for row in account.records("/Contacts")}
    assert len(first) > 40
    changed = source.change(account)
    folder()
    second = contacts(folder.taken())
    assert {changed.created, changed.updated} <= second
    assert len(second) < len(first["contacts"]) / 10


def test_a_run_that_is_killed_loses_nothing(folder: Folder, account: Sandbox) -> None:
    folder()
    folder.taken()
    before = folder.state
    changed = source.change(account)

    def kill(request: RequestLog) -> None:
        if request.path.endswith("/Contacts/Search") and folder.process is not None:
            account.on_request = None
            os.killpg(folder.process.pid, signal.SIGKILL)

    account.on_request = kill
    folder(code=-signal.SIGKILL)
    assert account.on_request is None
    assert folder.state["bookmarks"]["contacts"] == before["bookmarks"]["contacts"]
    folder()
    assert contacts(folder.taken()) >= {changed.created, changed.updated}


def test_a_first_run_that_is_killed_is_begun_again(folder: Folder, account: Sandbox) -> None:
    def kill(request: RequestLog) -> None:
        if request.path.endswith("/Contacts") and folder.process is not None:
            account.on_request = None
            os.killpg(folder.process.pid, signal.SIGKILL)

    account.on_request = kill
    folder(code=-signal.SIGKILL)
    assert folder.state == {}
    partly = folder.taken()
    folder()
    everything = {row["CONTACT_ID"] for row in account.records("/Contacts")}
    assert contacts(partly) | contacts(folder.taken()) == everything


def test_a_state_that_was_cut_off_does_not_replace_a_whole_one(folder: Folder) -> None:
    whole = {"bookmarks": {"contacts": {"DATE_UPDATED_UTC": "2026-01-31T00:00:00Z"}}}
    cut = json.dumps({"bookmarks": {"contacts": {"DATE_UPDATED_UTC": "2026-02-28"}}})[:-20]
    folder.install("tap-insightly", "echo '{}'")
    lines = shlex.join(["printf", "%s\\n%s", json.dumps(whole), cut])
    folder.install("target-jsonl", f"cat > /dev/null\n{lines}\nkill -KILL $$")
    process = folder.start()
    process.communicate(timeout=60)
    assert folder.state == whole


@pytest.mark.skipif(shutil.which("jq") is None, reason="the page uses jq")
def test_streams_are_chosen_as_the_page_says(tmp_path: Path, account: Sandbox) -> None:
    folder = Folder(tmp_path, account, SCRIPT)
    page = (ROOT / SCRIPT).read_text(encoding="utf-8").partition("## Choose streams")[2]
    (commands, *_) = re.findall(r"^```sh\n(.*?)^```$", page, re.DOTALL | re.MULTILINE)
    sync, folder.script = folder.script, f"set -e\n{commands}"
    folder()
    assert "add `--catalog catalog.json` to the tap's line" in page
    folder.script = sync.replace("--state state.json", "--state state.json --catalog catalog.json")
    assert folder.script != sync
    folder()
    taken = folder.taken()
    assert {"contacts", "users"} <= set(taken)
    assert "notes" not in taken
    assert not [one for one in account.requests if one.path.endswith("/Notes")]


def test_a_run_that_fails_says_so_and_keeps_its_state(tmp_path: Path, account: Sandbox) -> None:
    folder = Folder(tmp_path, account, SCRIPT)

    def use_up(request: RequestLog) -> None:
        if request.path.endswith("/Organisations"):
            account.faults.daily_quota = account.faults.used

    account.on_request = use_up
    said = folder(code=75)
    assert "The day's API requests are used up" in said
    assert "contacts" in folder.state["bookmarks"]
