"""What a server says in its own words, in whatever form it says it."""

from __future__ import annotations

import re
from html.parser import HTMLParser
from http import HTTPStatus
from typing import Any

import msgspec
from typing_extensions import override

LONGEST = 300  # characters of it that are told


class _Page(HTMLParser):
    """Collects the title of a page and what is to be read on it."""

    _hidden = frozenset({"title", "script", "style"})

    def __init__(self) -> None:
        super().__init__()
        self.title: list[str] = []
        self.text: list[str] = []
        self._open: list[str] = []

    @override
    def handle_starttag(self, tag: str, attrs: Any) -> None:
        if tag in self._hidden:
            self._open.append(tag)

    @override
    def handle_endtag(self, tag: str) -> None:
        if tag in self._open:
            del self._open[self._open.index(tag) :]

    @override
    def handle_data(self, data: str) -> None:
        if "title" in self._open:
            self.title.append(data)
        elif not self._open:
            self.text.append(data)


def server_message(content: bytes, status: int | None = None, reason: str | None = None) -> str:
    """Say in one line what a server says of an error; empty if that is no more than the status.

    The body may be JSON, HTML, text or nothing, or only its beginning; `reason` is what came with
    the status. The key may be in it.
    """
    text = content.decode(errors="replace").lstrip("\ufeff").strip()
    words = [_in_a_line(one) for one in (reason or "", _unwrapped(text))]
    plain = {_bare(status, one) for one in ("", usual_words(status))}
    found = [one for one in words if _bare(status, one) not in plain]
    if len(found) > 1 and found[0] in found[1]:
        del found[0]
    return ": ".join(found)


def as_sentence(text: str) -> str:
    """Give one line an end, and shorten it if it is long."""
    if len(text) > LONGEST:
        return f"{text[:LONGEST].rstrip()}..."
    return text if not text or text[-1] in ".!?" else f"{text}."


def usual_words(status: int | None) -> str:
    """Say what a status means to everybody, such as ``Not Found``; empty if nothing."""
    try:
        return HTTPStatus(status or 0).phrase
    except ValueError:
        return ""


def _unwrapped(text: str) -> str:
    """Take the words out of what they are wrapped in."""
    if text.startswith("<"):
        page = _Page()
        page.feed(text)
        page.close()
        return "".join(page.title).strip() or " ".join(page.text)
    try:
        data = msgspec.json.decode(text)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return text
    return data if isinstance(data, str) else _of_object(data, text)


def _of_object(data: Any, text: str) -> str:  # noqa: ANN401 - anything that JSON can be
    """Put the message of an object first; what else it holds may name the field at fault."""
    if not isinstance(data, dict):
        return text
    others = dict(data)
    messages = [others.pop(name) for name in data if name.casefold() == "message"]
    if not messages or not isinstance(messages[0], str):
        return text
    rest = msgspec.json.encode(others).decode() if others else ""
    return f"{messages[0]} {rest}".strip()


def _bare(status: int | None, text: str) -> str:
    """Leave of a text what makes a difference to the status and its usual words."""
    return re.sub(r"[\W_]", "", text.replace(str(status or ""), "")).casefold()


def _in_a_line(text: str) -> str:
    return " ".join(text.split())
