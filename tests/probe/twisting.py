"""A sandbox whose answers are altered on their way out, so that an assumption does not hold."""

from __future__ import annotations

import gzip
import json
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime, timedelta, timezone
from itertools import count
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qsl, urlencode

from tap_insightly.probe import Outcome, Prober, ProbeSession
from tap_insightly.sandbox import Sandbox
from tests.conftest import KEY

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from starlette.types import ASGIApp, Message, Receive, Scope, Send

    from tap_insightly.probe import Verdict

VERSION = "/v3.1"


@dataclass
class Exchange:
    """One request and the answer to it, both to be altered."""

    method: str
    path: str
    """Below the version."""
    query: dict[str, str]
    if_match: str | None
    given: Any
    """The body of the request, as JSON; None if it has none."""
    status: int = 0
    headers: dict[str, str] = field(default_factory=dict)
    data: Any = None
    """The body of the answer, as JSON."""
    mark: bytes = b""
    """What comes before the body."""
    is_packed: bool = True
    """Whether the answer may be compressed."""

    @property
    def rows(self) -> list[dict[str, Any]]:
        """The records of the answer."""
        found = self.data if isinstance(self.data, list) else [self.data]
        return [one for one in found if isinstance(one, dict)]

    @property
    def is_search(self) -> bool:
        return self.path.endswith("/Search")

    @property
    def is_list(self) -> bool:
        return self.method == "GET" and isinstance(self.data, list)

    def refuse(self, status: int, data: Any = None) -> None:
        self.status, self.data = status, data or {"Message": "No."}


def _nothing(_: Exchange) -> None:
    pass


@dataclass(frozen=True)
class Twist:
    """What is altered: the request before it is answered, the answer before it is sent."""

    before: Callable[[Exchange], object] = _nothing
    after: Callable[[Exchange], object] = _nothing


class TwistedSandbox(Sandbox):
    """A sandbox behind a twist."""

    twist = Twist()

    def _app(self) -> ASGIApp:
        inner = super()._app()

        async def app(scope: Scope, receive: Receive, send: Send) -> None:
            await _twisted(self.twist, inner, scope, receive, send)

        return app


async def _twisted(
    twist: Twist, inner: ASGIApp, scope: Scope, receive: Receive, send: Send
) -> None:
    body = await _body(receive)
    headers = dict(scope["headers"])
    one = Exchange(
        scope["method"],
        scope["path"].removeprefix(VERSION),
        dict(parse_qsl(scope["query_string"].decode(), keep_blank_values=True)),
        (headers.pop(b"if-match", b"") or b"").decode() or None,
        _json(body),
    )
    takes_gzip = b"gzip" in headers.pop(b"accept-encoding", b"")
    twist.before(one)
    if one.if_match is not None:
        headers[b"if-match"] = one.if_match.encode()
    altered = {
        **scope,
        "path": VERSION + one.path,
        "query_string": urlencode(one.query).encode(),
        "headers": list(headers.items()),
    }
    sent = body if _json(body) == one.given else json.dumps(one.given).encode()
    messages: list[Message] = []

    async def give() -> Message:
        return {"type": "http.request", "body": sent, "more_body": False}

    async def take(message: Message) -> None:
        messages.append(message)

    await inner(altered, give, take)
    start, *rest = messages
    answered = b"".join(message.get("body", b"") for message in rest)
    one.status = start["status"]
    one.headers = {k.decode().title(): v.decode() for k, v in start["headers"]}
    one.data = _json(answered)
    before = json.dumps(one.data)
    twist.after(one)
    content = answered if json.dumps(one.data) == before else json.dumps(one.data).encode()
    content = one.mark + content
    if takes_gzip and one.is_packed and len(content) > 1000:
        content = gzip.compress(content, 1)
        one.headers["Content-Encoding"] = "gzip"
    one.headers["Content-Length"] = str(len(content))
    pairs = [(name.encode(), value.encode()) for name, value in one.headers.items()]
    await send({"type": "http.response.start", "status": one.status, "headers": pairs})
    await send({"type": "http.response.body", "body": content})


async def _body(receive: Receive) -> bytes:
    body, more = b"", True
    while more:
        message = await receive()
        body += message.get("body", b"")
        more = message.get("more_body", False)
    return body


def _json(body: bytes) -> Any:
    try:
        return json.loads(body)
    except ValueError:
        return None


@contextmanager
def twisted(twist: Twist | None = None, **options: Any) -> Iterator[TwistedSandbox]:
    """Serve a sandbox behind a twist, with a clock by which a second passes at every look."""
    sandbox = TwistedSandbox(**{"records": 60, "seed": 1, "api_key": KEY, **options})
    sandbox.twist = twist or Twist()
    seconds, began = count(), datetime.now(timezone.utc)
    sandbox.clock = lambda: began + timedelta(seconds=next(seconds) / 2)
    with sandbox.serve():
        yield sandbox


@contextmanager
def probing(sandbox: Sandbox) -> Iterator[Prober]:
    """Probe a sandbox in this process, without waiting."""
    session = ProbeSession(
        sandbox.api_url, KEY, requests_per_second=10_000, max_retries=0, sleep=lambda _: None
    )
    with session:
        yield Prober(session)


def verdicts(sandbox: Sandbox, *, is_writing: bool = False) -> dict[str, Verdict]:
    """Ask a sandbox about all assumptions."""
    with probing(sandbox) as prober:
        prober.read()
        if is_writing:
            prober.write()
        return {one.assumption.id: one.verdict for one in prober.results}


def failing(found: dict[str, Verdict]) -> set[str]:
    """The assumptions that do not hold."""
    return {name for name, verdict in found.items() if verdict.outcome is Outcome.DOES_NOT}
