"""A gateway as a process, and nothing else. Started by `benchmarks.gateway`.

It reads its settings from a file of JSON: the store of tokens, and the settings of one account as
`Upstream` has them. It writes a line of JSON when it is ready, its URL.
"""

from __future__ import annotations

import asyncio
import json
import socket
from contextlib import asynccontextmanager
from pathlib import Path
from typing import TYPE_CHECKING

import click
import uvicorn
from starlette.applications import Starlette
from starlette.routing import Mount

from tap_insightly.server.gateway.gateway import Gateway
from tap_insightly.server.gateway.settings import Upstream
from tap_insightly.server.gateway.tokens import TokenStore
from tap_insightly.server.metrics import Metrics

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

ACCOUNT = "acme"


@click.command()
@click.argument("path", type=click.Path(path_type=Path))
def main(path: Path) -> None:
    """Serve a gateway until the process is ended."""
    settings = json.loads(path.read_text(encoding="utf-8"))
    with TokenStore(settings.pop("store")) as tokens:
        gateway = Gateway({ACCOUNT: Upstream(**settings)}, tokens, Metrics())

        @asynccontextmanager
        async def lifespan(_: Starlette) -> AsyncIterator[None]:
            await gateway.start()
            yield
            await gateway.stop()

        app = Starlette(routes=[Mount("/", gateway)], lifespan=lifespan)
        listener = socket.create_server(("127.0.0.1", 0), backlog=1024)
        listener.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        config = uvicorn.Config(
            app, http="h11", log_level="error", access_log=False, date_header=False
        )
        print(json.dumps({"url": f"http://127.0.0.1:{listener.getsockname()[1]}/v3.1"}), flush=True)
        asyncio.run(uvicorn.Server(config).serve([listener]))


if __name__ == "__main__":
    main()
