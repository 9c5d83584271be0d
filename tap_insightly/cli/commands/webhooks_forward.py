"""``insightly webhooks forward``: hands events on to an address or a command."""

from __future__ import annotations

import os
import re
import signal
import sys
from typing import TYPE_CHECKING

import click

from tap_insightly.cli.output import echo
from tap_insightly.cli.webhook_options import open_store, store_option
from tap_insightly.exit_codes import TRY_AGAIN

if TYPE_CHECKING:
    from types import FrameType

    from tap_insightly.webhooks.targets import Target

_NAME = re.compile(r"[\w.-]{1,100}", re.ASCII)
_URL = "INSIGHTLY_WEBHOOK_FORWARD_URL"


@click.command()
@click.argument("url", metavar="[URL]", required=False)
@click.option("--command", metavar="COMMAND", help="Run this for each event, in place of URL.")
@click.option(
    "--name", metavar="NAME", help="Under which it is noted how far; by default made of the target."
)
@click.option("--from-now", "is_from_now", is_flag=True, help="Begin with what comes from now on.")
@click.option("--once", "is_once", is_flag=True, help="Hand on what is there, and end.")
@click.option(
    "--timeout",
    type=click.FloatRange(min=0.1, max=86_400),
    default=30,
    show_default=True,
    metavar="SECONDS",
    help="How long it may take for each event.",
)
@store_option
def forward(  # noqa: PLR0913 - as click has it
    url: str | None,
    command: str | None,
    name: str | None,
    timeout: float,
    store: str | None,
    *,
    is_from_now: bool,
    is_once: bool,
) -> None:
    """Hand events on as they come: to URL, which they are posted to, or to a command.

    Each is JSON: {"account", "object", "id", "updated", "received", "record": {...}}. A command
    gets it on standard input, and takes it with exit code 0; an address with any status 2xx. What
    fails, for whatever reason, is tried again, with waits that grow to ten minutes, and given up
    after a day: see list --given-up. Events of one record are handed on in their order, each at
    least once. Each name goes on where it was; --from-now is for a new one.

    An address that has a secret in it is better set in INSIGHTLY_WEBHOOK_FORWARD_URL, where others
    on this machine cannot see it.

    \b
    Examples:
      $ insightly webhooks forward --command "wc -c" --name orchestrator --once
    """
    from tap_insightly.webhooks.forwarding import Forwarder

    target = _target(url, command, timeout)
    name = name or target.name
    if not _NAME.fullmatch(name):
        msg = "A name has up to 100 letters, digits, dots, hyphens and underscores, and no others."
        raise click.UsageError(msg)
    stop = _Stop()
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, stop)
    with target, open_store(store, is_writable=True) as opened:
        forwarder = Forwarder(opened, target, name, say=echo, is_over=lambda: stop.is_asked_for)
        echo(f"Handing events on to {target.shown}, as {name}.")
        is_all_done = forwarder.run(is_once=is_once, is_from_now=is_from_now)
    if is_once and not is_all_done:
        sys.exit(TRY_AGAIN)


class _Stop:
    """Ends between two events; asked for a second time, at once."""

    def __init__(self) -> None:
        self.is_asked_for = False

    def __call__(self, number: int, _: FrameType | None) -> None:
        if self.is_asked_for:
            sys.exit(128 + number)
        self.is_asked_for = True


def _target(url: str | None, command: str | None, seconds: float) -> Target:
    from tap_insightly.webhooks.targets import CommandTarget, InvalidTargetError, UrlTarget

    if url is not None and command is not None:
        msg = "Give a URL or a --command, and not both."
        raise click.UsageError(msg)
    try:
        if command is not None:
            return CommandTarget(command, seconds)
        if address := url or os.environ.get(_URL):
            return UrlTarget(address, seconds)
    except InvalidTargetError as error:
        raise click.UsageError(str(error)) from None
    msg = f"Say where to hand events on: a URL, --command, or {_URL}."
    raise click.UsageError(msg)
