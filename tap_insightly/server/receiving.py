"""Receives webhooks: ``POST /webhooks/{account}``, answered with success only once it is on disk.

Insightly tries two more times and then drops an event (docs). So nothing is refused that a person
could still make sense of: whatever comes from somebody who knows the password is kept, and judged
by what is in it, not by what its headers say.
"""

from __future__ import annotations

import json
import logging
import time
from datetime import datetime, timezone
from http import HTTPStatus
from typing import TYPE_CHECKING

import anyio
from starlette.datastructures import Headers
from starlette.routing import Route

from tap_insightly.server.bodies import TooLargeError, send_whole, unpacked
from tap_insightly.server.credentials import Guard
from tap_insightly.server.refusals import RefusalLog
from tap_insightly.values import parse_moment
from tap_insightly.webhooks.database import StoreError

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from starlette.types import Message, Receive, Scope, Send

    from tap_insightly.server.credentials import Credentials
    from tap_insightly.server.metrics import Metrics
    from tap_insightly.webhooks.writer import EventWriter, Kept

MAX_BYTES = 1_000_000
"""The most of a body, as it comes and unpacked."""

BODY_SECONDS = 10.0
"""For how long a client may send a body."""

_RETRY_SECONDS = 5
_MOST_DIGITS = 18  # of a length that anything can have
_CHALLENGE = {"WWW-Authenticate": 'Basic realm="webhooks", charset="UTF-8"'}
_CLOSE = {"Connection": "close"}  # what is left of the request is not read
_PACKED = frozenset({"gzip", "x-gzip", "deflate"})


class RefusedDeliveryError(Exception):
    """A delivery is not kept."""

    def __init__(
        self, status: HTTPStatus, text: str, headers: Mapping[str, str], detail: str = ""
    ) -> None:
        """Prepare the answer; the `detail` is for the log alone."""
        super().__init__(text)
        self.status = status
        self.headers = headers
        self.detail = detail


class _GoneError(Exception):
    """The client has hung up before all was there."""


class Receiver:
    """An ASGI application that takes deliveries of webhooks."""

    def __init__(
        self,
        accounts: Mapping[str, Credentials],
        writer: EventWriter,
        metrics: Metrics,
        max_bytes: int = MAX_BYTES,
        *,
        body_seconds: float = BODY_SECONDS,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        """Take deliveries for these accounts, each with credentials of its own."""
        self._guard = Guard(accounts)
        self._writer = writer
        self._metrics = metrics
        self._max_bytes = max_bytes
        self._body_seconds = body_seconds
        self._log = RefusalLog(logging.getLogger(__name__), clock)

    @property
    def routes(self) -> Sequence[Route]:
        """Where it is; people end addresses with a slash or without."""
        return [Route("/webhooks/{account}", self), Route("/webhooks/{account}/", self)]

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Take one delivery, and answer it."""
        began = time.perf_counter()
        try:
            await self._take(scope, receive)
        except _GoneError:
            return
        except RefusedDeliveryError as refusal:
            self._metrics.refused.labels(str(int(refusal.status))).inc()
            self._log.note(refusal.status, refusal.detail or str(refusal))
            await _answer(send, refusal.status, refusal.headers, {"error": str(refusal)})
            return
        await _answer(send, HTTPStatus.OK, {}, {})
        self._metrics.webhook_seconds.observe(time.perf_counter() - began)

    async def _take(self, scope: Scope, receive: Receive) -> None:
        if scope["method"] != "POST":
            text = "Deliveries are sent with POST."
            raise RefusedDeliveryError(
                HTTPStatus.METHOD_NOT_ALLOWED, text, {"Allow": "POST", **_CLOSE}
            )
        headers = Headers(scope=scope)
        account: str = scope["path_params"]["account"]
        if not self._guard.admits(account, headers.getlist("authorization")):
            text = "The user or the password is wrong, or there is no such account."
            raise RefusedDeliveryError(HTTPStatus.UNAUTHORIZED, text, {**_CHALLENGE, **_CLOSE})
        body = self._unpacked(await self._body(headers, receive), headers)
        try:
            kept = await self._writer.add(account, body)
        except StoreError as error:
            text = "It cannot be kept at the moment. Try again."
            again = {"Retry-After": str(_RETRY_SECONDS)}
            status = HTTPStatus.SERVICE_UNAVAILABLE
            raise RefusedDeliveryError(status, text, again, str(error)) from None
        self._count(account, kept)

    async def _body(self, headers: Headers, receive: Receive) -> bytes:
        """Read the body, which ends when it ends, whatever was said of its length."""
        length = headers.get("content-length", "")
        is_number = length.isascii() and length.isdecimal()
        if is_number and (len(length) > _MOST_DIGITS or int(length) > self._max_bytes):
            raise self._too_large()
        body = bytearray()
        try:
            with anyio.fail_after(self._body_seconds):
                while True:
                    message: Message = await receive()
                    if message["type"] == "http.disconnect":
                        raise _GoneError
                    body += message.get("body", b"")
                    if len(body) > self._max_bytes:
                        raise self._too_large()
                    if not message.get("more_body", False):
                        return bytes(body)
        except TimeoutError:
            text = f"The body did not come within {self._body_seconds:g} seconds."
            raise RefusedDeliveryError(HTTPStatus.REQUEST_TIMEOUT, text, _CLOSE) from None

    def _unpacked(self, body: bytes, headers: Headers) -> bytes:
        """Unpack a body, no further than allowed. What cannot be unpacked is kept as it came."""
        if headers.get("content-encoding", "").strip().lower() not in _PACKED:
            return body
        try:
            found = unpacked(body, self._max_bytes)
        except TooLargeError:
            raise self._too_large() from None
        return body if found is None else found

    def _too_large(self) -> RefusedDeliveryError:
        text = f"The body has more than {self._max_bytes:,} bytes."
        status = HTTPStatus.REQUEST_ENTITY_TOO_LARGE
        return RefusedDeliveryError(status, text, _CLOSE)

    def _count(self, account: str, kept: Kept) -> None:
        self._metrics.events.labels(account, kept.result.value).inc()
        if kept.understood.updated is not None:
            age = datetime.now(timezone.utc) - parse_moment(kept.understood.updated)
            self._metrics.lag.labels(account).set(max(0.0, age.total_seconds()))


async def _answer(
    send: Send, status: HTTPStatus, headers: Mapping[str, str], content: Mapping[str, str]
) -> None:
    body = json.dumps(content).encode()
    given = {"Content-Type": "application/json", "Content-Length": str(len(body)), **headers}
    raw = [(name.lower().encode(), value.encode()) for name, value in given.items()]
    await send_whole(send, int(status), raw, body)
