"""The sandbox as an ASGI application: one request in, one answer out."""

from __future__ import annotations

import asyncio
import base64
import socket
import struct
from email.utils import format_datetime
from typing import TYPE_CHECKING, cast

from starlette.requests import Request

from tap_insightly.sandbox import bodies
from tap_insightly.sandbox.account.habits import next_at
from tap_insightly.sandbox.errors import shaped
from tap_insightly.sandbox.handlers.replies import Call, Refusal, Reply, RequestLog
from tap_insightly.sandbox.handlers.routing import Router
from tap_insightly.sandbox.sending import Sender

if TYPE_CHECKING:
    from collections.abc import Callable
    from random import Random

    from starlette.types import Receive, Scope, Send

    from tap_insightly.sandbox.account.account import Account
    from tap_insightly.sandbox.account.faults import Body, Faults

_DENIED = "Authorization has been denied for this request."  # docs


class App:
    """Answers as Insightly is known to."""

    def __init__(
        self, account: Account, api_key: str, rng: Random, note: Callable[[RequestLog], None]
    ) -> None:
        """Serve an account; `note` is told of each request before that is answered."""
        self._account, self._rng, self._note = account, rng, note
        self._router, self._sender = Router(account), Sender()
        token = base64.b64encode(f"{api_key}:".encode()).decode()
        self._authorization = f"Basic {token}"

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer a request."""
        if scope["type"] != "http":
            return
        request = Request(scope, receive)
        body = await request.body()
        log = RequestLog(
            request.method,
            request.scope["path"],
            dict(request.query_params),
            body=body,
            if_match=request.headers.get("If-Match"),
        )
        self._note(log)
        # From here on one request has one set of faults, also if a test sets others meanwhile.
        faults = self._account.faults
        faults.in_flight += 1
        try:
            fault = faults.next_fault(self._rng, request.method)
            await asyncio.sleep(faults.latency + faults.hang_seconds * (fault == "hang"))
            if fault == "reset":
                _reset(send)
                return
            reply = self._reply(request, body, fault, faults)
            if fault == "lost":
                _reset(send)
                return
            if fault == "lost-hang" or _is_too_large(reply, faults):
                await asyncio.sleep(faults.hang_seconds)
            log.status = reply.status
            if not faults.no_date_header:
                reply.headers["Date"] = format_datetime(self._account.clock(), usegmt=True)
            rate = faults.bytes_per_second
            await self._sender.send(reply, request, send, rate, is_cut=fault == "truncate")
        finally:
            faults.in_flight -= 1

    def _reply(self, request: Request, body: bytes, fault: str, faults: Faults) -> Reply:
        if faults.user_denied or request.headers.get("Authorization") != self._authorization:
            return shaped(Refusal(401, _DENIED).reply, faults)
        is_over = faults.used >= faults.daily_quota
        faults.used += not is_over
        if is_over or fault.isdigit():
            reply = _failure(429 if is_over else int(fault), faults)
            if is_over:
                reply.headers.pop("Retry-After", None)
        elif fault == "html":
            reply = Reply(200, b"<html><body>Back soon</body></html>")
            reply.headers["Content-Type"] = "text/html"
        elif faults.body is not None:
            reply = Reply(200, faults.body)
        else:
            reply = self._done(request, body, faults)
            if fault == "lost-500":
                reply = Refusal(500, "Something went wrong.").reply
        reply = shaped(reply, faults)
        reply.headers["X-RateLimit-Limit"] = str(faults.daily_quota)
        reply.headers["X-RateLimit-Remaining"] = str(faults.daily_quota - faults.used)
        return reply

    def _done(self, request: Request, body: bytes, faults: Faults) -> Reply:
        try:
            with self._account.lock:
                self._router.catch_up()
                return self._routed(_call(request, body), faults)
        except Refusal as refusal:
            return refusal.reply

    def _routed(self, call: Call, faults: Faults) -> Reply:
        place = call.place
        if (status := next_at(faults.statuses, place)) is not None:
            return _failure(status, faults)
        reply = self._router.answer(call, faults)
        if call.method == "GET" and (changed := next_at(faults.bodies, place)) is not None:
            reply.body, reply.cache_key = bodies.changed(reply.body, cast("Body", changed)), None
        return reply


def _failure(status: int, faults: Faults) -> Reply:
    reply = Refusal(status, "Try again later.").reply
    if faults.body is not None:
        reply.body, reply.message = faults.body, None
    if faults.retry_after is not None:
        reply.headers["Retry-After"] = f"{faults.retry_after:g}"
    if faults.location is not None:
        reply.headers["Location"] = faults.location
    return reply


def _call(request: Request, body: bytes) -> Call:
    # Paths are not case-sensitive (seen live).
    version, name, *rest = [*request.scope["path"].strip("/").split("/"), ""][:6]
    rest = [part for part in rest if part]
    if version.lower() != "v3.1" or not name:
        raise Refusal(404, "There is nothing here.")
    if_match = request.headers.get("If-Match")
    return Call(request.method, f"/{name}", tuple(rest), request.query_params, body, if_match)


def _is_too_large(reply: Reply, faults: Faults) -> bool:
    most_records, most_bytes = faults.hang_above_records, faults.hang_above_bytes
    return (most_records is not None and reply.records > most_records) or (
        most_bytes is not None and len(reply.body) > most_bytes
    )


def _reset(send: Send) -> None:
    # ASGI has no word for it, so this reaches for uvicorn's connection; a fault that cannot be
    # played is loud rather than quiet.
    transport = send.__self__.transport  # type: ignore[attr-defined]
    connection = transport.get_extra_info("socket")
    linger = struct.pack("ii", 1, 0)  # close with a reset instead of a goodbye
    connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, linger)
    transport.abort()
