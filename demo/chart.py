"""Draws the pipeline over time. Run by the demo, in dbt's environment: ``DATABASE PICTURE``."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Any

import duckdb
import matplotlib as mpl

mpl.use("Agg")  # draws without a screen

from matplotlib import pyplot as plt

if TYPE_CHECKING:
    from datetime import date

MONTHS = 24
MILLION = 1_000_000
INK, PALE = "#1f2933", "#7b8794"
SHADES = ("#cfe3ee", "#8fc1d9", "#4492b8", "#145a7e")  # one hue: stages have an order
OTHER = "#d8d3c7"
QUESTION = """
select month_end, stage, max(stage_order) as place, sum(open_value), bool_and(is_complete)
from insightly_marts.pipeline_as_it_was
where currency = ?
group by month_end, stage
order by month_end
"""
CURRENCY = """
select currency
from insightly_marts.pipeline_as_it_was
group by currency
order by sum(open_value) desc, currency
"""


def main() -> None:
    """Draw the chart, of the currency in which there is most: amounts of several are not added."""
    database, picture = sys.argv[1:]
    with duckdb.connect(database, read_only=True) as connection:
        currencies = connection.execute(CURRENCY).fetchall()
        if not currencies:
            sys.exit("There are no opportunities to draw.")
        (currency, *_), *_ = currencies
        draw(connection.execute(QUESTION, [currency]).fetchall(), currency, picture)


def draw(rows: list[tuple[Any, ...]], currency: str, picture: str) -> None:
    """Draw the months as columns.

    Args:
        rows: Month, stage, the stage's place, value, and whether the month is over.
        currency: What the values are in.
        picture: The file to write.
    """
    is_over = {row[0]: row[4] for row in rows}
    months = sorted(is_over)[-MONTHS:]
    values: dict[tuple[str, date], float] = {}
    places: dict[str, int] = {}
    for month, stage, place, value, _ in rows:
        values[stage, month] = float(value) / MILLION
        places[stage] = max(place, places.get(stage, 0))
    stages = sorted(places, key=lambda stage: (places[stage], stage))
    # The last stage is the darkest; if there are more than shades, the first ones share a grey.
    shades = dict(zip(reversed(stages), reversed(SHADES), strict=False))

    plt.rcParams.update({"font.size": 10, "text.color": INK, "axes.labelcolor": PALE})
    figure, axes = plt.subplots(figsize=(9.5, 4.6), layout="constrained")
    bottoms = [0.0] * len(months)
    for stage in stages:
        heights = [values.get((stage, month), 0.0) for month in months]
        colour = shades.get(stage, OTHER)
        axes.bar(range(len(months)), heights, 0.7, bottoms, color=colour, label=stage)
        bottoms = [low + high for low, high in zip(bottoms, heights, strict=True)]
    axes.set_ylabel(f"million {currency}")
    axes.yaxis.set_major_locator(plt.MaxNLocator(5))
    axes.margins(x=0.01)
    axes.grid(axis="y", color="#e4e7eb", linewidth=0.8)
    axes.set_axisbelow(True)
    axes.spines[["top", "right", "left"]].set_visible(False)
    axes.spines["bottom"].set_color("#9aa5b1")
    axes.tick_params(length=0, colors=PALE)
    names = [f"{month:%b %Y}" if is_over[month] else f"{month:%b %Y}\nso far" for month in months]
    axes.set_xticks(range(len(months)), names)
    figure.legend(
        loc="outside lower left",
        ncols=min(5, len(stages)),
        frameon=False,
        title="The stage that deals were in then",
        alignment="left",
    )
    title = f"Open deals at the end of each month, million {currency}"
    figure.suptitle(title, x=0.01, ha="left", fontsize=14, fontweight="bold")
    figure.savefig(picture, dpi=150)


if __name__ == "__main__":
    main()
