"""The states of an opportunity."""

from __future__ import annotations

STATES = ("OPEN", "WON", "LOST", "ABANDONED", "SUSPENDED")
"""The states (docs); that the API spells them in capitals is assumed."""
