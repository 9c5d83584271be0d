"""How an answer goes over the wire: whole or cut off, compressed, all at once or in drops."""

from __future__ import annotations

import asyncio
import gzip
import zlib
from collections import OrderedDict
from typing import TYPE_CHECKING

from starlette.responses import Response, StreamingResponse

from tap_insightly.sandbox.handlers.large import Streamed

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Iterable, Iterator

    from starlette.requests import Request
    from starlette.types import Send

    from tap_insightly.sandbox.handlers.replies import Reply

REASON = "X-Sandbox-Reason"
"""The header with the reason phrase of an answer, which becomes a part of its first line."""

_CACHED_PAGES = 64
_LEAST_COMPRESSED = 1000
_DROPS_PER_SECOND = 20


class Sender:
    """Sends answers."""

    def __init__(self) -> None:
        """Begin with no page compressed."""
        self._compressed: OrderedDict[tuple[object, ...], bytes] = OrderedDict()

    async def send(
        self, reply: Reply, request: Request, send: Send, rate: float | None, *, is_cut: bool
    ) -> None:
        """Send an answer, at so many bytes a second if there is a rate, and maybe not its end."""
        headers = {"Content-Type": "application/json; charset=utf-8", **reply.headers}
        if reply.reason is not None:
            headers[REASON] = reply.reason
        is_gzip = (
            "gzip" in request.headers.get("Accept-Encoding", "")
            and len(reply.body) > _LEAST_COMPRESSED
        )
        if is_gzip:
            headers["Content-Encoding"] = "gzip"
        response = self._response(reply, headers, rate, is_gzip=is_gzip, is_cut=is_cut)
        await response(request.scope, request.receive, send)

    def _response(
        self,
        reply: Reply,
        headers: dict[str, str],
        rate: float | None,
        *,
        is_gzip: bool,
        is_cut: bool,
    ) -> Response:
        body = reply.body
        if isinstance(body, Streamed) and not is_cut:
            pieces = _compressed(body) if is_gzip else iter(body)
            return StreamingResponse(_dripping(pieces, rate), reply.status, headers)
        whole = body if isinstance(body, bytes) else b"".join(body)
        if is_gzip:
            whole = self._gzip(whole, reply.cache_key)
        if is_cut:
            headers["Content-Length"] = str(len(whole) + 1)
        if rate is not None:
            headers.setdefault("Content-Length", str(len(whole)))
            return StreamingResponse(_dripping([whole], rate), reply.status, headers)
        return Response(whole, reply.status, headers)

    def _gzip(self, body: bytes, key: tuple[object, ...] | None) -> bytes:
        if key is None:
            return gzip.compress(body, 1)
        if key not in self._compressed:
            self._compressed[key] = gzip.compress(body, 1)
            if len(self._compressed) > _CACHED_PAGES:
                self._compressed.popitem(last=False)
        return self._compressed[key]


def _compressed(pieces: Iterable[bytes]) -> Iterator[bytes]:
    gzipped = zlib.compressobj(1, wbits=zlib.MAX_WBITS | 16)
    for piece in pieces:
        if some := gzipped.compress(piece):
            yield some
    yield gzipped.flush()


async def _dripping(pieces: Iterable[bytes], rate: float | None) -> AsyncIterator[bytes]:
    for piece in pieces:
        size = len(piece) if rate is None else max(1, int(rate / _DROPS_PER_SECOND))
        for begin in range(0, len(piece), size):
            await asyncio.sleep(0 if rate is None else size / rate)  # others have their turn
            yield piece[begin : begin + size]
