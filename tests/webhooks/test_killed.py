"""A server that is killed under load, again and again: what it has answered is there, once."""

from __future__ import annotations

import http.client
import itertools
import os
import random
import signal
import subprocess
import sys
import threading
from collections import Counter
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from tap_insightly.webhooks.store import EventStore
from tests.webhooks.keeping import ACCOUNT, task
from tests.webhooks.serving import basic

if TYPE_CHECKING:
    from collections.abc import Iterator

pytestmark = pytest.mark.slow

KILLS = 100
SENDERS = 6
MOST_ANSWERS = 40  # between two kills
ROOT = Path(__file__).parents[2]


class Load:
    """Senders that deliver one event after the other, as often as it takes."""

    def __init__(self, port: int) -> None:
        self.answered: list[int] = []
        self.lost_answers = 0
        self.progress = threading.Semaphore(0)
        """Released at each answer."""
        self._port = port
        self._numbers = itertools.count(1)
        self._is_over = threading.Event()
        self._threads = [threading.Thread(target=self._run) for _ in range(SENDERS)]

    def __enter__(self) -> Load:  # noqa: PYI034 - nobody inherits from it
        for thread in self._threads:
            thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._is_over.set()
        for thread in self._threads:
            thread.join()

    def _run(self) -> None:
        connection = http.client.HTTPConnection("127.0.0.1", self._port, timeout=60)
        while not self._is_over.is_set():
            number = next(self._numbers)
            while not self._deliver(connection, number):
                self.lost_answers += 1
        connection.close()

    def _deliver(self, connection: http.client.HTTPConnection, number: int) -> bool:
        body = task(number, "2026-04-09")
        try:
            connection.request("POST", f"/webhooks/{ACCOUNT}", body, basic())
            answer = connection.getresponse()
            answer.read()
        except (OSError, http.client.HTTPException):
            connection.close()
            return False
        assert answer.status == 200
        self.answered.append(number)
        self.progress.release()
        return True


@contextmanager
def server_that_comes_back(store: Path) -> Iterator[subprocess.Popen[str]]:
    command = [sys.executable, "-m", "tests.webhooks.serving", str(store)]
    with subprocess.Popen(  # noqa: S603 - our own
        command, cwd=ROOT, stdout=subprocess.PIPE, text=True, start_new_session=True
    ) as process:
        try:
            yield process
        finally:
            os.killpg(process.pid, signal.SIGKILL)


def next_number(process: subprocess.Popen[str]) -> int:
    assert process.stdout is not None
    return int(process.stdout.readline())


def test_what_was_answered_is_there_once(tmp_path: Path) -> None:
    path = tmp_path / "store.sqlite"
    chance = random.Random(15)
    with server_that_comes_back(path) as process:
        port, pid = next_number(process), next_number(process)
        with Load(port) as load:
            for _ in range(KILLS):
                for _ in range(chance.randint(1, MOST_ANSWERS)):
                    assert load.progress.acquire(timeout=60)
                os.kill(pid, signal.SIGKILL)
                pid = next_number(process)
    with EventStore(path) as store:
        found = Counter(event.record_id for event in store.events())
        repeated = sum(event.deliveries > 1 for event in store.events())
        standing = store.standing()
    assert set(found.values()) == {1}
    assert set(load.answered) <= set(found)
    assert len(load.answered) == len(set(load.answered)) > KILLS
    assert load.lost_answers >= KILLS / 2  # or it was never killed under load
    assert repeated > 0  # some were on disk, and not answered
    assert standing.generation > KILLS / 2
