"""Load many accounts at once, and see what becomes of those that are in trouble."""

from __future__ import annotations

import json
import os
import shlex
import shutil
import signal
import subprocess
import sys
import time
from collections import Counter
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click
import dagster as dg
import psycopg
from insightly_dagster.launcher import PROCESS

from demo.fleet.accounts import (
    KILLED,
    MARK,
    NO_QUOTA,
    WRONG_KEY,
    differences,
    fleet,
    keys,
    write_config,
)
from tests.destinations.postgres import postgres

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from tap_insightly.sandbox import Sandbox

ROOT = Path(__file__).resolve().parents[2]
PROGRAMS = Path(sys.executable).parent
DEFINITIONS = Path(__file__).with_name("definitions.py")
TARGET = ROOT / ".tools" / "target-postgres" / "bin" / "target-postgres"
JOB = "insightly_load"
TICKS = os.sysconf("SC_CLK_TCK")
ENDED = (dg.DagsterRunStatus.SUCCESS, dg.DagsterRunStatus.FAILURE, dg.DagsterRunStatus.CANCELED)


class Fleet:
    """The accounts, and the Dagster that loads them."""

    def __init__(
        self, folder: Path, accounts: Mapping[str, Sandbox], server: Mapping[str, Any], at_once: int
    ) -> None:
        """Prepare the folder, which is Dagster's home, too."""
        self.folder, self.accounts, self.server = folder, accounts, server
        self.home = folder / "home"
        self.home.mkdir(parents=True)
        text = (ROOT / "orchestration" / "dagster.yaml").read_text(encoding="utf-8")
        text = text.replace("default_limit: 2", f"default_limit: {at_once}")
        (self.home / "dagster.yaml").write_text(text, encoding="utf-8")
        write_config(folder / "config.toml", accounts)
        settings = {
            **{name: server[name] for name in ("host", "port", "user")},
            "database": server["dbname"],
            "default_target_schema": "{account}",
            "sanitize_null_text_characters": True,
            "validate_records": False,
        }
        os.environ |= {
            "DAGSTER_HOME": str(self.home),
            "INSIGHTLY_CONFIG": str(folder / "config.toml"),
            "INSIGHTLY_DSN": self.address,
            "TARGET_POSTGRES_PASSWORD": server["password"],
            "FLEET_TARGET": str(TARGET),
            "FLEET_TARGET_SETTINGS": json.dumps(settings),
            "FLEET_FOLDER": str(folder / "accounts"),
            **keys(accounts),
        }
        self.instance = dg.DagsterInstance.get()
        self.seen: set[str] = set()

    @property
    def address(self) -> str:
        """Where the warehouse is."""
        return "postgresql://{user}@{host}:{port}/{dbname}".format(**self.server)

    def round(self, names: list[str]) -> dict[str, dg.DagsterRun]:
        """Load accounts, as a backfill, and wait until all have ended.

        Returns:
            Their runs, by account.
        """
        command = [PROGRAMS / "dagster", "job", "backfill", "-f", DEFINITIONS, "-j", JOB]
        command += ["--partitions", ",".join(names), "--noprompt"]
        log = (self.folder / "backfill.log").open("ab")
        subprocess.run(command, check=True, stdout=log, stderr=log)  # noqa: S603 - our own command
        while True:
            runs = [one for one in self.instance.get_runs() if one.run_id not in self.seen]
            runs = [one for one in runs if one.job_name == JOB]
            if len(runs) == len(names) and all(one.status in ENDED for one in runs):
                self.seen |= {one.run_id for one in runs}
                return {one.tags["dagster/partition"]: one for one in runs}
            self._kill(runs)
            time.sleep(0.5)

    def _kill(self, runs: list[dg.DagsterRun]) -> None:
        """Kill one run, once, in the middle of it."""
        sandbox = self.accounts[KILLED]
        if not sandbox.faults.latency or len(sandbox.requests) < 40:  # noqa: PLR2004 - of 91
            return
        for run in runs:
            if run.tags["dagster/partition"] == KILLED and PROCESS in run.tags:
                os.kill(int(run.tags[PROCESS].split()[0]), signal.SIGKILL)
                sandbox.faults.latency = 0

    def why(self, run: dg.DagsterRun) -> str:
        """Say why a run failed, in Dagster's own words."""
        records = self.instance.all_logs(run.run_id)
        events = [one.dagster_event for one in records if one.dagster_event is not None]
        for event in events:
            if event.is_step_failure and event.step_failure_data.user_failure_data:
                return str(event.step_failure_data.user_failure_data.description)
        failed = [one.message for one in events if one.is_job_failure]
        return str(failed[-1] if failed else "")

    def account_metadata(self, names: list[str]) -> dict[str, dict[str, Any]]:
        """Read what the last run of each account has told."""
        found = {}
        for name in names:
            records = self.instance.fetch_materializations(
                dg.AssetRecordsFilter(
                    asset_key=dg.AssetKey(["insightly", "account"]), asset_partitions=[name]
                ),
                limit=1,
            ).records
            found[name] = {
                key: value.value for key, value in records[0].asset_materialization.metadata.items()
            }
        return found


