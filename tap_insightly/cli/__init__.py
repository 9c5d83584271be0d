"""``insightly``: any api, what a sync will cost, and the everyday writing, from a terminal."""

from __future__ import annotations

from tap_insightly.cli.app import main
from tap_insightly.cli.commands import (
    actions,
    api,
    check,
    load,
    objects,
    plan,
    probe,
    records,
    undo,
    verify,
)

__all__ = ["main"]

for _module in (check, plan, verify, probe, objects, api, records, load, actions, undo):
    for _command in _module.COMMANDS:
        main.add_command(_command)
