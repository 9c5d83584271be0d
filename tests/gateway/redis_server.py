"""A real Redis on this machine, which can be killed, halted and started again."""

from __future__ import annotations

import os
import shutil
import signal
import socket
import subprocess
import time
from contextlib import closing, suppress
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from redis import Redis
from redis.exceptions import RedisError

if TYPE_CHECKING:
    from collections.abc import Iterator

OURS = Path(__file__).parents[2] / ".tools" / "redis" / "redis-server"


def program() -> str | None:
    """Where redis-server is: what `make test` has put there, or that of this machine."""
    return str(OURS) if OURS.exists() else shutil.which("redis-server")


class RedisServer:
    """Keeps nothing on disk: what it knows is gone when it is killed."""

    def __init__(self, program: str, folder: Path) -> None:
        with closing(socket.create_server(("127.0.0.1", 0))) as listener:
            self.port = listener.getsockname()[1]
        self.url = f"redis://127.0.0.1:{self.port}/0"
        self._program, self._folder = program, folder
        self._process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        """Start it, and wait until it answers."""
        self._process = subprocess.Popen(  # noqa: S603 - what was found above
            [
                self._program,
                *("--bind", "127.0.0.1", "--port", str(self.port)),
                *("--save", "", "--appendonly", "no", "--daemonize", "no"),
            ],
            cwd=self._folder,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
        ends = time.monotonic() + 60
        with Redis.from_url(self.url) as redis:
            while time.monotonic() < ends:
                with suppress(RedisError):
                    if redis.ping():
                        return
                time.sleep(0.02)
        pytest.fail("redis-server does not answer")

    def kill(self) -> None:
        """Kill it with SIGKILL, if it runs."""
        if self._process is not None:
            self._process.kill()
            self._process.wait()
            self._process = None

    def halt(self) -> None:
        """Let it take requests, and do nothing."""
        self._signal(signal.SIGSTOP)

    def go_on(self) -> None:
        """Let it do what it has not done."""
        self._signal(signal.SIGCONT)

    def contents(self) -> str:
        """All that it holds, as text."""
        found: list[object] = []
        with Redis.from_url(self.url, decode_responses=True) as redis:
            for key in redis.scan_iter():
                kind = redis.type(key)
                if kind == "zset":
                    found.append((key, redis.zrange(key, 0, -1, withscores=True)))
                else:
                    found.append((key, redis.hgetall(key)))
        return str(found)

    def _signal(self, number: int) -> None:
        if self._process is not None:
            os.kill(self._process.pid, number)


@pytest.fixture
def redis_server(tmp_path: Path) -> Iterator[RedisServer]:
    """A Redis that runs."""
    found = program()
    if found is None:
        pytest.skip("there is no redis-server here: make .tools/redis/ready, or install one")
    server = RedisServer(found, tmp_path)
    server.start()
    try:
        yield server
    finally:
        server.go_on()
        server.kill()
