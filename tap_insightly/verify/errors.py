"""Why something could not be compared."""

from __future__ import annotations


class NotComparableError(Exception):
    """Something cannot be compared; the text says what, where, and what to do."""


def first_line(error: Exception) -> str:
    """Take the first line of what a driver says: it names the problem."""
    return str(error).strip().partition("\n")[0]
