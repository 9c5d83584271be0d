"""The whole way: from the API into a database, by dlt and by targets of Singer."""

from __future__ import annotations

import json
import shutil
from contextlib import contextmanager
from datetime import timedelta
from typing import TYPE_CHECKING, Any

import click

from benchmarks.bench import CONTACTS, KEY, PAGE, RATE
from benchmarks.processes import ROOT, environment, measure
from benchmarks.rows import Row
from benchmarks.servers import served

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from benchmarks.bench import Bench
    from benchmarks.servers import Server

SHARE = 0.8  # of the pace that the API allows
MEGABYTES = 400.0
CHANGED = 0.05  # the share of the contacts that the second load reads again
DUCKDB_MEMORY = "100MB"
LITTLE_MEMORY = {"DATA_WRITER__FILE_MAX_ITEMS": "20000", "LOAD__WORKERS": "1"}  # as in docs/dlt.md


class Destination:
    """A database, and how programs reach it."""

    def __init__(self, name: str, dlt: dict[str, str], target: dict[str, Any]) -> None:
        """Note how dlt and the target of Singer take it.

        Args:
            name: Its name, a text.
            dlt: Variables.
            target: Settings.
        """
        self.name = name
        self.dlt = dlt
        self.target = target

    def ask(self, statement: str) -> list[tuple[Any, ...]]:
        """Ask it.

        Args:
            statement: SQL, a text.

        Returns:
            Rows.
        """
        if "dbname" in self.target:
            import psycopg  # noqa: PLC0415 - not before it is measured what others take

            with psycopg.connect(**self.target) as connection:
                return connection.execute(statement.encode()).fetchall()
        code = "import sys, duckdb, pickle; sys.stdout.buffer.write(pickle.dumps("
        code += "duckdb.connect(sys.argv[1], read_only=True).execute(sys.argv[2]).fetchall()))"
        import pickle  # noqa: PLC0415 - as above
        import subprocess  # noqa: PLC0415

        command = [_python("dlt"), "-c", code, self.target["filepath"], statement]
        done = subprocess.run(command, check=True, capture_output=True)  # noqa: S603 - ours
        found: list[tuple[Any, ...]] = pickle.loads(done.stdout)  # noqa: S301 - ours
        return found


def whole_way(bench: Bench) -> Iterator[Row]:
    """Measure loads at the pace that the API allows: a first one, and one of what has changed.

    The targets of Singer get fewer contacts, as they would take minutes. They read a file that the
    tap has written, so that the time is that of the slower one of the two, as if a pipe and a
    second core cost nothing.

    Args:
        bench: Says how large.

    Yields:
        For each database and program: the pace, the computing, the memory, and what is there.
    """
    many, few = bench.size(200_000, 4_000), bench.size(20_000, 4_000)
    for name in ("duckdb", "postgres"):
        with served(contacts=many) as server, _destination(bench, name) as destination:
            yield from _by_dlt(bench, server, destination, many)
        with served(contacts=few) as server, _destination(bench, name) as destination:
            yield from _by_target(bench, server, destination, few)


def _by_dlt(bench: Bench, server: Server, destination: Destination, size: int) -> Iterator[Row]:
    limits = {} if bench.is_quick else {"at_least": SHARE}
    lookback = 1
    for load, share in (("first load", 1.0), (f"{CHANGED:.0%} read again", CHANGED)):
        variables = {
            "SOURCES__INSIGHTLY__API_KEY": KEY,
            "SOURCES__INSIGHTLY__API_URL": server.url,
            "SOURCES__INSIGHTLY__LOOKBACK_SECONDS": f"{lookback}",
            "RUNTIME__DLTHUB_TELEMETRY": "false",
            **LITTLE_MEMORY,
            **destination.dlt,
        }
        before = server.requests
        usage = measure(
            ["-m", "benchmarks.loading"],
            env=environment(**variables),
            folder=bench.folder,
            python=_python("dlt"),
        )
        what = f"whole way: {size:,} contacts into {destination.name} by dlt, {load}"
        requests = server.requests - before
        if share == 1:
            yield Row(f"{what}: share of the API's pace", _share(requests, usage.seconds), **limits)
            yield Row(f"{what}: CPU", usage.cpu / size * 1e6, "µs a record")
        else:
            yield Row(f"{what}: {requests} requests", usage.seconds, "s")
            yield Row(f"{what}: CPU", usage.cpu, "s")
        yield Row(f"{what}: memory", usage.peak / 1e6, "MB", at_most=MEGABYTES)
        yield _exact(what, destination, size, "contact_id")
        ((newest, oldest),) = destination.ask(
            "select max(date_updated_utc), percentile_disc(0.95) within group "
            "(order by date_updated_utc) from insightly.contacts"
        )
        lookback = (newest - oldest) // timedelta(seconds=1) + 1


