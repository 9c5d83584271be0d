"""What stands for `insightly serve` behind a proxy, and how the proxy looks from outside."""

from __future__ import annotations

import contextlib
import socket
import ssl
from http.client import HTTPResponse
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import TYPE_CHECKING, NamedTuple

from tests.threaded import running

if TYPE_CHECKING:
    from collections.abc import Iterator
    from email.message import Message
    from pathlib import Path

NAME = "insightly.example.com"


class Arrived(NamedTuple):
    """A request as it came out of the proxy."""

    method: str
    target: str
    headers: Message
    body: bytes


class Answer(NamedTuple):
    """What came back."""

    status: int
    headers: Message
    text: str


class Upstream(ThreadingHTTPServer):
    """Answers 200 to everything, and keeps what arrived."""

    daemon_threads = True

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.arrived: list[Arrived] = []
        self.api_url = f"http://127.0.0.1:{self.server_port}/v3.1"

    def handle_error(self, *_: object) -> None:
        """Leave it at that: the proxy has hung up in the middle of a body."""


class _Handler(BaseHTTPRequestHandler):
    server: Upstream
    protocol_version = "HTTP/1.1"

    def _answer(self) -> None:
        if self.headers["Transfer-Encoding"]:
            body = b"".join(self._chunks())
        else:
            body = self.rfile.read(int(self.headers["Content-Length"] or 0))
        self.server.arrived.append(Arrived(self.command, self.path, self.headers, body))
        self.send_response(200)
        self.send_header("X-RateLimit-Remaining", "7")
        self.send_header("Content-Length", "2")
        self.end_headers()
        self.wfile.write(b"{}")

    do_GET = do_POST = do_PUT = do_DELETE = _answer  # noqa: N815 - as http.server has them

    def _chunks(self) -> Iterator[bytes]:
        while size := int(self.rfile.readline(), 16):
            yield self.rfile.read(size)
            self.rfile.readline()
        self.rfile.readline()

    def log_message(self, *_: object) -> None:
        """Stay quiet."""


@contextlib.contextmanager
def upstream() -> Iterator[Upstream]:
    with running(Upstream()) as server:
        yield server


class Proxy:
    """A proxy that runs, as a client sees it."""

    def __init__(self, port: int, certificate: Path, log: Path) -> None:
        self.log = log
        self._port = port
        self._tls = ssl.create_default_context(cafile=str(certificate))

    def send(
        self,
        target: str,
        *headers: str,
        method: str = "GET",
        body: bytes = b"",
        is_tls: bool = True,
    ) -> Answer:
        """Send a target as it is written, however odd it is."""
        lines = [f"{method} {target} HTTP/1.1", f"Host: {NAME}", "Connection: close"]
        lines += [*headers, f"Content-Length: {len(body)}", "", ""]
        with contextlib.ExitStack() as stack:
            connection = stack.enter_context(
                socket.create_connection(("127.0.0.1", self._port), timeout=60)
            )
            if is_tls:
                connection = stack.enter_context(
                    self._tls.wrap_socket(connection, server_hostname=NAME)
                )
            with contextlib.suppress(OSError):  # it may answer before all was sent
                connection.sendall("\r\n".join(lines).encode() + body)
            answer = HTTPResponse(connection)
            answer.begin()
            return Answer(answer.status, answer.headers, answer.read().decode())
