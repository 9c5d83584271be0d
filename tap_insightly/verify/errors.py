"""Why something could not be compared."""

from __future__ import annotations


class NotComparableError(Exception):
    """Something cannot be compared; its text says what, where, and what to do about it."""
