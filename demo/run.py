"""See Insightly data in a warehouse: sandbox, Meltano, DuckDB and dbt. Run by ``make demo``."""

from __future__ import annotations

import os
import sys
from collections import Counter
from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING

import click

from demo import account, webhooks
from demo.text import layout
from demo.warehouse import MELTANO, PIPELINE, PLUGINS, ROOT, Warehouse
from tap_insightly.sandbox import Sandbox
from tap_insightly.sandbox.account.moments import timestamp

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

QUESTIONS = ("open_pipeline.sql", "busy_customers.sql")
LOOKBACK = timedelta(seconds=60)  # the tap's default
TITLE = "Countess"  # of a contact, once it is changed
SHOWN = 10  # streams, the biggest ones; it is the same with all others


def show_first_sync(warehouse: Warehouse) -> list[str]:
    """Read everything, and compare.

    Args:
        warehouse: The warehouse.

    Returns:
        The streams whose rows differ.
    """
    told = warehouse.meltano(*PIPELINE)
    sandbox = warehouse.sandbox
    source = account.source_rows(sandbox) | account.related_rows(sandbox)
    counts = [(stream, rows, warehouse.one("count(*)", stream)) for stream, rows in source.items()]
    wrong = [stream for stream, rows, loaded in counts if rows != loaded]
    shown = sorted(counts, key=lambda count: (count[0] not in wrong, -count[1]))[:SHOWN]
    marked = [(*count, "differs" if count[0] in wrong else "") for count in shown]
    click.echo(layout(("stream", "source", "warehouse", ""), marked))
    if others := len(counts) - len(shown):
        click.echo(f"  and {others} more")
    total = sum(rows for _, rows, _ in counts)
    click.echo(f"\n  {len(counts)} streams, {total:,} records: {told}.\n")
    return wrong


def show_second_sync(warehouse: Warehouse) -> tuple[list[str], Mapping[str, Sequence[int]]]:
    """Change and delete some data, read again, and see what travelled.

    Args:
        warehouse: The warehouse.

    Returns:
        The streams of which something else arrived than what had changed, and the keys of the
        records that were deleted, by stream.
    """
    sandbox, paths = warehouse.sandbox, account.incremental(warehouse.sandbox)
    bookmarks = {stream: max(account.moments(sandbox, path)) for stream, path in paths.items()}
    written = {stream: warehouse.one("max(_sdc_batched_at)", stream) for stream in paths}
    gone = account.delete(sandbox)  # first, so that these were in the warehouse
    changed = account.change(sandbox)
    click.echo(
        f"Now {_numbers(changed)} are created or updated in Insightly,\n"
        f"{_numbers({stream: len(keys) for stream, keys in gone.items()})} are deleted, "
        "and Meltano runs again.\n"
    )
    told = warehouse.meltano(*PIPELINE)
    rows, wrong, again = [], [], 0
    for stream, path in paths.items():
        since = bookmarks[stream] - LOOKBACK
        updated, deleted = changed.get(stream, 0), len(gone.get(stream, ()))
        sent = sum(moment > since for moment in account.moments(sandbox, path))
        expected = sent + deleted
        arrived = warehouse.one("count(*)", stream, f"_sdc_batched_at > '{written[stream]}'")
        there = warehouse.one("count(*)", stream, "_sdc_deleted_at is null")
        is_wrong = (arrived, there) != (expected, sandbox.count(path))
        if is_wrong:
            wrong.append(stream)
        if updated or deleted or is_wrong:
            counts = (sandbox.count(path), updated, deleted, expected, arrived)
            rows.append((stream, *counts, "differs" if is_wrong else ""))
        again += sent - updated
    heads = ("stream", "source", "changed", "deleted", "to be sent", "arrived", "")
    click.echo(layout(heads, rows))
    whole = len(account.source_rows(sandbox)) - len(paths)
    click.echo(
        f"\n  {len(paths)} streams are asked for changes only: {told}.\n"
        f"  {again} unchanged records were sent again: those of the last {LOOKBACK.seconds} s "
        "before each bookmark,\n  which is how nothing is missed (setting lookback_seconds).\n"
        f"  {whole} others are short lists that the API only gives whole.\n"
    )
    return wrong, gone


def show_webhook(warehouse: Warehouse) -> list[str]:
    """Change one record, of which a webhook tells, and see that only its stream is asked about.

    Args:
        warehouse: The warehouse.

    Returns:
        The stream, if what arrived or what was asked for is something else.
    """
    sandbox = warehouse.sandbox
    contact, before = sandbox.records("/Contacts")[0]["CONTACT_ID"], len(sandbox.requests)
    sandbox.update("/Contacts", contact, TITLE=TITLE)
    click.echo("Now one contact is changed. A webhook tells of it, and Meltano runs again.\n")
    warehouse.meltano(*PIPELINE)
    asked = Counter(request.path.split("/")[2] for request in sandbox.requests[before:])
    discovery = asked.pop("CustomObjects", 0) + asked.pop("CustomFields", 0)
    rows = [(path.lower(), number) for path, number in asked.items()]
    click.echo(layout(("asked about", "requests"), [("custom fields", discovery), *rows]))
    title = warehouse.one("TITLE", "contacts", f"CONTACT_ID = {contact}")
    click.echo(
        f"\n  The contact's title in the warehouse is {title}. No other stream was asked about.\n"
        "  Custom fields were, as Meltano discovers anew what is installed from a working copy.\n"
        if (is_right := title == TITLE and set(asked) == {"Contacts"})
        else f"\n  The contact's title in the warehouse is {title}.\n"
    )
    return [] if is_right else ["contacts"]


