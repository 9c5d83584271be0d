"""Running ``insightly``: in this process for many cases, as a process where that matters."""

from __future__ import annotations

import json
import os
import pty
import subprocess
import sys
import threading
from contextlib import suppress
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from click.testing import CliRunner

from tap_insightly.cli import main
from tests.conftest import KEY, run_process, tap_environment, watch

if TYPE_CHECKING:
    from pathlib import Path

    from tap_insightly.sandbox import Sandbox

COMMAND = (sys.executable, "-m", "tap_insightly.cli")


@dataclass(frozen=True)
class Result:
    """What a run of ``insightly`` left behind."""

    code: int
    stdout: str
    stderr: str

    @property
    def json(self) -> Any:
        """Standard output as one JSON value."""
        return json.loads(self.stdout)

    @property
    def lines(self) -> list[str]:
        """Standard output by line."""
        return self.stdout.splitlines()


def run(
    sandbox: Sandbox | None,
    *args: object,
    input: str | bytes | None = None,  # noqa: A002 - as click and subprocess have it
    **settings: Any,
) -> Result:
    """Run in this process, with these settings by name in lower case; None takes one away."""
    ours = dict.fromkeys(name for name in os.environ if name.startswith("TAP_INSIGHTLY_"))
    runner = CliRunner(env={**ours, **environment(sandbox, **settings)})
    done = runner.invoke(main, [str(arg) for arg in args], input=input, prog_name="insightly")
    watch(done.stdout, done.stderr)
    if done.exception is not None and not isinstance(done.exception, SystemExit):
        raise done.exception
    return Result(done.exit_code, done.stdout, done.stderr)


def run_as_process(sandbox: Sandbox | None, *args: object, folder: Path, **settings: Any) -> Result:
    """Run as a process, as a shell does."""
    command = [*COMMAND, *(str(arg) for arg in args)]
    done = run_process(command, env=environment(sandbox, **settings), folder=folder)
    return Result(done.returncode, done.stdout, done.stderr)


def start(
    sandbox: Sandbox, *args: object, folder: Path, stdin: int | None = None
) -> subprocess.Popen[str]:
    """Start as a process, and do not wait for its end."""
    return subprocess.Popen(  # noqa: S603 - our own command
        [*COMMAND, *(str(arg) for arg in args)],
        env=environment(sandbox),
        cwd=folder,
        stdin=stdin,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


def environment(sandbox: Sandbox | None, **settings: Any) -> dict[str, str]:
    """The environment of this process, with the key, where the sandbox is, and these settings."""
    # The search of the sandbox is late only if it is told to be, so `load` need not wait for it.
    given = {"api_key": KEY, "requests_per_second": 100, "search_lag_seconds": 0}
    if sandbox is not None:
        given["api_url"] = sandbox.api_url
    return tap_environment(**{**given, **settings})


def run_in_terminal(sandbox: Sandbox, *args: object, folder: Path, columns: int) -> Result:
    """Run as a process whose standard output and standard error are a terminal, as one text."""
    here, there = pty.openpty()
    env = environment(sandbox) | {"TERM": "xterm-256color", "COLUMNS": str(columns)}
    process = subprocess.Popen(  # noqa: S603 - our own command
        [*COMMAND, *(str(arg) for arg in args)],
        env=env,
        cwd=folder,
        stdin=subprocess.DEVNULL,
        stdout=there,
        stderr=there,
    )
    os.close(there)
    guard = threading.Timer(120, process.kill)
    guard.start()
    raw = b""
    with os.fdopen(here, "rb", buffering=0) as screen, suppress(OSError):  # it is closed in the end
        while chunk := screen.read(65536):
            raw += chunk
    process.wait()
    guard.cancel()
    text = raw.decode().replace("\r\n", "\n")
    watch(text)
    return Result(process.returncode, text, "")
