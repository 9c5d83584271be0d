"""A server that receives webhooks: in a thread, or as a process that comes back when it is killed.

``python -m tests.webhooks.serving STORE`` listens on a port of its own, and prints its number. Then
it prints the id of each process that serves there; when that ends, the next one takes its place.
"""

from __future__ import annotations

import base64
import os
import socket
import sys
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import uvicorn
from starlette.applications import Starlette

from tap_insightly.sandbox.serving import Served
from tap_insightly.server.credentials import Credentials
from tap_insightly.server.metrics import Metrics
from tap_insightly.server.receiving import Receiver
from tap_insightly.webhooks.events import understand
from tap_insightly.webhooks.writer import EventWriter
from tests.webhooks.keeping import ACCOUNT

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from starlette.types import ASGIApp

USER, PASSWORD = "hook-user-77", "hook-secret-5d1e"
ACCOUNTS = {
    ACCOUNT: Credentials(USER, PASSWORD),
    "umlaut": Credentials("jürgen", "grüße"),
    "greek": Credentials("λ", "πάντα"),
}


def basic(user: str = USER, password: str = PASSWORD, encoding: str = "utf-8") -> dict[str, str]:
    """The header that authenticates."""
    token = base64.b64encode(f"{user}:{password}".encode(encoding)).decode()
    return {"Authorization": f"Basic {token}"}


class WebhookServer(Served):
    """A receiver in a thread of this process."""

    def __init__(self, path: Path, **options: Any) -> None:
        self.metrics = Metrics()
        self.writer = EventWriter(path, understand)
        self.receiver = Receiver(ACCOUNTS, self.writer, self.metrics, **options)

    def _app(self) -> ASGIApp:
        return Starlette(routes=self.receiver.routes)

    @property
    def url(self) -> str:
        """The address of the account."""
        return f"{self.api_url.removesuffix('/v3.1')}/webhooks/{ACCOUNT}"

    @property
    def address(self) -> tuple[str, int]:
        host, _, port = self.url.split("/")[2].partition(":")
        return host, int(port)

    def metric(self, name: str, **labels: str) -> float:
        """One number of its metrics."""
        marks = ",".join(f'{key}="{value}"' for key, value in labels.items())
        start = f"{name}{{{marks}}} ".encode()
        lines = self.metrics.text().splitlines()
        return next((float(line[len(start) :]) for line in lines if line.startswith(start)), 0.0)


@contextmanager
def receiving(path: Path, **options: Any) -> Iterator[WebhookServer]:
    """Receive for as long as the context lasts."""
    server = WebhookServer(path, **options)
    server.writer.start()
    try:
        with server.serve():
            yield server
    finally:
        server.writer.close()


def serve_again_and_again(path: str) -> None:
    """Serve, in a process that is replaced as soon as it ends."""
    listener = socket.create_server(("127.0.0.1", 0), backlog=200)
    print(listener.getsockname()[1], flush=True)  # noqa: T201 - for who started it
    while True:
        pid = os.fork()  # no thread has been started yet
        if pid == 0:
            serve(path, listener)
            os._exit(0)
        print(pid, flush=True)  # noqa: T201 - as above
        os.waitpid(pid, 0)


def serve(path: str, listener: socket.socket) -> None:
    """Serve on a port that is open already."""
    writer = EventWriter(path, understand)
    writer.start()
    app = Starlette(routes=Receiver(ACCOUNTS, writer, Metrics()).routes)
    config = uvicorn.Config(app, log_level="critical", access_log=False, lifespan="off")
    uvicorn.Server(config).run([listener])


if __name__ == "__main__":
    serve_again_and_again(sys.argv[1])
