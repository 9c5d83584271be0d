"""Draws docs/erd-*.svg: how the streams of each group refer to others. Run by ``make docs``.

References come from our OpenAPI document, and from the streams of what belongs to records.
"""

from __future__ import annotations

import sys
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from docs.drawing import ACCENT, GREY, LINE, TINT, box, path, picture, text
from docs.tables import GROUPS
from tap_insightly.streams import STREAMS, RelatedStream

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping

    from tap_insightly.streams import InsightlyStream

    Place = Callable[["Table", str], float]

FOLDER = Path(__file__).parent
# Pixels. A letter is as wide as those of the usual fonts without serifs are, in capitals.
ROW, HEAD, GAP, MARGIN, BETWEEN, LETTER, SMALL = 17, 26, 20, 12, 60, 6.7, 10.5
ACROSS, DOWN, BOX = 158, 92, 138  # of the overview
STREAM_AT = {stream.path: stream.name for stream in STREAMS if hasattr(stream, "path")}
OVERVIEW = "main"
MAIN = (
    *("contacts", "organisations", "leads", "opportunities", "opportunity_products", "pipelines"),
    *("pipeline_stages", "products", "pricebooks", "pricebook_entries", "quotes"),
    *("quote_products", "projects", "milestones", "tasks", "tickets", "prospects"),
)
TITLES = {OVERVIEW: "The main streams"} | GROUPS | {"related": "What belongs to records"}


@dataclass
class Table:
    """A box of a diagram, with where it stands."""

    name: str
    keys: tuple[str, ...]
    references: Mapping[str, str]
    """The stream that a field leads to, by field."""
    drawn: dict[str, str] = field(default_factory=dict)
    """Those of them that are lines of the diagram."""
    column: int = 0
    x: float = 0
    y: float = 0

    @property
    def rows(self) -> list[tuple[str, str]]:
        """Its keys and its references, each with what is said of it."""
        own = [(key, "key") for key in self.keys if key not in self.references]
        return own + [
            (name, f"→ {'itself' if to == self.name else to}")
            for name, to in self.references.items()
        ]

    @property
    def height(self) -> float:
        """How high it is."""
        return HEAD + ROW * len(self.rows) + 7

    @property
    def needs(self) -> float:
        """How wide it has to be."""
        rows = [LETTER * len(name) + 5.6 * len(said) + 30 for name, said in self.rows]
        return max([8.0 * len(self.name) + 20, *rows])

    def leaves_at(self, key: str) -> float:
        """How far down the row of a field is."""
        names = [name for name, _ in self.rows]
        return self.y + HEAD + ROW * (names.index(key) + 1) - 4

    def shown(self, width: float) -> Iterable[str]:
        """Draw it."""
        yield box(self.x, self.y, width, self.height, fill="white")
        yield box(self.x, self.y, width, HEAD, fill=TINT, stroke=ACCENT)
        yield text(self.x + 10, self.y + 17, self.name, font_weight="bold")
        for number, (name, said) in enumerate(self.rows):
            y = self.y + HEAD + ROW * (number + 1)
            weight = "bold" if name in self.keys else "normal"
            yield text(self.x + 10, y, name, font_size=SMALL, font_weight=weight)
            style = {"font_size": SMALL, "fill": GREY, "text_anchor": "end"}
            yield text(self.x + width - 8, y, said, **style)


def references(stream: type[InsightlyStream], schema: Mapping[str, Any]) -> dict[str, str]:
    """Which fields of a stream lead to which other stream."""
    found = {
        name: STREAM_AT[described["x-references"]]
        for name, described in schema["properties"].items()
        if described.get("x-references") in STREAM_AT
    }
    if issubclass(stream, RelatedStream) and len(stream.parents) == 1:
        found[stream.parent_key] = stream.parents[0].name
    return {name: found[name] for name in schema["properties"] if name in found}


def tables() -> dict[str, Table]:
    """All streams, by name."""
    found = {}
    for stream in STREAMS:
        schema = vars(stream)["schema"].get_stream_schema(stream, stream)
        keys = tuple(stream.primary_keys or ())
        found[stream.name] = Table(stream.name, keys, references(stream, schema))
    return found


def groups() -> dict[str, list[str]]:
    """The names of the streams of each diagram, by the name of the diagram."""
    found: dict[str, list[str]] = {OVERVIEW: list(MAIN)}
    for stream in STREAMS:
        is_below = issubclass(stream, RelatedStream)
        group = "related" if is_below else stream.__module__.rpartition(".")[2]
        found.setdefault(group, []).append(stream.name)
    return {group: names for group, names in found.items() if group in TITLES}


def arranged(names: Iterable[str]) -> dict[str, Table]:
    """Give each table a column, to the left of those that it refers to."""
    every = tables()
    placed = {name: every[name] for name in names}
    for name, table in placed.items():
        for key, to in table.references.items():
            if to in placed and to != name and not _leads(placed, to, name):
                table.drawn[key] = to
    for _ in placed:  # as often as there are tables: no way is longer
        for table in placed.values():
            for to in table.drawn.values():
                placed[to].column = max(placed[to].column, table.column + 1)
    return placed


