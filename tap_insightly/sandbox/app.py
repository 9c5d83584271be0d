"""The sandbox as an ASGI application: one request in, one answer out."""

from __future__ import annotations

import asyncio
import base64
import socket
import struct
from dataclasses import replace
from typing import TYPE_CHECKING, cast

from starlette.requests import Request

from tap_insightly.sandbox import access, bodies, parts
from tap_insightly.sandbox.errors import shaped
from tap_insightly.sandbox.habits import next_at
from tap_insightly.sandbox.reading import Reader, other_forms
from tap_insightly.sandbox.replies import Call, Refusal, Reply, RequestLog
from tap_insightly.sandbox.sending import Sender
from tap_insightly.sandbox.writing import Writer

if TYPE_CHECKING:
    from starlette.types import Receive, Scope, Send

    from tap_insightly.sandbox.faults import Body, Faults
    from tap_insightly.sandbox.server import Sandbox

_DENIED = "Authorization has been denied for this request."  # docs


class App:
    """Answers as Insightly is known to."""

    def __init__(self, sandbox: Sandbox) -> None:
        """Serve a sandbox.

        Args:
            sandbox: Where the data, the faults and the clock are.
        """
        self._sandbox = sandbox
        self._reader, self._writer = Reader(sandbox), Writer(sandbox)
        token = base64.b64encode(f"{sandbox.api_key}:".encode()).decode()
        self._authorization = f"Basic {token}"
        self._sender = Sender(sandbox)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer a request.

        Args:
            scope: As ASGI has it.
            receive: As ASGI has it.
            send: As ASGI has it.
        """
        if scope["type"] != "http":
            return
        sandbox, faults = self._sandbox, self._sandbox.faults
        request = Request(scope, receive)
        body = await request.body()
        log = RequestLog(
            request.method,
            request.scope["path"],
            dict(request.query_params),
            body=body,
            if_match=request.headers.get("If-Match"),
        )
        if sandbox.on_request is not None:
            sandbox.on_request(log)
            faults = sandbox.faults  # the test may have changed them just now
        sandbox.requests.append(log)
        faults.in_flight += 1
        try:
            fault = faults.next_fault(sandbox.rng, request.method)
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
            await self._sender.send(reply, request, send, is_cut=fault == "truncate")
        finally:
            faults.in_flight -= 1

    def _reply(self, request: Request, body: bytes, fault: str, faults: Faults) -> Reply:
        if faults.user_denied or request.headers.get("Authorization") != self._authorization:
            return shaped(Refusal(401, _DENIED).reply, faults)
        is_over = faults.used >= faults.daily_quota
        faults.used += not is_over
        if is_over or fault.isdigit():
            reply = self._failure(429 if is_over else int(fault))
            if is_over:
                reply.headers.pop("Retry-After", None)
        elif fault == "html":
            reply = Reply(200, b"<html><body>Back soon</body></html>")
            reply.headers["Content-Type"] = "text/html"
        elif faults.body is not None:
            reply = Reply(200, faults.body)
        else:
            reply = self._done(request, body)
            if fault == "lost-500":
                reply = Refusal(500, "Something went wrong.").reply
        reply = shaped(reply, faults)
        reply.headers["X-RateLimit-Limit"] = str(faults.daily_quota)
        reply.headers["X-RateLimit-Remaining"] = str(faults.daily_quota - faults.used)
        return reply

    def _failure(self, status: int) -> Reply:
        faults = self._sandbox.faults
        reply = Refusal(status, "Try again later.").reply
        if faults.body is not None:
            reply.body, reply.message = faults.body, None
        if faults.retry_after is not None:
            reply.headers["Retry-After"] = f"{faults.retry_after:g}"
        if faults.location is not None:
            reply.headers["Location"] = faults.location
        return reply

    def _done(self, request: Request, body: bytes) -> Reply:
        try:
            with self._sandbox.lock:
                self._sandbox.automations.catch_up()
                return self._route(_call(request, body))
        except Refusal as refusal:
            return refusal.reply

    def _route(self, call: Call) -> Reply:
        faults, place = self._sandbox.faults, call.place
        if (status := next_at(faults.statuses, place)) is not None:
            return self._failure(status)
        reply = self._handled(call)
        if call.method == "GET" and (body := next_at(faults.bodies, place)) is not None:
            reply.body, reply.cache_key = bodies.changed(reply.body, cast("Body", body)), None
        return reply

    def _handled(self, call: Call) -> Reply:
        reader, name = self._reader, call.path[1:]
        if name.lower() == "customfields" and len(call.rest) == 1 and call.method == "GET":
            return reader.custom_fields(call.rest[0])
        call = replace(call, path=self._path(name, call.method))
        if len(call.rest) > 1:
            return self._below(call)
        if call.method == "GET":
            return reader.read(call)
        return self._writer.write(call)

    def _path(self, name: str, method: str) -> str:
        sandbox = self._sandbox
        path = sandbox.path_of(name)
        if path is None:
            if any(sandbox.path_of(other) for other in other_forms(name)):
                raise Refusal(405, f"{name} is not the name of this object.")  # seen live
            raise Refusal(404, f"There is no object {name}.")
        access.check(sandbox, path, method)
        return path

    def _below(self, call: Call) -> Reply:
        place = parts.place_of(call)
        if place is not None and ("GET" in place.operations or call.method != "GET"):
            return parts.answer(self._sandbox, call, place)
        kind = self._reader.kind_below(call)
        if kind is None:
            status = 404 if place is None else 405
            raise Refusal(status, f"{call.path} has no {'/'.join(call.rest[1:])}.")
        access.check(self._sandbox, kind.path_below(call.path), call.method)
        if call.method != "GET":
            raise Refusal(405, "This can only be read here.")
        return self._reader.children(call, kind)


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
