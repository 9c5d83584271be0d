"""Processes that have imported what they run already: forks of one that did so once.

Each is a process like any other, but begins where an interpreter of its own would be after a third
of a second, which is more than most runs of the tests take. Hundreds of them begin like this.
"""

from __future__ import annotations

import importlib
import multiprocessing
import os
import runpy
import sys
from subprocess import CompletedProcess, TimeoutExpired
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from multiprocessing.process import BaseProcess
    from pathlib import Path

_forks = multiprocessing.get_context("forkserver")
_forks.set_forkserver_preload(["tap_insightly.tap", "tap_insightly.loader", "tap_insightly.cli"])
_OURS = (["tap_insightly"], ["tap_insightly.loader"], ["tap_insightly.cli"])
_number = 0


def _of_python(env: Mapping[str, str]) -> dict[str, str]:
    return {name: value for name, value in env.items() if name.startswith("PYTHON")}


_ours = _of_python(os.environ)


def can_be_warm(command: Sequence[str | Path], env: Mapping[str, str]) -> bool:
    """Tell whether a command is one of ours, in an interpreter like this one."""
    begin = [str(part) for part in command[:3]]
    is_ours = begin[:2] == [sys.executable, "-m"] and begin[2:] in _OURS
    return is_ours and _of_python(env) == _ours


def run(
    command: Sequence[str | Path], *, env: Mapping[str, str], folder: Path, timeout: float
) -> CompletedProcess[str]:
    """Run ``python -m module`` to its end, as `subprocess.run` does."""
    global _number  # noqa: PLW0603 - names of files, of which no two may be the same
    _number += 1
    paths = [folder / f"{name}-{os.getpid()}-{_number}.txt" for name in ("stdout", "stderr")]
    process = start(command, env=env, folder=folder, outputs=paths)
    process.join(timeout)
    is_late = process.is_alive()
    if is_late:
        process.kill()
        process.join()
    stdout, stderr = (path.read_text() for path in paths)
    if is_late:
        raise TimeoutExpired(list(command), timeout, stdout, stderr)
    assert process.exitcode is not None
    return CompletedProcess(list(command), process.exitcode, stdout, stderr)


def start(
    command: Sequence[str | Path],
    *,
    env: Mapping[str, str],
    folder: Path,
    outputs: Sequence[Path],
    constants: Mapping[str, int] | None = None,
) -> BaseProcess:
    """Begin with ``python -m module``, of which some constants, ``module:name``, are others."""
    arguments = list(map(str, command[2:]))
    given = (arguments, dict(env), folder, list(outputs), dict(constants or {}))
    process = _forks.Process(target=_become, args=given)
    process.start()
    return process


def _become(
    arguments: list[str],
    env: dict[str, str],
    folder: Path,
    outputs: Sequence[Path],
    constants: dict[str, int],
) -> None:
    """Take the place of an interpreter that was started with these arguments."""
    for number, path in enumerate(outputs, 1):
        with path.open("wb") as file:
            os.dup2(file.fileno(), number)
    os.environ.clear()
    os.environ.update(env)
    os.chdir(folder)
    sys.path[0] = str(folder)  # where `python -m` looks first
    sys.argv = arguments
    for place, value in constants.items():
        module, _, name = place.partition(":")
        assert hasattr(importlib.import_module(module), name)
        setattr(sys.modules[module], name, value)
    runpy.run_module(arguments[0], run_name="__main__", alter_sys=True)
