"""What was measured, and the table that shows it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

HEADINGS = ("what was measured", "limit", "figure", "ratio", "ok or NOT")


@dataclass(frozen=True)
class Row:
    """One figure, with the limit that it has to keep, if there is one."""

    what: str
    figure: float
    unit: str = ""
    at_most: float | None = None
    at_least: float | None = None

    @property
    def is_ok(self) -> bool:
        """Whether the figure keeps its limits."""
        is_too_much = self.at_most is not None and self.figure > self.at_most
        is_too_little = self.at_least is not None and self.figure < self.at_least
        return not is_too_much and not is_too_little

    def cells(self) -> tuple[str, ...]:
        """Write the row.

        Returns:
            Texts, one for each of `HEADINGS`.
        """
        limit = self.at_least if self.at_most is None else self.at_most
        figure = _with_unit(self.figure, self.unit)
        if limit is None:
            return (self.what, "", figure, "", "")
        sign = "≥" if self.at_most is None else "≤"
        ratio = f"{self.figure / limit:.2f}" if limit else ""
        verdict = "ok" if self.is_ok else "NOT"
        return (self.what, f"{sign} {_with_unit(limit, self.unit)}", figure, ratio, verdict)


def aligned(headings: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    """Lay out a table for a terminal.

    Args:
        headings: The headings, texts.
        rows: The cells of each row, texts.

    Returns:
        Lines, of which the second is a rule.
    """
    table = [headings, *rows]
    widths = [max(map(len, column)) for column in zip(*table, strict=True)]
    table.insert(1, ["-" * width for width in widths])
    return "\n".join("  ".join(map(str.ljust, line, widths)).rstrip() for line in table)


def markdown(headings: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    """Lay out a table as Markdown.

    Args:
        headings: The headings, texts.
        rows: The cells of each row, texts.

    Returns:
        Lines, the last of them ended.
    """
    table = [headings, ["---"] * len(headings), *rows]
    return "".join(f"| {' | '.join(line)} |\n" for line in table)


def _with_unit(number: float, unit: str) -> str:
    if isinstance(number, int):
        return f"{number:,} {unit}".strip()
    digits = next((d for d, least in enumerate((100, 10)) if abs(number) >= least), 2)
    return f"{number:,.{digits}f} {unit}".strip()
