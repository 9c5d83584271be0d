"""A thousand connections, several clients at once, and an Insightly that takes only so much."""

from __future__ import annotations

import asyncio
import base64
import resource
from collections import Counter
from typing import TYPE_CHECKING

import aiohttp
import pytest

from tap_insightly.server.gateway.settings import Limits
from tap_insightly.server.gateway.tokens import Token, TokenStore
from tests.conftest import KEY
from tests.gateway.serving import process

if TYPE_CHECKING:
    from pathlib import Path

    from tap_insightly.sandbox import Sandbox
    from tests.gateway.conftest import MakeGateway

MANY = 1_000


def header(token: str) -> dict[str, str]:
    text = base64.b64encode(f"{token}:".encode()).decode()
    return {"Authorization": f"Basic {text}"}


async def ask_all(url: str, tokens: list[str]) -> Counter[tuple[int, bool]]:
    """Ask once for each token, all at once, each on a connection of its own."""
    connector = aiohttp.TCPConnector(limit=0, force_close=True)
    timeout = aiohttp.ClientTimeout(total=120)
    async with aiohttp.ClientSession(connector=connector, timeout=timeout) as session:

        async def one(token: str) -> tuple[int, bool]:
            async with session.get(url, headers=header(token)) as got:
                await got.read()
                return got.status, "Retry-After" in got.headers

        return Counter(await asyncio.gather(*map(one, tokens)))


@pytest.fixture
def _room() -> None:
    """Let this process have that many connections open."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    wanted = 3 * MANY
    if soft < wanted:
        if hard != resource.RLIM_INFINITY and hard < wanted:
            pytest.skip(f"the system lets a process have {hard} files open, and no more")
        resource.setrlimit(resource.RLIMIT_NOFILE, (wanted, hard))


@pytest.mark.usefixtures("_room")
def test_a_thousand_connections_at_once(tmp_path: Path, sandbox: Sandbox) -> None:
    with TokenStore(tmp_path / "tokens.sqlite") as store:
        good = store.create(Token("tap", "acme"))
    upstreams = {
        "acme": {"base_url": sandbox.api_url, "api_key": KEY, "requests_per_second": 5_000}
    }
    with process(tmp_path / "tokens.sqlite", upstreams, limits={"longest_wait": 120}) as gateway:
        url = f"{gateway.api_url}/Instance"
        asyncio.run(ask_all(url, [good]))
        before = gateway.rss()
        wrong = asyncio.run(ask_all(url, ["ins_wrong"] * MANY))
        assert wrong == {(401, False): MANY}
        right = asyncio.run(ask_all(url, [good] * MANY))
        assert right == {(200, False): MANY}
        assert gateway.rss() - before < 60_000_000
    assert len(sandbox.requests) == MANY + 1


@pytest.mark.usefixtures("_room")
def test_more_than_its_share_is_put_off_and_the_others_go_on(
    make_gateway: MakeGateway, sandbox: Sandbox
) -> None:
    clients = make_gateway(
        Token("greedy", "acme"), requests_per_second=50, limits=Limits(longest_wait=1)
    )
    tokens = [clients.texts["greedy"]] * 300 + [clients.texts["tap"]] * 10
    url = f"{clients.api_url}/Instance"

    async def both() -> tuple[Counter[tuple[int, bool]], Counter[tuple[int, bool]]]:
        greedy, modest = await asyncio.gather(
            ask_all(url, tokens[:300]), ask_all(url, tokens[300:])
        )
        return greedy, modest

    greedy, modest = asyncio.run(both())
    assert modest == {(200, False): 10}
    assert greedy.keys() == {(200, False), (429, True)}
    assert greedy[200, False] >= 20
    assert len(sandbox.requests) == 10 + greedy[200, False], "what is put off was not sent"


def test_an_insightly_that_takes_less_is_not_asked_for_more(
    make_gateway: MakeGateway, sandbox: Sandbox
) -> None:
    sandbox.faults.requests_per_second = 40
    clients = make_gateway(requests_per_second=40, limits=Limits(longest_wait=60))
    got = asyncio.run(ask_all(f"{clients.api_url}/Instance", [clients.texts["tap"]] * 150))
    assert got == {(200, False): 150}
