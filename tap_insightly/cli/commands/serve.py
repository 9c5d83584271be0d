"""``insightly serve``: receives webhooks, and is a gateway to Insightly."""

from __future__ import annotations

import errno
import logging
from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING

import click

from tap_insightly.cli.output import echo

if TYPE_CHECKING:
    from tap_insightly.config_file import ConfigFile
    from tap_insightly.server.app import Server

_EXTRA = {"aiohttp", "anyio", "h11", "prometheus_client", "redis", "starlette", "uvicorn", "yarl"}


@click.command()
@click.option("--host", metavar="ADDRESS", help="Listen here instead of [server].host.")
@click.option("--port", type=click.IntRange(0, 65535), help="And on this port; 0 for any.")
def serve(host: str | None, port: int | None) -> None:
    """Receive webhooks, and be a gateway to Insightly for other programs.

    All that it needs is in the configuration file, which INSIGHTLY_CONFIG names: the accounts,
    with the user and password of their webhooks, and in [server] where to keep what it receives.
    It serves all accounts of the file. Put a proxy with TLS in front of it. SIGTERM or Ctrl-C ends
    it in order: what is under way is finished, and what was received is on disk.

    Needs more packages: pip install 'tap-insightly[server]'

    \b
    Examples:
      $ insightly serve
      $ insightly serve --host 0.0.0.0 --port 8750
    """
    from tap_insightly.config_file import VARIABLE, ConfigFileError, load
    from tap_insightly.server.settings import server_settings

    try:
        from tap_insightly.server import serving
        from tap_insightly.server.app import Server
    except ModuleNotFoundError as error:
        if str(error.name).partition(".")[0] not in _EXTRA:
            raise
        msg = "The server needs more packages: pip install 'tap-insightly[server]'"
        raise click.ClickException(msg) from None
    # What strangers send is no reason for a line each.
    logging.getLogger("uvicorn").setLevel(logging.ERROR)
    try:
        config = load()
        settings = server_settings(config)
        if config.file is None:
            msg = (
                f"There is no file {config.path}, which should have the accounts to serve. Make "
                f"it, or name another one by {VARIABLE}."
            )
            raise click.UsageError(msg)
        if not config.accounts:
            msg = f"{config.path} has no accounts; insightly serve needs one."
            raise click.UsageError(msg)
        server = Server(config, settings)
    except ConfigFileError as error:
        raise click.UsageError(str(error)) from None
    chosen = {name: value for name, value in (("host", host), ("port", port)) if value is not None}
    settings = replace(settings, **chosen)  # type: ignore[arg-type]  # each as its field is
    try:
        listener = serving.listen(settings.host, settings.port)
    except OSError as error:
        # What Python adds to the reason is the address once more.
        reason = (error.strerror or str(error)).partition(" (while attempting")[0]
        hint = ""
        if error.errno == errno.EADDRINUSE:
            hint = " Stop what listens there, or choose another port by --port."
        msg = f"Cannot listen on {settings.host}, port {settings.port}: {reason}.{hint}"
        raise click.ClickException(msg) from None
    with listener, server.opened() as app:
        say = partial(_say, server, serving.address_of(listener), config)
        is_begun = serving.serve(app, listener, settings.max_connections, say)
    if not is_begun:
        msg = "The server could not begin, for reasons told above."
        raise click.ClickException(msg)


def _say(server: Server, address: str, config: ConfigFile) -> None:
    receives = ", ".join(server.receives) or "no account (none has a webhook_user)"
    echo(f"insightly serve at http://{address}")
    echo(f"  webhooks for {receives}: POST /webhooks/ACCOUNT")
    echo(f"  gateway to {', '.join(config.accounts)}: /v3.1/...")
    echo("Ctrl-C stops it.")
