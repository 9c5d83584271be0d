"""``insightly``: any endpoint, what a sync will cost, and the everyday writing, from a terminal."""

from __future__ import annotations

from tap_insightly.cli.app import main
from tap_insightly.cli.commands.accounts import accounts
from tap_insightly.cli.commands.api import api
from tap_insightly.cli.commands.check import check
from tap_insightly.cli.commands.create import create
from tap_insightly.cli.commands.delete import delete
from tap_insightly.cli.commands.fields import fields
from tap_insightly.cli.commands.get import get
from tap_insightly.cli.commands.link import link
from tap_insightly.cli.commands.load import load
from tap_insightly.cli.commands.note import note
from tap_insightly.cli.commands.objects import objects
from tap_insightly.cli.commands.plan import plan
from tap_insightly.cli.commands.probe import probe
from tap_insightly.cli.commands.serve import serve
from tap_insightly.cli.commands.stage import stage
from tap_insightly.cli.commands.state import state
from tap_insightly.cli.commands.tag import tag
from tap_insightly.cli.commands.tokens import tokens
from tap_insightly.cli.commands.undo import undo
from tap_insightly.cli.commands.unlink import unlink
from tap_insightly.cli.commands.update import update
from tap_insightly.cli.commands.verify import verify
from tap_insightly.cli.commands.webhooks import webhooks

__all__ = ["main"]

_COMMANDS = (
    check,
    accounts,
    plan,
    verify,
    probe,
    objects,
    fields,
    api,
    get,
    create,
    update,
    delete,
    load,
    link,
    unlink,
    note,
    stage,
    state,
    tag,
    undo,
    serve,
    tokens,
    webhooks,
)
for _command in _COMMANDS:
    main.add_command(_command)
