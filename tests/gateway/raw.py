"""Requests as no client would send them: exactly the bytes that a test wants."""

from __future__ import annotations

import base64
import socket
from contextlib import closing, contextmanager
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.gateway.conftest import Clients


@contextmanager
def connected(clients: Clients) -> Iterator[socket.socket]:
    """A connection to a gateway."""
    address = ("127.0.0.1", clients.served.port)
    with closing(socket.create_connection(address, timeout=60)) as connection:
        yield connection


def authorization(clients: Clients, name: str = "tap") -> str:
    """The header of a client, with the end of its line."""
    token = base64.b64encode(f"{clients.texts[name]}:".encode()).decode()
    return f"Authorization: Basic {token}\r\n"


def head(clients: Clients, method: str, path: str, extra: str = "", version: str = "1.1") -> bytes:
    """The head of a request, without the empty line at its end."""
    host = f"Host: 127.0.0.1:{clients.served.port}\r\n"
    text = f"{method} {path} HTTP/{version}\r\n{host}{authorization(clients)}{extra}"
    return text.encode("latin-1")


def read_all(connection: socket.socket) -> bytes:
    """All that comes, until the other side closes."""
    pieces = []
    try:
        while piece := connection.recv(2**16):
            pieces.append(piece)
    except ConnectionResetError:
        pass
    return b"".join(pieces)


def exchange(
    clients: Clients, method: str, path: str, extra: str = "", version: str = "1.1"
) -> tuple[int, bytes]:
    """Send a request without a body; return status and all that came."""
    with connected(clients) as connection:
        connection.sendall(
            head(clients, method, path, f"Connection: close\r\n{extra}", version) + b"\r\n"
        )
        answer = read_all(connection)
    return int(answer.split(b" ", 2)[1]), answer