def _leads(placed: Mapping[str, Table], start: str, end: str) -> bool:
    """Tell whether lines lead from one table to another, so that a circle would be closed."""
    seen: set[str] = set()
    waiting = [start]
    while waiting:
        name = waiting.pop()
        if name == end:
            return True
        if name not in seen:
            seen.add(name)
            waiting += placed[name].drawn.values()
    return False


def _sorted(placed: Mapping[str, Table], column: int, place: Place) -> list[Table]:
    """Sort the tables of a column by where the lines come from that lead to them."""

    def middle(table: Table) -> float:
        places = [
            place(one, key)
            for one in placed.values()
            for key, to in one.drawn.items()
            if to == table.name
        ]
        return sum(places) / len(places) if places else 0

    here = [table for table in placed.values() if table.column == column]
    return sorted(here, key=middle)


def draw_group(group: str, names: Iterable[str]) -> str:
    """Draw the tables of a group with their keys and references, from left to right."""
    placed = arranged(names)
    wanted = {to for table in placed.values() for to in table.drawn.values()}
    alone = [one for one in placed.values() if not one.drawn and one.name not in wanted]
    joined = {name: one for name, one in placed.items() if one not in alone}
    width = max(table.needs for table in placed.values())
    ends = dict.fromkeys(range(min(3, len(placed))), float(MARGIN))
    for column in sorted({table.column for table in joined.values()}):
        for table in _sorted(joined, column, Table.leaves_at):
            table.y = ends.setdefault(column, MARGIN)
            ends[column] = table.y + table.height + GAP
    for table in alone:  # wherever there is room
        table.column = min(ends, key=lambda number: (ends[number], number))
        table.y = ends[table.column]
        ends[table.column] += table.height + GAP
    for table in placed.values():
        table.x = MARGIN + table.column * (width + BETWEEN)
    lines = []
    for table in placed.values():
        for key, to in table.drawn.items():
            x, y = table.x + width, table.leaves_at(key)
            to_x, to_y = placed[to].x - 1, placed[to].y + HEAD / 2
            bend = BETWEEN * 0.6
            shape = f"M{x:g},{y:g} C{x + bend:g},{y:g} {to_x - bend:g},{to_y:g} {to_x:g},{to_y:g}"
            lines.append(path(shape, stroke=LINE, stroke_width=1.2))
    boxes = [part for table in placed.values() for part in table.shown(width)]
    right = max(table.x for table in placed.values()) + width + MARGIN
    bottom = max(table.y + table.height for table in placed.values()) + MARGIN
    return picture(right, bottom, _title(group), *lines, *boxes)


def draw_overview(group: str, names: Iterable[str]) -> str:
    """Draw tables by their names alone, from the top to the bottom."""
    placed = arranged(names)
    deepest = max(table.column for table in placed.values())
    widest = max(
        sum(one.column == column for one in placed.values()) for column in range(deepest + 1)
    )
    for column in range(deepest + 1):
        here = _sorted(placed, column, lambda one, _: one.x)
        indent = (widest - len(here)) / 2
        for number, table in enumerate(here):
            table.x = MARGIN + (indent + number) * ACROSS
            table.y = MARGIN + column * DOWN
    lines, boxes = [], []
    for table in placed.values():
        for to in dict.fromkeys(table.drawn.values()):
            x, y = table.x + BOX / 2, table.y + HEAD
            to_x, to_y = placed[to].x + BOX / 2, placed[to].y - 1
            bend = (DOWN - HEAD) * 0.6
            shape = f"M{x:g},{y:g} C{x:g},{y + bend:g} {to_x:g},{to_y - bend:g} {to_x:g},{to_y:g}"
            lines.append(path(shape, stroke=LINE, stroke_width=1.2))
        boxes.append(box(table.x, table.y, BOX, HEAD, fill=TINT, stroke=ACCENT))
        style = {"font_size": 12, "font_weight": "bold", "text_anchor": "middle"}
        boxes.append(text(table.x + BOX / 2, table.y + 17, table.name, **style))
    width = 2 * MARGIN + (widest - 1) * ACROSS + BOX
    height = 2 * MARGIN + deepest * DOWN + HEAD
    return picture(width, height, _title(group), *lines, *boxes)


def _title(group: str) -> str:
    return f"{TITLES[group]}: streams, and to which others they refer"


def main() -> None:
    """Write the diagrams, or with ``--check`` see whether they are as they should be."""
    is_check = sys.argv[1:] == ["--check"]
    for group, names in groups().items():
        draw = draw_overview if group == OVERVIEW else draw_group
        target, drawn = FOLDER / f"erd-{group}.svg", draw(group, names)
        if is_check and (not target.exists() or target.read_text(encoding="utf-8") != drawn):
            sys.exit(f"{target.name} is not up to date: run `make docs`.")
        target.write_text(drawn, encoding="utf-8")


if __name__ == "__main__":
    main()
