"""``insightly``: any api, what a sync will cost, and the everyday writing, from a terminal."""

from __future__ import annotations

from tap_insightly.cli.app import main
from tap_insightly.cli.commands import (
    api,
    check,
    link,
    load,
    note,
    objects,
    plan,
    probe,
    records,
    stage,
    state,
    tag,
    undo,
    unlink,
    verify,
)

__all__ = ["main"]

_MODULES = (
    check,
    plan,
    verify,
    probe,
    objects,
    api,
    records,
    load,
    link,
    unlink,
    note,
    stage,
    state,
    tag,
    undo,
)
for _module in _MODULES:
    for _command in _module.COMMANDS:
        main.add_command(_command)
