"""The gateway as an ASGI application: a client's request in, Insightly's answer out."""

from __future__ import annotations

import asyncio
import contextlib
import logging
from collections import Counter, defaultdict
from functools import partial
from typing import TYPE_CHECKING, Any

from tap_insightly.api.http.request import Request
from tap_insightly.server.bodies import send_whole
from tap_insightly.server.gateway.access import check, client_of
from tap_insightly.server.gateway.account import Account
from tap_insightly.server.gateway.answers import Refusal
from tap_insightly.server.gateway.clock import utc_now
from tap_insightly.server.gateway.forwarder import Call, Forwarder
from tap_insightly.server.gateway.paths import BadPathError, checked_target, version_of
from tap_insightly.server.gateway.request_body import ClientGoneError, RequestBody
from tap_insightly.server.gateway.response import BrokenOffError
from tap_insightly.server.gateway.settings import Limits
from tap_insightly.server.gateway.tokens import TokenStoreError

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Coroutine, Mapping

    from starlette.types import Message, Receive, Scope, Send

    from tap_insightly.server.gateway.redis_pace import RedisLink
    from tap_insightly.server.gateway.settings import Sharing, Upstream
    from tap_insightly.server.gateway.tokens import Token, TokenStore
    from tap_insightly.server.metrics import Metrics

logger = logging.getLogger(__name__)

_BROKEN_OFF = 599  # for those who count: the client had its status before
_TICK = 0.5  # seconds between two looks at the tokens; what was used is written every second tick


