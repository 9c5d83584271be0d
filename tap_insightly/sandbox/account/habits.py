"""Habits that differ by path: how a test writes them down, and which of them counts."""

from __future__ import annotations

from typing import TYPE_CHECKING, TypeVar

if TYPE_CHECKING:
    from collections.abc import Mapping

T = TypeVar("T")
U = TypeVar("U")

EVERYWHERE = "*"
"""The key of what holds for every path that has no entry of its own."""


def by_path(habit: T | dict[str, T] | None) -> Mapping[str, T]:
    """Write a habit down by path."""
    if habit is None:
        return {}
    return habit if isinstance(habit, dict) else {EVERYWHERE: habit}


def at(habits: Mapping[str, T], place: str, usual: U) -> T | U:
    """Look up what holds at a place.

    A list's path stands for its search as well, unless that has an entry, and ``/CustomFields`` for
    those of every object. What is below records, and single ones, have paths of their own:
    ``/Notes/{id}/Comments``, ``/Notes/{id}``.
    """
    if not habits:
        return usual
    known = {path.lower(): habit for path, habit in habits.items()}
    place = place.lower()
    whole = place if "{id}" in place else place.rpartition("/")[0]
    return next((known[one] for one in (place, whole, EVERYWHERE) if one in known), usual)


def next_at(habits: Mapping[str, T | list[T | None]], place: str) -> T | None:
    """Look up what holds for one request at a place, and use up what holds but once.

    A list has what holds for each of the next requests, where None is the usual.
    """
    habit = at(habits, place, None)
    if isinstance(habit, list):
        return habit.pop(0) if habit else None
    return habit
