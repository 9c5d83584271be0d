"""Processes: who runs on which core, and what a process took."""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path
from typing import IO, TYPE_CHECKING

import click

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

ROOT = Path(__file__).resolve().parent.parent
_UNIT_OF_PEAK = 1 if sys.platform == "darwin" else 1024  # bytes that ru_maxrss counts in

# The tap and what it reads from must not take time from each other.
_CORES = sorted(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else []


@dataclass(frozen=True)
class Usage:
    """What a process took, and what it had to say."""

    seconds: float
    """From its start to its end."""

    cpu: float
    """Seconds of computing, its own and the system's for it."""

    peak: int
    """The most memory that it had at once, in bytes.

    Not less than this process has, from which it was started: systems count it that way. So this
    process imports little.
    """

    log: str
    """What it wrote to stderr."""


def has_two_cores() -> bool:
    """Tell whether the tap and the sandbox get a core each.

    Returns:
        Whether there are two, and the system lets us say who gets which.
    """
    return len(_CORES) > 1


def pin(pid: int, *, is_server: bool) -> None:
    """Keep a process that was just started to one core: the first for servers, the last for others.

    Args:
        pid: The process; it has started no threads yet.
        is_server: Whether it is what others read from.
    """
    if has_two_cores():
        os.sched_setaffinity(pid, {_CORES[0 if is_server else -1]})


def environment(**variables: str) -> dict[str, str]:
    """Make an environment in which programs of this folder run, and no settings of a tap are left.

    Args:
        **variables: What to add.

    Returns:
        The environment.
    """
    kept = {name: text for name, text in os.environ.items() if not name.startswith("TAP_")}
    return kept | {"PYTHONPATH": str(ROOT)} | variables


def measure(
    command: Sequence[str],
    *,
    env: Mapping[str, str],
    folder: Path,
    stdout: Path | None = None,
    stdin: Path | None = None,
    python: Path | None = None,
) -> Usage:
    """Run a Python program to its end on the core that is not the sandbox's.

    Args:
        command: The arguments of Python.
        env: The environment.
        folder: Where it runs: a folder without a file of settings.
        stdout: The file for its output; None to drop it.
        stdin: The file for its input; None for none.
        python: The interpreter; None for this one.

    Returns:
        What it took.

    Raises:
        ClickException: If it fails.
    """
    with (
        tempfile.TemporaryFile() as log,
        Path(stdout or os.devnull).open("wb") as output,
        Path(stdin or os.devnull).open("rb") as given,
    ):
        started = time.perf_counter()
        with subprocess.Popen(  # noqa: S603 - our own programs
            [python or sys.executable, *command],
            env=env,
            cwd=folder,
            stdin=given,
            stdout=output,
            stderr=log,
        ) as process:
            pin(process.pid, is_server=False)
            cpu, peak = _wait(process)
        seconds = time.perf_counter() - started
        text = _content(log)
    if process.returncode:
        msg = f"{' '.join(command)} failed:\n{text[-2000:]}"
        raise click.ClickException(msg)
    return Usage(seconds, cpu, peak, text)


def _wait(process: subprocess.Popen[bytes]) -> tuple[float, int]:
    # What `Popen.wait` does, which throws away what the process took.
    try:
        _, status, usage = os.wait4(process.pid, 0)
    except BaseException:
        process.kill()
        raise
    process.returncode = os.waitstatus_to_exitcode(status)
    return usage.ru_utime + usage.ru_stime, usage.ru_maxrss * _UNIT_OF_PEAK


def _content(file: IO[bytes]) -> str:
    file.seek(0)
    return file.read().decode(errors="replace")
