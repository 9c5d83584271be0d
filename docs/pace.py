"""Draws docs/pace.svg: what the simulation of tests/simulation.py sends to servers that allow less.

Run as ``python -m docs.pace``.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from docs.drawing import path, picture, text
from tests.simulation import Client, Server, adaptive_rate, run_together, sharing

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

TARGET = Path(__file__).parent / "pace.svg"
WIDTH, HEIGHT, MARGIN, HEADING = 760, 150, 52, 26
LEGEND = 30  # at the top
MOST = 11.0  # requests a second, at the top of a panel
MEAN_OF = 4.0  # seconds that a point of a line is the mean of
COLOURS = ("#1f5fa8", "#c8641b", "#3b8a3e", "#8d4fa8")


@dataclass(frozen=True)
class Panel:
    """One story, with the time on its x axis."""

    title: str
    clients: Sequence[Client]
    allowed: Callable[[float], float]
    seconds: float

    def run(self) -> None:
        """Let it happen."""
        server = Server(per_second=self.allowed)
        run_together(self.clients, server, until=self.seconds + MEAN_OF, seed=1)

    def lines(self, top: float) -> Iterator[str]:
        """Draw it.

        Args:
            top: Where it begins, in pixels.

        Yields:
            Elements of SVG.
        """
        bottom = top + HEIGHT
        yield f'<text x="{MARGIN}" y="{top - 10:.0f}" font-weight="bold">{self.title}</text>'
        for number in (0, 5, 10):
            y = bottom - HEIGHT * number / MOST
            yield f'<line x1="{MARGIN}" x2="{WIDTH}" y1="{y:.1f}" y2="{y:.1f}" stroke="#ddd"/>'
            yield f'<text x="{MARGIN - 8}" y="{y + 4:.1f}" text-anchor="end">{number} /s</text>'
        for second in range(0, int(self.seconds) + 1, 40):
            x = MARGIN + (WIDTH - MARGIN) * second / self.seconds
            yield f'<text x="{x:.1f}" y="{bottom + 16}" text-anchor="middle">{second} s</text>'
        moments = [second / 2 for second in range(int(self.seconds * 2) + 1)]
        yield self._line([(at, self.allowed(at)) for at in moments], bottom, "#999", "4 3")
        for client, colour in zip(self.clients, COLOURS, strict=False):
            rates = [(at, client.rate(at - MEAN_OF / 2, at + MEAN_OF / 2)) for at in moments]
            while len(rates) > 1 and not rates[-2][1]:
                rates.pop()  # it has ended
            yield self._line(rates, bottom, colour)
            for at in client.refused:
                if at <= self.seconds:
                    x = MARGIN + (WIDTH - MARGIN) * at / self.seconds
                    yield f'<circle cx="{x:.1f}" cy="{bottom - 4}" r="2.5" fill="{colour}"/>'

    def _line(
        self, points: Sequence[tuple[float, float]], bottom: float, colour: str, dashes: str = ""
    ) -> str:
        scale = (WIDTH - MARGIN) / self.seconds
        places = " ".join(
            f"{MARGIN + at * scale:.1f},{bottom - HEIGHT * rate / MOST:.1f}" for at, rate in points
        )
        return (
            f'<polyline points="{places}" fill="none" stroke="{colour}" stroke-width="1.6" '
            f'stroke-dasharray="{dashes}"/>'
        )


def main() -> None:
    """Write the picture."""
    panels = (
        Panel("alone, 5 a second allowed", [Client(adaptive_rate(1))], lambda _: 5, 240),
        Panel(
            "four share 10 a second; after 120 seconds, three are done",
            sharing(4, 3, until=120, latencies=[0.3]),
            lambda _: 10,
            240,
        ),
        Panel(
            "alone, 4 a second allowed, and 10 after 30 seconds",
            [Client(adaptive_rate(1))],
            lambda now: 4 if now < 30 else 10,  # noqa: PLR2004 - as the title says
            240,
        ),
    )
    lines = list(_legend())
    for number, panel in enumerate(panels):
        panel.run()
        lines += panel.lines(LEGEND + HEADING + number * (HEIGHT + 2 * HEADING))
    height = LEGEND + len(panels) * (HEIGHT + 2 * HEADING)
    title = "Requests a second in a simulation: alone, four that share, and a ceiling that rises"
    TARGET.write_text(picture(WIDTH + 24, height, title, *lines), encoding="utf-8")


def _legend() -> Iterator[str]:
    """Say what the lines and dots are.

    Yields:
        Elements of SVG.
    """
    y = LEGEND / 2 + 2
    plain = {"marker_end": "none", "stroke_width": 1.6}
    yield path(f"M{MARGIN},{y} h26", stroke=COLOURS[0], **plain)
    yield text(MARGIN + 34, y + 4, "answered to one tap")
    yield path(f"M{MARGIN + 200},{y} h26", stroke="#999", stroke_dasharray="4 3", **plain)
    yield text(MARGIN + 234, y + 4, "allowed by the server")
    yield f'<circle cx="{MARGIN + 420}" cy="{y}" r="2.5" fill="{COLOURS[0]}"/>'
    yield text(MARGIN + 430, y + 4, "a request answered 429")


if __name__ == "__main__":
    main()
