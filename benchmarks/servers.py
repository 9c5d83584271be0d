"""Sandboxes to read from, each a process of its own."""

from __future__ import annotations

import json
import subprocess
import sys
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from benchmarks.processes import ROOT, environment, pin

if TYPE_CHECKING:
    from collections.abc import Iterator


class Server:
    """A sandbox in another process."""

    def __init__(self, process: subprocess.Popen[str]) -> None:
        """Wait until it is ready.

        Args:
            process: Runs `benchmarks.account`.
        """
        self._process = process
        self.url: str = self._answer()["url"]
        """Its base URL."""

    @property
    def requests(self) -> int:
        """How many requests it has received."""
        self._say({})
        return int(self._answer()["requests"])

    @property
    def answers(self) -> dict[str, int]:
        """How many requests were answered how: by the page's size and the status, ``500 200``."""
        self._say({})
        answers: dict[str, int] = self._answer()["answers"]
        return answers

    def set(self, **faults: Any) -> None:  # noqa: ANN401 - numbers and lists, as `Faults` has them
        """Make it misbehave from now on.

        Args:
            **faults: Values by the names of `Faults`.
        """
        self._say(faults)
        self._answer()

    def _say(self, faults: dict[str, Any]) -> None:
        if self._process.stdin:
            self._process.stdin.write(json.dumps(faults) + "\n")
            self._process.stdin.flush()

    def _answer(self) -> dict[str, Any]:
        line = self._process.stdout.readline() if self._process.stdout else ""
        if not line:
            msg = "The sandbox has ended; it says above why."
            raise RuntimeError(msg)
        answer: dict[str, Any] = json.loads(line)
        return answer


@contextmanager
def served(
    records: int = 2000,
    *,
    contacts: int | None = None,
    **faults: Any,  # noqa: ANN401 - as `Server.set` has them
) -> Iterator[Server]:
    """Run a sandbox for as long as the context lasts, on a core of its own if there are two.

    Args:
        records: How many contacts are made up; other objects come in proportion.
        contacts: How many there are, if those that are made up are to be repeated.
        **faults: How it misbehaves, by the names of `Faults`.

    Yields:
        The sandbox.
    """
    command = [sys.executable, "-m", "benchmarks.account", f"--records={records}"]
    if contacts is not None:
        command.append(f"--contacts={contacts}")
    with subprocess.Popen(  # noqa: S603 - our own program
        command,
        env=environment(),
        cwd=ROOT,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    ) as process:
        try:
            pin(process.pid, is_server=True)
            server = Server(process)
            server.set(**faults)
            yield server
        finally:
            process.terminate()
