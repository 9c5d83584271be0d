"""Names as people write them: which one was meant, or may have been."""

from __future__ import annotations

from difflib import get_close_matches
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

_MOST = 3  # names that are suggested


def caseless(name: object) -> str:
    """Write a name without the spaces around it and without case; None as nothing."""
    return str(name or "").strip().casefold()


def close_names(name: str, names: Iterable[str], key: Callable[[str], str] = caseless) -> list[str]:
    """Find the names that are written nearly like one, the nearest first.

    Names are compared by what `key` makes of them.
    """
    by_key: dict[str, list[str]] = {}
    for one in names:
        by_key.setdefault(key(one), []).append(one)
    return [one for near in get_close_matches(key(name), by_key, n=_MOST) for one in by_key[near]]


def did_you_mean(names: Iterable[str], *, in_brackets: bool = False) -> str:
    """Ask whether one of these names was meant; nothing if there are none."""
    question = " or ".join(map(repr, names))
    if not question:
        return ""
    return f" (did you mean {question}?)" if in_brackets else f" Did you mean {question}?"
