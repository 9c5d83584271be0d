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
    """Write a habit down by path.

    Args:
        habit: A value for each path, or one value for all of them; None for no habit.

    Returns:
        A value for each path.
    """
    if habit is None:
        return {}
    return habit if isinstance(habit, dict) else {EVERYWHERE: habit}


def at(habits: Mapping[str, T], place: str, usual: U) -> T | U:
    """Look up what holds at a place.

    Args:
        habits: A value for each path. A list's path, such as ``/Contacts``, stands for its search
            as well, unless ``/Contacts/Search`` is there; ``/CustomFields`` stands for those of
            every object. What is below records, and single ones, have paths of their own:
            ``/Notes/{id}/Comments``, ``/Notes/{id}``.
        place: The path of a request, text as `Call.place` has it.
        usual: What holds where nothing is said.

    Returns:
        What holds.
    """
    if not habits:
        return usual
    known = {path.lower(): habit for path, habit in habits.items()}
    place = place.lower()
    whole = place if "{id}" in place else place.rpartition("/")[0]
    return next((known[one] for one in (place, whole, EVERYWHERE) if one in known), usual)


def next_at(habits: Mapping[str, T | list[T | None]], place: str) -> T | None:
    """Look up what holds for one request at a place, and use up what holds but once.

    Args:
        habits: A value for each path; or, in a list, one for each of the next requests, None
            being the usual. The requests after them are as usual.
        place: As `at` has it.

    Returns:
        What holds; None for the usual.
    """
    habit = at(habits, place, None)
    if isinstance(habit, list):
        return habit.pop(0) if habit else None
    return habit
