"""The DAG of deploy/schedule, by Airflow itself: one task for each account, and who tries again."""

from __future__ import annotations

import json
import os
import subprocess
from typing import TYPE_CHECKING, Any

import pytest

from tap_insightly.sandbox import Faults
from tests.deploy.schedules import KEY, SCHEDULES, Place, place
from tests.destinations.pipe import TOOLS, program

if TYPE_CHECKING:
    from pathlib import Path

pytestmark = pytest.mark.slow


def airflow(here: Place, *words: str) -> subprocess.CompletedProcess[str]:
    """Run a command of Airflow, with a home of its own."""
    dags = here.folder / "dags"
    env = {
        **here.environment,
        "PATH": f"{here.programs}:{TOOLS / 'airflow' / 'bin'}:{os.environ['PATH']}",
        "HOME": str(here.folder),
        "AIRFLOW_HOME": str(here.folder / "airflow"),
        "AIRFLOW__CORE__DAGS_FOLDER": str(dags),
        "AIRFLOW__CORE__LOAD_EXAMPLES": "False",
    }
    done = subprocess.run(  # noqa: S603 - a program of others, pinned
        [program("airflow"), *words],
        env=env,
        cwd=here.folder,
        capture_output=True,
        text=True,
        timeout=400,
        check=False,
    )
    assert KEY not in done.stdout + done.stderr
    return done


def states(here: Place, run_id: str) -> dict[str, list[str]]:
    """The states of the tasks of a run, by name."""
    listed = airflow(here, "tasks", "states-for-dag-run", "insightly", run_id, "--output=json")
    found: dict[str, list[str]] = {}
    rows: list[dict[str, Any]] = json.loads(listed.stdout[listed.stdout.index("[") :])
    for row in rows:
        found.setdefault(row["task_id"], []).append(row["state"])
    return found


def test_each_account_is_a_task_and_tries_again_only_what_may_do_well(tmp_path: Path) -> None:
    with place(tmp_path) as here:
        (tmp_path / "dags").mkdir()
        (tmp_path / "dags" / "insightly.py").write_text((SCHEDULES / "airflow_dag.py").read_text())
        assert airflow(here, "db", "migrate").returncode == 0
        errors = airflow(here, "dags", "list-import-errors", "--output=json", "--local")
        assert "Traceback" not in errors.stdout + errors.stderr, errors.stdout
        done = airflow(here, "dags", "test", "insightly", "2026-11-01")
        assert done.returncode == 0, done.stdout + done.stderr
        assert here.has_all("acme")
        assert here.has_all("beta")

        here.accounts["acme"].faults = Faults(daily_quota=0)
        here.accounts["beta"].faults = Faults(user_denied=True)
        done = airflow(here, "dags", "test", "insightly", "2026-11-02")
        print(done.stdout[-6000:], done.stderr[-3000:])  # noqa: T201
        assert "UP_FOR_RETRY" in done.stdout + done.stderr
