"""The tap as a process that is killed a hundred times, wherever it is."""

from __future__ import annotations

import os
import random
import signal
from itertools import islice
from typing import IO, TYPE_CHECKING, Any

import pytest

from tests import warm
from tests.conftest import Tap, new_sandbox, only
from tests.test_cuts import Popen, Process

if TYPE_CHECKING:
    from multiprocessing.process import BaseProcess
    from pathlib import Path

COUNT, PAGE = 2400, 100  # as many pages as a large account has, of few records
BETWEEN_STATES = 500


class Fork:
    """A process of `multiprocessing`, as one of `subprocess`."""

    def __init__(self, process: BaseProcess) -> None:
        self.process = process

    def kill(self) -> None:
        self.process.kill()

    def send_signal(self, which: int, /) -> None:
        assert self.process.pid is not None
        os.kill(self.process.pid, which)

    def wait(self, timeout: float | None = None) -> int:
        self.process.join(timeout)
        assert self.process.exitcode is not None, "it is still running"
        return self.process.exitcode


class WarmProcess(Process):
    """One that begins sooner, and writes its state more often."""

    def start(self, command: list[str], env: dict[str, str]) -> tuple[Popen, IO[bytes]]:
        errors = self.folder / "stderr.txt"
        pipe = self.folder / "stdout"
        pipe.unlink(missing_ok=True)
        os.mkfifo(pipe)
        process = warm.start(
            command,
            env=env,
            folder=self.folder,
            outputs=[pipe, errors],
            constants={"tap_insightly.sync.stream_sync:RECORDS_BETWEEN_STATES": BETWEEN_STATES},
        )
        return Fork(process), pipe.open("rb")


@pytest.mark.slow
def test_killed_a_hundred_times_and_all_arrives(tap: Tap, tmp_path: Path) -> None:
    """Each time gone on from the last state that a target would have acknowledged."""
    with new_sandbox(records=COUNT).serve() as sandbox:
        contacts = only(tap.discover(sandbox), "contacts")
        expected = sorted(record["CONTACT_ID"] for record in sandbox.records("/Contacts"))
        chance, kills, rounds = random.Random(7), 0, 0
        while kills < 100:
            state: dict[str, Any] = {}
            received: list[int] = []
            is_done = False
            while not is_done:
                # Not after some time: that is another moment on each machine.
                lines = min(chance.randrange(COUNT * 3 // 4), chance.randrange(COUNT * 3 // 4))
                with WarmProcess(tmp_path, sandbox, contacts, state, page_size=PAGE) as process:
                    for line in islice(process.stdout, lines):
                        process.take(line)
                    process.popen.kill()
                    code = process.take_all()
                    assert code in {0, -signal.SIGKILL}, process.log()
                    kills += code != 0
                    state = process.state
                    received += process.ids
                # It may have been killed after all was done.
                is_done = "replication_key_value" in state.get("bookmarks", {}).get("contacts", {})
            assert sorted(received) == expected, "all, and what was acknowledged not twice"
            rounds += 1
    assert rounds < 50, "most kills hit the middle of a sync"
