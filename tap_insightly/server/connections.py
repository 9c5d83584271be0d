"""Connections that strangers open: none is kept for who sends nothing, or sends it slowly."""

from __future__ import annotations

from typing import TYPE_CHECKING

import h11
from typing_extensions import override
from uvicorn.protocols.http.h11_impl import H11Protocol

if TYPE_CHECKING:
    import asyncio

HEAD_SECONDS = 10.0
"""How long a client may take for the head of a request, once it has begun."""
IDLE_SECONDS = 75
"""How long a connection stays open that is not in use: longer than most clients keep theirs, so
that none is closed just as its client sends the next request."""


class Connection(H11Protocol):
    """uvicorn's own, which waits for the head of a request for ever, with a time-out for it.

    How long the body may take is for those who read it.
    """

    _head_timer: asyncio.TimerHandle | None = None
    _is_begun = False

    @override
    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]  # as uvicorn has it
        super().connection_made(transport)
        self._head_timer = self.loop.call_later(self.timeout_keep_alive, transport.close)

    @override
    def data_received(self, data: bytes) -> None:
        super().data_received(data)
        # Between requests h11 says IDLE; what it holds then is a head that is not complete.
        is_begun = self.conn.their_state is h11.IDLE and bool(self.conn.trailing_data[0])
        if is_begun and self._is_begun:
            return
        self._stop_timer()
        self._is_begun = is_begun
        if is_begun:
            self._head_timer = self.loop.call_later(HEAD_SECONDS, self.transport.close)

    @override
    def connection_lost(self, exc: Exception | None) -> None:
        self._stop_timer()
        super().connection_lost(exc)

    def _stop_timer(self) -> None:
        if self._head_timer is not None:
            self._head_timer.cancel()
            self._head_timer = None
