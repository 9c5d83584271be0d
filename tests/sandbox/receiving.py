"""A receiver of webhooks: a real server, which answers as it is told to and keeps what came."""

from __future__ import annotations

import json
import re
import threading
from contextlib import contextmanager
from datetime import datetime, timedelta, timezone
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import TYPE_CHECKING, Any, NamedTuple

from tests.threaded import running

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tap_insightly.sandbox import Sandbox

_EPOCH = datetime(1970, 1, 1, tzinfo=timezone.utc)


class Webhook(NamedTuple):
    """A request as it came."""

    path: str
    authorization: str | None
    content_type: str | None
    body: bytes

    @property
    def entity(self) -> dict[str, Any]:
        whole = json.loads(self.body)
        assert list(whole) == ["entity"]
        assert isinstance(whole["entity"], dict)
        return whole["entity"]


class Inbox(ThreadingHTTPServer):
    """Answers 200, or one after the other what `statuses` says."""

    daemon_threads = True

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.received: list[Webhook] = []
        self.statuses: list[int] = []
        self.open = threading.Event()
        """Whether it answers; until it is set, requests hang."""
        self.open.set()
        self.arrived = threading.Semaphore(0)
        """Released whenever a request has come, before it is answered."""

    def url(self, login: str = "", path: str = "/webhooks/acme") -> str:
        return f"http://{login}127.0.0.1:{self.server_port}{path}"

    def entities(self) -> list[dict[str, Any]]:
        return [one.entity for one in self.received]


class _Handler(BaseHTTPRequestHandler):
    server: Inbox

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers["Content-Length"]))
        authorization, kind = self.headers["Authorization"], self.headers["Content-Type"]
        inbox = self.server
        status = inbox.statuses.pop(0) if inbox.statuses else 200
        inbox.received.append(Webhook(self.path, authorization, kind, body))
        inbox.arrived.release()
        inbox.open.wait(60)
        self.send_response(status)
        if 300 <= status < 400:
            self.send_header("Location", inbox.url(path="/elsewhere"))
        self.send_header("Content-Length", "0")
        self.end_headers()

    def log_message(self, *_: object) -> None:
        """Stay quiet."""


@contextmanager
def inbox() -> Iterator[Inbox]:
    with running(Inbox()) as server:
        try:
            yield server
        finally:
            server.open.set()


def moment(text: str) -> datetime:
    """Read a date of a webhook."""
    found = re.fullmatch(r"/Date\((-?\d+)-0800\)/", text)
    assert found, text
    return _EPOCH + timedelta(milliseconds=int(found[1]))


def told_of(sandbox: Sandbox, inbox: Inbox) -> list[dict[str, Any]]:
    """What was sent since this was last asked, once all of it is there."""
    sandbox.webhooks.flush()
    found = inbox.entities()
    inbox.received.clear()
    return found
