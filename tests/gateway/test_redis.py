"""Several gateways for one account: one pace and one quota, also while Redis comes and goes."""

from __future__ import annotations

import asyncio
import time
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager
from itertools import pairwise
from typing import TYPE_CHECKING, Any

import pytest
import requests

from tap_insightly.server.gateway.quota import DayQuota
from tap_insightly.server.gateway.redis_pace import RedisLink
from tap_insightly.server.gateway.settings import Sharing
from tap_insightly.server.gateway.tokens import Token, TokenStore
from tests.conftest import ENCODED_KEY, KEY
from tests.gateway.peer import Peer, answer
from tests.gateway.redis_server import RedisServer, redis_server
from tests.gateway.serving import Process, process
from tests.gateway.test_tokens import until

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from pathlib import Path

    from tap_insightly.sandbox import Sandbox

__all__ = ["redis_server"]

RATE = 30


class Several:
    """Gateways as processes, and the token of a client of each."""

    def __init__(self, gateways: Sequence[Process], tokens: dict[str, str]) -> None:
        self.gateways = gateways
        self.tokens = tokens

    def ask(self, at: int, name: str = "tap", path: str = "/Instance") -> requests.Response:
        """Ask one of them."""
        url = f"{self.gateways[at].api_url}{path}"
        return requests.get(url, auth=(self.tokens[name], ""), timeout=120)

    def ask_all(self, times: int, name: str = "tap") -> list[requests.Response]:
        """Ask all of them so many times, all at once."""
        numbers = [at for at in range(len(self.gateways)) for _ in range(times)]
        with ThreadPoolExecutor(len(numbers)) as pool:
            return list(pool.map(lambda at: self.ask(at, name), numbers))

    def health(self) -> list[dict[str, Any]]:
        """What each says of the account."""
        found = []
        for one in self.gateways:
            told = requests.get(f"{one.url}/health", timeout=60).json()
            found.append(told["accounts"]["acme"])
        return found

    def are(self, pace: str, gateways: int = 3) -> bool:
        """Whether all say that they share, or are alone, and that there are so many."""
        told = self.health()
        return all(one["pace"].startswith(pace) and one["gateways"] == gateways for one in told)


@contextmanager
def several(
    number: int, folder: Path, url: str, redis_url: str, *clients: Token, **options: Any
) -> Iterator[Several]:
    """Run gateways as processes, each with a store of its own that has the same tokens."""
    with TokenStore(folder / "tokens.sqlite") as store:
        tokens = {one.name: store.create(one) for one in (Token("tap", "acme"), *clients)}
    limits = options.pop("limits", {"longest_wait": 60})
    settings = {"base_url": url, "api_key": KEY, "requests_per_second": RATE, **options}
    with ExitStack() as stack:
        found = []
        for at in range(number):
            path = folder / f"tokens-{at}.sqlite"
            path.write_bytes((folder / "tokens.sqlite").read_bytes())
            path.chmod(0o600)
            sharing = {"redis_url": redis_url, "gateways": 1}
            found.append(
                stack.enter_context(
                    process(path, {"acme": settings}, limits=limits, sharing=sharing)
                )
            )
        both = Several(found, tokens)
        until(lambda: both.are("shared", number), "they know of each other")
        yield both


def took(work: Any) -> tuple[Any, float]:
    """Do something; say how many seconds it took."""
    began = time.monotonic()
    done = work()
    return done, time.monotonic() - began


def test_by_the_clock_of_redis_no_period_has_more_starts_than_are_allowed(
    redis_server: RedisServer,
) -> None:
    starts: list[float] = []

    class Noting(RedisLink):
        async def run(self, keys: Any, arguments: Any) -> Any:
            found = await super().run(keys, arguments)
            if arguments[1] == 1:
                starts.append(int(found[0]))
            return found

    async def play() -> None:
        links = [Noting(Sharing(redis_server.url)) for _ in range(3)]
        paces = [link.pace_of("acme", 50, DayQuota(0)) for link in links]

        async def reserve(at: int) -> None:
            for _ in range(60):
                await asyncio.sleep(await paces[at].reserve())

        for link in links:
            await link.start()
        await asyncio.gather(*map(reserve, range(3)))
        for link in links:
            await link.stop()

    asyncio.run(play())
    assert len(starts) == 180
    starts.sort()
    for earlier, later in zip(starts, starts[50:], strict=False):
        assert later - earlier >= 1_000_000
    assert starts[-1] - starts[0] < 1.05 * 180 / 50 * 1_000_000, "and hardly fewer"
    assert all(earlier <= later for earlier, later in pairwise(starts))


def test_three_processes_share_one_pace(
    redis_server: RedisServer, sandbox: Sandbox, tmp_path: Path
) -> None:
    with several(3, tmp_path, sandbox.api_url, redis_server.url) as gateways:
        found, seconds = took(lambda: gateways.ask_all(50))
        contents = redis_server.contents()
    assert {one.status_code for one in found} == {200}
    assert len(sandbox.requests) == 150
    # Each alone would take less than 2 seconds.
    assert seconds >= (150 - RATE) / RATE
    for secret in (KEY, ENCODED_KEY.rstrip("="), *gateways.tokens.values()):
        assert secret not in contents
    left = sorted(int(one.headers["X-RateLimit-Remaining"]) for one in found)
    assert left[0] <= 100_000 - 150 + 3 * 20


