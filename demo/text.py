"""Rows, as a terminal shows them."""

from __future__ import annotations

import unicodedata
from decimal import Decimal
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Sequence


def layout(heads: Sequence[str], rows: Sequence[Sequence[Any]]) -> str:
    """Lay out rows in columns, numbers to the right.

    Args:
        heads: The names of the columns.
        rows: The rows.

    Returns:
        Lines of text.
    """
    shown = [[_text(value) for value in row] for row in rows]
    widths = [max(map(_width, column)) for column in zip(heads, *shown, strict=True)]
    numbers = (int, float, Decimal)
    right = [any(isinstance(v, numbers) for v in column) for column in zip(*rows, strict=True)]

    def line(cells: Sequence[str]) -> str:
        padded = [
            f"{_fill(cell, width)}{cell}" if is_right else f"{cell}{_fill(cell, width)}"
            for cell, width, is_right in zip(cells, widths, right, strict=True)
        ]
        return f"  {'  '.join(padded).rstrip()}"

    return "\n".join([line(heads), line(["-" * width for width in widths]), *map(line, shown)])


def _width(text: str) -> int:
    """Tell how many places a text takes: two for each Chinese or Japanese character."""
    return len(text) + sum(unicodedata.east_asian_width(one) in "FW" for one in text)


def _fill(text: str, width: int) -> str:
    return " " * (width - _width(text))


def _text(value: Any) -> str:  # noqa: ANN401 - anything that SQL has
    if isinstance(value, float | Decimal):
        return f"{value:,.2f}"
    return f"{value:,}" if isinstance(value, int) else "none" if value is None else str(value)
