"""An address that events are posted to, on this machine, with whatever answer is wanted."""

from __future__ import annotations

import json
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import TYPE_CHECKING, Any

from tests.threaded import running

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator


class Listener:
    """What was posted, and what is done with each."""

    def __init__(self) -> None:
        self.url = ""
        self.posts: list[tuple[str, dict[str, str], Any]] = []
        """Path, headers and content of each."""
        self.on_post: Callable[[Any], int] = lambda _: 204
        """Makes the status of an answer."""

    @property
    def events(self) -> list[Any]:
        return [content for _, _, content in self.posts]

    def take(self, path: str, headers: dict[str, str], content: Any) -> int:
        self.posts.append((path, headers, content))
        return self.on_post(content)


@contextmanager
def listening() -> Iterator[Listener]:
    listener = Listener()

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"]))
            status = listener.take(self.path, dict(self.headers), json.loads(body))
            self.send_response(status)
            self.send_header("Content-Length", "0")
            if 300 <= status < 400:
                self.send_header("Location", f"{listener.url}elsewhere")
            self.end_headers()

        def log_message(self, *_: object) -> None:
            """Say nothing."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    listener.url = f"http://127.0.0.1:{server.server_port}/"
    with running(server):
        yield listener
