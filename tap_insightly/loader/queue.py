"""Work that is done by several threads, in order where the order matters."""

from __future__ import annotations

import threading
import time
from collections import deque
from dataclasses import dataclass, field
from functools import partial
from typing import TYPE_CHECKING

from tap_insightly.api.http.thread_pool import DaemonThreadPool

if TYPE_CHECKING:
    from collections.abc import Callable, Hashable, Sequence

MOST = 300  # pieces of work that are under way, or done behind one that is
PATIENCE = 15.0  # seconds to wait at the end for what was begun


@dataclass(eq=False)
class _Piece:
    do: Callable[[], object]
    keys: Sequence[Hashable] = ()
    waits_for: int = 0
    """How many others have to be done first."""
    after: list[_Piece] = field(default_factory=list)
    """What waits for this."""
    is_done: bool = False
    is_mark: bool = False


class WriteQueue:
    """Does pieces of work; those that have a key in common one after the other.

    There is one thread that submits and waits. The first exception of any piece ends everything:
    no other piece is begun, and whoever submits or waits gets it.
    """

    def __init__(self, size: int, most: int = MOST) -> None:
        """Get ready.

        Args:
            size: The most threads, a number from 1.
            most: The most pieces to hold, a number.
        """
        self._crew = DaemonThreadPool(size, "insightly-writer")
        self._most = most
        self._in_order: deque[_Piece] = deque()
        self._last: dict[Hashable, _Piece] = {}
        self._held = 0
        self._running = 0
        self._failure: BaseException | None = None
        self._is_closed = False
        self._changed = threading.Condition()

    def submit(self, do: Callable[[], object], keys: Sequence[Hashable] = ()) -> None:
        """Have something done; waits while there is too much to do already.

        Args:
            do: What to do.
            keys: What it must not be done at the same time with: whatever has one of these keys
                and was submitted before is done before.

        Raises:
            BaseException: What any piece of work raised.
        """
        piece = _Piece(do, tuple(dict.fromkeys(keys)))
        with self._changed:
            self._wait(lambda: self._held < self._most)
            self._held += 1
            self._in_order.append(piece)
            for key in piece.keys:
                before = self._last.get(key)
                if before is not None:
                    before.after.append(piece)
                    piece.waits_for += 1
                self._last[key] = piece
            if not piece.waits_for:
                self._begin(piece)

    def mark(self, do: Callable[[], object]) -> None:
        """Do something as soon as all that was submitted so far is done.

        Args:
            do: What to do, briefly; only the last of several that have nothing in between.
        """
        with self._changed:
            self._raise()
            if self._in_order and self._in_order[-1].is_mark:
                self._in_order.pop()
            self._in_order.append(_Piece(do, is_done=True, is_mark=True))
            self._advance()

    def wait(self) -> None:
        """Wait until everything is done.

        Raises:
            BaseException: What any piece of work raised.
        """
        with self._changed:
            self._wait(lambda: not self._in_order)

    def close(self) -> None:
        """Begin nothing more, and wait a while for what was begun."""
        deadline = time.monotonic() + PATIENCE
        with self._changed:
            self._is_closed = True
            self._changed.wait_for(lambda: not self._running, deadline - time.monotonic())
        self._crew.close()

    def _wait(self, is_so: Callable[[], bool]) -> None:
        self._changed.wait_for(lambda: self._failure is not None or is_so())
        self._raise()

    def _raise(self) -> None:
        if self._failure is not None:
            raise self._failure

    def _begin(self, piece: _Piece) -> None:
        self._crew.submit(partial(self._run, piece))

    def _run(self, piece: _Piece) -> None:
        with self._changed:
            if self._is_closed or self._failure is not None:
                return
            self._running += 1
        failure: BaseException | None = None
        try:
            piece.do()
        except BaseException as error:  # noqa: BLE001 - it is raised in the thread that waits
            failure = error
        with self._changed:
            self._running -= 1
            if failure is None:
                self._finish(piece)
            else:
                self._failure = self._failure or failure
            self._changed.notify_all()

    def _finish(self, piece: _Piece) -> None:
        piece.is_done = True
        for key in piece.keys:
            if self._last.get(key) is piece:
                del self._last[key]
        for one in piece.after:
            one.waits_for -= 1
            if not one.waits_for and not self._is_closed and self._failure is None:
                self._begin(one)
        self._advance()

    def _advance(self) -> None:
        while self._in_order and self._in_order[0].is_done:
            piece = self._in_order.popleft()
            if not piece.is_mark:
                self._held -= 1
                continue
            try:
                piece.do()
            except BaseException as error:  # noqa: BLE001 - as above
                self._failure = self._failure or error
                return
