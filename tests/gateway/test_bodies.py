"""Bodies of any size pass both ways, in flat memory; who is slow or sends too much is stopped."""

from __future__ import annotations

import hashlib
import os
import threading
from contextlib import suppress
from typing import TYPE_CHECKING

import pytest
import requests

from tap_insightly.server.gateway.settings import Limits
from tap_insightly.server.gateway.tokens import Token, TokenStore
from tests.conftest import KEY
from tests.gateway.peer import Connection, Peer, answer, reset
from tests.gateway.raw import connected, head, read_all
from tests.gateway.serving import process

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from tests.gateway.conftest import Clients, MakeGateway

MEGABYTE = 1_000_000


def parts(size: int) -> Iterator[bytes]:
    """A body that is sent in chunks, as its length is not told."""
    while size > 0:
        yield b"x" * min(size, 65536)
        size -= 65536


@pytest.mark.parametrize("is_chunked", [True, False])
@pytest.mark.parametrize("size", [0, 1, 999_999, MEGABYTE, MEGABYTE + 200_000, 5 * MEGABYTE])
def test_a_body_arrives_as_it_was_sent(
    size: int, make_gateway: MakeGateway, *, is_chunked: bool
) -> None:
    body = os.urandom(size)
    sent = (body[at : at + 65536] for at in range(0, size, 65536)) if is_chunked else body
    with Peer([answer()]).serve() as peer:
        got = make_gateway(url=peer.url).ask("POST", "/Contacts", data=sent)
    assert got.status_code == 200
    (one,) = peer.received
    assert (one.size, one.digest) == (size, hashlib.sha256(body).hexdigest())
    is_passing = size > MEGABYTE  # the rest is held
    assert (one.header("Transfer-Encoding") == "chunked") == (is_chunked and is_passing)


@pytest.mark.parametrize("is_chunked", [True, False])
@pytest.mark.parametrize("size", [0, 1, 63_999, 64_000, 64_001, 5 * MEGABYTE])
def test_an_answer_arrives_as_it_was_sent(
    size: int, make_gateway: MakeGateway, *, is_chunked: bool
) -> None:
    body = os.urandom(size)
    deed = answer(body)
    if is_chunked:
        chunks = [body[at : at + 50_000] for at in range(0, size, 50_000)]
        raw = b"".join(b"%x\r\n%s\r\n" % (len(one), one) for one in chunks) + b"0\r\n\r\n"
        begin = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"

        def deed(connection: Connection) -> None:
            connection.send(begin + raw)

    with Peer([deed]).serve() as peer:
        got = make_gateway(url=peer.url).get("/FileAttachments/1")
    assert got.content == body


def test_a_large_body_is_sent_once_even_if_it_could_be_repeated(
    make_gateway: MakeGateway,
) -> None:
    with Peer([reset, answer()]).serve() as peer:
        got = make_gateway(url=peer.url).ask("PUT", "/Contacts", data=b"x" * 2 * MEGABYTE)
    assert got.status_code == 502
    assert "may have been done, or not" in got.json()["Message"]
    assert len(peer.received) == 1


@pytest.mark.parametrize("is_chunked", [True, False])
@pytest.mark.parametrize("method", ["POST", "PUT"])
def test_a_body_that_is_too_large_is_refused(
    method: str, make_gateway: MakeGateway, *, is_chunked: bool
) -> None:
    limits = Limits(largest_body=2 * MEGABYTE)
    with Peer([answer()]).serve() as peer:
        clients = make_gateway(url=peer.url, limits=limits)
        body = parts(5 * MEGABYTE) if is_chunked else b"x" * 5 * MEGABYTE
        got = clients.ask(method, "/Contacts", data=body)
        assert got.status_code == 413
        assert "2,000,000 bytes" in got.json()["Message"]
        if is_chunked:
            assert peer.ended.acquire(timeout=60), "Insightly got no whole request"
        assert all(one.digest == "" for one in peer.received)
        assert clients.get("/Contacts").status_code == 200
    assert len(peer.received) == (2 if is_chunked else 1)


def test_a_body_without_end_is_refused(make_gateway: MakeGateway) -> None:
    with Peer([answer()]).serve() as peer:
        clients = make_gateway(url=peer.url, limits=Limits(largest_body=2 * MEGABYTE))
        with connected(clients) as connection:
            extra = "Transfer-Encoding: chunked\r\n"
            connection.sendall(head(clients, "POST", "/v3.1/Contacts", extra) + b"\r\n")
            answered: list[bytes] = []
            reading = threading.Thread(target=lambda: answered.append(read_all(connection)))
            reading.start()
            chunk = b"10000\r\n" + b"x" * 65536 + b"\r\n"
            with suppress(OSError):  # once the gateway has closed it
                while True:
                    connection.sendall(chunk)
            reading.join(60)
    assert answered[0].startswith(b"HTTP/1.1 413 ")


