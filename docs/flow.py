"""Draws docs/flow.svg: how data goes from Insightly to a warehouse, and back."""

from __future__ import annotations

import sys
from pathlib import Path

from docs.drawing import ACCENT, GREY, TINT, box, path, picture, text

TARGET = Path(__file__).parent / "flow.svg"
WIDTH, HEIGHT = 820, 300


def _labelled(x: float, y: float, width: float, title: str, *lines: str, own: bool = False) -> str:
    """Draw a box with a title and what it is; what this project brings is blue."""
    style = {"fill": TINT, "stroke": ACCENT} if own else {}
    middle = x + width / 2
    height = 34 + 17 * len(lines)
    head = text(middle, y + 22, title, text_anchor="middle", font_weight="bold")
    rest = [
        text(middle, y + 42 + 17 * number, line, text_anchor="middle", fill=GREY, font_size=12)
        for number, line in enumerate(lines)
    ]
    return "\n".join([box(x, y, width, height, **style), head, *rest])


def _says(x: float, y: float, words: str) -> str:
    return text(x, y, words, text_anchor="middle", fill=GREY, font_size=12)


def draw() -> str:
    """Draw it."""
    return picture(
        WIDTH,
        HEIGHT,
        "Insightly is read by tap-insightly, a Singer target loads what it sends into a warehouse, "
        "and dbt models are built on it. target-insightly writes a table of the warehouse back. "
        "The command line and the Python client read and write directly.",
        _labelled(20, 100, 150, "Insightly", "your CRM,", "API v3.1"),
        _labelled(240, 30, 160, "tap-insightly", "what is new, changed", "or deleted", own=True),
        _labelled(455, 30, 130, "any Singer target", "Postgres, DuckDB,", "Snowflake, ..."),
        _labelled(650, 100, 150, "your warehouse", "a table for each", "stream"),
        _labelled(655, 225, 140, "dbt models", "reports", own=True),
        _labelled(320, 125, 200, "target-insightly", "a table, back into fields", own=True),
        _labelled(
            240,
            225,
            360,
            "insightly  ·  InsightlyClient",
            "command line and Python: any call, by hand or script",
            own=True,
        ),
        path("M170,115 L205,115 Q215,115 215,105 L215,74 Q215,64 225,64 L238,64"),
        path("M400,64 L453,64"),
        _says(427, 56, "records"),
        path("M585,64 L715,64 Q725,64 725,74 L725,98"),
        path("M650,150 L522,150"),
        path("M320,150 L172,150"),
        path("M725,168 L725,223"),
        path("M240,251 L105,251 Q95,251 95,241 L95,170"),
        text(
            WIDTH - 20,
            HEIGHT - 8,
            "blue: in this project",
            text_anchor="end",
            fill=ACCENT,
            font_size=11,
        ),
    )


def main() -> None:
    """Write the picture, or with ``--check`` see whether it is as it should be."""
    is_same = TARGET.exists() and TARGET.read_text(encoding="utf-8") == draw()
    if sys.argv[1:] == ["--check"] and not is_same:
        sys.exit(f"{TARGET.name} is not up to date: run `make docs`.")
    TARGET.write_text(draw(), encoding="utf-8")


if __name__ == "__main__":
    main()
