"""How long the programs take to start: CPU, beside that of the interpreter and of click alone."""

from __future__ import annotations

from statistics import median
from typing import TYPE_CHECKING

from benchmarks.processes import environment, measure
from benchmarks.rows import Row

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from benchmarks.bench import Bench

_INSIGHTLY = ("-m", "tap_insightly.cli")
_TAB = {
    "_INSIGHTLY_COMPLETE": "bash_complete",
    "COMP_WORDS": "insightly update contact 301 PHONE",
    "COMP_CWORD": "4",
}
# What is run, with variables, and how many times the import of click it may take at most: a start
# cannot take less, as click reads the command line. Promised are 250 ms for help, 150 ms for a Tab
# and 400 ms for the version of the tap, where that import takes 33 ms: these limits are well below.
_STARTS: tuple[tuple[str, tuple[str, ...], Mapping[str, str], float | None], ...] = (
    ("python -c pass", ("-c", "pass"), {}, None),
    ("python -c 'import click'", ("-c", "import click"), {}, None),
    ("insightly --help", (*_INSIGHTLY, "--help"), {}, 5.0),
    ("insightly get --help", (*_INSIGHTLY, "get", "--help"), {}, 3.5),
    ("insightly, a Tab", _INSIGHTLY, _TAB, 3.5),
    ("tap-insightly --version", ("-m", "tap_insightly", "--version"), {}, 2.5),
    ("tap-insightly --help", ("-m", "tap_insightly", "--help"), {}, None),
)
_CLICK = 1  # the place of the start that the others are compared with


def start(bench: Bench) -> Iterator[Row]:
    """Measure what the programs take of one core before they do anything.

    Args:
        bench: What knows where files go.

    Yields:
        Each start, and how it compares with the import of click.
    """
    tries = bench.size(9, 3)
    seconds = []
    for _, arguments, variables, _ in _STARTS:
        env = environment(**variables)
        found = [measure(arguments, env=env, folder=bench.folder).cpu for _ in range(tries)]
        seconds.append(median(found))
    for (name, _, _, most), one in zip(_STARTS, seconds, strict=True):
        yield Row(f"start: {name}", 1000 * one, "ms")
        if most is not None:
            yield Row(f"start: {name} / click", one / seconds[_CLICK], at_most=most)
