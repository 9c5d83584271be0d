"""The server as an ASGI application: what it consists of, how it begins and how it ends."""

from __future__ import annotations

from contextlib import ExitStack, asynccontextmanager
from importlib.resources import files
from typing import TYPE_CHECKING

import anyio
from starlette.applications import Starlette
from starlette.responses import JSONResponse, Response
from starlette.routing import Mount, Route

from tap_insightly.connection import package_version
from tap_insightly.server.credentials import Credentials
from tap_insightly.server.gateway.gateway import Gateway
from tap_insightly.server.gateway.settings import Limits, Sharing, Upstream
from tap_insightly.server.gateway.tokens import TokenStore
from tap_insightly.server.metrics import Metrics
from tap_insightly.server.receiving import Receiver
from tap_insightly.webhooks.database import StoreError
from tap_insightly.webhooks.events import understand
from tap_insightly.webhooks.locks import locked
from tap_insightly.webhooks.writer import EventWriter

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Mapping
    from pathlib import Path

    from starlette.requests import Request

    from tap_insightly.config_file import ConfigFile
    from tap_insightly.server.settings import ServerSettings

_CHECK_SECONDS = 5.0
"""How long the disk may take for a write, before it counts as one that takes none."""


class Server:
    """Webhooks of all accounts that have a password for them, and a gateway to all accounts."""

    def __init__(self, config: ConfigFile, settings: ServerSettings) -> None:
        """Read all secrets; nothing is opened yet.

        Raises:
            ConfigFileError: If a secret cannot be read.
        """
        self.metrics = Metrics()
        self.receives = _credentials(config)
        """Who may deliver webhooks, by account."""
        self._upstreams = {
            name: Upstream.from_connection(account.connection())
            for name, account in config.accounts.items()
        }
        self._settings = settings
        self._writer: EventWriter | None = None
        if self.receives:
            self._writer = EventWriter(settings.webhook_store, understand)
        self._tokens: TokenStore | None = None
        self._gateway: Gateway | None = None
        self._files = ExitStack()

    def open(self) -> None:
        """Open the files, and begin to say that webhooks are received.

        Raises:
            StoreError: If the webhooks cannot be kept, or another server has these files.
            TokenStoreError: If the tokens cannot be read.
        """
        tokens = TokenStore(self._settings.token_store)
        self._tokens = self._files.enter_context(tokens)
        self._lock(self._settings.token_store)
        if self._writer is not None:
            self._lock(self._settings.webhook_store)
            self._files.callback(self._writer.close)
            self._writer.start()

    def _lock(self, path: Path) -> None:
        """Let no second server have a file: two would pace one account twice."""
        if path.parent.is_dir():  # else whoever opens the file says what is wrong
            taken = (
                f"Another insightly serve has {path}. Stop that one first; or give this one a "
                "configuration file with files of its own, and a Redis to share the pace by."
            )
            self._files.enter_context(locked(f"{path}-serve", taken))

    def close(self) -> None:
        """Write what waits, and close the files."""
        self._files.close()

    def app(self) -> Starlette:
        """Make the application; `open` has to be called before it is served."""
        settings = self._settings
        if self._tokens is None:
            msg = "The server has not been opened."
            raise RuntimeError(msg)
        sharing = None
        if settings.redis_url is not None:
            sharing = Sharing(settings.redis_url, gateways=settings.gateways)
        self._gateway = Gateway(
            self._upstreams,
            self._tokens,
            self.metrics,
            agent=f"insightly-serve/{package_version()}",
            limits=Limits(
                longest_wait=settings.longest_wait, largest_body=settings.max_upload_bytes
            ),
            sharing=sharing,
        )
        routes: list[Route | Mount] = [
            Route("/health", self._health),
            Route("/metrics", self._metrics),
            Route("/openapi.json", _openapi),
        ]
        if self._writer is not None:
            receiver = Receiver(
                self.receives, self._writer, self.metrics, settings.max_webhook_bytes
            )
            routes += receiver.routes
        routes.append(Mount("/", self._gateway))  # whatever else is asked for, with a token
        return Starlette(routes=routes, lifespan=self._lifespan)

    @asynccontextmanager
    async def _lifespan(self, _: Starlette) -> AsyncIterator[None]:
        gateway = self._gateway
        if gateway is not None:
            await gateway.start()
        try:
            yield
        finally:
            if gateway is not None:
                await gateway.stop()

    async def _health(self, _: Request) -> Response:
        """Tell whether it is alive, and whether its disk takes writes."""
        problems = []
        if self._writer is not None:
            try:
                with anyio.fail_after(_CHECK_SECONDS):
                    await self._writer.check()
            except (StoreError, TimeoutError):
                problems.append("The webhook store takes no writes.")
        is_failing = bool(problems)
        if self._gateway is not None:
            problems += self._gateway.problems()
        status = {"status": "failing" if is_failing else "ok", "problems": problems}
        return JSONResponse(status, 503 if is_failing else 200)

    async def _metrics(self, _: Request) -> Response:
        return Response(self.metrics.text(), media_type="text/plain; version=0.0.4")


def _credentials(config: ConfigFile) -> Mapping[str, Credentials]:
    found = {}
    for name, account in config.accounts.items():
        password = account.webhook_password()
        if account.webhook_user is not None and password is not None:
            found[name] = Credentials(account.webhook_user, password)
    return found


async def _openapi(_: Request) -> Response:
    text = files("tap_insightly.server").joinpath("openapi.json").read_bytes()
    return Response(text, media_type="application/json")
