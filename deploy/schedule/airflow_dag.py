"""Syncs by Airflow 3: put this into the folder of DAGs. Each account is a task of its own.

`insightly`, `sync.sh`, tap and target have to be in the PATH of the worker, and INSIGHTLY_CONFIG,
INSIGHTLY_SYNCS and INSIGHTLY_TARGET in its environment.
"""

from __future__ import annotations

import json
import subprocess
from datetime import datetime, timedelta, timezone

from airflow.sdk import dag, get_current_context, task
from airflow.sdk.exceptions import AirflowException, AirflowFailException

TRY_AGAIN = 75
AT_ONCE = 4  # accounts; each has a quota and a rate limit of its own


@dag(
    schedule="0 2 * * *",
    start_date=datetime(2026, 1, 1, tzinfo=timezone.utc),
    catchup=False,
    max_active_runs=1,
    tags=["insightly"],
)
def insightly() -> None:
    """Load each account of the configuration file."""

    @task
    def accounts() -> list[str]:
        command = ["insightly", "accounts", "--json"]
        done = subprocess.run(command, check=True, stdout=subprocess.PIPE)
        return [one["account"] for one in json.loads(done.stdout)]

    # Twelve hours are enough for the next day to begin, with a new quota.
    @task(
        retries=12,
        retry_delay=timedelta(hours=1),
        max_active_tis_per_dag=AT_ONCE,
        map_index_template="{{ account }}",
    )
    def sync(account: str) -> None:
        get_current_context()["account"] = account
        code = subprocess.run(["sync.sh", account], check=False).returncode
        if code == TRY_AGAIN:
            message = f"{account}: not now, by quota, rate limit or network."
            raise AirflowException(message)
        if code:
            message = f"{account}: exit code {code}; the log says what to do."
            raise AirflowFailException(message)

    sync.expand(account=accounts())


insightly()
