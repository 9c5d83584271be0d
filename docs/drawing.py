"""What the pictures of the documents are made of: SVG that looks the same everywhere."""

from __future__ import annotations

from html import escape

INK, GREY, LINE, ACCENT = "#1b2733", "#5b6875", "#9aa7b3", "#1f5fa8"
PAPER, FILL, TINT = "#ffffff", "#f6f8fa", "#e8f0f9"


def text(x: float, y: float, words: str, **style: object) -> str:
    """Write a line of text; underscores in the names of attributes stand for hyphens."""
    return f'<text x="{x:g}" y="{y:g}"{_attributes(style)}>{escape(words)}</text>'


def box(x: float, y: float, width: float, height: float, **style: object) -> str:
    """Draw a box with round corners."""
    style = {"fill": FILL, "stroke": LINE, "rx": 6} | style
    return f'<rect x="{x:g}" y="{y:g}" width="{width:g}" height="{height:g}"{_attributes(style)}/>'


def path(shape: str, **style: object) -> str:
    """Draw a line that ends in an arrow."""
    style = {"fill": "none", "stroke": GREY, "stroke_width": 1.4, "marker_end": "url(#tip)"} | style
    return f'<path d="{shape}"{_attributes(style)}/>'


def picture(width: float, height: float, title: str, *parts: str) -> str:
    """Put parts together, with a title for those who cannot see them."""
    head = (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width:g} {height:g}" '
        f'width="{width:g}" font-family="Helvetica, Arial, sans-serif" font-size="13" '
        f'fill="{INK}" role="img" aria-label="{escape(title)}">'
    )
    tip = (
        '<defs><marker id="tip" viewBox="0 0 8 8" refX="7" refY="4" markerWidth="7" '
        f'markerHeight="7" orient="auto"><path d="M0,0 L8,4 L0,8 z" fill="{GREY}"/></marker></defs>'
    )
    paper = f'<rect width="{width:g}" height="{height:g}" fill="{PAPER}"/>'
    lines = [head, f"<title>{escape(title)}</title>", tip, paper, *parts, "</svg>\n"]
    return "\n".join(lines)


def _attributes(style: dict[str, object]) -> str:
    return "".join(f' {name.replace("_", "-")}="{value}"' for name, value in style.items())
