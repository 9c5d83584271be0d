"""``insightly mcp``: tools for assistants, over the Model Context Protocol."""

from __future__ import annotations

import os
import shutil
import sys
from dataclasses import asdict
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from tap_insightly.cli.options import root_account, with_settings
from tap_insightly.cli.output import echo, write_json
from tap_insightly.connection import open_session, package_version
from tap_insightly.connection_settings import ACCOUNT
from tap_insightly.private_files import FileProblem
from tap_insightly.secret_sources import private_text

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from tap_insightly.api import InsightlyClient
    from tap_insightly.mcp.limits import Limits

    Function = Callable[..., Any]

TOKEN = "INSIGHTLY_MCP_TOKEN"  # noqa: S105 - the name of a variable
_SHORTEST_TOKEN = 20
_MOST_CONNECTIONS = 100
_EXTRA = {"anyio", "mcp", "mcp_types", "pydantic", "starlette", "uvicorn", "h11"}
_ASSISTANTS = ("claude-desktop", "claude-code", "cursor", "vscode", "generic", "http")
_LIMITS = (
    ("call-requests", 20, "Requests that one call may send to read records."),
    ("session-requests", 1000, "Requests that all calls may send, until it is started anew."),
    ("max-changes", 10, "Records that may be written at once."),
    ("session-changes", 100, "Records that may be written until it is started anew."),
    ("answer-characters", 8000, "About how long an answer may be."),
)


def _limit_options(function: Function) -> Function:
    for name, default, text in reversed(_LIMITS):
        least = 1000 if name == "answer-characters" else 1
        function = click.option(
            f"--{name}",
            type=click.IntRange(min=least),
            default=default,
            show_default=True,
            metavar="NUMBER",
            help=text,
        )(function)
    return function


def _print_configuration(context: click.Context, _: click.Parameter, name: str | None) -> None:
    """Write what goes into the file of an assistant, and do nothing else."""
    if name is None or context.resilient_parsing:
        return
    from tap_insightly.mcp.assistants import FILES, configuration

    own = str(Path(sys.executable).parent)  # another one may come first on the path
    command = shutil.which("insightly", path=own) or shutil.which("insightly") or "insightly"
    account = root_account() or os.environ.get("INSIGHTLY_ACCOUNT") or None
    echo(f"To be put into {FILES[name]}:")
    write_json(configuration(name, command, account))
    context.exit()


@click.command("mcp")
@click.option(
    "--allow-writes", is_flag=True, help="Let the assistant write, after a preview of each change."
)
@click.option(
    "--undo-folder",
    type=click.Path(file_okay=False, path_type=Path),
    metavar="FOLDER",
    help="Where to keep what writes replace.",
)
@click.option("--http", "is_http", is_flag=True, help="Serve over HTTP, not over pipes.")
@click.option("--host", default="127.0.0.1", metavar="ADDRESS", help="Listen here (--http).")
@click.option(
    "--port",
    type=click.IntRange(0, 65535),
    default=8751,
    metavar="NUMBER",
    help="And on this port.",
)
@click.option(
    "--allowed-host", "hosts", multiple=True, metavar="NAME", help="A name of it in addresses."
)
@click.option(
    "--token-file", metavar="FILE", help=f"What clients have to send (--http); or {TOKEN}."
)
@click.option(
    "--print-config",
    type=click.Choice(_ASSISTANTS),
    is_eager=True,
    expose_value=False,
    callback=_print_configuration,
    help="Write what an assistant needs to start this, and end.",
)
@_limit_options
@with_settings(max_retries=3, request_timeout=30)
def mcp(  # noqa: PLR0913 - the options of a command
    config: Mapping[str, Any],
    *,
    allow_writes: bool,
    undo_folder: Path | None,
    is_http: bool,
    host: str,
    port: int,
    hosts: Sequence[str],
    token_file: str | None,
    **limits: int,
) -> None:
    """Give an assistant tools to work with Insightly (Model Context Protocol).

    The assistant starts it, and talks to it over standard input and output; or it serves several
    over HTTP, which need a token. It finds, reads, counts and groups records, and keeps to limits,
    as all requests are of the account's daily quota. With --allow-writes it also creates, updates
    and links records: each change is previewed, confirmed, and can be undone. It deletes nothing.

    Needs more packages: pip install 'tap-insightly[mcp]'

    \b
    Examples:
      $ insightly mcp --print-config claude-desktop
      $ insightly mcp --allow-writes --max-changes 5
      $ insightly mcp --http --port 8751 --token-file mcp-token
    """
    try:
        from tap_insightly.mcp.call import Desk
        from tap_insightly.mcp.limits import Limits
        from tap_insightly.mcp.pending import Pending
        from tap_insightly.mcp.server import make_server
        from tap_insightly.mcp.tools import Toolbox
        from tap_insightly.mcp.transports import http_app, serve_pipes
    except ModuleNotFoundError as error:
        if str(error.name).partition(".")[0] not in _EXTRA:
            raise
        msg = "It needs more packages: pip install 'tap-insightly[mcp]'"
        raise click.ClickException(msg) from None
    if not is_http and None in (sys.stdin, sys.stdout):
        msg = "An assistant talks to this over standard input and output, and one is closed."
        raise click.UsageError(msg)
    if not is_http and sys.stdin.isatty():
        echo("An assistant talks to this over standard input; see --print-config. Ctrl-C ends it.")
    token = _token(token_file, config["api_key"]) if is_http else ""
    from tap_insightly.api import InsightlyClient

    with InsightlyClient.from_session(open_session(config, "insightly-mcp")) as client:
        desk = Desk(client, _limits(Limits, limits), config.get(ACCOUNT.name))
        desk.plan = partial(_plan, config)
        desk.log = echo
        if allow_writes:
            desk.pending = Pending()
            desk.undo_folder = undo_folder or Path(click.get_app_dir("insightly")) / "undo"
            desk.undo = partial(_undo, client)
        server = make_server(Toolbox(desk), package_version())
        if is_http:
            _serve_http(http_app(server, token, hosts), host, port, hosts)
        else:
            serve_pipes(server)


