"""What the gateway adds to a request, what it needs, and how fairly it shares a pace."""

from __future__ import annotations

import base64
import http.client
import os
import signal
import statistics
import subprocess
import sys
import time
from collections import Counter
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from benchmarks.bench import FASTEST, KEY, RATE
from benchmarks.processes import environment, pin
from benchmarks.rows import Row
from benchmarks.server import ACCOUNT, serving
from benchmarks.servers import served
from tap_insightly.server.gateway.tokens import Token, TokenStore

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from benchmarks.bench import Bench
    from benchmarks.servers import Server

ADDED = 3.0  # milliseconds that it may add to a request, of half of them
IDLE, IDLE_MEMORY = 200, 150.0  # connections; the megabytes that it may have with them
SHARE = 0.8  # of its share, at least, for each of the clients that ask at once
TOGETHER = 0.95  # of what Insightly takes, at least, for all of them
CLIENTS = {"tap 1": 20, "tap 2": 21, "insightly api": 500}
"""Who asks at once, and the size of the pages by which they are told apart; the command line reads
the largest that there are."""

_PATH = "/Instance"
_PAUSE = 0.012  # seconds between two requests, so that the pace is not what is measured
_WARM_UP = 10  # seconds until the clients all ask as fast as they may


@dataclass
class Running:
    """A gateway that runs, and the tokens of its clients."""

    pid: int
    url: str
    tokens: Mapping[str, str]

    @property
    def memory(self) -> float:
        """The megabytes that it has now."""
        status = Path(f"/proc/{self.pid}/status").read_text(encoding="utf-8")
        line = next(one for one in status.splitlines() if one.startswith("VmRSS"))
        return int(line.split()[1]) * 1024 / 1e6


def gateway(bench: Bench) -> Iterator[Row]:
    """Measure the gateway.

    Args:
        bench: Knows where files go.

    Yields:
        What it adds to a request, its memory, and who got which part of the pace.
    """
    with served(records=10) as server, _running(bench, server, FASTEST) as running:
        direct, through = _latencies(server, running, bench.size(1_000, 50))
        yield Row("gateway: half of the requests, without it", direct, "ms")
        yield Row(
            "gateway: half of the requests, added by it", through - direct, "ms", at_most=ADDED
        )
        count = bench.size(IDLE, 20)
        memory = _memory_with(running, count)
        what = f"gateway: memory with {count} idle connections"
        yield Row(what, memory, "MB", at_most=IDLE_MEMORY)
    for is_through in (False, True):
        yield from _shared(bench, is_through=is_through)


@contextmanager
def _running(bench: Bench, server: Server, pace: float) -> Iterator[Running]:
    """Run the server for as long as the context lasts, beside the one that it asks."""
    folder = bench.folder / f"gateway-{pace}"
    folder.mkdir()
    with TokenStore(folder / "tokens.sqlite") as opened:
        tokens = {name: opened.create(Token(name, ACCOUNT)) for name in CLIENTS}
    account = {"api_url": server.url, "api_key": KEY, "requests_per_second": pace}
    with serving(folder, account) as (url, pid):
        yield Running(pid, f"{url}/v3.1", tokens)


class _Caller:
    """Asks on one connection that stays open."""

    def __init__(self, url: str, secret: str) -> None:
        parts = urlsplit(url)
        token = base64.b64encode(f"{secret}:".encode()).decode()
        self._headers = {"Authorization": f"Basic {token}"}
        self._path = f"{parts.path}{_PATH}"
        self._connection = http.client.HTTPConnection(parts.netloc, timeout=60)

    def ask(self) -> float:
        """Ask once.

        Returns:
            The milliseconds until the whole answer was there.

        Raises:
            RuntimeError: If it is no good answer.
        """
        began = time.perf_counter()
        self._connection.request("GET", self._path, headers=self._headers)
        answer = self._connection.getresponse()
        body = answer.read()
        if answer.status != http.client.OK:
            msg = f"{answer.status}: {body[:200]!r}"
            raise RuntimeError(msg)
        return 1000 * (time.perf_counter() - began)

    def close(self) -> None:
        """Close the connection."""
        self._connection.close()


