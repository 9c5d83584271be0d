"""A lock that many may share, or one may have alone."""

from __future__ import annotations

import threading
from contextlib import contextmanager
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator


class SharedLock:
    """Lets any number of threads in, or one alone; who wants to be alone lets no more in."""

    def __init__(self) -> None:
        """Start with nobody inside."""
        self._inside = 0
        self._waiting_alone = 0
        self._changed = threading.Condition()

    @contextmanager
    def shared(self) -> Iterator[None]:
        """Be inside together with others.

        Yields:
            Nothing.
        """
        with self._changed:
            self._changed.wait_for(lambda: self._waiting_alone == 0)
            self._inside += 1
        try:
            yield
        finally:
            self._leave()

    @contextmanager
    def alone(self) -> Iterator[None]:
        """Wait until nobody is inside, and let nobody in.

        Yields:
            Nothing.
        """
        with self._changed:
            self._waiting_alone += 1
            self._changed.wait_for(lambda: self._inside == 0)
            self._inside += 1
        try:
            yield
        finally:
            self._leave(alone=1)

    def _leave(self, alone: int = 0) -> None:
        with self._changed:
            self._inside -= 1
            self._waiting_alone -= alone
            self._changed.notify_all()
