"""Passes a client's request on to Insightly, again if need be, and the answer back."""

from __future__ import annotations

import asyncio
import logging
from dataclasses import dataclass
from http import HTTPStatus
from typing import TYPE_CHECKING

import aiohttp
import backoff

from tap_insightly.api.http.headers import moment, seconds_to_wait
from tap_insightly.api.http.session import LONGEST_HOLD
from tap_insightly.api.http.status_errors import NOT_PROCESSED, is_retryable
from tap_insightly.server.gateway.answers import REMAINING, Refusal
from tap_insightly.server.gateway.clock import seconds_to_midnight, utc_now
from tap_insightly.server.gateway.connections import (
    is_about_certificates,
    reason_of,
    was_never_sent,
)
from tap_insightly.server.gateway.headers import back, counted, onward
from tap_insightly.server.gateway.pace import TooBusyError
from tap_insightly.server.gateway.quota import UsedUpError
from tap_insightly.server.gateway.response import (
    Answer,
    BrokenOffError,
    held_answer,
    hold,
    pass_on,
)

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
    from datetime import datetime

    from starlette.types import Send

    from tap_insightly.api.http.request import Request
    from tap_insightly.server.gateway.account import Account
    from tap_insightly.server.gateway.pace import Turn
    from tap_insightly.server.gateway.paths import Target
    from tap_insightly.server.gateway.request_body import RequestBody
    from tap_insightly.server.gateway.settings import Limits
    from tap_insightly.server.gateway.tokens import Token

logger = logging.getLogger(__name__)

_NO_STATUS = 600  # and all above
_LONGEST_PAUSE = 8.0  # seconds between two tries
_NETWORK = (aiohttp.ClientError, asyncio.TimeoutError, OSError)


@dataclass(frozen=True)
class Call:
    """What a client asks for."""

    token: Token
    target: Target
    request: Request
    """The same as the rest of the program knows it, which says whether it may be repeated."""
    headers: list[tuple[bytes, bytes]]
    body: RequestBody
    send: Send

    def __str__(self) -> str:
        """Name it for people."""
        return f"{self.request.method} {self.request.path}"


class _FailedTry(Exception):  # noqa: N818 - one of several
    """A try failed in a way that may pass."""

    def __init__(
        self, message: str, *, was_not_processed: bool, answer: Answer | None, status: int
    ) -> None:
        super().__init__(message)
        self.was_not_processed = was_not_processed
        self.answer = answer
        """What Insightly answered, if it did."""
        self.status = status
        """What the client is answered, if Insightly has answered nothing."""


