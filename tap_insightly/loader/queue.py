"""Runs writes on several threads, in order where the order matters."""

from __future__ import annotations

import threading
import time
from collections import deque
from dataclasses import dataclass, field
from functools import partial
from typing import TYPE_CHECKING

from typing_extensions import override

from tap_insightly.api.http.closeable import Closeable
from tap_insightly.api.http.thread_pool import DaemonThreadPool

if TYPE_CHECKING:
    from collections.abc import Callable, Hashable, Sequence

MAX_TASKS = 300  # that are under way, or done behind one that is
CLOSE_TIMEOUT = 15.0  # seconds to wait at the end for tasks that have begun


@dataclass(eq=False)
class _Task:
    run: Callable[[], object]
    keys: Sequence[Hashable] = ()
    waits_for: int = 0
    """How many others have to be done first."""
    followers: list[_Task] = field(default_factory=list)
    """The tasks that wait for this one."""
    is_done: bool = False
    is_callback: bool = False


class WriteQueue(Closeable):
    """Runs tasks; those that have a key in common one after the other.

    One thread submits and waits. The first exception of any task ends everything: no other task
    is begun, and whoever submits or waits gets the exception.
    """

    def __init__(self, threads: int, max_tasks: int = MAX_TASKS) -> None:
        """Start the threads; `submit` waits while there are `max_tasks`."""
        self._pool = DaemonThreadPool(threads, "insightly-writer")
        self._max_tasks = max_tasks
        self._in_order: deque[_Task] = deque()
        self._last_by_key: dict[Hashable, _Task] = {}
        self._held = 0
        self._running = 0
        self._failure: BaseException | None = None
        self._is_closed = False
        self._changed = threading.Condition()

    def submit(self, run: Callable[[], object], keys: Sequence[Hashable] = ()) -> None:
        """Add a task, which runs after all earlier ones that have one of its keys."""
        task = _Task(run, tuple(dict.fromkeys(keys)))
        with self._changed:
            self._wait_until(lambda: self._held < self._max_tasks)
            self._held += 1
            self._in_order.append(task)
            for key in task.keys:
                last = self._last_by_key.get(key)
                if last is not None:
                    last.followers.append(task)
                    task.waits_for += 1
                self._last_by_key[key] = task
            if not task.waits_for:
                self._begin(task)

    def add_callback(self, run: Callable[[], object]) -> None:
        """Call a quick function once all that was submitted so far is done.

        Of several with no task in between, only the last is called.
        """
        with self._changed:
            self._raise_failure()
            if self._in_order and self._in_order[-1].is_callback:
                self._in_order.pop()
            self._in_order.append(_Task(run, is_done=True, is_callback=True))
            self._advance()

    def wait(self) -> None:
        """Wait until everything is done."""
        with self._changed:
            self._wait_until(lambda: not self._in_order)

    @override
    def close(self) -> None:
        """Begin nothing more, and wait a while for what has begun."""
        deadline = time.monotonic() + CLOSE_TIMEOUT
        with self._changed:
            self._is_closed = True
            self._changed.wait_for(lambda: not self._running, deadline - time.monotonic())
        self._pool.close()

    def _wait_until(self, is_so: Callable[[], bool]) -> None:
        self._changed.wait_for(lambda: self._failure is not None or is_so())
        self._raise_failure()

    def _raise_failure(self) -> None:
        if self._failure is not None:
            raise self._failure

    def _begin(self, task: _Task) -> None:
        self._pool.submit(partial(self._run, task))

    def _run(self, task: _Task) -> None:
        with self._changed:
            if self._is_closed or self._failure is not None:
                return
            self._running += 1
        failure: BaseException | None = None
        try:
            task.run()
        except BaseException as error:  # noqa: BLE001 - it is raised in the thread that waits
            failure = error
        with self._changed:
            self._running -= 1
            if failure is None:
                self._finish(task)
            else:
                self._failure = self._failure or failure
            self._changed.notify_all()

    def _finish(self, task: _Task) -> None:
        task.is_done = True
        for key in task.keys:
            if self._last_by_key.get(key) is task:
                del self._last_by_key[key]
        for follower in task.followers:
            follower.waits_for -= 1
            if not follower.waits_for and not self._is_closed and self._failure is None:
                self._begin(follower)
        self._advance()

    def _advance(self) -> None:
        while self._in_order and self._in_order[0].is_done:
            task = self._in_order.popleft()
            if not task.is_callback:
                self._held -= 1
                continue
            try:
                task.run()
            except BaseException as error:  # noqa: BLE001 - as above
                self._failure = self._failure or error
                return
