"""The warehouse of the demo: a DuckDB that Meltano fills and dbt builds models in."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click
import yaml

try:
    import duckdb
except ModuleNotFoundError:
    sys.exit(
        "target-duckdb needs duckdb 1.2.2, which is not built for this Python. "
        "Choose another: make clean && make demo PYTHON=python3.13"
    )

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from tap_insightly.sandbox import Sandbox

ROOT = Path(__file__).resolve().parent.parent
MELTANO = ROOT / ".tools" / "meltano" / "bin" / "meltano"
DBT = ROOT / ".tools" / "dbt" / "bin"
MODELS = ROOT / "transform"
PIPELINE = ("run", "tap-insightly", "target-duckdb")
PLUGINS = PIPELINE[1:]
RELATED = ("opportunity_state_history", "links", "record_tags", "organisation_email_domains")
"""The streams that the models need and that nobody gets without asking for them."""
DEALS = ("opportunities", "opportunity_state_history", "pipelines", "pipeline_stages")
"""The streams that tell of deals."""


class Warehouse:
    """A DuckDB that Meltano fills from the sandbox."""

    def __init__(self, sandbox: Sandbox, folder: Path, requests_per_second: float) -> None:
        """Start with nothing in it.

        Args:
            sandbox: The account, which is being served.
            folder: Where the database, logs and all else goes. What is there is removed.
            requests_per_second: The tap's setting of this name.
        """
        self.sandbox = sandbox
        self.database = folder / "warehouse.duckdb"
        self.log = folder / "meltano.log"
        self.dbt_log = folder / "dbt" / "output.log"
        self.chart = folder / "pipeline.png"
        self.results = folder / "dbt" / "run_results.json"
        state = folder / "meltano.db"
        self.dbt_log.parent.mkdir(parents=True, exist_ok=True)
        for path in (self.database, self.log, self.dbt_log, self.chart, self.results, state):
            path.unlink(missing_ok=True)
        theirs = ("TAP_INSIGHTLY_", "TARGET_DUCKDB_", "MELTANO_", "DBT_", "MPL")
        self._env = {k: v for k, v in os.environ.items() if not k.startswith(theirs)} | {
            "MELTANO_DATABASE_URI": f"sqlite:///{state}",
            "TAP_INSIGHTLY_API_KEY": sandbox.api_key,
            "TAP_INSIGHTLY_API_URL": sandbox.api_url,
            "TAP_INSIGHTLY_REQUESTS_PER_SECOND": f"{requests_per_second:g}",
            "TAP_INSIGHTLY_DETECT_DELETES": "true",
            "TAP_INSIGHTLY__SELECT": json.dumps(selection()),
            "TARGET_DUCKDB_FILEPATH": str(self.database),
            "INSIGHTLY_DUCKDB": str(self.database),
            "DBT_TARGET_PATH": str(self.dbt_log.parent),
            "DBT_LOG_PATH": str(self.dbt_log.parent),
        }

    def go_by(self, webhook_store: Path) -> None:
        """Have the tap ask only about what webhooks tell of.

        Args:
            webhook_store: Where these are.
        """
        self._env["TAP_INSIGHTLY_WEBHOOK_STORE"] = str(webhook_store)

    def meltano(self, *args: str) -> str:
        """Run Meltano in this repository, with the repository's own meltano.yml.

        Args:
            *args: Its arguments.

        Returns:
            How many requests and seconds it took, as text.
        """
        self.sandbox.webhooks.flush()
        before = len(self.sandbox.requests)
        return self._run(
            f"meltano {' '.join(args)}",
            [MELTANO, *args],
            self.log,
            lambda: f"{len(self.sandbox.requests) - before} requests, ",
        )

    def dbt_build(self, as_of: str) -> Mapping[str, int]:
        """Build all models, and test them.

        Args:
            as_of: The moment that counts as now.

        Returns:
            How many models and tests there are, and how many of these warned.
        """
        self._dbt("dbt build", as_of, "build")
        results = json.loads(self.results.read_text(encoding="utf-8"))["results"]
        kinds = [(one["unique_id"].partition(".")[0], one["status"]) for one in results]
        return {
            "models": sum(kind == "model" for kind, _ in kinds),
            "tests": sum(kind == "test" for kind, _ in kinds),
            "warnings": sum(status == "warn" for _, status in kinds),
        }

    def dbt_snapshot(self, as_of: str) -> None:
        """Keep what deals are like now.

        Args:
            as_of: The moment that counts as now.
        """
        chosen = ("--select", "+opportunity_versions", "--exclude-resource-type", "test")
        self._dbt("dbt build --select +opportunity_versions", as_of, "build", *chosen)

    def load_deals(self) -> None:
        """Run Meltano, but for deals alone, and whatever webhooks tell."""
        whole = dict(self._env)
        self._env.pop("TAP_INSIGHTLY_WEBHOOK_STORE", None)
        self._env["TAP_INSIGHTLY__SELECT"] = json.dumps([f"{name}.*" for name in DEALS])
        try:
            self.meltano(*PIPELINE)
        finally:
            self._env = whole

    def _dbt(self, name: str, as_of: str, *args: str) -> None:
        variables = json.dumps({"as_of": as_of, "insightly_seen_at": as_of})
        folders = ("--project-dir", MODELS, "--profiles-dir", MODELS)
        self._run(name, [DBT / "dbt", *args, *folders, "--vars", variables], self.dbt_log)

    def draw(self) -> None:
        """Draw the chart."""
        script = ROOT / "demo" / "chart.py"
        command = [DBT / "python", script, self.database, self.chart]
        self._run("python demo/chart.py", command, self.dbt_log)

    def ask(self, sql: str) -> tuple[list[str], list[tuple[Any, ...]]]:
        """Ask a question.

        Args:
            sql: The question.

        Returns:
            The names of the columns, and the rows.
        """
        with duckdb.connect(str(self.database), read_only=True) as connection:
            answer = connection.execute(sql)
            return [column[0] for column in answer.description or ()], answer.fetchall()

    def one(self, what: str, table: str, where: str = "true") -> Any:  # noqa: ANN401 - as SQL has it
        """Ask for one value.

        Args:
            what: An expression.
            table: The name of a table, of those that the target made unless it names a schema.
            where: A condition.

        Returns:
            The value; None if there is no such table.
        """
        schema, _, name = table.rpartition(".")
        schema = schema or "insightly"
        is_there = f"table_schema = '{schema}' and table_name = '{name}'"
        sql = f"select count(*) from information_schema.tables where {is_there}"  # noqa: S608 - our own words
        if not self.ask(sql)[1][0][0]:
            return None
        return self.ask(f"select {what} from {schema}.{name} where {where}")[1][0][0]  # noqa: S608 - as above

    def _run(
        self,
        name: str,
        command: Sequence[str | Path],
        log: Path,
        told_so_far: Callable[[], str] = str,
    ) -> str:
        """Run a program in this repository, and say how long it takes.

        Args:
            name: What it is called.
            command: The command.
            log: Where all that it says goes.
            told_so_far: Gives what else to say of it.

        Returns:
            What was said of it.

        Raises:
            ClickException: If it fails.
        """
        started = time.monotonic()
        with log.open("ab") as file:
            process = subprocess.Popen(  # noqa: S603 - our own command
                command, cwd=ROOT, env=self._env, stdout=file, stderr=file
            )
        code, start = None, "\r" if sys.stdout.isatty() else ""
        while code is None:
            with suppress(subprocess.TimeoutExpired):
                code = process.wait(timeout=0.2)
            told = f"{told_so_far()}{time.monotonic() - started:.1f} s"
            if sys.stdout.isatty() or code is not None:
                click.echo(f"{start}$ {name}   {told} ", nl=False)
        click.echo()
        if code:
            last = "\n".join(log.read_text(errors="replace").splitlines()[-15:])
            msg = f"{name} failed ({code}). {log} ends with:\n{last}"
            raise click.ClickException(msg)
        return told


def selection() -> list[str]:
    """Say which streams the demo selects, as Meltano has it.

    Returns:
        The patterns of this repository's meltano.yml, without those that leave out what the
        models need.
    """
    project = yaml.safe_load((ROOT / "meltano.yml").read_text(encoding="utf-8"))
    (tap,) = project["plugins"]["extractors"]
    needed = {f"!{stream}.*" for stream in RELATED}
    return [pattern for pattern in tap["select"] if pattern not in needed]
