"""Why something could not be compared."""

from __future__ import annotations


class NotComparableError(Exception):
    """Something cannot be compared; its text says what, where, and what to do about it."""


def first_line(error: Exception) -> str:
    """Take of what a driver says the first line, which is what is wrong."""
    return str(error).strip().partition("\n")[0]
