"""``insightly``: any endpoint, what a sync will cost, and the everyday writing, from a terminal."""

from __future__ import annotations

from tap_insightly.cli import (
    actions,
    check,
    endpoint,
    known,
    loading,
    plan,
    probe,
    records,
    undo,
    verify,
)
from tap_insightly.cli.app import main

__all__ = ["main"]

for _module in (check, plan, verify, probe, known, endpoint, records, loading, actions, undo):
    for _command in _module.COMMANDS:
        main.add_command(_command)
