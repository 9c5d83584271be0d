"""Threads that work in the order in which they are asked to, and do not outlive the program."""

from __future__ import annotations

import queue
import threading
import time
from concurrent.futures import Future
from typing import TYPE_CHECKING, Any

from tap_insightly.api.http.errors import ClosedError

if TYPE_CHECKING:
    from collections.abc import Callable

CLOSE_TIMEOUT = 1.0  # seconds to wait at the end, for all threads together


class DaemonThreadPool:
    """A bounded number of threads, started as they are needed.

    `concurrent.futures.ThreadPoolExecutor` would do, but that the interpreter waits for its
    threads when it ends: a name server that does not answer would keep the process alive.
    """

    def __init__(self, size: int, name: str) -> None:
        """Get ready; no thread is started yet. `size` is the most there will be."""
        self._size = size
        self._name = name
        self._threads: list[threading.Thread] = []
        self._work: queue.SimpleQueue[tuple[Future[Any], Callable[[], Any]] | None]
        self._work = queue.SimpleQueue()
        self._idle = threading.Semaphore(0)
        self._is_closed = False

    def submit(self, work: Callable[[], Any]) -> Future[Any]:
        """Have something done; the future gets its result, or the very exception."""
        if self._is_closed:
            raise ClosedError
        future: Future[Any] = Future()
        self._work.put((future, work))
        if not self._idle.acquire(blocking=False) and len(self._threads) < self._size:
            name = f"{self._name}-{len(self._threads) + 1}"
            thread = threading.Thread(target=self._run, name=name, daemon=True)
            self._threads.append(thread)
            thread.start()
        return future

    def close(self) -> None:
        """End the threads; what is being done has to come to its end by itself, and soon."""
        self._is_closed = True
        while True:
            try:
                waiting = self._work.get_nowait()
            except queue.Empty:
                break
            if waiting is not None:
                waiting[0].cancel()
        for _ in self._threads:
            self._work.put(None)
        deadline = time.monotonic() + CLOSE_TIMEOUT
        for thread in self._threads:
            thread.join(max(0, deadline - time.monotonic()))

    def _run(self) -> None:
        while (given := self._next()) is not None:
            future, work = given
            if future.set_running_or_notify_cancel():
                try:
                    result = work()
                except BaseException as error:  # noqa: BLE001 - it is told to whoever asked for it
                    future.set_exception(error)
                else:
                    future.set_result(result)
                    del result  # an idle thread holds on to nothing
            del given, future, work

    def _next(self) -> tuple[Future[Any], Callable[[], Any]] | None:
        try:
            return self._work.get_nowait()
        except queue.Empty:
            self._idle.release()
            return self._work.get()
