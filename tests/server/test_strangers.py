"""What somebody on the network can do to a server: little, and it costs the server nothing."""

from __future__ import annotations

import asyncio
import base64
import contextlib
import socket
import sys
from contextlib import closing
from typing import TYPE_CHECKING

import pytest
import uvicorn
from starlette.applications import Starlette
from starlette.responses import PlainTextResponse
from starlette.routing import Route

from tap_insightly.server import connections
from tap_insightly.server.serving import listen
from tests.server.running import PASSWORD, USER, Served, serving

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tap_insightly.sandbox import Sandbox

MEGABYTE = 2**20
BASIC = base64.b64encode(f"{USER}:{PASSWORD}".encode())
AUTH = b"Authorization: Basic " + BASIC + b"\r\n"
POST = b"POST /webhooks/acme HTTP/1.1\r\nHost: x\r\n"


@pytest.fixture(scope="module")
def served(tmp_path_factory: pytest.TempPathFactory, shared_sandbox: Sandbox) -> Iterator[Served]:
    """One server for all of them: each finds it as the one before has left it."""
    folder = tmp_path_factory.mktemp("served")
    with serving(folder, shared_sandbox.api_url, max_connections=2000) as served:
        yield served


def _chunked(piece: bytes, count: int) -> bytes:
    return (b"%x\r\n" % len(piece) + piece + b"\r\n") * count


def _deep(depth: int) -> bytes:
    body = b'{"entity":' + b"[" * depth + b"]" * depth + b"}"
    return POST + AUTH + b"Content-Length: %d\r\n\r\n" % len(body) + body