def test_three_processes_share_one_quota(
    redis_server: RedisServer, sandbox: Sandbox, tmp_path: Path
) -> None:
    small = Token("small", "acme", quota_share=0.0003)  # 30 of 100,000
    with several(3, tmp_path, sandbox.api_url, redis_server.url, small) as gateways:
        for at in range(3):
            assert gateways.ask(at).status_code == 200  # so that each knows of the limit
        found = gateways.ask_all(25, "small")
        assert 25 <= len(sandbox.requests) - 3 <= 30
        # Those that were taken at once by all, and were too many together, were given back.
        until(
            lambda: not found.append(gateways.ask(0, "small")) and len(sandbox.requests) == 33, ""
        )
        last = gateways.ask_all(3, "small")
    statuses = [one.status_code for one in found]
    assert statuses.count(200) == len(sandbox.requests) - 3 == 30
    assert set(statuses) == {200, 429}
    assert {(one.status_code, one.headers["X-RateLimit-Remaining"]) for one in last} == {(429, "0")}


def test_three_processes_leave_one_reserve(
    redis_server: RedisServer, sandbox: Sandbox, tmp_path: Path
) -> None:
    sandbox.faults.daily_quota = 100
    with several(3, tmp_path, sandbox.api_url, redis_server.url, quota_reserve=40) as gateways:
        assert gateways.ask(0).status_code == 200
        found = gateways.ask_all(40)
    assert {one.status_code for one in found} == {200, 429}
    assert 55 <= len(sandbox.requests) <= 60


def test_when_insightly_wants_to_be_left_alone_all_do(
    redis_server: RedisServer, tmp_path: Path
) -> None:
    busy = answer(b"{}", "Retry-After: 100", status="429 Too Many Requests")
    with Peer([busy]).serve() as peer:
        limits = {"longest_wait": 0.3}
        with several(3, tmp_path, peer.url, redis_server.url, limits=limits) as gateways:
            assert [gateways.ask(at).status_code for at in range(3)] == [429, 429, 429]
    assert len(peer.received) == 1


@pytest.mark.parametrize("how", ["killed", "halted"])
def test_without_redis_each_takes_a_safe_part_and_with_it_all_again(
    how: str, redis_server: RedisServer, sandbox: Sandbox, tmp_path: Path
) -> None:
    with several(3, tmp_path, sandbox.api_url, redis_server.url) as gateways:
        assert {one.status_code for one in gateways.ask_all(5)} == {200}
        if how == "killed":
            redis_server.kill()
        else:
            redis_server.halt()
        until(lambda: gateways.are("alone"), "they notice")
        found, seconds = took(lambda: gateways.ask_all(40))
        assert {one.status_code for one in found} == {200}, "no client notices"
        assert seconds >= (40 - RATE / 3) / (RATE / 3)
        told = requests.get(f"{gateways.gateways[0].url}/metrics", timeout=60).text
        assert 'insightly_gateway_alone{account="acme"} 1.0' in told
        if how == "killed":
            redis_server.start()
        else:
            redis_server.go_on()
        until(lambda: gateways.are("shared"), "they notice that it is back")
        found, seconds = took(lambda: gateways.ask_all(30))
        assert {one.status_code for one in found} == {200}
        assert seconds >= (90 - RATE) / RATE


def test_redis_dies_in_the_middle_and_no_request_fails(
    redis_server: RedisServer, sandbox: Sandbox, tmp_path: Path
) -> None:
    def until_more_are_asked() -> None:
        before = len(sandbox.requests)
        until(lambda: len(sandbox.requests) > before + 15, "they go on")

    with (
        several(3, tmp_path, sandbox.api_url, redis_server.url) as gateways,
        ThreadPoolExecutor(1) as pool,
    ):
        asking = pool.submit(lambda: gateways.ask_all(60))
        for _ in range(3):
            until_more_are_asked()
            redis_server.kill()
            until_more_are_asked()
            redis_server.start()
        found = asking.result()
    assert {one.status_code for one in found} == {200}
    assert len([one for one in sandbox.requests if one.status == 200]) == 180


def test_a_gateway_that_starts_without_redis_is_safe(
    redis_server: RedisServer, sandbox: Sandbox, tmp_path: Path
) -> None:
    redis_server.kill()
    with TokenStore(tmp_path / "tokens.sqlite") as store:
        token = store.create(Token("tap", "acme"))
    settings = {"base_url": sandbox.api_url, "api_key": KEY, "requests_per_second": RATE}
    sharing = {"redis_url": redis_server.url, "gateways": 3}
    with process(tmp_path / "tokens.sqlite", {"acme": settings}, sharing=sharing) as gateway:
        one = Several([gateway], {"tap": token})
        assert one.are("alone", 3)
        found, seconds = took(lambda: one.ask_all(30))
        assert {one.status_code for one in found} == {200}
        assert seconds >= (30 - RATE / 3) / (RATE / 3)
