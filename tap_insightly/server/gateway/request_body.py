"""The body of a client's request: a small one is kept, to be sent again; a large one passes by."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

from tap_insightly.api.http.headers import whole_number
from tap_insightly.server.gateway.answers import Refusal

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from starlette.types import Receive

    from tap_insightly.server.gateway.headers import Raw
    from tap_insightly.server.gateway.settings import Limits

_SLOWEST = 10_000  # bytes a second, on an average, that a client has to send
_DRAINED = 16_000_000  # bytes of a refused body that are thrown away, so that the answer arrives
_DRAINING = 2.0  # seconds for that


class ClientGoneError(Exception):
    """The client has closed the connection."""


class RequestBody:
    """One body, of which the beginning is read first."""

    def __init__(self, receive: Receive, headers: Raw, limits: Limits) -> None:
        """Read nothing yet.

        Args:
            receive: The messages from the client.
            headers: The headers of the request, with names in lower case.
            limits: How large and how slow it may be.
        """
        given = dict(headers)
        length = given.get(b"content-length")
        too_large = limits.largest_body + 1
        self.length = None if length is None else whole_number(length.decode("latin-1"), too_large)
        """How many bytes it has, as the client says; None if it does not."""
        self.beginning = b""
        """The first part of it, or all."""
        self.is_whole = False
        """Whether that is all, so that it can be sent more than once."""
        self.ended = asyncio.Event()
        """Set once there is nothing left to read."""
        self.failure: Exception | None = None
        """What went wrong while it was passed on; whoever sends it may not say."""
        self._receive = receive
        self._limits = limits
        self._size = 0
        self._began = 0.0
        if self.length in {None, 0} and b"transfer-encoding" not in given:
            self.is_whole = True
            self.ended.set()

    async def begin(self) -> None:
        """Read the first part.

        Raises:
            Refusal: If it is too large or too slow.
            ClientGoneError: If the client has gone.
        """
        if self.length is not None and self.length > self._limits.largest_body:
            raise self._too_large()
        pieces: list[bytes] = []
        self._began = asyncio.get_running_loop().time()
        while not self.ended.is_set() and self._size < self._limits.held_body:
            pieces.append(await self._next())
        self.beginning = b"".join(pieces)
        self.is_whole = self.ended.is_set()

    async def pieces(self) -> AsyncIterator[bytes]:
        """Go through the whole body, once.

        Raises:
            Refusal: If it is too large or too slow.
            ClientGoneError: If the client has gone.
        """
        beginning, self.beginning = self.beginning, b""
        yield beginning
        while not self.ended.is_set():
            try:
                piece = await self._next()
            except (Refusal, ClientGoneError) as error:
                self.failure = error
                raise
            yield piece

    async def gone(self) -> None:
        """Wait until the client has closed the connection, once all is read."""
        await self.ended.wait()
        while (await self._receive())["type"] != "http.disconnect":
            pass

    async def drain(self) -> None:
        """Throw away what is left, for a moment: a client that still sends reads no answer."""
        loop = asyncio.get_running_loop()
        until, size = loop.time() + _DRAINING, 0
        while not self.ended.is_set() and size < _DRAINED:
            left = until - loop.time()
            if left <= 0:
                return
            try:
                message = await asyncio.wait_for(self._receive(), left)
            except asyncio.TimeoutError:
                return
            size += len(message.get("body", b""))
            if message["type"] == "http.disconnect" or not message.get("more_body", False):
                self.ended.set()

    async def _next(self) -> bytes:
        loop = asyncio.get_running_loop()
        idle = self._limits.idle_seconds
        try:
            message = await asyncio.wait_for(self._receive(), idle)
        except asyncio.TimeoutError:
            raise self._too_slow() from None
        if message["type"] == "http.disconnect":
            raise ClientGoneError
        piece: bytes = message.get("body", b"")
        self._size += len(piece)
        if self._size > self._limits.largest_body:
            raise self._too_large()
        if not message.get("more_body", False):
            self.ended.set()
        elif loop.time() - self._began > idle + self._size / _SLOWEST:
            raise self._too_slow()
        return piece

    def _too_large(self) -> Refusal:
        largest = self._limits.largest_body
        return Refusal(413, f"The body is larger than the gateway takes: {largest:,} bytes.")

    def _too_slow(self) -> Refusal:
        return Refusal(408, "The body of the request came too slowly. Nothing was done.")
