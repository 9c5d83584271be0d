"""A gateway in front of a sandbox."""

from __future__ import annotations

from contextlib import ExitStack
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Protocol

import pytest
import requests

from tap_insightly.api import InsightlyClient
from tap_insightly.server.gateway.settings import Limits, Upstream
from tap_insightly.server.gateway.tokens import Token, TokenStore
from tests.conftest import KEY
from tests.gateway.serving import Served, served

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from tap_insightly.sandbox import Sandbox

ACCOUNT = "acme"


async def no_sleep(_: float) -> None:
    """Do not wait between two tries."""


@dataclass
class Clients:
    """A gateway, and the tokens of its clients."""

    served: Served
    texts: dict[str, str]

    @property
    def api_url(self) -> str:
        """The base URL."""
        return self.served.api_url

    def ask(self, method: str, path: str, name: str = "tap", **options: Any) -> requests.Response:
        """Ask as a client does, by the path below the version."""
        options.setdefault("auth", (self.texts[name], ""))
        url = f"{self.api_url}{path}"
        return requests.request(method, url, allow_redirects=False, timeout=60, **options)

    def get(self, path: str, name: str = "tap", **options: Any) -> requests.Response:
        """Ask with GET."""
        return self.ask("GET", path, name, **options)

    def client(self, name: str = "tap", **options: Any) -> InsightlyClient:
        """The library, with a token instead of a key."""
        return InsightlyClient(self.texts[name], api_url=self.api_url, **options)


class MakeGateway(Protocol):
    """Starts a gateway; other options are those of `Upstream`."""

    def __call__(
        self,
        *clients: Token,
        url: str | None = None,
        limits: Limits | None = None,
        **options: Any,
    ) -> Clients:
        """Start it, with a client named tap besides these."""


@pytest.fixture
def make_gateway(sandbox: Sandbox, tmp_path: Path) -> Iterator[MakeGateway]:
    """Starts gateways in front of the sandbox, which stop when the test is over."""
    texts: dict[str, str] = {}
    with ExitStack() as stack:

        def make(
            *clients: Token,
            url: str | None = None,
            limits: Limits | None = None,
            **options: Any,
        ) -> Clients:
            store = stack.enter_context(TokenStore(tmp_path / "tokens.sqlite"))
            for one in (Token("tap", ACCOUNT), *clients):
                if one.name not in texts:
                    texts[one.name] = store.create(one)
            given: dict[str, Any] = {"requests_per_second": 100, **options}
            upstream = Upstream(url or sandbox.api_url, KEY, **given)
            accounts = {ACCOUNT: upstream}
            one = stack.enter_context(served(accounts, store, limits, sleep=no_sleep))
            return Clients(one, texts)

        yield make


@pytest.fixture
def gateway(make_gateway: MakeGateway) -> Clients:
    """A gateway in front of the sandbox."""
    return make_gateway()
