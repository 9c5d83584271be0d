"""An Insightly that notes exactly what comes, and answers exactly what it is told to."""

from __future__ import annotations

import contextlib
import hashlib
import socket
import struct
import threading
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import TYPE_CHECKING, Any

from typing_extensions import override

from tests.threaded import running

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

KEPT = 100_000  # bytes of a body that are kept


@dataclass
class Received:
    """One request."""

    method: str
    target: str
    headers: list[tuple[str, str]]
    body: bytes = b""
    """Its first bytes."""
    size: int = 0
    digest: str = ""
    """The SHA-256 of the body; empty if that did not come to its end."""

    def header(self, name: str) -> str | None:
        return next((value for key, value in self.headers if key.lower() == name.lower()), None)


@dataclass
class Connection:
    """Where an answer goes."""

    connection: socket.socket
    received: Received

    def send(self, content: bytes) -> None:
        self.connection.sendall(content)

    def reset(self) -> None:
        """Close with a reset instead of a goodbye."""
        linger = struct.pack("ii", 1, 0)
        self.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, linger)
        self.connection.close()

    def wait_for_the_end(self) -> None:
        """Wait until the gateway has hung up."""
        with contextlib.suppress(OSError):
            while self.connection.recv(2**16):
                pass


@dataclass
class Peer:
    """Does one thing for each request, each on a connection of its own; the last one again."""

    deeds: list[Callable[[Connection], Any]]
    received: list[Received] = field(default_factory=list)
    ended: threading.Semaphore = field(default_factory=lambda: threading.Semaphore(0))
    """Released whenever a connection is through."""
    url: str = ""

    @contextlib.contextmanager
    def serve(self) -> Iterator[Peer]:
        peer = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            @override
            def handle_one_request(self) -> None:
                self.raw_requestline = self.rfile.readline(65537)
                if not self.raw_requestline or not self.parse_request():
                    self.close_connection = True
                    return
                peer.answer(self)
                self.close_connection = True

        class Server(ThreadingHTTPServer):
            request_queue_size = 1024
            daemon_threads = True

            @override
            def handle_error(self, request: Any, client_address: Any) -> None:
                """Say nothing: connections break off."""

        with running(Server(("127.0.0.1", 0), Handler)) as server:
            self.url = f"http://127.0.0.1:{server.server_address[1]}/v3.1"
            yield self

    def answer(self, handler: BaseHTTPRequestHandler) -> None:
        """Note a request, and do what is next."""
        one = Received(handler.command, handler.path, list(handler.headers.items()))
        self.received.append(one)
        deed = self.deeds.pop(0) if len(self.deeds) > 1 else self.deeds[0]
        try:
            self._read(handler, one)
            deed(Connection(handler.connection, one))
        except OSError:
            pass  # the gateway has hung up
        finally:
            self.ended.release()

    def _read(self, handler: BaseHTTPRequestHandler, one: Received) -> None:
        digest = hashlib.sha256()
        for piece in _pieces(handler, one):
            one.size += len(piece)
            digest.update(piece)
            one.body = (one.body + piece)[:KEPT] if len(one.body) < KEPT else one.body
        one.digest = digest.hexdigest()


def _pieces(handler: BaseHTTPRequestHandler, one: Received) -> Iterator[bytes]:
    if one.header("Transfer-Encoding") == "chunked":
        while size := int(_line(handler), 16):
            yield handler.rfile.read(size)
            _line(handler)
        _line(handler)
        return
    left = int(one.header("Content-Length") or 0)
    while left:
        piece = handler.rfile.read(min(left, 2**16))
        if not piece:
            raise ConnectionError
        left -= len(piece)
        yield piece


def _line(handler: BaseHTTPRequestHandler) -> bytes:
    line = handler.rfile.readline()
    if not line.endswith(b"\n"):
        raise ConnectionError
    return line


def answer(
    body: bytes = b"{}",
    *headers: str,
    status: str = "200 OK",
    length: int | None = None,
) -> Callable[[Connection], None]:
    """Send this, then hang up; with another length than it has, if one is given."""
    told = (f"Content-Length: {len(body) if length is None else length}", "Connection: close")
    head = "\r\n".join([f"HTTP/1.1 {status}", *told, *headers, "", ""])
    whole = head.encode("latin-1") + body
    return lambda connection: connection.send(whole)


def reset(connection: Connection) -> None:
    """Break off without an answer."""
    connection.reset()