class Gateway:
    """Forwards what clients ask with a token, with the key of their account."""

    def __init__(  # noqa: PLR0913 - the settings of a gateway, all but three optional
        self,
        upstreams: Mapping[str, Upstream],
        tokens: TokenStore,
        metrics: Metrics,
        *,
        agent: str = "insightly-gateway",
        limits: Limits | None = None,
        sharing: Sharing | None = None,
        sleep: Callable[[float], Awaitable[object]] = asyncio.sleep,
    ) -> None:
        """Get ready; nothing is opened before `start`.

        Args:
            upstreams: The accounts, by the names that tokens are for.
            tokens: The clients' tokens; whoever opened it closes it.
            metrics: What is counted.
            agent: What is added to the ``User-Agent`` of a client.
            limits: What clients may ask; None for what is usual.
            sharing: How pace and quota are shared with other gateways; None for one alone.
            sleep: Waits between two tries, for a number of seconds.
        """
        self.accounts: dict[str, Account] = {}
        """What is asked, by name, once it is started."""
        self._upstreams = upstreams
        self._tokens = tokens
        self._metrics = metrics
        self._agent = agent
        self._limits = limits or Limits()
        self._sharing = sharing
        self._sleep = sleep
        self._link: RedisLink | None = None
        self._forwarders: dict[str, Forwarder] = {}
        self._ticking: asyncio.Task[None] | None = None
        self._under_way: dict[asyncio.Future[None], Token] = {}
        self._store_error: str | None = None
        metrics.on_scrape(self._measure)

    async def start(self) -> None:
        """Open what is needed, in the event loop that is to be used.

        Raises:
            TokenStoreError: If the tokens cannot be read.
        """
        used: dict[str, Counter[str]] = defaultdict(Counter)
        for (name, client), requests in self._tokens.used(utc_now().date().isoformat()).items():
            used[name][client] = requests
        limits = self._tokens.limits()
        self._tokens.refresh()
        if self._sharing is not None:
            from tap_insightly.server.gateway.redis_pace import (  # noqa: PLC0415 - few need it
                RedisLink,
            )

            self._link = RedisLink(self._sharing)
        for name, upstream in self._upstreams.items():
            sharing = None
            if self._link is not None:
                sharing = partial(self._link.pace_of, name, upstream.requests_per_second)
            account = Account(
                name, upstream, limit=limits.get(name), used=used[name], sharing=sharing
            )
            waited = self._metrics.waited.labels(name).observe
            self.accounts[name] = account
            self._forwarders[name] = Forwarder(
                account, self._limits, agent=self._agent, waited=waited, sleep=self._sleep
            )
        if self._link is not None:
            await self._link.start()
        self._ticking = asyncio.create_task(self._tick())

    async def stop(self) -> None:
        """Write down what was used, and close all connections."""
        if self._ticking is not None:
            self._ticking.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await self._ticking
        try:
            await self._write_use()
        except TokenStoreError as error:
            logger.warning("%s What was used last does not count any more.", error)
        finally:
            for account in self.accounts.values():
                await account.close()
            if self._link is not None:
                await self._link.stop()

    def problems(self) -> list[str]:
        """Say what is wrong, a sentence each; the gateway works all the same."""
        found = []
        if self._store_error is not None:
            found.append("The token store cannot be used, so tokens may be out of date.")
        if any(one.shared is not None and one.shared.is_alone for one in self.accounts.values()):
            found.append("Redis does not answer, so each gateway keeps to its part of the pace.")
        return found

    def health(self) -> dict[str, object]:
        """Say how each account is, and what is wrong with the tokens; no secrets."""
        accounts = {name: account.health() for name, account in self.accounts.items()}
        return {"accounts": accounts, "token_store": self._store_error or "ok"}

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer a request."""
        if scope["type"] != "http":
            return
        token: Token | None = None
        body = RequestBody(receive, scope["headers"], self._limits)
        is_begun = False

        async def answer(message: Message) -> None:
            nonlocal is_begun
            is_begun = True
            await send(message)

        try:
            token = client_of(scope["headers"], self._tokens)
            status = await self._while_valid(token, self._answer(scope, token, body, answer))
        except Refusal as refusal:
            status = refusal.status
            if is_begun:
                status = _BROKEN_OFF
            else:
                await _refuse(refusal, body, send)
        except ClientGoneError:
            status = 499
        except BrokenOffError as error:
            # The server closes the connection in the middle of the answer, so that the client
            # cannot take it for a whole one.
            name = token.name if token else ""
            logger.warning("An answer to the client '%s' broke off: %s", name, error)
            status = _BROKEN_OFF
        if token is not None:
            self._metrics.requests.labels(token.account, token.name, str(status)).inc()

    async def _answer(self, scope: Scope, token: Token, body: RequestBody, send: Send) -> int:
        method: str = scope["method"]
        if scope["http_version"] == "1.0":
            msg = (
                "The gateway needs HTTP/1.1, in which an answer that was cut off can be told "
                "from a whole one. In front of it, nginx needs: proxy_http_version 1.1;"
            )
            raise Refusal(505, msg)
        try:
            target = checked_target(scope["raw_path"], scope["query_string"])
        except BadPathError as error:
            raise Refusal(400, f"{error}") from None
        check(token, method, target, self.accounts.keys())
        account = self.accounts[token.account]
        version = version_of(account.upstream.base_url)
        if target.version != version:
            msg = f"The account '{token.account}' is asked by version {version} of the API."
            raise Refusal(404, msg)
        await body.begin()
        if_match = {"If-Match": ""} if any(n == b"if-match" for n, _ in scope["headers"]) else {}
        request = Request(method, target.path, headers=if_match)
        call = Call(token, target, request, scope["headers"], body, send)
        gone = asyncio.ensure_future(_gone(body))
        return await _unless(gone, self._forwarders[token.account].forward(call))

    async def _while_valid(self, token: Token, work: Coroutine[Any, Any, int]) -> int:
        """Do something for a client, and stop if its token is revoked meanwhile."""
        revoked = asyncio.get_running_loop().create_future()
        self._under_way[revoked] = token
        try:
            return await _unless(revoked, work)
        finally:
            del self._under_way[revoked]

    def _end_revoked(self) -> None:
        """End what is under way for tokens that count no more, also what still waits its turn."""
        for revoked, token in self._under_way.items():
            if not revoked.done() and not self._tokens.is_valid(token):
                msg = (
                    f"The token '{token.name}' was revoked meanwhile. What was asked for may "
                    "have been done, or not."
                )
                revoked.set_exception(Refusal(401, msg))

    async def _tick(self) -> None:
        """Look after the tokens, whatever happens."""
        number = 0
        while True:
            await asyncio.sleep(_TICK)
            number += 1
            try:
                await asyncio.to_thread(self._tokens.refresh)
                self._end_revoked()
                if number % 2 == 0:
                    await self._write_use()
            except Exception as error:  # noqa: BLE001 - or no token would be revoked any more
                is_told = isinstance(error, TokenStoreError)
                text = str(error) if is_told else f"{type(error).__name__}."
                if self._store_error is None:
                    logger.warning("%s The gateway goes on with the tokens that it knows.", text)
                self._store_error = text
            else:
                self._store_error = None

    async def _write_use(self) -> None:
        limits = {
            name: account.quota.count.limit
            for name, account in self.accounts.items()
            if account.quota.count.limit is not None
        }
        by_day: dict[str, dict[tuple[str, str], int]] = defaultdict(dict)
        pending = {name: one.quota.take_pending() for name, one in self.accounts.items()}
        for name, counts in pending.items():
            for (day, client), requests in counts.items():
                by_day[day][name, client] = requests
        try:
            for day, used in by_day.items():
                await asyncio.to_thread(self._tokens.note_use, day, used, limits)
        except Exception:
            for name, counts in pending.items():
                self.accounts[name].quota.restore_pending(counts)
            raise

    def _measure(self) -> None:
        for name, account in self.accounts.items():
            self._metrics.pace.labels(name).set(account.pace.rate.per_second)
            if (left := account.quota.count.remaining) is not None:
                self._metrics.quota_left.labels(name).set(left)
            if account.shared is not None:
                self._metrics.alone.labels(name).set(account.shared.is_alone)


async def _unless(end: asyncio.Future[None], work: Coroutine[Any, Any, int]) -> int:
    """Do something, and stop if there is an end to it before, which is an error."""
    working = asyncio.ensure_future(work)
    both: set[asyncio.Future[Any]] = {working, end}
    try:
        await asyncio.wait(both, return_when=asyncio.FIRST_COMPLETED)
        if not working.done():
            end.result()
        return working.result()
    finally:
        for one in both:
            one.cancel()
        await asyncio.gather(*both, return_exceptions=True)


async def _gone(body: RequestBody) -> None:
    await body.gone()
    raise ClientGoneError


async def _refuse(refusal: Refusal, body: RequestBody, send: Send) -> None:
    """Answer, and let go of what the client still sends."""
    if body.ended.is_set():
        await send_whole(send, refusal.status, refusal.headers, refusal.body)
        return
    headers = [*refusal.headers, (b"connection", b"close")]
    await send({"type": "http.response.start", "status": refusal.status, "headers": headers})
    await send({"type": "http.response.body", "body": refusal.body, "more_body": True})
    await body.drain()
    await send({"type": "http.response.body", "body": b""})