@pytest.mark.parametrize("sent", [b"", b"x" * 10, b"x" * 1_500_000])
def test_who_stops_sending_is_told_so(sent: bytes, make_gateway: MakeGateway) -> None:
    with Peer([answer()]).serve() as peer:
        clients = make_gateway(url=peer.url, limits=Limits(idle_seconds=0.2))
        with connected(clients) as connection:
            extra = "Content-Length: 2000000\r\n"
            connection.sendall(head(clients, "PUT", "/v3.1/Contacts", extra) + b"\r\n" + sent)
            answered = read_all(connection)
        assert answered.startswith(b"HTTP/1.1 408 ")
        assert b"came too slowly" in answered
        assert clients.get("/Contacts").status_code == 200
    assert all(one.digest == "" for one in peer.received if one.method == "PUT")
    assert clients.served.gateway.accounts["acme"].pace.rate.under_way == 0


def test_who_sends_in_drops_is_told_so(make_gateway: MakeGateway) -> None:
    with Peer([answer()]).serve() as peer:
        clients = make_gateway(url=peer.url, limits=Limits(idle_seconds=0.2))
        with connected(clients) as connection:
            extra = "Content-Length: 2000000\r\n"
            connection.sendall(head(clients, "PUT", "/v3.1/Contacts", extra) + b"\r\n")
            connection.settimeout(0.02)
            answered = b""
            while not answered:
                connection.sendall(b"x")
                try:
                    answered = connection.recv(2**16)
                except TimeoutError:
                    continue
    assert answered.startswith(b"HTTP/1.1 408 ")
    assert not peer.received


def test_who_takes_nothing_is_left(make_gateway: MakeGateway) -> None:
    big = answer(b"x" * 60 * MEGABYTE)
    with Peer([big, answer()]).serve() as peer:
        clients = make_gateway(url=peer.url, limits=Limits(idle_seconds=0.3))
        with connected(clients) as connection:
            connection.sendall(head(clients, "GET", "/v3.1/FileAttachments/1") + b"\r\n")
            assert peer.ended.acquire(timeout=60), "the connection to Insightly is closed"
            assert clients.get("/Contacts").status_code == 200
            answered = read_all(connection)
    assert len(answered) < 60 * MEGABYTE


def test_refusals_of_large_bodies_arrive(gateway: Clients) -> None:
    got = gateway.ask("POST", "/nonsense/../x", data=b"x" * 3 * MEGABYTE, auth=("wrong", ""))
    assert got.status_code == 401
    assert "does not know the token" in got.json()["Message"]


def test_memory_stays_flat_whatever_passes(tmp_path: Path) -> None:
    size = 50 * MEGABYTE
    block = b"x" * 65536

    def download(connection: Connection) -> None:
        connection.send(b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n" % size)
        for at in range(0, size, len(block)):
            connection.send(block[: size - at])

    def ask(method: str) -> None:
        with requests.request(
            method,
            f"{gateway.api_url}/FileAttachments/1",
            data=parts(size) if method == "POST" else None,
            auth=(token, ""),
            timeout=60,
            stream=True,
        ) as got:
            assert got.status_code == 200
            assert sum(map(len, got.iter_content(65536))) == (size if method == "GET" else 2)

    with TokenStore(tmp_path / "tokens.sqlite") as store:
        token = store.create(Token("tap", "acme"))
    with Peer([answer()]).serve() as peer:
        upstreams = {"acme": {"base_url": peer.url, "api_key": KEY, "requests_per_second": 100}}
        with process(tmp_path / "tokens.sqlite", upstreams) as gateway:
            peer.deeds = [download, answer()]
            ask("GET")
            ask("POST")
            before = gateway.rss()
            peer.deeds = [download, download, download, answer()]
            threads = [threading.Thread(target=ask, args=("GET",)) for _ in range(3)]
            for thread in threads:
                thread.start()
            for thread in threads:
                thread.join(120)
            threads = [threading.Thread(target=ask, args=("POST",)) for _ in range(3)]
            for thread in threads:
                thread.start()
            for thread in threads:
                thread.join(120)
            assert gateway.rss() - before < 20 * MEGABYTE
    assert len(peer.received) == 8
    assert sum(one.size for one in peer.received) == 4 * size
