"""Says in the log what was refused, a line for each kind a minute, however much comes."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import logging
    from collections.abc import Callable
    from http import HTTPStatus

_SECONDS = 60.0  # between lines of one kind


class RefusalLog:
    """Counts refusals by status. What clients sent is in no line."""

    def __init__(self, logger: logging.Logger, clock: Callable[[], float]) -> None:
        """Begin with none; the clock tells seconds."""
        self._logger = logger
        self._clock = clock
        self._next: dict[HTTPStatus, float] = {}
        self._more: dict[HTTPStatus, int] = {}

    def note(self, status: HTTPStatus, text: str) -> None:
        """Note one, and say so unless one of its kind was said just now."""
        now = self._clock()
        if now < self._next.get(status, now):
            self._more[status] = self._more.get(status, 0) + 1
            return
        more = self._more.pop(status, 0)
        also = f" ({more:,} more like this since the last such line)" if more else ""
        self._next[status] = now + _SECONDS
        self._logger.warning("A webhook was refused with %d: %s%s", status, text, also)
