"""See Insightly data in a warehouse: the sandbox, Meltano and DuckDB. Run by ``make demo``."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from contextlib import suppress
from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from tap_insightly.sandbox import Sandbox
from tap_insightly.streams import STREAMS, SearchStream
from tap_insightly.values import parse_moment

try:
    import duckdb
except ModuleNotFoundError:
    sys.exit(
        "target-duckdb needs duckdb 1.2.2, which is not built for this Python. "
        "Choose another: make clean && make demo PYTHON=python3.13"
    )

if TYPE_CHECKING:
    from collections.abc import Sequence

ROOT = Path(__file__).resolve().parent.parent
MELTANO = ROOT / ".tools" / "meltano" / "bin" / "meltano"
PIPELINE = ("run", "tap-insightly", "target-duckdb")
QUESTIONS = ("pipeline_by_stage.sql", "companies_with_open_tasks.sql")
LOOKBACK = timedelta(seconds=60)  # the tap's default


class Warehouse:
    """A DuckDB that Meltano fills from the sandbox."""

    def __init__(self, sandbox: Sandbox, folder: Path, requests_per_second: float) -> None:
        """Start with nothing in it.

        Args:
            sandbox: The account, which is being served.
            folder: Where the database, Meltano's state and its log go. Those there are removed.
            requests_per_second: The tap's setting of this name.
        """
        self.sandbox = sandbox
        self.database = folder / "warehouse.duckdb"
        self.log = folder / "meltano.log"
        state = folder / "meltano.db"
        folder.mkdir(parents=True, exist_ok=True)
        for path in (self.database, self.log, state):
            path.unlink(missing_ok=True)
        theirs = ("TAP_INSIGHTLY_", "TARGET_DUCKDB_", "MELTANO_")
        self._env = {k: v for k, v in os.environ.items() if not k.startswith(theirs)} | {
            "MELTANO_DATABASE_URI": f"sqlite:///{state}",
            "TAP_INSIGHTLY_API_KEY": sandbox.api_key,
            "TAP_INSIGHTLY_API_URL": sandbox.api_url,
            "TAP_INSIGHTLY_REQUESTS_PER_SECOND": f"{requests_per_second:g}",
            "TARGET_DUCKDB_FILEPATH": str(self.database),
        }

    def meltano(self, *args: str) -> str:
        """Run Meltano in this repository, with the repository's own meltano.yml.

        Args:
            *args: Its arguments.

        Returns:
            How many requests and seconds it took, as text.

        Raises:
            ClickException: If it fails.
        """
        command = f"meltano {' '.join(args)}"
        started, before = time.monotonic(), len(self.sandbox.requests)
        with self.log.open("ab") as log:
            process = subprocess.Popen(  # noqa: S603 - our own command
                [MELTANO, *args], cwd=ROOT, env=self._env, stdout=log, stderr=log
            )
        code, start = None, "\r" if sys.stdout.isatty() else ""
        while code is None:
            with suppress(subprocess.TimeoutExpired):
                code = process.wait(timeout=0.2)
            requests = len(self.sandbox.requests) - before
            told = f"{requests} requests, {time.monotonic() - started:.1f} s"
            if sys.stdout.isatty() or code is not None:
                click.echo(f"{start}$ {command}   {told} ", nl=False)
        click.echo()
        if code:
            last = "\n".join(self.log.read_text(errors="replace").splitlines()[-15:])
            msg = f"{command} failed ({code}). {self.log} ends with:\n{last}"
            raise click.ClickException(msg)
        return told

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

    def tables(self) -> set[str]:
        """List the tables.

        Returns:
            Their names.
        """
        _, rows = self.ask("select table_name from duckdb_tables() where schema_name = 'insightly'")
        return {name for (name,) in rows}

    def one(self, what: str, table: str, where: str = "true") -> Any:  # noqa: ANN401 - as SQL has it
        """Ask for one value.

        Args:
            what: An expression.
            table: The name of a table.
            where: A condition.

        Returns:
            The value; None if there is no such table.
        """
        if table not in self.tables():
            return None
        return self.ask(f"select {what} from insightly.{table} where {where}")[1][0][0]  # noqa: S608 - our own words


def custom_objects(sandbox: Sandbox) -> dict[str, str]:
    """List the streams of custom objects.

    Args:
        sandbox: The account.

    Returns:
        Paths by name of the stream.
    """
    names = [definition["OBJECT_NAME"] for definition in sandbox.records("/CustomObjects")]
    return {name.lower(): f"/{name}" for name in names}


def incremental(sandbox: Sandbox) -> dict[str, str]:
    """List the streams of which a sync reads changes only, from the second one on.

    Args:
        sandbox: The account.

    Returns:
        Paths by name of the stream.
    """
    standard = {stream.name: stream.path for stream in STREAMS if issubclass(stream, SearchStream)}
    return standard | custom_objects(sandbox)


def source_rows(sandbox: Sandbox) -> dict[str, int]:
    """Count what the account holds.

    Args:
        sandbox: The account.

    Returns:
        The number of records by name of the stream.
    """
    paths = {stream.name: stream.path for stream in STREAMS} | custom_objects(sandbox)
    special = {
        "custom_fields": sum(len(own.definitions) for own in sandbox.custom_fields.values()),
        "permissions": len(sandbox.records("/Permissions")[0]["OBJECT_PERMISSIONS"]),
    }
    return {
        name: special[name] if name in special else sandbox.count(path)
        for name, path in paths.items()
    }


def moments(sandbox: Sandbox, path: str) -> list[Any]:
    """List when the records of an incremental stream were updated.

    Args:
        sandbox: The account.
        path: The path of their object.

    Returns:
        Aware datetimes.
    """
    name = sandbox.tables[path].updated
    return [parse_moment(row[name]) for row in sandbox.records(path) if name and row[name]]


def change(sandbox: Sandbox) -> dict[str, int]:
    """Work a little in the account, as its users would.

    Args:
        sandbox: The account.

    Returns:
        How many records of which stream were created or updated.
    """
    company = sandbox.records("/Organisations")[0]["ORGANISATION_ID"]
    people = (("Ana", "Şahin"), ("Björn", "Nyström"), ("美咲", "佐藤"))
    for first, last in people:
        sandbox.create("/Contacts", FIRST_NAME=first, LAST_NAME=last, ORGANISATION_ID=company)
    deals = [o for o in sandbox.records("/Opportunities") if o["OPPORTUNITY_STATE"] == "OPEN"][:5]
    for deal in deals:
        sandbox.update("/Opportunities", deal["OPPORTUNITY_ID"], OPPORTUNITY_STATE="WON")
    tasks = [task for task in sandbox.records("/Tasks") if not task["COMPLETED"]][:4]
    for task in tasks:
        sandbox.update("/Tasks", task["TASK_ID"], COMPLETED=True, STATUS="COMPLETED")
    return {"contacts": len(people), "opportunities": len(deals), "tasks": len(tasks)}


def layout(heads: Sequence[str], rows: Sequence[Sequence[Any]]) -> str:
    """Lay out rows in columns, numbers to the right.

    Args:
        heads: The names of the columns.
        rows: The rows.

    Returns:
        Lines of text.
    """
    shown = [[_text(value) for value in row] for row in rows]
    widths = [max(map(len, column)) for column in zip(heads, *shown, strict=True)]
    right = [any(isinstance(v, int | float) for v in column) for column in zip(*rows, strict=True)]

    def line(cells: Sequence[str]) -> str:
        padded = [
            cell.rjust(width) if is_right else cell.ljust(width)
            for cell, width, is_right in zip(cells, widths, right, strict=True)
        ]
        return f"  {'  '.join(padded).rstrip()}"

    return "\n".join([line(heads), line(["-" * width for width in widths]), *map(line, shown)])


def _text(value: Any) -> str:  # noqa: ANN401 - anything that SQL has
    if isinstance(value, float):
        return f"{value:,.2f}"
    return f"{value:,}" if isinstance(value, int) else "none" if value is None else str(value)


def show_first_sync(warehouse: Warehouse) -> list[str]:
    """Read everything, and compare.

    Args:
        warehouse: The warehouse.

    Returns:
        The streams whose rows differ.
    """
    told = warehouse.meltano(*PIPELINE)
    counts = [
        (stream, rows, warehouse.one("count(*)", stream))
        for stream, rows in source_rows(warehouse.sandbox).items()
    ]
    wrong = [stream for stream, source, loaded in counts if source != loaded]
    marked = [(*count, "differs" if count[0] in wrong else "") for count in counts]
    click.echo(layout(("stream", "source", "warehouse", ""), marked))
    total = sum(source for _, source, _ in counts)
    click.echo(f"\n  {len(counts)} streams, {total:,} records: {told}.\n")
    return wrong


def show_second_sync(warehouse: Warehouse) -> list[str]:
    """Change some data, read again, and see what travelled.

    Args:
        warehouse: The warehouse.

    Returns:
        The streams of which something else arrived than what had changed.
    """
    sandbox, paths = warehouse.sandbox, incremental(warehouse.sandbox)
    bookmarks = {stream: max(moments(sandbox, path)) for stream, path in paths.items()}
    written = {stream: warehouse.one("max(_sdc_batched_at)", stream) for stream in paths}
    changed = change(sandbox)
    what = ", ".join(f"{number} {stream}" for stream, number in changed.items())
    click.echo(f"Now {what} are created or updated in Insightly, and Meltano runs again.\n")
    told = warehouse.meltano(*PIPELINE)
    rows, wrong, again = [], [], 0
    for stream, path in paths.items():
        since = bookmarks[stream] - LOOKBACK
        expected = sum(moment > since for moment in moments(sandbox, path))
        arrived = warehouse.one("count(*)", stream, f"_sdc_batched_at > '{written[stream]}'")
        is_wrong = arrived != expected
        is_wrong |= warehouse.one("count(*)", stream) != sandbox.count(path)
        if is_wrong:
            wrong.append(stream)
        if stream in changed or is_wrong:
            number = changed.get(stream, 0)
            mark = "differs" if is_wrong else ""
            rows.append((stream, sandbox.count(path), number, expected, arrived, mark))
        again += expected - changed.get(stream, 0)
    click.echo(layout(("stream", "source", "changed", "to be sent", "arrived", ""), rows))
    click.echo(
        f"\n  {len(paths)} streams are asked for changes only: {told}.\n"
        f"  {again} unchanged records were sent again: those of the last {LOOKBACK.seconds} s "
        "before each bookmark,\n  which is how nothing is missed (setting lookback_seconds).\n"
        f"  The other {len(STREAMS) - len(paths) + len(custom_objects(sandbox))} are short lists "
        "that the API only gives whole.\n"
    )
    return wrong


@click.command()
@click.option("--records", default=2000, show_default=True, help="How many contacts.")
@click.option("--requests-per-second", default=10.0, show_default=True, help="The tap's setting.")
@click.option(
    "--folder",
    default=ROOT / ".demo",
    type=click.Path(path_type=Path),
    help="Where the warehouse goes; an older one is removed.  [default: .demo]",
)
def main(records: int, requests_per_second: float, folder: Path) -> None:
    """Load a made-up Insightly account into DuckDB, twice, and ask two questions."""
    with Sandbox(records).serve() as sandbox:
        if not run(sandbox, folder.resolve(), requests_per_second):
            sys.exit(1)


def run(sandbox: Sandbox, folder: Path, requests_per_second: float) -> bool:
    """Run the demo.

    Args:
        sandbox: The account, which is being served.
        folder: Where the warehouse goes.
        requests_per_second: The tap's setting of this name.

    Returns:
        Whether the warehouse has what the account has.
    """
    click.echo(f"An Insightly with made-up data answers at {sandbox.api_url}.\n")
    warehouse = Warehouse(sandbox, folder, requests_per_second)
    warehouse.meltano("install")
    wrong = show_first_sync(warehouse)
    wrong += show_second_sync(warehouse) if not wrong else []
    if wrong:
        click.echo(f"Source and warehouse differ: {', '.join(wrong)}. See {warehouse.log}.")
        return False
    for name in QUESTIONS:
        sql = (ROOT / "demo" / name).read_text(encoding="utf-8").strip()
        click.echo(f"{sql}\n\n{layout(*warehouse.ask(sql))}\n")
    click.echo(
        f"The warehouse is {os.path.relpath(warehouse.database)}. "
        "The same from your own account into warehouse.duckdb:\n\n"
        "  TAP_INSIGHTLY_API_KEY=your-key TAP_INSIGHTLY_POD=na1 "
        f"{os.path.relpath(MELTANO)} {' '.join(PIPELINE)}"
    )
    return True


if __name__ == "__main__":
    main()
