"""The day's requests: no client uses more than its share, nor all together more than there is."""

from __future__ import annotations

import asyncio
from collections import Counter
from datetime import datetime, timedelta, timezone
from typing import TYPE_CHECKING

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tap_insightly.api import QuotaExhaustedError
from tap_insightly.server.gateway.quota import ASK_AGAIN, DayQuota, UsedUpError
from tap_insightly.server.gateway.tokens import Token
from tests.gateway.test_tokens import until
from tests.gateway.ticking import Ticking

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from tap_insightly.sandbox import Sandbox
    from tests.gateway.conftest import Clients, MakeGateway

SMALL = Token("small", "acme", quota_share=0.0002)  # 20 of 100,000


def seconds(got: Mapping[str, str]) -> int:
    return int(got["Retry-After"])


def test_a_client_sees_its_share_and_keeps_to_it(
    make_gateway: MakeGateway, sandbox: Sandbox
) -> None:
    clients = make_gateway(SMALL)
    for left in range(19, -1, -1):
        got = clients.get("/Instance", "small")
        assert got.status_code == 200
        assert got.headers["X-RateLimit-Limit"] == "20"
        assert got.headers["X-RateLimit-Remaining"] == str(left)
    for method in ("GET", "POST"):
        got = clients.ask(method, "/Contacts", "small", json={})
        assert got.status_code == 429
        assert got.headers["X-RateLimit-Remaining"] == "0"
        assert 0 < seconds(got.headers) <= 24 * 60 * 60
        assert "'small' has used its share of the day's requests: 20 of 100,000" in got.text
    assert len(sandbox.requests) == 20
    other = clients.get("/Instance")
    assert other.headers["X-RateLimit-Limit"] == "100000"
    assert other.headers["X-RateLimit-Remaining"] == str(100_000 - 21)


def test_the_library_takes_a_used_up_share_for_a_used_up_day(make_gateway: MakeGateway) -> None:
    clients = make_gateway(SMALL)
    with clients.client("small") as client:
        for _ in range(20):
            client.session.get("/Instance")
        with pytest.raises(QuotaExhaustedError):
            client.session.get("/Instance")


def test_what_was_used_counts_when_the_server_starts_again(
    make_gateway: MakeGateway, sandbox: Sandbox
) -> None:
    clients = make_gateway(SMALL)
    for _ in range(20):
        assert clients.get("/Instance", "small").status_code == 200
    store = clients.served.tokens
    until(lambda: sum(store.used(today()).values()) == 20, "it is written down")
    assert store.limits() == {"acme": 100_000}
    again = make_gateway(SMALL)
    assert again.get("/Instance", "small").status_code == 429
    assert again.get("/Instance").status_code == 200
    assert len(sandbox.requests) == 21


def today() -> str:
    return datetime.now(timezone.utc).date().isoformat()


def test_the_reserve_is_left_alone(make_gateway: MakeGateway, sandbox: Sandbox) -> None:
    clients = make_gateway(quota_reserve=99_995)
    for left in range(4, -1, -1):
        assert clients.get("/Instance").headers["X-RateLimit-Remaining"] == str(left)
    got = clients.get("/Instance")
    assert (got.status_code, got.headers["X-RateLimit-Remaining"]) == (429, "0")
    assert "kept in reserve by quota_reserve: 99,995" in got.json()["Message"]
    assert len(sandbox.requests) == 5


def test_a_used_up_day_is_handed_on_and_not_asked_again(gateway: Clients, sandbox: Sandbox) -> None:
    sandbox.faults.daily_quota = 3
    for _ in range(3):
        assert gateway.get("/Instance").status_code == 200
    for _ in range(3):
        got = gateway.get("/Instance")
        assert (got.status_code, got.headers["X-RateLimit-Remaining"]) == (429, "0")
        assert seconds(got.headers) > 0
    assert len(sandbox.requests) == 3


def test_a_day_that_others_used_up_meanwhile(gateway: Clients, sandbox: Sandbox) -> None:
    assert gateway.get("/Instance").status_code == 200
    sandbox.faults.daily_quota = 1
    got = gateway.get("/Instance")
    assert (got.status_code, got.headers["X-RateLimit-Remaining"]) == (429, "0")
    assert got.json() == {"Message": "Try again later."}, "that of Insightly"
    assert seconds(got.headers) > 0
    assert len(sandbox.requests) == 2


class Day:
    """A day by a clock that is made up."""

    def __init__(self, reserve: int = 0, *, limit: int | None = None) -> None:
        self.clock = Ticking()
        self.at = datetime(2026, 5, 1, 12, tzinfo=timezone.utc)
        self.quota = DayQuota(reserve, limit=limit, now=self.now, clock=self.clock)

    def now(self) -> datetime:
        return self.at + timedelta(seconds=self.clock.now)

    def ask(self, token: Token, left: int | None = None, limit: int = 100) -> None:
        """Ask once, and be told how many are left."""

        async def once() -> None:
            await self.quota.take(token)
            self.quota.check_again(token)
            headers = {"X-RateLimit-Limit": str(limit), "X-RateLimit-Remaining": str(left)}
            self.quota.give_back(token, None if left is None else headers)

        asyncio.run(once())