def _latencies(server: Server, running: Running, number: int) -> tuple[float, float]:
    """Ask without and with the gateway, in turn, so that whatever else happens hits both."""
    direct = _Caller(server.url, KEY)
    through = _Caller(running.url, next(iter(running.tokens.values())))
    found = []
    for _ in range(number):
        time.sleep(_PAUSE)
        found.append((direct.ask(), through.ask()))
    direct.close()
    through.close()
    return (
        statistics.median(one for one, _ in found),
        statistics.median(other for _, other in found),
    )


def _memory_with(running: Running, number: int) -> float:
    """Open so many connections, use each once, and look."""
    callers = [_Caller(running.url, next(iter(running.tokens.values()))) for _ in range(number)]
    for one in callers:
        time.sleep(_PAUSE)
        one.ask()
    memory = running.memory
    for one in callers:
        one.close()
    return memory


def _shared(bench: Bench, *, is_through: bool) -> Iterator[Row]:
    """Let two taps and a loop of the command line ask at once, for a minute."""
    seconds = bench.size(60, 5)
    with ExitStack() as stack:
        server = stack.enter_context(served(contacts=300_000, requests_per_second=RATE))
        # Small pages: while the server makes a large one, it counts late what comes meanwhile.
        server.set(latency=0.3, page_cap=50)
        urls = dict.fromkeys(CLIENTS, server.url)
        secrets: Mapping[str, str] = dict.fromkeys(CLIENTS, KEY)
        if is_through:
            running = stack.enter_context(_running(bench, server, RATE))
            urls, secrets = dict.fromkeys(CLIENTS, running.url), running.tokens
        for name in CLIENTS:
            stack.enter_context(_asking(bench, name, urls[name], secrets[name]))
        while len(_good(server)) < len(CLIENTS):
            time.sleep(0.5)
        time.sleep(_WARM_UP if not bench.is_quick else 1)
        before, refused = _good(server), _refused(server)
        began = time.monotonic()
        time.sleep(seconds)
        after, refused = _good(server), _refused(server) - refused
        passed = time.monotonic() - began
    how = "through the gateway" if is_through else "without it"
    what = f"gateway: {len(CLIENTS)} at once {how}"
    least = SHARE * RATE / len(CLIENTS) if is_through else None
    for name in CLIENTS:
        rate = (after[name] - before[name]) / passed
        yield Row(f"{what}: answers to {name}", rate, "/s", at_least=least)
    total = (after.total() - before.total()) / passed
    least = TOGETHER * RATE if is_through else None
    yield Row(f"{what}: answers to all", total, "/s", at_least=least)
    yield Row(f"{what}: answered 429 by Insightly", refused, at_most=0 if is_through else None)


@contextmanager
def _asking(bench: Bench, name: str, url: str, secret: str) -> Iterator[None]:
    """Run one of the clients for as long as the context lasts."""
    size = CLIENTS[name]
    settings = {"api_key": secret, "api_url": url}
    env = {f"TAP_INSIGHTLY_{key.upper()}": text for key, text in settings.items()}
    if name.startswith("tap"):
        catalog = bench.selected(("contacts",))
        command = [sys.executable, "-m", "tap_insightly", "--config=ENV", f"--catalog={catalog}"]
        env["TAP_INSIGHTLY_PAGE_SIZE"] = str(size)
    else:
        api = f"{sys.executable} -m tap_insightly.cli api GET /Contacts --paginate"
        command = ["sh", "-c", f"while {api}; do :; done"]
    with subprocess.Popen(  # noqa: S603 - our own programs
        command,
        env=environment(**env),
        cwd=bench.folder,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        start_new_session=True,
    ) as process:
        pin(process.pid, is_server=False)
        try:
            yield
        finally:
            _end(process)


def _end(process: subprocess.Popen[bytes]) -> None:
    """End a process with those that it has started."""
    os.killpg(process.pid, signal.SIGKILL)


def _good(server: Server) -> Counter[str]:
    """Count the good answers to each client."""
    found = Counter[str]()
    for what, number in server.answers.items():
        size, status = what.split()
        for name, own in CLIENTS.items():
            if size == str(own) and status == "200":
                found[name] += number
    return found


def _refused(server: Server) -> int:
    return sum(number for what, number in server.answers.items() if what.endswith(" 429"))
