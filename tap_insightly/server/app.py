"""The server as an ASGI application: what it consists of, how it begins and how it ends."""

from __future__ import annotations

from contextlib import ExitStack, asynccontextmanager, contextmanager, nullcontext
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
    from collections.abc import AsyncIterator, Iterator, Mapping
    from contextlib import AbstractContextManager
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

    @contextmanager
    def opened(self) -> Iterator[Starlette]:
        """Open the files, and say that webhooks are received, for as long as the context lasts.

        Yields:
            The application.

        Raises:
            StoreError: If the webhooks cannot be kept, or another server has these files.
            TokenStoreError: If the tokens cannot be read.
        """
        settings, writer = self._settings, self._writer
        with ExitStack() as files:
            tokens = files.enter_context(TokenStore(settings.token_store))
            files.enter_context(_lock(settings.token_store))
            if writer is not None:
                files.enter_context(_lock(settings.webhook_store))
                files.enter_context(writer)
                writer.start()
            yield self._app(self._new_gateway(tokens))

    def _new_gateway(self, tokens: TokenStore) -> Gateway:
        settings = self._settings
        sharing = None
        if settings.redis_url is not None:
            sharing = Sharing(settings.redis_url, gateways=settings.gateways)
        return Gateway(
            self._upstreams,
            tokens,
            self.metrics,
            agent=f"insightly-serve/{package_version()}",
            limits=Limits(
                longest_wait=settings.longest_wait, largest_body=settings.max_upload_bytes
            ),
            sharing=sharing,
        )

    def _app(self, gateway: Gateway) -> Starlette:
        @asynccontextmanager
        async def lifespan(_: Starlette) -> AsyncIterator[None]:
            await gateway.start()
            try:
                yield
            finally:
                await gateway.stop()

        async def health(_: Request) -> Response:
            return await self._health(gateway)

        routes: list[Route | Mount] = [
            Route("/health", health),
            Route("/metrics", self._metrics),
            Route("/openapi.json", _openapi),
        ]
        if self._writer is not None:
            most = self._settings.max_webhook_bytes
            routes += Receiver(self.receives, self._writer, self.metrics, most).routes
        routes.append(Mount("/", gateway))  # whatever else is asked for, with a token
        return Starlette(routes=routes, lifespan=lifespan)

    async def _health(self, gateway: Gateway) -> Response:
        """Tell whether it is alive, and whether its disk takes writes."""
        problems = []
        if self._writer is not None:
            try:
                with anyio.fail_after(_CHECK_SECONDS):
                    await self._writer.check()
            except (StoreError, TimeoutError):
                problems.append("The webhook store takes no writes.")
        is_failing = bool(problems)
        problems += gateway.problems()
        status = {"status": "failing" if is_failing else "ok", "problems": problems}
        return JSONResponse(status, 503 if is_failing else 200)

    async def _metrics(self, _: Request) -> Response:
        return Response(self.metrics.text(), media_type="text/plain; version=0.0.4")


def _lock(path: Path) -> AbstractContextManager[None]:
    """Let no second server have a file: two would pace one account twice."""
    if not path.parent.is_dir():
        return nullcontext()  # whoever opens the file says what is wrong
    taken = (
        f"Another insightly serve has {path}. Stop that one first; or give this one a "
        "configuration file with files of its own, and a Redis to share the pace by."
    )
    return locked(f"{path}-serve", taken)


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
