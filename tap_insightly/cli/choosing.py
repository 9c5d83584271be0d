"""Finding what is meant by a name or an id: pipelines, stages, reasons."""

from __future__ import annotations

from difflib import get_close_matches
from typing import TYPE_CHECKING, Any

import click

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    Record = Mapping[str, Any]


def choose(text: str, what: str, among: Iterable[Record], key: str, name: str) -> Record:
    """Find the record that someone means.

    Args:
        text: Its id or its name, in any case.
        what: What it is, text such as ``stage``.
        among: What there is to choose from.
        key: The field with the id, text.
        name: The field with the name, text.

    Returns:
        The record.

    Raises:
        UsageError: If there is none, or there are several of that name.
    """
    records = list(among)
    found = [one for one in records if is_meant(text, one, key, name)]
    # A number is an id, even if something else is called so.
    found = [one for one in found if str(one[key]) == text.strip()] or found
    if len(found) == 1:
        return found[0]
    if found:
        ids = " or ".join(str(one[key]) for one in found)
        msg = f"There are {len(found)} of the name '{text}' ({what}): give the id, {ids}."
        raise click.UsageError(msg)
    names = {plain(one.get(name)): str(one.get(name)) for one in records if one.get(name)}
    near = [names[one] for one in get_close_matches(plain(text), names, n=3)]
    # Short lists are shown whole: whoever has to choose need not look them up then.
    shown = near or list(names.values())[:10]
    hint = " or ".join(f"'{one}'" for one in shown)
    msg = f"There is no {what} '{text}'." + (f" Did you mean {hint}?" if hint else "")
    raise click.UsageError(msg)


def is_meant(text: str, record: Record, key: str, name: str) -> bool:
    """Tell whether a text names a record.

    Args:
        text: An id or a name, in any case.
        record: The record.
        key: The field with the id, text.
        name: The field with the name, text.

    Returns:
        Whether it does.
    """
    return text.strip() == str(record[key]) or plain(text) == plain(record.get(name))


def plain(text: object) -> str:
    """Take from a name what spellings differ in.

    Args:
        text: A name.

    Returns:
        The name without case and outer spaces.
    """
    return str(text or "").strip().casefold()
