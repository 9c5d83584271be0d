"""Whenever undoing is killed, the next run goes on, and no record is there twice at the end."""

from __future__ import annotations

import os
import random
import signal
import subprocess
import sys
from typing import TYPE_CHECKING, Any

import pytest

from tests.api.conftest import new_client
from tests.cli.running import environment
from tests.conftest import new_sandbox, run_process
from tests.undo.writing import Writes, new_ids, plain

if TYPE_CHECKING:
    from pathlib import Path

    from tap_insightly.sandbox import RequestLog, Sandbox

LISTS = ("/Contacts", "/Organisations", "/Opportunities", "/LeadSources")
# As the command does; but what was sent by one that is gone is answered sooner on this machine.
UNDO = """
import sys
from tap_insightly.cli import main
from tap_insightly.undo import restorer
restorer.ORPHANED_REQUEST_SECONDS = 0.2
main(["undo", sys.argv[1], "--yes"])
"""
# Runs it again and again, and kills it at any moment, until one run comes to its end. Each run gets
# a little longer, so that one does on a machine that others keep busy.
KILLER = """
import os, random, signal, sys, time
from tap_insightly.cli import main
from tap_insightly.undo import restorer
restorer.ORPHANED_REQUEST_SECONDS = 0.2
rng, kills, longest = random.Random(1), 0, 0.4
while True:
    child = os.fork()
    if child == 0:
        main(["undo", sys.argv[1], "--yes"])
    time.sleep(rng.uniform(0.05, longest))
    os.kill(child, signal.SIGKILL)
    code = os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
    if code != -signal.SIGKILL:
        break
    kills, longest = kills + 1, longest * 1.05
print(kills, file=sys.stderr)
sys.exit(code)
"""


def write(sandbox: Sandbox, path: Path) -> None:
    """Write a bit of everything."""
    with new_client(sandbox) as client, Writes(client, path) as writes:
        contacts = [row["CONTACT_ID"] for row in sandbox.records("/Contacts")]
        for row in sandbox.records("/LeadSources")[:2]:
            writes.delete("leadsource", row["LEAD_SOURCE_ID"])
        for number, key in enumerate(contacts[:6]):
            writes.create("contact", FIRST_NAME="twin", is_answered=number % 2 == 0)
            writes.update("contact", key, TITLE="Dr", hobby="go")
            writes.delete("contact", key)
        for key in contacts[6:9]:
            organisation = client.get("contact", key)["ORGANISATION_ID"]
            if organisation and sandbox.tables["/Organisations"].find(organisation):
                writes.delete("organisation", organisation)
            writes.update("contact", key, ORGANISATION_ID=None)
        deal = sandbox.records("/Opportunities")[0]["OPPORTUNITY_ID"]
        stage = sandbox.records("/PipelineStages")[-1]
        writes.move("opportunity", deal, stage["PIPELINE_ID"], stage["STAGE_ID"])
        writes.delete("opportunity", deal)


def records(sandbox: Sandbox, path: Path) -> dict[str, Any]:
    return plain(sandbox, *LISTS, ids=new_ids(path))


def own_sandbox() -> Sandbox:
    """A sandbox in which what is deleted has no links to what is gone."""
    sandbox = new_sandbox(records=20)
    for list_path in LISTS[:3]:
        for row in sandbox.records(list_path):
            sandbox.put(list_path, row[sandbox.tables[list_path].keys[0]], LINKS=[])
    return sandbox


@pytest.mark.slow
def test_killed_at_any_request(tmp_path: Path) -> None:
    path, rng, kills = tmp_path / "undo.jsonl", random.Random(1), 0
    with own_sandbox().serve() as sandbox:
        before = plain(sandbox, *LISTS)
        write(sandbox, path)
        while True:
            left = rng.randint(2, 25)
            process = subprocess.Popen(  # noqa: S603 - our own code
                [sys.executable, "-c", UNDO, str(path)],
                env=environment(sandbox),
                stdout=subprocess.PIPE,
                stderr=subprocess.PIPE,
                text=True,
            )

            def kill(_: RequestLog, process: subprocess.Popen[str] = process) -> None:
                nonlocal left
                left -= 1
                if left == 0:  # what was asked is done all the same
                    os.kill(process.pid, signal.SIGKILL)

            sandbox.on_request = kill
            _, stderr = process.communicate(timeout=120)
            if process.returncode != -signal.SIGKILL:
                break
            kills += 1
        assert process.returncode == 0, stderr
        assert kills > 5
        assert records(sandbox, path) == before


@pytest.mark.slow
def test_killed_at_any_moment(tmp_path: Path) -> None:
    path = tmp_path / "undo.jsonl"
    with own_sandbox().serve() as sandbox:
        before = plain(sandbox, *LISTS)
        write(sandbox, path)
        sandbox.faults.latency = 0.02
        command = [sys.executable, "-c", KILLER, str(path)]
        done = run_process(command, env=environment(sandbox), folder=tmp_path, timeout=300)
        assert done.returncode == 0, done.stderr[-3000:]
        assert int(done.stderr.split()[-1]) > 0
        assert records(sandbox, path) == before