@contextmanager
def daemon(fleet: Fleet) -> Iterator[int]:
    """Run Dagster's daemon; yields its process number."""
    command = [PROGRAMS / "dagster-daemon", "run", "-f", DEFINITIONS]
    with (fleet.folder / "daemon.log").open("ab") as log:
        process = subprocess.Popen(  # noqa: S603 - our own command
            command, stdout=log, stderr=log, start_new_session=True
        )
    try:
        while set(fleet.instance.get_dynamic_partitions("insightly_accounts")) != set(
            fleet.accounts
        ):
            if process.poll() is not None:
                msg = f"Dagster's daemon has ended; see {fleet.folder / 'daemon.log'}."
                raise click.ClickException(msg)
            time.sleep(0.5)
        yield process.pid
    finally:
        process.send_signal(signal.SIGINT)
        try:
            process.wait(30)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


def cpu_below(pid: int) -> float:
    """Say how many seconds of CPU a process and all that it has started took."""
    status = {}
    for path in Path("/proc").glob("[0-9]*/stat"):
        try:
            parts = path.read_text(encoding="utf-8").rpartition(")")[2].split()
        except OSError:
            continue
        status[int(path.parent.name)] = (int(parts[1]), sum(map(int, parts[11:15])))
    found, total = {pid}, status.get(pid, (0, 0))[1]
    while new := {one for one, (parent, _) in status.items() if parent in found} - found:
        found |= new
        total += sum(status[one][1] for one in new)
    return total / TICKS


def searched(folder: Path) -> list[str]:
    """List the files that hold a key."""
    mark = MARK.encode()
    return [
        str(path.relative_to(folder))
        for path in folder.rglob("*")
        if path.is_file() and mark in path.read_bytes()
    ]


@click.command()
@click.option("--accounts", "number", default=20, show_default=True, help="How many.")
@click.option("--folder", default=".demo/fleet", help="Where all goes; what is there is removed.")
@click.option("--at-once", default=2, show_default=True, help="How many of them at one time.")
def main(number: int, folder: str, at_once: int) -> None:
    """Load many accounts at once into one Postgres, a schema each."""
    where = Path(folder).resolve()
    shutil.rmtree(where, ignore_errors=True)
    with fleet(number) as accounts, postgres() as server:
        click.echo(f"{number} Insightlys answer on this machine, three of them in trouble:")
        click.echo(f"  {WRONG_KEY}, {NO_QUOTA}, and {KILLED}, whose first run is killed.\n")
        one = Fleet(where, accounts, server, at_once)
        with daemon(one) as pid:
            is_right = _show(one, pid)
    if not is_right:
        sys.exit(1)


def _show(one: Fleet, pid: int) -> bool:
    names = list(one.accounts)
    right = [_told(one, "First load", pid, names)]
    failed = right[0]
    well = [name for name in names if name not in (WRONG_KEY, NO_QUOTA)]
    second = _told(one, "Second load", pid, well)
    third = _told(one, "Nothing new", pid, well)
    numbers = one.account_metadata(well)
    own = sum(float(how["cpu_seconds"]) for how in numbers.values()) / len(well)
    memory = max(float(how["memory_mb"]) for how in numbers.values())
    click.echo(f"  tap and target {own:.2f} s of CPU an account in that, the rest is Dagster's;")
    click.echo(f"  the largest process has {memory:.0f} MB.\n")
    with psycopg.connect(one.address) as connection:
        differ = {name: differences(connection, name, one.accounts[name]) for name in well}
    differ = {name: streams for name, streams in differ.items() if streams}
    exact = len(well) - len(differ)
    click.echo(f"{exact} of {len(well)} schemas in Postgres are exactly what the accounts hold.")
    for name, streams in differ.items():
        click.echo(f"  {name} differs: {', '.join(streams)}")
    found = searched(one.folder)
    click.echo(f"Files of Dagster and of the accounts in which a key was found: {len(found)}.")
    script = _page_script(one)
    click.echo("\nWhere to look: Dagster's page, at http://127.0.0.1:3000 as soon as you run\n")
    click.echo(f"  {os.path.relpath(script)}\n")
    return (
        set(failed) == {WRONG_KEY, NO_QUOTA, KILLED}
        and not second
        and not third
        and not differ
        and not found
    )


def _page_script(one: Fleet) -> Path:
    """Write a program that shows Dagster's page, which needs to be told what the fleet was."""
    names = ("DAGSTER_HOME", "INSIGHTLY_CONFIG", "FLEET_TARGET", "FLEET_TARGET_SETTINGS")
    given = [f"{name}={shlex.quote(os.environ[name])}" for name in (*names, "FLEET_FOLDER")]
    command = shlex.join([str(PROGRAMS / "dagster-webserver"), "-f", str(DEFINITIONS)])
    script = one.folder / "page.sh"
    script.write_text(f'#!/bin/sh\nexec env {" ".join(given)} {command} "$@"\n', encoding="utf-8")
    script.chmod(0o755)
    return script


def _told(one: Fleet, title: str, pid: int, names: list[str]) -> list[str]:
    """Load, and tell how it went."""
    cpu, began = cpu_below(pid), time.monotonic()
    runs = one.round(names)
    seconds, cpu = time.monotonic() - began, cpu_below(pid) - cpu
    counts = Counter(run.status.value for run in runs.values())
    told = ", ".join(f"{count} {status}" for status, count in sorted(counts.items()))
    click.echo(f"{title}: {told}; {seconds:.0f} s, {cpu / len(names):.2f} s of CPU an account.")
    failed = [name for name, run in runs.items() if run.status != dg.DagsterRunStatus.SUCCESS]
    for name in sorted(failed):
        click.echo(f"  {name}: {one.why(runs[name])}")
    return failed


if __name__ == "__main__":
    main()
