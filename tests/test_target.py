"""The pipe that users build: the tap into a real target, and its state back into the tap."""

from __future__ import annotations

import json
import shlex
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from tests.conftest import KEY, run_process, tap_environment

if TYPE_CHECKING:
    from tap_insightly.sandbox import Sandbox

TARGET = Path(__file__).parents[1] / ".tools" / "target-jsonl" / "bin" / "target-jsonl"


class Pipe:
    """``tap-insightly | target-jsonl``, with the state of one run given to the next."""

    def __init__(self, folder: Path, sandbox: Sandbox) -> None:
        if not TARGET.exists():
            pytest.fail("target-jsonl is missing; `make test` installs it")
        self.folder = folder
        self.env = tap_environment(api_key=KEY, api_url=sandbox.api_url, requests_per_second=100)
        self.state = folder / "state.json"

    def __call__(self, number: int) -> dict[str, list[dict[str, Any]]]:
        """Run it; return what the target wrote, by stream."""
        out = self.folder / f"out-{number}"
        out.mkdir()
        config = self.folder / f"config-{number}.json"
        config.write_text(json.dumps({"destination_path": str(out), "do_timestamp_file": False}))
        tap = [sys.executable, "-m", "tap_insightly", "--config=ENV"]
        if self.state.exists():
            tap += ["--state", str(self.state)]
        line = f"set -o pipefail; {shlex.join(tap)} | {TARGET} --config {config}"
        command = ["/usr/bin/env", "bash", "-c", line]
        done = run_process(command, env=self.env, folder=self.folder)
        assert done.returncode == 0, done.stderr
        self.state.write_text(done.stdout.splitlines()[-1])
        return {
            path.stem: [json.loads(row) for row in path.read_text().splitlines()]
            for path in out.iterdir()
        }


def test_a_target_gets_everything_and_then_what_changed(sandbox: Sandbox, tmp_path: Path) -> None:
    pipe = Pipe(tmp_path, sandbox)
    first = pipe(1)
    assert len(first) == 51
    source = sandbox.records("/Contacts")
    assert [row["CONTACT_ID"] for row in first["contacts"]] == [row["CONTACT_ID"] for row in source]
    assert [row["LAST_NAME"] for row in first["contacts"]] == [row["LAST_NAME"] for row in source]

    made = sandbox.create("/Contacts", FIRST_NAME="美咲", LAST_NAME="佐藤")
    key = source[0]["CONTACT_ID"]
    sandbox.update("/Contacts", key, LAST_NAME="Changed")
    newest = max(row["DATE_UPDATED_UTC"] for row in source)
    resent = {row["CONTACT_ID"] for row in source if row["DATE_UPDATED_UTC"] == newest}

    second = pipe(2)
    sent = {row["CONTACT_ID"]: row["LAST_NAME"] for row in second["contacts"]}
    assert set(sent) == {key, made["CONTACT_ID"]} | resent
    assert (sent[key], sent[made["CONTACT_ID"]]) == ("Changed", "佐藤")
