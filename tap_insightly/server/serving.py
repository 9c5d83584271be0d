"""The server on the network: one process, which ends in order when it is told to."""

from __future__ import annotations

import signal
import socket
import sys
from contextlib import contextmanager, suppress
from email.utils import formatdate
from typing import TYPE_CHECKING

import uvicorn
from typing_extensions import override

from tap_insightly.server.connections import DEAF_SECONDS, IDLE_SECONDS, Connection

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from starlette.types import ASGIApp, Message, Receive, Scope, Send

_BACKLOG = 2048
_SECONDS_TO_END = 10
"""How long requests that are under way may take to end, once the server is told to."""


class _Server(uvicorn.Server):
    """Tells when it is ready."""

    def __init__(self, config: uvicorn.Config, ready: Callable[[], None]) -> None:
        super().__init__(config)
        self._ready = ready

    @override
    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        await super().startup(sockets)
        if self.started:
            self._ready()


class _Dated:
    """Says when an answer was made, unless that is said already.

    Insightly's answers say it by Insightly's clock, which syncs go by. uvicorn would put a date of
    ours before that one, and clients would take the first.
    """

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        async def send_dated(message: Message) -> None:
            if message["type"] == "http.response.start":
                headers = list(message.get("headers", ()))
                if all(name.lower() != b"date" for name, _ in headers):
                    headers.append((b"date", formatdate(usegmt=True).encode()))
                message = {**message, "headers": headers}
            await send(message)

        await self._app(scope, receive, send_dated)


def listen(host: str, port: int) -> socket.socket:
    """Take an address, so that nobody else has it.

    Raises:
        OSError: If it cannot be had.
    """
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    listener = socket.create_server((host, port), family=family, backlog=_BACKLOG)
    # What it accepts inherits this; otherwise small answers wait some 40 ms for company.
    listener.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    if sys.platform == "linux":  # else a client that reads nothing is kept until it hangs up
        listener.setsockopt(socket.IPPROTO_TCP, socket.TCP_USER_TIMEOUT, DEAF_SECONDS * 1000)
    return listener


def address_of(listener: socket.socket) -> str:
    """Write where it listens, as in a URL."""
    host, port = listener.getsockname()[:2]
    return f"[{host}]:{port}" if ":" in host else f"{host}:{port}"


def serve(
    app: ASGIApp, listener: socket.socket, max_connections: int, ready: Callable[[], None]
) -> bool:
    """Serve until SIGTERM or SIGINT; tell whether it could begin. `ready` is called then."""
    _allow_files(max_connections)
    config = uvicorn.Config(
        _Dated(app),
        http=Connection,
        ws="none",
        loop="asyncio",
        lifespan="on",
        access_log=False,
        log_config=None,
        server_header=False,
        date_header=False,
        proxy_headers=False,  # nothing here depends on where a client is
        limit_concurrency=max_connections,
        timeout_keep_alive=IDLE_SECONDS,
        timeout_graceful_shutdown=_SECONDS_TO_END,
    )
    server = _Server(config, ready)
    with _ending_in_order():
        server.run([listener])
    return server.started


@contextmanager
def _ending_in_order() -> Iterator[None]:
    """Take the signal for what it is, an order to end: uvicorn raises it again once it has."""
    numbers = (signal.SIGINT, signal.SIGTERM)
    before = [signal.signal(number, lambda *_: None) for number in numbers]
    try:
        yield
    finally:
        for number, handler in zip(numbers, before, strict=True):
            signal.signal(number, handler)


def _allow_files(connections: int) -> None:
    """Have as many files open as there may be connections, as far as the system lets us."""
    with suppress(ImportError, ValueError, OSError):
        import resource  # noqa: PLC0415 - not on Windows

        soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
        wanted = 2 * connections + 256
        if soft < wanted:
            limit = wanted if hard == resource.RLIM_INFINITY else min(wanted, hard)
            resource.setrlimit(resource.RLIMIT_NOFILE, (limit, hard))
