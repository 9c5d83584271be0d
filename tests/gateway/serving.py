"""A gateway on this machine: in a thread of the test, or as a process.

As a process it is started by ``python -m tests.gateway.serving`` with its settings as JSON, writes
its URL, and ends when its input does.
"""

from __future__ import annotations

import asyncio
import json
import logging
import os
import socket
import subprocess
import sys
import threading
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click
import uvicorn
from starlette.applications import Starlette
from starlette.responses import JSONResponse, Response
from starlette.routing import Mount, Route
from typing_extensions import override

from tap_insightly.server.gateway.gateway import Gateway
from tap_insightly.server.gateway.settings import Limits, Sharing, Upstream
from tap_insightly.server.gateway.tokens import TokenStore
from tap_insightly.server.metrics import Metrics

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable, Iterator, Mapping

    from starlette.requests import Request

ROOT = Path(__file__).parents[2]


def application(gateway: Gateway, metrics: Metrics) -> Starlette:
    """The smallest server that has a gateway."""

    @asynccontextmanager
    async def lifespan(_: Starlette) -> AsyncIterator[None]:
        await gateway.start()
        yield
        await gateway.stop()

    async def health(_: Request) -> Response:
        return JSONResponse(gateway.health())

    async def told(_: Request) -> Response:
        return Response(metrics.text(), media_type="text/plain")

    routes = [Route("/health", health), Route("/metrics", told), Mount("/", gateway)]
    return Starlette(routes=routes, lifespan=lifespan)


def _config(gateway: Gateway, metrics: Metrics) -> uvicorn.Config:
    return uvicorn.Config(
        application(gateway, metrics),
        http="h11",
        log_level="critical",
        access_log=False,
        date_header=False,
        server_header=False,
        timeout_keep_alive=3600,
        timeout_graceful_shutdown=1,
    )


class _Server(uvicorn.Server):
    """Tells when it is ready."""

    def __init__(self, config: uvicorn.Config, ready: Callable[[], object]) -> None:
        super().__init__(config)
        self._ready = ready

    @override
    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        await super().startup(sockets)
        self._ready()


def _listener() -> socket.socket:
    listener = socket.create_server(("127.0.0.1", 0), backlog=2048)
    listener.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    return listener


@dataclass
class Served:
    """A gateway in a thread."""

    gateway: Gateway
    metrics: Metrics
    tokens: TokenStore
    port: int
    loop: asyncio.AbstractEventLoop

    @property
    def url(self) -> str:
        """The address of the server."""
        return f"http://127.0.0.1:{self.port}"

    @property
    def api_url(self) -> str:
        """The base URL for clients."""
        return f"{self.url}/v3.1"


@contextmanager
def served(
    upstreams: Mapping[str, Upstream],
    tokens: TokenStore,
    limits: Limits | None = None,
    **options: Any,
) -> Iterator[Served]:
    """Serve a gateway in a thread, for as long as the context lasts."""
    metrics = Metrics()
    gateway = Gateway(upstreams, tokens, metrics, limits=limits, **options)
    is_ready = threading.Event()
    server = _Server(_config(gateway, metrics), is_ready.set)
    listener, loop = _listener(), asyncio.new_event_loop()

    def work() -> None:
        try:
            loop.run_until_complete(server.serve([listener]))
        finally:
            loop.run_until_complete(loop.shutdown_default_executor())
            loop.close()

    thread = threading.Thread(target=work, name="gateway")
    thread.start()
    try:
        assert is_ready.wait(60)
        yield Served(gateway, metrics, tokens, listener.getsockname()[1], loop)
    finally:
        server.should_exit = True
        thread.join(60)
        listener.close()


@dataclass
class Process:
    """A gateway as a process."""

    process: subprocess.Popen[str]
    url: str

    @property
    def api_url(self) -> str:
        """The base URL for clients."""
        return f"{self.url}/v3.1"

    def rss(self) -> int:
        """How many bytes of memory it has now."""
        status = Path(f"/proc/{self.process.pid}/status").read_text(encoding="utf-8")
        line = next(one for one in status.splitlines() if one.startswith("VmRSS"))
        return int(line.split()[1]) * 1024


@contextmanager
def process(store: Path, upstreams: Mapping[str, Any], **options: Any) -> Iterator[Process]:
    """Run a gateway as a process; it reads the settings of accounts by the names of `Upstream`."""
    settings = json.dumps({"store": str(store), "upstreams": upstreams, **options})
    with subprocess.Popen(
        [sys.executable, "-m", "tests.gateway.serving"],
        cwd=ROOT,
        env={**os.environ, "GATEWAY_TEST": settings},
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    ) as running:
        assert running.stdout is not None
        try:
            line = running.stdout.readline()
            yield Process(running, json.loads(line)["url"])
        finally:
            running.terminate()


async def _run(settings: dict[str, Any]) -> None:
    upstreams = {name: Upstream(**one) for name, one in settings.pop("upstreams").items()}
    limits = Limits(**settings.pop("limits", {}))
    if "sharing" in settings:
        settings["sharing"] = Sharing(**settings["sharing"])
    with TokenStore(settings.pop("store")) as tokens:
        metrics = Metrics()
        gateway = Gateway(upstreams, tokens, metrics, limits=limits, **settings)
        listener = _listener()
        told = json.dumps({"url": f"http://127.0.0.1:{listener.getsockname()[1]}"})
        server = _Server(_config(gateway, metrics), lambda: click.echo(told))
        serving = asyncio.create_task(server.serve([listener]))
        ending = asyncio.get_running_loop().run_in_executor(None, sys.stdin.read)
        await asyncio.wait({serving, ending}, return_when=asyncio.FIRST_COMPLETED)
        server.should_exit = True
        await serving


if __name__ == "__main__":
    logging.basicConfig(level=logging.WARNING)
    asyncio.run(_run(json.loads(os.environ["GATEWAY_TEST"])))
