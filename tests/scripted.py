"""A server that sends exactly the bytes it is told to, however wrong they are."""

from __future__ import annotations

import contextlib
import socket
import threading
from typing import TYPE_CHECKING, Any

from tap_insightly.api import InsightlySession
from tests.conftest import KEY

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    # What is done with a connection on which a request has come.
    Deed = Callable[["Peer"], None]


class Peer:
    """A connection on which a request has come."""

    def __init__(self, connection: socket.socket) -> None:
        self.connection = connection

    def send(self, content: bytes) -> None:
        self.connection.sendall(content)

    def wait_for_the_end(self) -> None:
        """Wait until the client has hung up."""
        while self.connection.recv(2**16):
            pass


class Scripted:
    """Does one thing for each request, each on a connection of its own; the last one again."""

    def __init__(self, deeds: Sequence[Deed]) -> None:
        self.deeds = list(deeds)
        self.asked: list[str] = []
        """The first line of each request."""
        self.done = threading.Semaphore(0)
        """Released whenever a connection is through."""
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.api_url = f"http://127.0.0.1:{self._listener.getsockname()[1]}/v3.1"

    @contextlib.contextmanager
    def serve(self) -> Iterator[Scripted]:
        thread = threading.Thread(target=self._run, daemon=True)
        thread.start()
        try:
            yield self
        finally:
            self._listener.shutdown(socket.SHUT_RDWR)
            self._listener.close()
            thread.join(60)

    def _run(self) -> None:
        while True:
            try:
                connection, _ = self._listener.accept()
            except OSError:
                return
            threading.Thread(target=self._serve, args=(connection,), daemon=True).start()

    def _serve(self, connection: socket.socket) -> None:
        with connection:
            request = b""
            while b"\r\n\r\n" not in request:
                piece = connection.recv(2**16)
                if not piece:
                    return
                request += piece
            self.asked.append(request.partition(b"\r\n")[0].decode())
            deed = self.deeds.pop(0) if len(self.deeds) > 1 else self.deeds[0]
            with contextlib.suppress(OSError):  # the client has hung up
                deed(Peer(connection))
            self.done.release()


@contextlib.contextmanager
def session_with(*deeds: Deed, **options: Any) -> Iterator[tuple[InsightlySession, Scripted]]:
    """A session with such a server, that does not wait between tries."""
    options.setdefault("sleep", lambda _: None)
    with (
        Scripted(deeds).serve() as server,
        InsightlySession(server.api_url, KEY, requests_per_second=100, **options) as session,
    ):
        yield session, server


def answer(
    body: bytes, *headers: str, status: str = "200 OK", length: int | None = None
) -> Callable[[Peer], None]:
    """Send this, then hang up; with another length than it has, if one is given."""
    told = (f"Content-Length: {len(body) if length is None else length}", "Connection: close")
    head = "\r\n".join([f"HTTP/1.1 {status}", *told, *headers, "", ""])
    whole = head.encode() + body
    return lambda peer: peer.send(whole)
