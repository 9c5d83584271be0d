"""The DAG of deploy/schedule, by Airflow itself: one task for each account, and who tries again."""

from __future__ import annotations

import os
import signal
import subprocess
import threading
from contextlib import suppress
from typing import TYPE_CHECKING

import pytest

from tap_insightly.sandbox import Faults
from tests.deploy.schedules import KEY, SCHEDULES, Place, place
from tests.destinations.pipe import TOOLS, program

if TYPE_CHECKING:
    from pathlib import Path

pytestmark = pytest.mark.slow


def environment(here: Place) -> dict[str, str]:
    """That of a sync, and a home of its own for Airflow."""
    return {
        **here.environment,
        "PATH": f"{here.programs}:{TOOLS / 'airflow' / 'bin'}:{os.environ['PATH']}",
        "HOME": str(here.folder),
        "AIRFLOW_HOME": str(here.folder / "airflow"),
        "AIRFLOW__CORE__DAGS_FOLDER": str(here.folder / "dags"),
        "AIRFLOW__CORE__LOAD_EXAMPLES": "False",
    }


def run_dag(here: Place, until: set[str]) -> str:
    """Run the DAG until all this was said, or to its end: while a task waits it does not end."""
    command = [program("airflow"), "dags", "test", "insightly", "2026-11-01"]
    said: list[str] = []
    with subprocess.Popen(  # noqa: S603 - a program of others, pinned
        command,
        env=environment(here),
        cwd=here.folder,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        start_new_session=True,
    ) as process:
        guard = threading.Timer(400, os.killpg, [process.pid, signal.SIGKILL])
        guard.start()
        assert process.stdout is not None
        for line in process.stdout:
            said.append(line)
            if until and not (until := {one for one in until if one not in line}):
                break
        guard.cancel()
        with suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)
    text = "".join(said)
    assert not until, text
    assert KEY not in text
    return text


def test_each_account_is_a_task_and_tries_again_only_what_may_do_well(tmp_path: Path) -> None:
    with place(tmp_path) as here:
        (tmp_path / "dags").mkdir()
        (tmp_path / "dags" / "insightly.py").write_text((SCHEDULES / "airflow_dag.py").read_text())
        subprocess.run(  # noqa: S603 - a program of others, pinned
            [program("airflow"), "db", "migrate"],
            env=environment(here),
            check=True,
            capture_output=True,
            timeout=400,
        )
        here.accounts["acme"].faults = Faults(daily_quota=0)
        here.accounts["beta"].faults = Faults(user_denied=True)
        text = run_dag(here, {"new_state=up_for_retry", "new_state=failed"})
        assert "acme: not now, by quota, rate limit or network." in text
        assert "beta: exit code 77; the log says what to do." in text
        for account in here.accounts.values():
            account.faults = Faults()
        run_dag(here, set())
        assert here.has_all("acme")
        assert here.has_all("beta")
