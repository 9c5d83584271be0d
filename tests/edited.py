"""JSON as people edit it: something taken away, or something else in its place."""

from __future__ import annotations

from copy import deepcopy
from typing import TYPE_CHECKING, Any

from hypothesis import strategies as st

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator


def places(value: Any, path: tuple[Any, ...] = ()) -> Iterator[tuple[Any, ...]]:
    """All places inside of a JSON value."""
    items: Iterable[tuple[Any, Any]] = ()
    if isinstance(value, dict | list):
        items = value.items() if isinstance(value, dict) else enumerate(value)
    for name, inner in items:
        yield (*path, name)
        yield from places(inner, (*path, name))


def edit(content: Any, data: st.DataObject, odd: st.SearchStrategy[Any]) -> None:
    """Take something away, or put something odd in its place."""
    found = list(places(content))
    if not found:
        return
    *above, name = data.draw(st.sampled_from(found))
    inside = content
    for step in above:
        inside = inside[step]
    if data.draw(st.booleans()):
        del inside[name]
    else:
        inside[name] = deepcopy(data.draw(odd))