_RAW: dict[str, tuple[bytes, int]] = {
    "no HTTP": (b"what is this\r\n\r\n", 400),
    "TLS": (b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03" + bytes(100), 400),
    "no credentials": (POST + b"Content-Length: 2\r\n\r\n{}", 401),
    "wrong credentials": (POST + b"Authorization: Basic eDp5\r\nContent-Length: 2\r\n\r\n{}", 401),
    "credentials that are none": (
        POST + b"Authorization: Basic \xff\xfe\r\nContent-Length: 2\r\n\r\n{}",
        401,
    ),
    "two Authorization headers": (POST + AUTH + AUTH + b"Content-Length: 2\r\n\r\n{}", 401),
    "another account": (
        b"POST /webhooks/beta HTTP/1.1\r\nHost: x\r\n" + AUTH + b"Content-Length: 2\r\n\r\n{}",
        401,
    ),
    "an account up the tree": (
        b"POST /webhooks/..%2facme HTTP/1.1\r\nHost: x\r\n" + AUTH + b"Content-Length: 2\r\n\r\n{}",
        401,
    ),
    "50 MB that are announced": (POST + AUTH + b"Content-Length: 52428800\r\n\r\n" + b"x" * 9, 413),
    "50 MB": (
        POST + AUTH + b"Transfer-Encoding: chunked\r\n\r\n" + _chunked(b"x" * MEGABYTE, 50),
        413,
    ),
    "a length below zero": (POST + AUTH + b"Content-Length: -5\r\n\r\n", 400),
    "two lengths": (POST + AUTH + b"Content-Length: 2\r\nContent-Length: 3\r\n\r\n{}", 400),
    "broken JSON": (POST + AUTH + b"Content-Length: 9\r\n\r\n{" + b'"entity"', 200),
    "JSON 100,000 deep": (_deep(100_000), 200),
    "a form": (
        POST + AUTH + b"Content-Type: multipart/form-data\r\nContent-Length: 2\r\n\r\n{}",
        200,
    ),
    "no host": (b"GET /health HTTP/1.1\r\n\r\n", 400),
    "a space in a header's name": (b"GET /health HTTP/1.1\r\nHost: x\r\nA b: c\r\n\r\n", 400),
    "a line break in a header": (b"GET /health HTTP/1.1\r\nHost: x\r\nA: b\rc\r\n\r\n", 400),
    "a folded header": (
        b"GET /v3.1/Contacts HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer\r\n token\r\n\r\n",
        401,
    ),
    "a long head": (b"GET /health HTTP/1.1\r\nHost: x\r\nA: " + b"b" * MEGABYTE, 400),
    "many headers": (b"GET / HTTP/1.1\r\nHost: x\r\n" + b"A: b\r\n" * 50_000 + b"\r\n", 400),
    "another address": (b"GET http://example.com/v3.1/Users HTTP/1.1\r\nHost: x\r\n\r\n", 404),
    "a tunnel": (b"CONNECT example.com:443 HTTP/1.1\r\nHost: x\r\n\r\n", 404),
    "a WebSocket": (
        b"GET /health HTTP/1.1\r\nHost: x\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\r\n",
        200,
    ),
    "no token": (b"GET /v3.1/Contacts HTTP/1.1\r\nHost: x\r\n\r\n", 401),
    "a token that is none": (
        b"GET /v3.1/Contacts HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer ins_x\r\n\r\n",
        401,
    ),
    "HTTP/1.0": (b"GET /health HTTP/1.0\r\n\r\n", 200),
    "HTTP/2": (b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", 404),
}


@pytest.mark.parametrize("kind", _RAW)
def test_what_is_wrong_has_its_status_and_costs_nothing(served: Served, kind: str) -> None:
    content, status = _RAW[kind]
    before = served.rss()
    answer = _ask(served, content)
    # Of a large request the answer may be lost, as the server hangs up on who goes on sending.
    if len(content) < 10 * MEGABYTE or answer:
        assert answer.startswith(b"HTTP/1.1 %d " % status), answer[:200]
    assert served.rss() - before < 20 * MEGABYTE
    assert served.health().status_code == 200


def _ask(served: Served, content: bytes) -> bytes:
    answer = b""
    with socket.create_connection(served.address, timeout=60) as connection:
        with contextlib.suppress(ConnectionError):
            connection.sendall(content)
        with contextlib.suppress(ConnectionError):
            while b"\r\n\r\n" not in answer and (piece := connection.recv(65536)):
                answer += piece
    return answer


def test_chunks_without_end_are_cut_off(served: Served) -> None:
    before, sent = served.rss(), 0
    with socket.create_connection(served.address, timeout=60) as connection:
        connection.sendall(POST + AUTH + b"Transfer-Encoding: chunked\r\n\r\n")
        piece = _chunked(b"x" * 65536, 1)
        with contextlib.suppress(ConnectionError):
            while sent < 500 * MEGABYTE:
                sent += connection.send(piece)
    assert sent < 500 * MEGABYTE, "the server goes on listening"
    assert served.rss() - before < 20 * MEGABYTE


def test_a_thousand_connections_are_no_burden(served: Served) -> None:
    before = served.rss()
    with contextlib.ExitStack() as stack:
        for _ in range(1000):
            stack.enter_context(socket.create_connection(served.address, timeout=60))
        assert served.health().status_code == 200
        assert served.deliver({"TASK_ID": 1}).status_code == 200
        assert served.rss() - before < 60 * MEGABYTE
    assert served.health().status_code == 200


def test_there_are_no_more_connections_than_allowed(
    tmp_path_factory: pytest.TempPathFactory,
) -> None:
    with (
        serving(tmp_path_factory.mktemp("few"), max_connections=10) as served,
        contextlib.ExitStack() as stack,
    ):
        for _ in range(12):
            one = stack.enter_context(socket.create_connection(served.address, timeout=60))
            one.sendall(b"GET /health HTTP/1.1\r\nHost: x\r\n\r\n")
        assert one.recv(100).startswith(b"HTTP/1.1 503 ")
        stack.close()
        assert served.health().status_code == 200


def test_logs_hold_nothing_of_what_was_sent(served: Served) -> None:
    for content, _ in _RAW.values():
        if len(content) < MEGABYTE:
            _ask(served, content)
    served.deliver({"TASK_ID": 7, "TITLE": "a title that nobody else may read"})
    token = served.token("a-client-for-logs")
    path = b"/v3.1/Contacts/a-path-of-a-client"
    _ask(
        served,
        b"GET %s HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer %s\r\nConnection: close\r\n\r\n"
        % (path, token.encode()),
    )
    log = "\n".join(served.lines)
    for secret in (PASSWORD, BASIC.decode(), token, "a title that nobody", "what is this"):
        assert secret not in log
    assert "\\r" not in log


# Time-outs, which in the server itself would take seconds


async def _drip(writer: asyncio.StreamWriter, drip: bytes) -> None:
    with contextlib.suppress(OSError):
        while drip:
            writer.write(drip)
            await writer.drain()
            await asyncio.sleep(0.02)


async def _served_by_connection(head_seconds: float, send: list[bytes], drip: bytes = b"") -> bytes:
    """Send pieces, and one of them again and again, and read until the server hangs up."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(connections, "HEAD_SECONDS", head_seconds)
        config = uvicorn.Config(
            Starlette(),
            http=connections.Connection,
            log_level="critical",
            lifespan="off",
            timeout_keep_alive=1,
        )
        server = uvicorn.Server(config)
        with socket.create_server(("127.0.0.1", 0)) as listener:
            serving = asyncio.create_task(server.serve([listener]))
            reader, writer = await asyncio.open_connection(*listener.getsockname())
            for piece in send:
                writer.write(piece)
                await writer.drain()
            dripping = asyncio.create_task(_drip(writer, drip))
            answer = await asyncio.wait_for(reader.read(), 60)
            dripping.cancel()
            writer.close()
            server.should_exit = True
            await serving
    return answer


@pytest.mark.parametrize(
    "send",
    [
        [],
        [b"G"],
        [b"GET / HTTP/1.1\r\nHost: x\r\n"],
        [b"GET / HTTP/1.1\r\nHost: x\r\n\r\n", b"GET /again"],
        [b"GET / HTTP/1.1\r\nHost: x\r\n\r\n"],
    ],
)
def test_who_sends_no_whole_head_is_hung_up_on(send: list[bytes]) -> None:
    answer = asyncio.run(_served_by_connection(0.2, send))
    assert answer.count(b"HTTP/1.1 404") == sum(piece.endswith(b"\r\n\r\n") for piece in send)


@pytest.mark.parametrize(
    ("head", "drip"),
    [
        ("GET / HTTP/1.1\r\nHost: x\r\nContent-Length: 1000000000\r\n\r\n", b"a"),
        ("POST / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n", b"1\r\na\r\n"),
    ],
)
def test_a_body_that_nobody_reads_does_not_hold_a_connection(head: str, drip: bytes) -> None:
    answer = asyncio.run(_served_by_connection(0.2, [head.encode()], drip))
    assert answer.count(b"HTTP/1.1 404") == 1


async def _never_reads() -> bool:
    """Ask again and again, read nothing, and tell whether the server hangs up."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(connections, "DEAF_SECONDS", 0.2)
        page = PlainTextResponse(b"a" * 1_000_000)
        config = uvicorn.Config(
            Starlette(routes=[Route("/", lambda _: page)]),
            http=connections.Connection,
            log_level="critical",
            lifespan="off",
        )
        server = uvicorn.Server(config)
        with socket.create_server(("127.0.0.1", 0)) as listener:
            serving = asyncio.create_task(server.serve([listener]))
            client = socket.create_connection(listener.getsockname())
            loop, asked = asyncio.get_running_loop(), b"GET / HTTP/1.1\r\nHost: x\r\n\r\n" * 500
            client.setblocking(False)  # noqa: FBT003 - of the standard library
            with closing(client):
                try:
                    for _ in range(1000):
                        await asyncio.wait_for(loop.sock_sendall(client, asked), 20)
                        await asyncio.sleep(0.01)
                except asyncio.TimeoutError:
                    return False
                except OSError:
                    return True
                finally:
                    server.should_exit = True
                    await serving
    return False  # it takes all of it


def test_who_reads_nothing_is_hung_up_on() -> None:
    assert asyncio.run(_never_reads())


@pytest.mark.skipif(sys.platform != "linux", reason="an option of Linux")
def test_who_takes_nothing_is_hung_up_on_by_the_system() -> None:
    with listen("127.0.0.1", 0) as listener:
        with socket.create_connection(listener.getsockname()):
            accepted, _ = listener.accept()
        with accepted:
            milliseconds = accepted.getsockopt(socket.IPPROTO_TCP, socket.TCP_USER_TIMEOUT)
    assert milliseconds == connections.DEAF_SECONDS * 1000
