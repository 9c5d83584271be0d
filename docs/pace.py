"""Draws docs/pace.svg: what the simulation of tests/simulation.py sends to servers that allow less.

Run as ``python -m docs.pace``.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from tests.simulation import Client, Server, adaptive_rate, run_together, sharing

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

TARGET = Path(__file__).parent / "pace.svg"
WIDTH, HEIGHT, MARGIN, HEADING = 760, 150, 40, 26
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
        yield f'<text x="{MARGIN}" y="{top - 8:.0f}" font-weight="bold">{self.title}</text>'
        for number in (0, 5, 10):
            y = bottom - HEIGHT * number / MOST
            yield f'<line x1="{MARGIN}" x2="{WIDTH}" y1="{y:.1f}" y2="{y:.1f}" stroke="#ddd"/>'
            yield f'<text x="{MARGIN - 6}" y="{y + 4:.1f}" text-anchor="end">{number}</text>'
        for second in range(0, int(self.seconds) + 1, 20):
            x = MARGIN + (WIDTH - MARGIN) * second / self.seconds
            anchor = "end" if second == self.seconds else "middle"
            yield f'<text x="{x:.1f}" y="{bottom + 15}" text-anchor="{anchor}">{second} s</text>'
        moments = [second / 2 for second in range(int(self.seconds * 2) + 1)]
        yield self._line([(at, self.allowed(at)) for at in moments], bottom, "#999", "4 3")
        for client, colour in zip(self.clients, COLOURS, strict=False):
            rates = [(at, client.rate(at - MEAN_OF / 2, at + MEAN_OF / 2)) for at in moments]
            yield self._line(rates, bottom, colour)
            for at in client.refused:
                if at <= self.seconds:
                    x = MARGIN + (WIDTH - MARGIN) * at / self.seconds
                    yield f'<circle cx="{x:.1f}" cy="{bottom - 4}" r="2.5" fill="{colour}"/>'

    def _line(
        self, points: Sequence[tuple[float, float]], bottom: float, colour: str, dashes: str = ""
    ) -> str:
        scale = (WIDTH - MARGIN) / self.seconds
        path = " ".join(
            f"{MARGIN + at * scale:.1f},{bottom - HEIGHT * rate / MOST:.1f}" for at, rate in points
        )
        return (
            f'<polyline points="{path}" fill="none" stroke="{colour}" stroke-width="1.6" '
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
    lines: list[str] = []
    for number, panel in enumerate(panels):
        panel.run()
        lines += panel.lines(HEADING + number * (HEIGHT + 2 * HEADING))
    height = len(panels) * (HEIGHT + 2 * HEADING)
    head = (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH + 10} {height}" '
        'font-family="sans-serif" font-size="12">'
        '<rect width="100%" height="100%" fill="white"/>'
    )
    TARGET.write_text("\n".join([head, *lines, "</svg>\n"]), encoding="utf-8")


if __name__ == "__main__":
    main()
