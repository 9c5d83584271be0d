"""How much an assistant may use, and the error that says so."""

from __future__ import annotations

from dataclasses import dataclass

from tap_insightly.api import InsightlyError


class CallError(InsightlyError):
    """A tool cannot do what it was asked; the text says what would do."""


@dataclass(frozen=True)
class Limits:
    """How much an assistant may use."""

    answer_characters: int = 8000
    """About how long an answer may be, as JSON."""
    requests: int = 20
    """Requests of one call that reads."""
    all_requests: int = 1000
    """Requests of all calls together, until the server is started anew."""
    changes: int = 10
    """Records that one confirmation may write."""
    all_changes: int = 100
    """Records that may be written until the server is started anew."""
