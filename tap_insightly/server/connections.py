"""Connections that strangers open: none is kept for who sends nothing, or sends it slowly."""

from __future__ import annotations

from typing import TYPE_CHECKING

import h11
from typing_extensions import override
from uvicorn.protocols.http.h11_impl import H11Protocol

if TYPE_CHECKING:
    import asyncio

HEAD_SECONDS = 10.0
"""How long a client may take for the head of a request, once it has begun; or for what is left of
a body, once that is answered."""
IDLE_SECONDS = 75
"""How long a connection stays open that is not in use: longer than most clients keep theirs, so
that none is closed just as its client sends the next request."""


DEAF_SECONDS = 60
"""How long a client may take nothing of what was sent to it."""


class Connection(H11Protocol):
    """uvicorn's own, which waits for the head of a request for ever, with a time-out for it.

    How long the body may take is for those who read it, until they have answered.
    """

    _head_timer: asyncio.TimerHandle | None = None
    _deaf_timer: asyncio.TimerHandle | None = None
    _is_begun = False

    @override
    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]  # as uvicorn has it
        super().connection_made(transport)
        self._head_timer = self.loop.call_later(self.timeout_keep_alive, transport.close)

    @override
    def data_received(self, data: bytes) -> None:
        super().data_received(data)
        if self._has_left_body:
            return
        # Between requests h11 says IDLE; what it holds then is a head that is not complete.
        is_begun = self.conn.their_state is h11.IDLE and bool(self.conn.trailing_data[0])
        if is_begun and self._is_begun:
            return
        self._stop_timer()
        self._is_begun = is_begun
        if is_begun:
            self._head_timer = self.loop.call_later(HEAD_SECONDS, self.transport.close)

    @override
    def on_response_complete(self) -> None:
        super().on_response_complete()
        if self._has_left_body:  # which nobody reads any more, and which need have no end
            self._stop_timer()
            self._head_timer = self.loop.call_later(HEAD_SECONDS, self.transport.close)

    @property
    def _has_left_body(self) -> bool:
        return self.conn.our_state is h11.DONE and self.conn.their_state is h11.SEND_BODY

    @override
    def pause_writing(self) -> None:
        super().pause_writing()
        # Closing would wait for the client to take what is left.
        self._deaf_timer = self.loop.call_later(DEAF_SECONDS, self.transport.abort)

    @override
    def resume_writing(self) -> None:
        super().resume_writing()
        self._stop_deaf_timer()

    @override
    def connection_lost(self, exc: Exception | None) -> None:
        self._stop_timer()
        self._stop_deaf_timer()
        super().connection_lost(exc)

    def _stop_timer(self) -> None:
        if self._head_timer is not None:
            self._head_timer.cancel()
            self._head_timer = None

    def _stop_deaf_timer(self) -> None:
        if self._deaf_timer is not None:
            self._deaf_timer.cancel()
            self._deaf_timer = None
