"""Receives webhooks into a store. Started by `benchmarks.receiving`."""

from __future__ import annotations

import socket
from typing import TYPE_CHECKING

import click
import uvicorn
from starlette.applications import Starlette

from tap_insightly.server.credentials import Credentials
from tap_insightly.server.metrics import Metrics
from tap_insightly.server.receiving import Receiver
from tap_insightly.webhooks.events import understand
from tap_insightly.webhooks.writer import EventWriter

if TYPE_CHECKING:
    from collections.abc import Mapping

ACCOUNT = "acme"
USER, PASSWORD = "insightly", "not-a-secret"
ACCOUNTS: Mapping[str, Credentials] = {ACCOUNT: Credentials(USER, PASSWORD)}


@click.command()
@click.argument("store")
def main(store: str) -> None:
    """Print the port, and serve until SIGTERM."""
    writer = EventWriter(store, understand)
    writer.start()
    receiver = Receiver(ACCOUNTS, writer, Metrics())
    listener = socket.create_server(("127.0.0.1", 0), backlog=1024)
    listener.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    print(listener.getsockname()[1], flush=True)
    config = uvicorn.Config(
        Starlette(routes=list(receiver.routes)),
        log_level="warning",
        access_log=False,
        lifespan="off",
    )
    try:
        uvicorn.Server(config).run([listener])
    finally:
        writer.close()


if __name__ == "__main__":
    main()
