"""Measures, and fails if a promise is broken: ``python -m benchmarks``."""

from __future__ import annotations

import platform
import sys
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

import click

from benchmarks.bench import Bench
from benchmarks.ceiling import ceiling
from benchmarks.costs import columns, cpu, large, memory
from benchmarks.day import day
from benchmarks.gateway import gateway
from benchmarks.processes import has_two_cores
from benchmarks.receiving import receiving
from benchmarks.rows import HEADINGS, Row, aligned, markdown
from benchmarks.sandbox import sandbox
from benchmarks.speed import big, children, deletions, faults, small
from benchmarks.stages import HEADINGS as STAGE_HEADINGS
from benchmarks.stages import WARNING, profile
from benchmarks.start import start
from benchmarks.whole_way import whole_way
from benchmarks.writing import writing

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence

PROFILE = "profile"
MEASUREMENTS: Mapping[str, Callable[[Bench], Iterator[Row]]] = {
    "sandbox": sandbox,
    "big": big,
    "small": small,
    "deletions": deletions,
    "children": children,
    "cpu": cpu,
    "columns": columns,
    "memory": memory,
    "large": large,
    "faults": faults,
    "ceiling": ceiling,
    "writing": writing,
    "receiving": receiving,
    "day": day,
    "gateway": gateway,
    "start": start,
    "whole_way": whole_way,
}


@click.command()
@click.option(
    "--only",
    "names",
    multiple=True,
    type=click.Choice([*MEASUREMENTS, PROFILE]),
    help="Measure this, and nothing else; may be given several times.",
)
@click.option("--quick", is_flag=True, help="Measure little, to see that it works.")
@click.option(
    "--markdown",
    "target",
    type=click.Path(dir_okay=False, path_type=Path),
    help="Write the table to this file too, as Markdown.",
)
def main(names: Sequence[str], target: Path | None, *, quick: bool) -> None:
    """Measure what the tap promises, and exit with 1 if a promise is broken.

    The profile, which tells where the time of a record goes, has to be asked for.
    """
    print(_conditions(is_quick=quick))
    tables: list[str] = []
    with tempfile.TemporaryDirectory() as folder:
        bench = Bench(Path(folder), is_quick=quick)
        rows = list(_measured(bench, names or tuple(MEASUREMENTS)))
        if rows:
            tables.append(_shown(HEADINGS, [row.cells() for row in rows]))
        if PROFILE in names:
            tables.append(_shown(STAGE_HEADINGS, profile(bench)))
            print(WARNING)
    if target is not None:
        target.write_text("\n".join(tables), encoding="utf-8")
    if not all(row.is_ok for row in rows):
        sys.exit("A promise is broken: see NOT.")


def _measured(bench: Bench, names: Sequence[str]) -> Iterator[Row]:
    for name, measurement in MEASUREMENTS.items():
        if name in names:
            click.echo(f"Measuring: {name}", err=True)
            yield from measurement(bench)


def _shown(headings: Sequence[str], cells: Sequence[Sequence[str]]) -> str:
    """Print a table, and return it as Markdown."""
    print(aligned(headings, cells))
    return markdown(headings, cells)


def _conditions(*, is_quick: bool) -> str:
    cores = "a core each for" if has_two_cores() else "no core of their own for"
    size = " Small sizes: no limit is meant for them." if is_quick else ""
    version = platform.python_version()
    return f"{platform.machine()}, Python {version}, {cores} tap and sandbox.{size}"


if __name__ == "__main__":
    main(prog_name="python -m benchmarks")
