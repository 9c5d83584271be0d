"""The sandbox on the network: a server in a thread of this process."""

from __future__ import annotations

import asyncio
import socket
import threading
from abc import ABC, abstractmethod
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import h11
import uvicorn
from uvicorn.protocols.http.h11_impl import H11Protocol

from tap_insightly.sandbox.sending import REASON

if TYPE_CHECKING:
    from collections.abc import Iterator

    from starlette.types import ASGIApp
    from typing_extensions import Self

_KEEP_ALIVE = 24 * 60 * 60
"""For how many seconds a connection stays open that is not in use. At uvicorn's own 5, some are
closed just as a client sends its next request, which then is lost."""


class _Connection(h11.Connection):
    """Lets an application choose the reason phrase, for which ASGI has no word."""

    def send_with_data_passthrough(self, event: h11.Event) -> list[bytes] | None:
        """Write a part of an answer."""
        if isinstance(event, h11.Response):
            event = _with_reason(event)
        return super().send_with_data_passthrough(event)


class _Protocol(H11Protocol):
    """uvicorn's own, the same on every machine, over a connection of ours."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:  # noqa: ANN401 - as uvicorn has them
        super().__init__(*args, **kwargs)
        self.conn = _Connection(h11.SERVER)


def _with_reason(response: h11.Response) -> h11.Response:
    name = REASON.lower().encode()
    reasons = [value for key, value in response.headers if key == name]
    if not reasons:
        return response
    return h11.Response(
        status_code=response.status_code,
        headers=[(key, value) for key, value in response.headers if key != name],
        reason=reasons[0],
    )


class _Server(uvicorn.Server):
    """Stops at once, and not at the next tick of a clock: whoever stops it asks nothing more."""

    def __init__(self, config: uvicorn.Config) -> None:
        super().__init__(config)
        self._loop: asyncio.AbstractEventLoop | None = None
        self._stopped = asyncio.Event()

    async def main_loop(self) -> None:
        """Wait until somebody stops it."""
        self._loop = asyncio.get_running_loop()
        if not self.should_exit:
            await self._stopped.wait()

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        """Close all connections. What hangs then is ended with the loop."""
        for server in self.servers:
            server.close()
        for one in sockets or ():
            one.close()
        for connection in list(self.server_state.connections):
            connection.shutdown()

    def stop(self) -> None:
        """Stop it, from any thread."""
        self.should_exit = True
        if self._loop is not None:
            self._loop.call_soon_threadsafe(self._stopped.set)


class Served(ABC):
    """What can be served on this machine."""

    api_url = ""
    """The base URL, once it is served."""

    _server: _Server | None = None
    _thread: threading.Thread | None = None

    @abstractmethod
    def _app(self) -> ASGIApp:
        """Make what answers the requests."""

    @contextmanager
    def serve(self, host: str = "127.0.0.1", port: int = 0) -> Iterator[Self]:
        """Serve for as long as the context lasts."""
        self.start(host, port)
        try:
            yield self
        finally:
            self.stop()

    def start(self, host: str = "127.0.0.1", port: int = 0) -> None:
        """Start to serve, in a thread that ends with the process."""
        listener = socket.create_server((host, port))
        # What it accepts inherits this; otherwise small answers wait some 40 ms for company.
        listener.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        shown = f"[{host}]" if ":" in host else host
        self.api_url = f"http://{shown}:{listener.getsockname()[1]}/v3.1"
        config = uvicorn.Config(
            self._app(),
            http=_Protocol,
            log_level="critical",  # faults are what was asked for, not news
            access_log=False,
            date_header=False,  # the sandbox's own clock tells the date
            server_header=False,
            lifespan="off",
            timeout_keep_alive=_KEEP_ALIVE,
        )
        self._server = _Server(config)
        self._thread = threading.Thread(
            target=self._server.run, args=([listener],), name="sandbox", daemon=True
        )
        self._thread.start()

    def stop(self) -> None:
        """Stop to serve, and wait until the port is free again."""
        if self._server and self._thread:
            self._server.stop()
            self._thread.join()
            self._server = self._thread = None

    def wait(self) -> None:
        """Wait until the server stops."""
        while self._thread and self._thread.is_alive():
            self._thread.join(0.5)