def show_months(warehouse: Warehouse, months: int) -> None:
    """Let some months go by, and keep what deals are like at the end of each.

    Args:
        warehouse: The warehouse.
        months: How many.
    """
    sandbox = warehouse.sandbox
    click.echo("Insightly does not tell what a deal was like before. dbt keeps it from now on.\n")
    warehouse.dbt_snapshot(timestamp(sandbox.clock()))
    for number in range(months):
        changed = account.pass_month(sandbox, number)
        click.echo(f"A month goes by: {changed} deals are made, move on, are won or lost.")
        warehouse.load_deals()
        warehouse.dbt_snapshot(timestamp(sandbox.clock()))
    click.echo()


def show_models(warehouse: Warehouse, gone: Mapping[str, Sequence[int]]) -> list[str]:
    """Build the models, and see that they hold what the account holds.

    Args:
        warehouse: The warehouse.
        gone: The keys of the records that were deleted, by stream.

    Returns:
        The streams of which the models hold something else.
    """
    sandbox = warehouse.sandbox
    counts = warehouse.dbt_build(timestamp(sandbox.clock()))
    warned = f", {counts['warnings']} warnings" if counts["warnings"] else ""
    click.echo(f"  {counts['models']} models built, {counts['tests']} tests passed{warned}.\n")
    rows, wrong = [], []
    for stream, keys in gone.items():
        source = sandbox.count(f"/{stream.capitalize()}")
        among = f"{account.KEYS[stream]} in ({', '.join(map(str, keys))})"
        view = f"insightly_staging.stg_{stream}"
        modelled, still = warehouse.one("count(*)", view), warehouse.one("count(*)", view, among)
        if modelled != source or still:
            wrong.append(stream)
        loaded = warehouse.one("count(*)", stream)
        rows.append((stream, source, loaded, len(keys), modelled, still))
    heads = ("stream", "source", "warehouse", "deleted", "models", "still in models")
    click.echo(f"{layout(heads, rows)}\n")
    return wrong


def show_answers(warehouse: Warehouse) -> None:
    """Ask two questions of the models, and draw a chart.

    Args:
        warehouse: The warehouse.
    """
    for name in QUESTIONS:
        sql = (ROOT / "demo" / name).read_text(encoding="utf-8").strip()
        click.echo(f"{sql}\n\n{layout(*warehouse.ask(sql))}\n")
    warehouse.draw()
    click.echo(f"  The pipeline over time: {os.path.relpath(warehouse.chart)}\n")


def _numbers(counts: Mapping[str, int]) -> str:
    return ", ".join(
        f"{number} {stream if number != 1 else _singular(stream)}"
        for stream, number in counts.items()
    )


def _singular(stream: str) -> str:
    return f"{stream[:-3]}y" if stream.endswith("ies") else stream[:-1]


@click.command()
@click.option("--records", default=1000, show_default=True, help="How many contacts.")
@click.option("--requests-per-second", default=10.0, show_default=True, help="The tap's setting.")
@click.option("--months", default=6, show_default=True, help="How many go by, for a history.")
@click.option(
    "--folder",
    default=ROOT / ".demo",
    type=click.Path(path_type=Path),
    help="Where the warehouse goes; an older one is removed.  [default: .demo]",
)
def main(records: int, requests_per_second: float, months: int, folder: Path) -> None:
    """Load a made-up Insightly account into DuckDB, keep its past, build models, ask questions."""
    with Sandbox(records).serve() as sandbox:
        if not run(sandbox, folder.resolve(), requests_per_second, months):
            sys.exit(1)


def run(sandbox: Sandbox, folder: Path, requests_per_second: float, months: int = 1) -> bool:
    """Run the demo.

    Args:
        sandbox: The account, which is being served.
        folder: Where the warehouse goes.
        requests_per_second: The tap's setting of this name.
        months: How many go by, for the history of deals.

    Returns:
        Whether the warehouse has what the account has.
    """
    account.set_clock(sandbox)
    click.echo(f"An Insightly with made-up data answers at {sandbox.api_url}.\n")
    warehouse = Warehouse(sandbox, folder, requests_per_second)
    warehouse.meltano("install", *PLUGINS)
    wrong, gone = show_first_sync(warehouse), {}
    if not wrong:
        with webhooks.receiving(sandbox, folder / "server") as store:
            warehouse.go_by(store)
            wrong, gone = show_second_sync(warehouse)
            wrong = wrong or show_webhook(warehouse)
    if not wrong:
        show_months(warehouse, months)
        wrong = show_models(warehouse, gone)
    if wrong:
        click.echo(f"Source and warehouse differ: {', '.join(wrong)}. See {warehouse.log}.")
        return False
    show_answers(warehouse)
    click.echo(
        f"The warehouse is {os.path.relpath(warehouse.database)}. "
        "The same from your own account into warehouse.duckdb\n"
        "(docs/models.md says how to get the models, too):\n\n"
        "  TAP_INSIGHTLY_API_KEY=your-key TAP_INSIGHTLY_POD=na1 "
        f"{os.path.relpath(MELTANO)} {' '.join(PIPELINE)}"
    )
    return True


if __name__ == "__main__":
    main()
