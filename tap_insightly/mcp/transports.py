"""How assistants reach the server: as a process with pipes, or over HTTP on this machine."""

from __future__ import annotations

import hmac
import os
import signal
import sys
import threading
from typing import TYPE_CHECKING, Any

import anyio
from mcp.server.auth.provider import AccessToken
from mcp.server.auth.settings import AuthSettings
from mcp.server.stdio import stdio_server
from mcp.server.transport_security import TransportSecuritySettings

if TYPE_CHECKING:
    from collections.abc import Sequence
    from types import FrameType

    from mcp.server.lowlevel.server import Server
    from starlette.types import ASGIApp

PATH = "/mcp"
"""Where the server is, over HTTP."""
SECONDS_TO_END = 1.5  # after a signal; clients wait for two seconds before they kill
_LARGEST_REQUEST = 2**20  # bytes
_THIS_MACHINE = ("127.0.0.1", "localhost", "[::1]")


def serve_pipes(server: Server[Any]) -> None:
    """Serve whoever has started this process, until standard input ends or a signal comes."""

    def stop(number: int, _: FrameType | None) -> None:
        code = 128 + number  # as shells have it
        deadline = threading.Timer(SECONDS_TO_END, os._exit, [code])
        deadline.daemon = True
        deadline.start()
        raise SystemExit(code)

    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, stop)
    try:
        anyio.run(_serve_pipes, server)
    except Exception as error:
        if not _is_hung_up(error):
            raise
    except SystemExit as ended:
        sys.stderr.flush()
        # A thread waits for the next line, and cannot be told to stop.
        os._exit(int(ended.code or 0))


def _is_hung_up(error: BaseException) -> bool:
    """Tell whether the only trouble is that nobody reads any more."""
    inner = getattr(error, "exceptions", None)
    return all(map(_is_hung_up, inner)) if inner else isinstance(error, BrokenPipeError)


async def _serve_pipes(server: Server[Any]) -> None:
    async with stdio_server() as (receiving, sending):
        await server.run(receiving, sending, server.create_initialization_options())


def http_app(server: Server[Any], token: str, hosts: Sequence[str] = ()) -> ASGIApp:
    """Make an application that serves who has the token, and asks for this machine or these hosts.

    A page in a browser cannot reach it by a name of its own that leads here: neither its Host nor
    its Origin is one of these.
    """
    names = [*_THIS_MACHINE, *hosts]
    return server.streamable_http_app(
        streamable_http_path=PATH,
        json_response=True,
        stateless_http=True,  # nothing is kept for a client, so there may be any number of them
        max_request_body_size=_LARGEST_REQUEST,
        transport_security=TransportSecuritySettings(
            enable_dns_rebinding_protection=True,
            allowed_hosts=[*names, *(f"{name}:*" for name in names)],
            allowed_origins=[
                origin
                for name in names
                for scheme in ("http", "https")
                for origin in (f"{scheme}://{name}", f"{scheme}://{name}:*")
            ],
        ),
        # Tokens are not issued by anybody; the address is that of nothing.
        auth=AuthSettings.model_validate(
            {"issuer_url": "http://127.0.0.1", "resource_server_url": None}
        ),
        token_verifier=_OneToken(token),
    )


class _OneToken:
    """Accepts one token, in a time that tells nothing of it."""

    def __init__(self, token: str) -> None:
        self._token = token.encode()

    async def verify_token(self, token: str) -> AccessToken | None:
        if not hmac.compare_digest(token.encode("utf-8", "surrogateescape"), self._token):
            return None
        return AccessToken(token=token, client_id="assistant", scopes=[])