def _limits(kind: type[Limits], given: Mapping[str, int]) -> Limits:
    return kind(
        answer_characters=given["answer_characters"],
        requests=given["call_requests"],
        all_requests=given["session_requests"],
        changes=given["max_changes"],
        all_changes=given["session_changes"],
    )


def _plan(config: Mapping[str, Any]) -> Mapping[str, Any]:
    from tap_insightly.cli.commands.plan import plan_sync

    return asdict(plan_sync(config))


def _undo(client: InsightlyClient, path: Path, is_dry: bool) -> list[str]:  # noqa: FBT001 - as it is called
    """Undo what a file says, or say what that would do: a sentence for each line."""
    from tap_insightly.undo.opening import opened_undo

    show = (lambda _: None) if is_dry else None
    with opened_undo(client, path, show=show) as (undoer, progress, _):
        if not is_dry:
            progress.open()
        return [result.message for _, result in undoer.run()] or ["There is nothing left to undo."]


def _token(file: str | None, key: str) -> str:
    """Read what clients have to send; an error says how to make one."""
    how = "Make one by: openssl rand -hex 32"
    token = os.environ.get(TOKEN, "").strip()
    if file is not None:
        try:
            token = private_text(Path(file))
        except (FileNotFoundError, FileProblem) as error:
            msg = f"The file {file} (--token-file) {error}."
            raise click.UsageError(msg) from None
    elif not token:
        msg = f"--http needs a token that clients have to send: --token-file, or {TOKEN}. {how}"
        raise click.UsageError(msg)
    if len(token) < _SHORTEST_TOKEN or not token.isascii() or not token.isprintable():
        msg = f"The token has to have {_SHORTEST_TOKEN} letters and digits or more. {how}"
        raise click.UsageError(msg)
    if token == key:
        msg = f"The token must not be the API key, as clients are given it. {how}"
        raise click.UsageError(msg)
    return token


def _serve_http(app: Any, host: str, port: int, hosts: Sequence[str]) -> None:  # noqa: ANN401 - an ASGI application
    from tap_insightly.mcp.transports import PATH
    from tap_insightly.server import serving

    if host not in {"127.0.0.1", "::1", "localhost"}:
        if not hosts:
            msg = f"--host {host} is for other machines: name it for them by --allowed-host."
            raise click.UsageError(msg)
        echo("Put a proxy with TLS in front of it: the token goes over the network in the clear.")
    try:
        listener = serving.listen(host, port)
    except OSError as error:
        reason = (error.strerror or str(error)).partition(" (while attempting")[0]
        msg = f"Cannot listen on {host}, port {port}: {reason}. Choose another by --port."
        raise click.ClickException(msg) from None
    with listener:
        at = f"http://{serving.address_of(listener)}{PATH}"
        say = partial(echo, f"insightly mcp at {at}\nCtrl-C stops it.")
        if not serving.serve(app, listener, _MOST_CONNECTIONS, say):
            msg = "The server could not begin, for reasons told above."
            raise click.ClickException(msg)