HALF, FREE = Token("half", "acme", quota_share=0.5), Token("free", "acme")


def test_the_next_day_gives_each_its_share_again() -> None:
    day = Day(limit=4)
    for left in (3, 2):
        day.ask(HALF, left, 4)
    with pytest.raises(UsedUpError) as caught:
        day.ask(HALF)
    assert caught.value.seconds == 12 * 60 * 60
    for left in (1, 0):
        day.ask(FREE, left, 4)
    with pytest.raises(UsedUpError, match="0 of 4 are left"):
        day.ask(FREE)
    day.clock.run(12 * 60 * 60)
    day.ask(HALF, 3, 4)
    assert day.quota.share(HALF) == (2, 1)
    assert day.quota.share(FREE) == (4, 3)


@pytest.mark.parametrize(("reserve", "left"), [(0, 0), (10, 10), (10, 3)])
def test_a_used_up_day_is_asked_about_once_in_a_while(reserve: int, left: int) -> None:
    day = Day(reserve)
    day.ask(FREE, left)
    asked = 0
    for _ in range(11 * 60):
        day.clock.run(day.clock.now + 60)
        try:
            day.ask(FREE, left)
            asked += 1
        except UsedUpError:
            continue
    assert asked == 11 * 60 * 60 // ASK_AGAIN - 1
    day.clock.run(day.clock.now + ASK_AGAIN)
    day.ask(FREE, 50)  # there are more again, and at no hour that is documented
    day.ask(FREE, 49)


def test_an_answer_that_was_overtaken_gives_nothing_back() -> None:
    day = Day()

    async def two() -> None:
        await day.quota.take(FREE)
        await day.quota.take(FREE)
        for left in ("5", "6"):
            day.quota.give_back(FREE, {"X-RateLimit-Remaining": left})

    asyncio.run(two())
    assert day.quota.count.remaining == 5


@pytest.mark.parametrize(
    ("share", "limit", "allowed"),
    [(0.0003, 100_000, 30), (0.29, 100, 29), (0.1, 7, 0), (1, 7, 7), (1e-9, 100_000, 0)],
)
def test_a_share_is_what_was_written(share: float, limit: int, allowed: int) -> None:
    day = Day(limit=limit)
    assert day.quota.share(Token("a", "acme", quota_share=share)) == (allowed, allowed)


def test_what_was_never_sent_does_not_count() -> None:
    day = Day(limit=4)

    async def unsent() -> None:
        await day.quota.take(HALF)
        day.quota.give_back(HALF, None, was_sent=False)

    for _ in range(10):
        asyncio.run(unsent())
    assert day.quota.share(HALF) == (2, 2)
    assert sum(day.quota.take_pending().values()) == 0


# Whose request begins (a or b), or which of those under way ends and is answered, if it is.
STEPS = st.lists(
    st.one_of(st.sampled_from("ab"), st.tuples(st.integers(0, 9), st.booleans())), max_size=80
)


@given(STEPS, st.integers(0, 20), st.integers(0, 5), st.floats(0.05, 1))
def test_however_answers_come_nobody_uses_more_than_there_is(
    steps: Sequence[str | tuple[int, bool]], limit: int, reserve: int, share: float
) -> None:
    tokens = {"a": Token("a", "acme", quota_share=share), "b": Token("b", "acme")}

    async def play() -> None:
        day = Day(reserve, limit=limit)
        quota = day.quota
        quota.count.remaining = limit
        waiting: list[asyncio.Task[Token]] = []
        under_way: list[Token] = []
        sent: Counter[str] = Counter()

        async def begin(token: Token) -> Token:
            await quota.take(token)
            return token

        for step in steps:
            if isinstance(step, str):
                waiting.append(asyncio.create_task(begin(tokens[step])))
            elif under_way:
                at, is_answered = step
                token = under_way.pop(at % len(under_way))
                left = str(limit - sent.total())
                headers = {"X-RateLimit-Limit": str(limit), "X-RateLimit-Remaining": left}
                quota.give_back(token, headers if is_answered else None)
            await asyncio.sleep(0)
            await asyncio.sleep(0)
            for task in [one for one in waiting if one.done()]:
                waiting.remove(task)
                if task.exception() is None:
                    sent[task.result().name] += 1
                    under_way.append(task.result())
            assert sent["a"] <= share * limit
            if all(not isinstance(one, tuple) or one[1] for one in steps):
                assert sent.total() <= max(0, limit - reserve)
        for task in waiting:
            task.cancel()
        await asyncio.gather(*waiting, return_exceptions=True)

    asyncio.run(play())
