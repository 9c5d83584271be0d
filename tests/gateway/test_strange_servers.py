"""What an Insightly, or a proxy before it, may do that none should."""

from __future__ import annotations

import gzip
import socket
import threading
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing, contextmanager, suppress
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import pytest
import requests

from tap_insightly.server.gateway.clock import utc_now
from tap_insightly.server.gateway.tokens import Token
from tests.conftest import KEY
from tests.gateway.waiting import until

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from tests.gateway.conftest import MakeGateway


@dataclass
class Upstream:
    """A server of plain bytes that keeps its connections open."""

    talk: Callable[[Upstream, socket.socket, int], object]
    """Answers a request, by its number."""
    listener: socket.socket = field(default_factory=lambda: socket.create_server(("127.0.0.1", 0)))
    requests: list[bytes] = field(default_factory=list)
    """The heads of all requests."""
    said: threading.Event = field(default_factory=threading.Event)

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.listener.getsockname()[1]}/v3.1"

    @contextmanager
    def serve(self) -> Iterator[Upstream]:
        threading.Thread(target=self._accept, daemon=True).start()
        with closing(self.listener):
            yield self

    def _accept(self) -> None:
        with suppress(OSError):
            while True:
                connection, _ = self.listener.accept()
                threading.Thread(target=self._answer, args=(connection,), daemon=True).start()

    def _answer(self, connection: socket.socket) -> None:
        with closing(connection), suppress(OSError), connection.makefile("rb") as file:
            while head := b"".join(iter(file.readline, b"\r\n")):
                self.requests.append(head)
                self.talk(self, connection, len(self.requests))


def said(body: bytes, *headers: str, status: str = "200 OK") -> bytes:
    head = "\r\n".join([f"HTTP/1.1 {status}", f"Content-Length: {len(body)}", *headers, "", ""])
    return head.encode() + body


def test_what_comes_unasked_is_nobodys_answer(make_gateway: MakeGateway) -> None:
    def talk(upstream: Upstream, connection: socket.socket, number: int) -> None:
        connection.sendall(said(b"%d" % number))
        if number == 1:
            upstream.said.wait(60)
            connection.sendall(said(b"of another client"))
            upstream.said.clear()

    with Upstream(talk).serve() as upstream:
        gateway = make_gateway(url=upstream.url)
        assert gateway.get("/Contacts").text == "1"
        upstream.said.set()
        until(lambda: not upstream.said.is_set(), "it is sent")
        assert [gateway.get("/Contacts").text for _ in range(3)] == ["2", "3", "4"]


@pytest.mark.parametrize(
    "number",
    ["9" * 20, "9" * 40, "9" * 400, "-" + "9" * 40, "9" * 5000, "", "1e9", "many", "-1", "0x10"],
    ids=range(10),
)
def test_a_count_that_is_none_does_no_harm(number: str, make_gateway: MakeGateway) -> None:
    def talk(_: Upstream, connection: socket.socket, number_of_request: int) -> None:
        counts = [f"X-RateLimit-{name}: {number}" for name in ("Limit", "Remaining")]
        connection.sendall(said(b"[]", *(counts if number_of_request == 1 else ())))

    with Upstream(talk).serve() as upstream:
        gateway = make_gateway(Token("other", "acme"), url=upstream.url)
        gateway.get("/Contacts")
        assert requests.get(f"{gateway.served.url}/metrics", timeout=60).status_code == 200
        used = gateway.served.tokens.used
        until(lambda: used(utc_now().date().isoformat()), "what was used is written down")
        gateway.served.tokens.revoke("tap")
        until(lambda: gateway.get("/Contacts").status_code == 401, "tokens are looked after")
        assert gateway.served.gateway.problems() == []


def test_nothing_goes_on_for_a_token_that_was_revoked(make_gateway: MakeGateway) -> None:
    """Neither what is under way, nor what waits for its turn, nor what streams."""
    is_over = threading.Event()

    def talk(_: Upstream, connection: socket.socket, number: int) -> None:
        if number == 1:
            connection.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 200000\r\n\r\n")
            connection.sendall(bytes(100_000))
        is_over.wait(60)

    def posted() -> requests.Response:
        return gateway.ask("POST", "/Contacts", json={})

    with Upstream(talk).serve() as upstream, ThreadPoolExecutor(8) as pool:
        gateway = make_gateway(url=upstream.url, max_concurrency=4)
        streamed = gateway.get("/Contacts", stream=True)
        assert next(streamed.iter_content(1000))
        waiting = [pool.submit(posted) for _ in range(5)]
        account = gateway.served.gateway.accounts["acme"]
        until(lambda: len(upstream.requests) == 4 and account.pace.waiting == 2, "some wait")
        gateway.served.tokens.revoke("tap")
        for one in waiting:
            answer = one.result(60)
            assert answer.status_code == 401
            assert "revoked meanwhile" in answer.json()["Message"]
        with pytest.raises(requests.RequestException):
            streamed.content  # noqa: B018 - read to its end
        assert len(upstream.requests) == 4
        until(lambda: account.health()["under_way"] == 0, "all is given back")
        assert account.pace.waiting == 0
        is_over.set()


@pytest.mark.parametrize("method", ["GET", "POST"])
@pytest.mark.parametrize("status", ["099 Odd", "101 Switching Protocols", "600 Odd", "999 Denied"])
def test_what_is_no_status_is_said_to_be(
    status: str, method: str, make_gateway: MakeGateway
) -> None:
    with Upstream(lambda _, c, __: c.sendall(said(b"{}", status=status))).serve() as upstream:
        answer = make_gateway(url=upstream.url).ask(method, "/Contacts")
    assert answer.status_code == 502
    assert "Insightly answered" in answer.json()["Message"]
    assert len(upstream.requests) == 1


@pytest.mark.parametrize("status", ["400 Bad Request", "422 ", "404 Not Found"])
def test_an_error_that_is_too_long_is_told_without_its_body(
    status: str, make_gateway: MakeGateway
) -> None:
    long = said(b"x" * 2_000_000, status=status)
    with Upstream(lambda _, c, __: c.sendall(long)).serve() as upstream:
        answer = make_gateway(url=upstream.url).get("/Contacts")
    assert answer.status_code == int(status[:3])
    assert "too great a length" in answer.json()["Message"]


def test_no_key_hides_in_a_second_part_of_an_error(make_gateway: MakeGateway) -> None:
    packed = gzip.compress(b"first, ") + gzip.compress(KEY.encode())
    odd = said(packed, "Content-Encoding: gzip", status="400 Bad Request")
    with Upstream(lambda _, c, __: c.sendall(odd)).serve() as upstream:
        answer = make_gateway(url=upstream.url).get("/Contacts")
    assert (answer.status_code, KEY in answer.text) == (400, False)


@pytest.mark.parametrize("limit", [0, -1])
def test_a_limit_of_nothing_locks_nobody_out(limit: int, make_gateway: MakeGateway) -> None:
    counts = (f"X-RateLimit-Limit: {limit}", "X-RateLimit-Remaining: 1000")
    with Upstream(lambda _, c, __: c.sendall(said(b"[]", *counts))).serve() as upstream:
        gateway = make_gateway(Token("part", "acme", quota_share=0.5), url=upstream.url)
        answers = [gateway.get("/Contacts", "part").status_code for _ in range(3)]
    assert answers == [200, 200, 200]
