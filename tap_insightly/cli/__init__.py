"""``insightly``: any endpoint, what a sync will cost, and the everyday writing, from a terminal."""

from __future__ import annotations

from tap_insightly.cli.app import main

__all__ = ["main"]
