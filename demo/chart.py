"""Draws the pipeline over time. Run by the demo, in dbt's environment: ``DATABASE PICTURE``."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Any

import duckdb
import matplotlib as mpl

mpl.use("Agg")  # draws without a screen

from matplotlib import pyplot as plt
from matplotlib.ticker import FuncFormatter

if TYPE_CHECKING:
    from datetime import date

MONTHS = 24
INK, PALE = "#1f2933", "#7b8794"
SHADES = ("#cfe3ee", "#8fc1d9", "#4492b8", "#145a7e")  # one hue: stages have an order
OTHER = "#d8d3c7"
QUESTION = """
select month_end, currency, current_stage, max(current_stage_order) as place, sum(open_value)
from insightly_marts.pipeline_by_month
group by month_end, currency, current_stage
order by month_end
"""


def main() -> None:
    """Draw the chart."""
    database, picture = sys.argv[1:]
    with duckdb.connect(database, read_only=True) as connection:
        rows = connection.execute(QUESTION).fetchall()
    if not rows:
        sys.exit("There are no opportunities to draw.")
    draw(rows, picture)


def draw(rows: list[tuple[Any, ...]], picture: str) -> None:
    """Draw the months as columns, a panel for each currency.

    Args:
        rows: Month, currency, stage, the stage's place, and value.
        picture: The file to write.
    """
    months = sorted({row[0] for row in rows})[-MONTHS:]
    values: dict[tuple[str, str, date], float] = {}
    places: dict[str, int] = {}
    for month, currency, stage, place, value in rows:
        values[currency, stage, month] = float(value)
        places[stage] = max(place, places.get(stage, 0))
    stages = sorted(places, key=lambda stage: (places[stage], stage))
    currencies = sorted({row[1] for row in rows})
    # The last stage is the darkest; if there are more than shades, the first ones share a grey.
    shades = dict(zip(reversed(stages), reversed(SHADES), strict=False))

    plt.rcParams.update({"font.size": 10, "text.color": INK, "axes.labelcolor": PALE})
    figure, panels = plt.subplots(
        len(currencies),
        sharex=True,
        squeeze=False,
        figsize=(9.5, 1.9 + 1.75 * len(currencies)),
        layout="constrained",
    )
    for currency, axes in zip(currencies, panels[:, 0], strict=True):
        bottoms = [0.0] * len(months)
        for stage in stages:
            heights = [values.get((currency, stage, month), 0.0) for month in months]
            colour = shades.get(stage, OTHER)
            axes.bar(range(len(months)), heights, 0.8, bottoms, color=colour, label=stage)
            bottoms = [low + high for low, high in zip(bottoms, heights, strict=True)]
        axes.set_title(currency, loc="left", fontsize=10.5, fontweight="bold", color=INK)
        axes.yaxis.set_major_formatter(FuncFormatter(_amount))
        axes.yaxis.set_major_locator(plt.MaxNLocator(4))
        axes.margins(x=0.01)
        axes.grid(axis="y", color="#e4e7eb", linewidth=0.8)
        axes.set_axisbelow(True)
        axes.spines[["top", "right", "left"]].set_visible(False)
        axes.spines["bottom"].set_color("#9aa5b1")
        axes.tick_params(length=0, colors=PALE)
    ticks = [at for at, month in enumerate(months) if month.month % 3 == 0]
    panels[-1, 0].set_xticks(ticks, [f"{months[at]:%b %Y}" for at in ticks])
    handles, labels = panels[0, 0].get_legend_handles_labels()
    figure.legend(
        handles,
        labels,
        loc="outside lower left",
        ncols=min(5, len(labels)),
        frameon=False,
        title="The deal's stage today, or when it was closed",
        alignment="left",
    )
    title = "Value of open deals at the end of each month"
    figure.suptitle(title, x=0.01, ha="left", fontsize=14, fontweight="bold")
    figure.get_layout_engine().set(h_pad=0.12)
    figure.savefig(picture, dpi=150)


def _amount(value: float, _: int) -> str:
    for size, sign in ((1e6, "M"), (1e3, "k")):
        if abs(value) >= size:
            return f"{value / size:g} {sign}"
    return f"{value:g}"


if __name__ == "__main__":
    main()
