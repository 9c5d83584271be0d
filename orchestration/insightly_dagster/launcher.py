"""A run launcher for one machine: each run is a fork of a process that has everything imported.

Dagster's own starts an interpreter for each run and imports itself, which takes more than a quiet
account does. The fork is made by the forkserver of Python's standard library, which has one thread
and no connection, and executes what Dagster's launchers for containers execute:
``dagster api execute_run``.
"""

from __future__ import annotations

import multiprocessing
import os
import signal
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

from dagster import DagsterInstance, DagsterInvariantViolationError
from dagster._core.launcher.base import (
    CheckRunHealthResult,
    LaunchRunContext,
    RunLauncher,
    WorkerStatus,
)
from dagster._grpc.types import ExecuteRunArgs
from dagster._serdes import ConfigurableClass
from typing_extensions import Self, override

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from dagster import DagsterRun
    from dagster._serdes import ConfigurableClassData

PROCESS = "insightly/process"
"""The tag of a run that says which process it is: its number, and when that began."""

_PRELOADED = ["dagster", "dagster._cli.api", "insightly_dagster"]


class ForkingRunLauncher(RunLauncher[DagsterInstance], ConfigurableClass):
    """Launches runs on this machine, as forks."""

    def __init__(self, inst_data: ConfigurableClassData | None = None) -> None:
        """Start nothing yet.

        Raises:
            DagsterInvariantViolationError: If this machine does not tell which processes it has.
        """
        if not Path("/proc/self/stat").exists():
            msg = "ForkingRunLauncher needs Linux. Leave run_launcher out of dagster.yaml."
            raise DagsterInvariantViolationError(msg)
        self._inst_data = inst_data
        self._context = multiprocessing.get_context("forkserver")
        self._context.set_forkserver_preload(_PRELOADED)
        self._processes: list[Any] = []
        super().__init__()  # type: ignore[no-untyped-call]

    @property
    @override
    def inst_data(self) -> ConfigurableClassData | None:
        return self._inst_data

    @classmethod
    @override
    def config_type(cls) -> dict[str, Any]:
        return {}

    @classmethod
    @override
    def from_config_value(
        cls, inst_data: ConfigurableClassData | None, config_value: Mapping[str, Any]
    ) -> Self:
        return cls(inst_data)

    @override
    def launch_run(self, context: LaunchRunContext) -> None:
        run = context.dagster_run
        assert context.job_code_origin is not None
        args = ExecuteRunArgs(context.job_code_origin, run.run_id, self._instance.get_ref())
        self._processes = [one for one in self._processes if one.is_alive()]  # which reaps them
        command = list(args.get_command_args())[-3:]
        process = self._context.Process(target=_execute, args=[command, dict(os.environ)])
        process.start()
        self._processes.append(process)
        assert process.pid is not None
        self._instance.add_run_tags(run.run_id, {PROCESS: f"{process.pid} {_began(process.pid)}"})
        self._instance.report_engine_event(f"Forked process {process.pid} for the run.", run)

    @override
    def terminate(self, run_id: str) -> bool:
        run = self._instance.get_run_by_id(run_id)
        pid = None if run is None or run.is_finished else _pid_of(run)
        if run is None or pid is None:
            return False
        self._instance.report_run_canceling(run)
        os.kill(pid, signal.SIGTERM)
        return True

    @property
    @override
    def supports_check_run_worker_health(self) -> bool:
        return True

    @override
    def check_run_worker_health(self, run: DagsterRun) -> CheckRunHealthResult:
        if PROCESS not in run.tags:
            return CheckRunHealthResult(WorkerStatus.UNKNOWN)
        if _pid_of(run) is not None:
            return CheckRunHealthResult(WorkerStatus.RUNNING)
        return CheckRunHealthResult(WorkerStatus.FAILED, "Its process is gone: it was killed.")


def _execute(command: Sequence[str], environment: Mapping[str, str]) -> None:
    from dagster._cli import create_dagster_cli  # noqa: PLC0415 - in the fork, where it is loaded

    os.environ.clear()
    os.environ.update(environment)
    os.setsid()  # Ctrl-C in the terminal of the daemon is not meant for a run
    cli = create_dagster_cli()  # type: ignore[no-untyped-call]
    sys.exit(cli.main(command, standalone_mode=False))


def _pid_of(run: DagsterRun) -> int | None:
    """Find the process of a run; None if it is gone, even if another has its number now."""
    pid, _, began = run.tags.get(PROCESS, "").partition(" ")
    return int(pid) if pid and _began(int(pid)) == began else None


def _began(pid: int) -> str:
    """Say when a process began, in ticks since the machine started; nothing if it is gone."""
    try:
        status = Path(f"/proc/{pid}/stat").read_text(encoding="utf-8").rpartition(")")[2].split()
    except OSError:
        return ""
    return "" if status[0] == "Z" else status[19]
