"""The sandbox as an ASGI application: one request in, one answer out."""

from __future__ import annotations

import asyncio
import base64
import gzip
import socket
import struct
from collections import OrderedDict
from dataclasses import replace
from email.utils import format_datetime
from typing import TYPE_CHECKING

from starlette.requests import Request
from starlette.responses import Response

from tap_insightly.sandbox import access, parts
from tap_insightly.sandbox.reading import Reader, other_forms
from tap_insightly.sandbox.replies import Call, Refusal, Reply, RequestLog
from tap_insightly.sandbox.writing import Writer

if TYPE_CHECKING:
    from starlette.types import Receive, Scope, Send

    from tap_insightly.sandbox.server import Sandbox

_CACHED_PAGES = 64


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
        self._compressed: OrderedDict[tuple[object, ...], bytes] = OrderedDict()

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
            fault = faults.next_fault(sandbox.rng)
            await asyncio.sleep(faults.latency + (faults.hang_seconds if fault == "hang" else 0))
            if fault == "reset":
                _reset(send)
                return
            reply = self._reply(request, body, fault)
            if fault == "lost":
                _reset(send)
                return
            if fault == "lost-hang":
                await asyncio.sleep(faults.hang_seconds)
            log.status = reply.status
            await self._send(reply, request, scope, receive, send, is_cut=fault == "truncate")
        finally:
            faults.in_flight -= 1

    def _reply(self, request: Request, body: bytes, fault: str) -> Reply:
        faults = self._sandbox.faults
        if request.headers.get("Authorization") != self._authorization:
            return Refusal(401, "The API key is not valid.").reply
        is_over = faults.used >= faults.daily_quota
        faults.used += not is_over
        if is_over or fault.isdigit():
            reply = Refusal(429 if is_over else int(fault), "Try again later.").reply
            reply.body = reply.body if faults.body is None else faults.body
            if faults.retry_after is not None and not is_over:
                reply.headers["Retry-After"] = f"{faults.retry_after:g}"
            if faults.location is not None:
                reply.headers["Location"] = faults.location
        elif fault == "html":
            reply = Reply(200, b"<html><body>Back soon</body></html>")
            reply.headers["Content-Type"] = "text/html"
        elif faults.body is not None:
            reply = Reply(200, faults.body)
        else:
            try:
                with self._sandbox.lock:
                    reply = self._route(*_call(request, body))
            except Refusal as refusal:
                reply = refusal.reply
            if fault == "lost-500":
                reply = Refusal(500, "Something went wrong.").reply
        reply.headers["X-RateLimit-Limit"] = str(faults.daily_quota)
        reply.headers["X-RateLimit-Remaining"] = str(faults.daily_quota - faults.used)
        return reply

    async def _send(
        self,
        reply: Reply,
        request: Request,
        scope: Scope,
        receive: Receive,
        send: Send,
        *,
        is_cut: bool,
    ) -> None:
        body = reply.body
        headers = {"Content-Type": "application/json; charset=utf-8", **reply.headers}
        if not self._sandbox.faults.no_date_header:
            headers["Date"] = format_datetime(self._sandbox.clock(), usegmt=True)
        if "gzip" in request.headers.get("Accept-Encoding", "") and len(body) > 1000:  # noqa: PLR2004
            body = self._gzip(body, reply.cache_key)
            headers["Content-Encoding"] = "gzip"
        if is_cut:
            headers["Content-Length"] = str(len(body) + 1)
        await Response(body, reply.status, headers)(scope, receive, send)

    def _gzip(self, body: bytes, key: tuple[object, ...] | None) -> bytes:
        if key is None:
            return gzip.compress(body, 1)
        if key not in self._compressed:
            self._compressed[key] = gzip.compress(body, 1)
            if len(self._compressed) > _CACHED_PAGES:
                self._compressed.popitem(last=False)
        return self._compressed[key]

    def _route(self, call: Call, name: str) -> Reply:
        reader = self._reader
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


def _call(request: Request, body: bytes) -> tuple[Call, str]:
    # Paths are not case-sensitive (seen live).
    version, name, *rest = [*request.scope["path"].strip("/").split("/"), ""][:6]
    rest = [part for part in rest if part]
    if version.lower() != "v3.1" or not name:
        raise Refusal(404, "There is nothing here.")
    if_match = request.headers.get("If-Match")
    call = Call(request.method, "", tuple(rest), request.query_params, body, if_match)
    return call, name


def _reset(send: Send) -> None:
    # ASGI has no word for it, so this reaches for uvicorn's connection; a fault that cannot be
    # played is loud rather than quiet.
    transport = send.__self__.transport  # type: ignore[attr-defined]
    connection = transport.get_extra_info("socket")
    linger = struct.pack("ii", 1, 0)  # close with a reset instead of a goodbye
    connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, linger)
    transport.abort()