def _by_target(bench: Bench, server: Server, destination: Destination, size: int) -> Iterator[Row]:
    messages = bench.folder / "messages.jsonl"
    tap = bench.tap(server, stdout=messages)
    program = f"target-{destination.name}"
    config = bench.folder / "target.json"
    config.write_text(json.dumps(_settings(destination)), encoding="utf-8")
    target = measure(
        [str(ROOT / ".tools" / program / "bin" / program), f"--config={config}"],
        env=environment(),
        folder=bench.folder,
        python=_python(program),
        stdin=messages,
    )
    what = f"whole way: {size:,} contacts into {destination.name} by {program}, first load"
    seconds = max(tap.seconds, target.seconds)
    yield Row(f"{what}: share of the API's pace", _share(size / PAGE, seconds))
    yield Row(f"{what}: CPU", (tap.cpu + target.cpu) / size * 1e6, "µs a record")
    yield Row(f"{what}: memory", (tap.peak + target.peak) / 1e6, "MB")
    key = "contact_id" if destination.name == "duckdb" else '"CONTACT_ID"'
    yield _exact(what, destination, size, key)


def _exact(what: str, destination: Destination, size: int, key: str) -> Row:
    ((there,),) = destination.ask(f"select count(distinct {key}) from insightly.{CONTACTS}")  # noqa: S608
    ((rows,),) = destination.ask(f"select count(*) from insightly.{CONTACTS}")  # noqa: S608 - ours
    return Row(f"{what}: missing or twice", abs(size - there) + abs(rows - there), at_most=0)


def _share(requests: float, seconds: float) -> float:
    return requests / RATE / seconds


def _settings(destination: Destination) -> dict[str, Any]:
    settings = {"default_target_schema": "insightly", "validate_records": False}
    if destination.name == "duckdb":
        return settings | destination.target | {"add_metadata_columns": True}
    database = destination.target["dbname"]
    return settings | destination.target | {"database": database}


def _python(name: str) -> Path:
    path = ROOT / ".tools" / name / "bin" / "python"
    if not path.exists():
        msg = f"{path} is missing; `make .tools/{name}/ready` installs it."
        raise click.ClickException(msg)
    return path


@contextmanager
def _destination(bench: Bench, name: str) -> Iterator[Destination]:
    shutil.rmtree(bench.folder / "pipelines", ignore_errors=True)
    if name == "duckdb":
        path = bench.folder / "contacts.duckdb"
        path.unlink(missing_ok=True)
        memory = json.dumps({"memory_limit": DUCKDB_MEMORY})
        prefix = "DESTINATION__DUCKDB__CREDENTIALS"
        variables = {prefix: f"duckdb:///{path}", f"{prefix}__GLOBAL_CONFIG": memory}
        yield Destination(name, variables, {"filepath": f"{path}"})
        return
    from tests.destinations.postgres import postgres  # noqa: PLC0415 - it brings much along

    with postgres() as server:
        login = f"{server['user']}:unused@{server['host']}:{server['port']}/{server['dbname']}"
        variables = {"DESTINATION__POSTGRES__CREDENTIALS": f"postgresql://{login}"}
        yield Destination(name, variables, server)
