"""A pipeline as a process that is killed, wherever it is: reading, in between, or loading."""

from __future__ import annotations

import multiprocessing
import signal
from typing import TYPE_CHECKING

import pytest

from tests.conftest import new_sandbox
from tests.dlt.conftest import ask, contacts
from tests.dlt.load import load, pipeline_in

if TYPE_CHECKING:
    from pathlib import Path

    from tap_insightly.sandbox import Sandbox

# Forks of a process that has imported all of it, as that takes longer than the load.
_forks = multiprocessing.get_context("forkserver")
_forks.set_forkserver_preload(["tests.dlt.load", "duckdb", "dlt.destinations.impl.duckdb.duck"])


def run(sandbox: Sandbox, folder: Path, dies_at: int = 0) -> bool:
    """Load in a process; whether it was killed."""
    folder.mkdir(exist_ok=True)
    process = _forks.Process(target=load, args=(folder, sandbox.api_url, dies_at))
    process.start()
    process.join()
    assert process.exitcode in {0, -signal.SIGKILL}
    return process.exitcode != 0


def check(sandbox: Sandbox, folder: Path) -> None:
    """Make sure that all is there, once, as it is."""
    rows = ask(pipeline_in(folder), "select contact_id, first_name from crm.contacts order by 1")
    there = {record["CONTACT_ID"]: record["FIRST_NAME"] for record in sandbox.records("/Contacts")}
    assert [row["contact_id"] for row in rows] == contacts(sandbox)
    assert {row["contact_id"]: row["first_name"] for row in rows} == there


@pytest.mark.slow
def test_wherever_it_is_killed_nothing_is_lost_and_nothing_comes_twice(tmp_path: Path) -> None:
    with new_sandbox(records=40).serve() as sandbox:
        run(sandbox, tmp_path / "whole")
        check(sandbox, tmp_path / "whole")
        steps = int((tmp_path / "whole" / "steps").read_text())
        assert steps > 50
        kills = 0
        for first in range(2, steps, max(steps // 8, 1)):
            folder = tmp_path / str(first)
            for dies_at in (first, first * 7 % steps):  # and once more, in going on
                kills += run(sandbox, folder, dies_at)
                changed, gone, *_ = contacts(sandbox)
                sandbox.update("/Contacts", changed, FIRST_NAME=f"Zoë {dies_at}")
                sandbox.delete("/Contacts", gone)
                sandbox.create("/Contacts", FIRST_NAME=f"Max {dies_at}")
            run(sandbox, folder)
            check(sandbox, folder)
        assert kills > 8