class Forwarder:
    """Passes requests on to one account."""

    def __init__(
        self,
        account: Account,
        limits: Limits,
        *,
        agent: str,
        waited: Callable[[float], object],
        sleep: Callable[[float], Awaitable[object]],
    ) -> None:
        """Get ready.

        Args:
            account: The account.
            limits: What clients may ask.
            agent: What is added to the name of a client.
            waited: Told of the seconds that each request waited for its turn.
            sleep: Waits between two tries, for a number of seconds.
        """
        self._account = account
        self._limits = limits
        self._agent = agent
        self._waited = waited
        self._sleep = sleep

    async def forward(self, call: Call) -> int:
        """Pass a request on, and the answer back.

        Args:
            call: What a client asks for.

        Returns:
            The status of the answer.

        Raises:
            Refusal: If there is no answer of Insightly's to pass back.
            BrokenOffError: If an answer broke off that had begun to be passed back.
            ClientGoneError: If the client has gone meanwhile.
        """
        loop = asyncio.get_running_loop()
        until = loop.time() + self._limits.retry_seconds
        waits = backoff.expo(max_value=_LONGEST_PAUSE)
        next(waits)  # the generator's first value is not a wait
        number, may_be_done, failure = 1, False, None
        longest = self._limits.longest_wait
        while True:
            try:
                answer = await self._try(call, longest)
            except _FailedTry as error:
                failure = error
            except (TooBusyError, UsedUpError) as error:
                if failure is None:
                    raise self._put_off(call, error) from None
                return await self._give_up(call, failure, number - 1, may_be_done=may_be_done)
            else:
                return await self._finish(call, answer, may_be_done=may_be_done)
            may_be_done |= not failure.was_not_processed
            wait = backoff.full_jitter(waits.send(None))
            longest = min(self._limits.longest_wait, until - loop.time() - wait)
            if (
                (may_be_done and not call.request.is_repeatable)
                or number > self._account.upstream.max_retries
                or longest <= 0
                or not call.body.is_whole
            ):
                return await self._give_up(call, failure, number, may_be_done=may_be_done)
            number += 1
            whose = f"{self._account.name}, {call.token.name}"
            logger.warning("%s: %s: %s Try %d in %.1f s.", whose, call, failure, number, wait)
            await self._sleep(wait)

    async def _try(self, call: Call, longest: float) -> Answer:
        """Send a request once, when its turn has come."""
        account, token = self._account, call.token
        await account.quota.take(token)
        try:
            turn = await account.pace.acquire(token.name, token.pace_share, longest)
            try:
                account.quota.check_again(token)
            except UsedUpError:
                account.pace.withdraw(turn)
                raise
        except BaseException:
            account.quota.give_back(token, None, was_sent=False)
            raise
        self._waited(account.pace.waited(turn))
        return await self._send(call, turn)

    async def _send(self, call: Call, turn: Turn) -> Answer:
        account, token = self._account, call.token
        is_refused, retry_after = None, None
        try:
            try:
                response = await self._opened(call, turn)
            except BaseException as error:
                is_unsent = isinstance(error, _FailedTry) and error.was_not_processed
                account.quota.give_back(token, None, was_sent=not is_unsent)
                raise
            async with response:
                date = moment(response.headers.get("Date"))
                account.quota.give_back(token, response.headers, date)
                is_refused = response.status == HTTPStatus.TOO_MANY_REQUESTS
                retry_after = _retry_after(response.headers, date)
                if retry_after is not None:
                    await account.pause(min(retry_after, LONGEST_HOLD))
                return await self._received(call, response)
        finally:
            account.pace.release(turn, is_refused=is_refused)

    async def _opened(self, call: Call, turn: Turn) -> aiohttp.ClientResponse:
        """Send a request, and wait until the answer begins."""
        account, body = self._account, call.body
        headers = onward(call.headers, self._agent)
        content: bytes | AsyncIterator[bytes] | None = body.beginning or None
        if not body.is_whole:
            content = body.pieces()
            if body.length is not None:
                headers["Content-Length"] = str(body.length)
        url = call.target.url(account.upstream.base_url)
        try:
            return await account.connections.send(
                call.request.method, url, headers, content, lambda: account.pace.sent(turn)
            )
        except _NETWORK as error:
            if body.failure is not None:
                raise body.failure from None
            raise self._failed(call, error) from None

    async def _received(self, call: Call, response: aiohttp.ClientResponse) -> Answer:
        """Look at an answer, and pass it on if it is long."""
        status, clean = response.status, self._account.connections.auth.hide_in_bytes
        self._check(call, response)
        try:
            beginning, is_all = await hold(response)
        except _NETWORK as error:
            raise self._failed(call, error) from None
        if not is_all and status < HTTPStatus.BAD_REQUEST:
            headers = back(response.raw_headers, self._account.share(call.token))
            headers = [(name, clean(value)) for name, value in headers]
            seconds = self._account.upstream.request_timeout
            idle = self._limits.idle_seconds
            try:
                await pass_on(response, beginning, call.send, headers, idle)
            except _NETWORK as error:
                raise BrokenOffError(reason_of(error, seconds)) from None
            return Answer(status, [], is_passed_on=True)
        answer = held_answer(response, beginning if is_all else None, clean)
        if is_retryable(status) and not self._is_used_up(status):
            msg = f"Insightly answered {status}."
            raise _FailedTry(
                msg,
                was_not_processed=status in NOT_PROCESSED,
                answer=answer,
                status=status,
            )
        return answer

    def _check(self, call: Call, response: aiohttp.ClientResponse) -> None:
        """Refuse what must not reach the client as it is."""
        status, name = response.status, self._account.name
        if not HTTPStatus.OK <= status < _NO_STATUS:  # no server can pass that on
            raise self._unknown(call, f"Insightly answered {status}, which is no status of HTTP.")
        if status == HTTPStatus.UNAUTHORIZED:
            msg = (
                f"Insightly did not accept the API key that the gateway has for the account "
                f"'{name}' (401). Whoever runs the gateway has to look after that: your token "
                "is right."
            )
            raise Refusal(401, msg)
        is_elsewhere = HTTPStatus.MULTIPLE_CHOICES <= status < HTTPStatus.BAD_REQUEST
        if is_elsewhere and status != HTTPStatus.NOT_MODIFIED:
            msg = (
                f"{call}: Insightly answered {status}, which leads elsewhere. The gateway does "
                f"not go there. Whoever runs it has to look at the address of the account '{name}'."
            )
            raise Refusal(502, msg)

    async def _finish(self, call: Call, answer: Answer, *, may_be_done: bool) -> int:
        """Pass an answer back, in the light of the tries before it."""
        request, status = call.request, answer.status
        if answer.is_passed_on:
            return status
        is_refused = HTTPStatus.BAD_REQUEST <= status < HTTPStatus.INTERNAL_SERVER_ERROR
        if may_be_done and request.method == "DELETE" and status == HTTPStatus.NOT_FOUND:
            answer = Answer(HTTPStatus.ACCEPTED, [(b"content-length", b"0")])  # by the try before
        elif may_be_done and is_refused and "If-Match" in request.headers:
            # The try before may have changed the version itself.
            raise self._unknown(call, f"Insightly answered {status} to the second try.")
        extra = counted(self._account.share(call.token))
        if self._is_used_up(status) and not any(n == b"retry-after" for n, _ in answer.headers):
            seconds = seconds_to_midnight(utc_now())
            extra.append((b"retry-after", f"{seconds:.0f}".encode()))
        await answer.send(call.send, extra)
        return answer.status

    async def _give_up(
        self, call: Call, failure: _FailedTry, number: int, *, may_be_done: bool
    ) -> int:
        """Answer what failed for good."""
        if failure.answer is not None:
            return await self._finish(call, failure.answer, may_be_done=False)
        if may_be_done and not call.request.is_reading:
            raise self._unknown(call, str(failure), failure.status)
        times = "once" if number == 1 else f"{number} times"
        outcome = "" if call.request.is_reading else " Nothing was done."
        msg = f"{call} failed {times} between gateway and Insightly, the last time with: {failure}"
        raise Refusal(failure.status, f"{msg}{outcome} Try again later.")

    def _unknown(self, call: Call, reason: str, status: int = 502) -> Refusal:
        msg = (
            f"{call} may have been done, or not: {reason} Look at what is there before you do it "
            "again."
        )
        return Refusal(status, msg)

    def _put_off(self, call: Call, error: TooBusyError | UsedUpError) -> Refusal:
        """Answer what cannot be sent now."""
        share = self._account.share(call.token)
        if isinstance(error, UsedUpError):
            return Refusal(
                429, str(error), retry_after=error.seconds, share={**share, REMAINING: 0}
            )
        msg = (
            f"{call} would wait for its turn for longer than {self._limits.longest_wait:g} "
            f"seconds, at the share that the client '{call.token.name}' has. Nothing was done."
        )
        return Refusal(429, msg, retry_after=error.seconds, share=share)

    def _failed(self, call: Call, error: BaseException) -> Exception:
        """Say what went wrong on the network; chained, the cause would show the request."""
        reason = reason_of(error, self._account.upstream.request_timeout)
        reason = self._account.connections.auth.hide(reason)
        if is_about_certificates(error):
            msg = (
                f"{call}: there is no secure connection to Insightly: {reason} Nothing was done. "
                "Whoever runs the gateway has to look at the address and the certificates."
            )
            return Refusal(502, msg)
        is_unsent = was_never_sent(error)
        status = HTTPStatus.BAD_GATEWAY
        if is_unsent:
            status = HTTPStatus.SERVICE_UNAVAILABLE
        elif isinstance(error, asyncio.TimeoutError):
            status = HTTPStatus.GATEWAY_TIMEOUT
        return _FailedTry(reason, was_not_processed=is_unsent, answer=None, status=status)

    def _is_used_up(self, status: int) -> bool:
        """Tell whether this is a 429 that will not pass today."""
        quota = self._account.quota.count
        return status == HTTPStatus.TOO_MANY_REQUESTS and quota.shortage() is not None


def _retry_after(headers: Mapping[str, str], date: datetime | None) -> float | None:
    """Say for how many seconds Insightly wants to be left alone; not if the day is used up."""
    if headers.get(REMAINING, "").strip() == "0":
        return None
    return seconds_to_wait(headers.get("Retry-After"), date)
