"""What becomes of a request: passed on as it is, and repeated where that does no harm."""

from __future__ import annotations

import gzip
import socket
import zlib
from contextlib import closing
from typing import TYPE_CHECKING, Any

import pytest
import requests

from tap_insightly.server.gateway.settings import Limits
from tests.conftest import ENCODED_KEY, KEY
from tests.gateway.peer import Connection, Peer, answer, reset
from tests.gateway.raw import connected, exchange, head, read_all

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from tap_insightly.sandbox import Sandbox
    from tests.gateway.conftest import Clients, MakeGateway

GOOD = answer(b'{"A": 1}', "Content-Type: application/json")
FAILED = answer(b'{"Message": "Down."}', status="503 Service Unavailable")
TOO_MANY = answer(b'{"Message": "Slow down."}', status="429 Too Many Requests")


def cut(size: int) -> Callable[[Connection], None]:
    """An answer that ends too early."""
    return answer(b"x" * size, length=size + 1)


@pytest.mark.parametrize("status", [200, 201, 202, 400, 402, 403, 404, 405, 409, 417, 418, 422])
@pytest.mark.parametrize("method", ["GET", "POST", "PUT", "DELETE"])
def test_an_answer_passes_as_it_is(method: str, status: int, make_gateway: MakeGateway) -> None:
    body = b'{"Message":  "\xc3\xbc"}'
    deed = answer(body, 'ETag: "7"', "X-Total-Count: 9", "X: y", status=f"{status} Fine")
    with Peer([deed]).serve() as peer:
        got = make_gateway(url=peer.url).ask(method, "/Contacts?top=1&x=%20", data=b"{}")
    assert (got.status_code, got.content) == (status, body)
    assert got.headers["ETag"] == '"7"'
    assert got.headers["X-Total-Count"] == "9"
    (one,) = peer.received
    assert (one.method, one.target, one.body) == (method, "/v3.1/Contacts?top=1&x=%20", b"{}")


@pytest.mark.parametrize(("method", "status"), [("HEAD", 200), ("GET", 204), ("GET", 304)])
def test_an_answer_without_a_body_passes(
    method: str, status: int, make_gateway: MakeGateway
) -> None:
    head_only = f"HTTP/1.1 {status} Fine\r\nETag: 1\r\nConnection: close\r\n"
    head_only += "Content-Length: 12\r\n\r\n" if method == "HEAD" else "\r\n"
    with Peer([lambda connection: connection.send(head_only.encode())]).serve() as peer:
        got = make_gateway(url=peer.url).ask(method, "/Contacts")
    assert (got.status_code, got.content, got.headers["ETag"]) == (status, b"", "1")


@pytest.mark.parametrize("status", [300, 301, 302, 303, 305, 307, 308])
@pytest.mark.parametrize("method", ["GET", "POST", "DELETE"])
def test_a_redirect_is_not_followed_and_not_handed_on(
    method: str, status: int, make_gateway: MakeGateway
) -> None:
    with Peer([answer()]).serve() as elsewhere:
        where = f"Location: {elsewhere.url}/Contacts"
        with Peer([answer(b"", where, status=f"{status} Moved")]).serve() as peer:
            got = make_gateway(url=peer.url).ask(method, "/Contacts")
    assert got.status_code == 502
    assert f"Insightly answered {status}, which leads elsewhere" in got.json()["Message"]
    assert "Location" not in got.headers
    assert not elsewhere.received
    assert len(peer.received) == 1


@pytest.mark.parametrize(
    ("method", "deeds", "status", "asked"),
    [
        ("GET", [FAILED, GOOD], 200, 2),
        ("GET", [reset, GOOD], 200, 2),
        ("GET", [cut(100), GOOD], 200, 2),
        ("GET", [cut(0), GOOD], 200, 2),
        ("GET", [TOO_MANY, GOOD], 200, 2),
        ("GET", [reset, FAILED, cut(9), GOOD], 200, 4),
        ("GET", [answer(status="408 Timeout"), GOOD], 200, 2),
        ("GET", [answer(status="425 Too Early"), GOOD], 200, 2),
        ("GET", [answer(status="500 Oops"), answer(status="599 Oops"), GOOD], 200, 3),
        ("GET", [FAILED], 503, 4),
        ("GET", [TOO_MANY], 429, 4),
        ("GET", [reset], 502, 4),
        ("GET", [cut(100)], 502, 4),
        ("HEAD", [reset, answer(b"")], 200, 2),
        ("PUT", [FAILED, GOOD], 200, 2),
        ("PUT", [reset, GOOD], 200, 2),
        ("PUT", [reset], 502, 4),
        ("DELETE", [FAILED, GOOD], 200, 2),
        ("DELETE", [reset, answer(status="404 Gone")], 202, 2),
        ("DELETE", [TOO_MANY, answer(status="404 Gone")], 404, 2),
        ("DELETE", [answer(status="404 Gone")], 404, 1),
        ("POST", [TOO_MANY, GOOD], 200, 2),
        ("POST", [answer(status="425 Too Early"), GOOD], 200, 2),
        ("POST", [TOO_MANY], 429, 4),
        ("POST", [FAILED, GOOD], 503, 1),
        ("POST", [answer(status="408 Timeout"), GOOD], 408, 1),
        ("POST", [reset, GOOD], 502, 1),
        ("POST", [cut(100), GOOD], 502, 1),
        ("POST", [TOO_MANY, reset, GOOD], 502, 2),
    ],
)
def test_what_fails_is_repeated_where_that_does_no_harm(
    method: str,
    deeds: Sequence[Callable[[Connection], None]],
    status: int,
    asked: int,
    make_gateway: MakeGateway,
) -> None:
    with Peer(list(deeds)).serve() as peer:
        got = make_gateway(url=peer.url, max_retries=3).ask(method, "/Contacts", data=b"abc")
    assert got.status_code == status
    assert len(peer.received) == asked
    assert {one.body for one in peer.received} == {b"abc"}, "the body is whole each time"
    if status == 502:
        said = got.json()["Message"]
        is_reading = method in {"GET", "HEAD"}
        assert ("may have been done, or not" in said) != is_reading
        assert said.endswith(("before you do it again.", "Try again later."))
    elif status in {429, 503}:
        assert got.json()["Message"] in {"Down.", "Slow down."}, "that of Insightly"


def test_what_was_refused_after_a_lost_try_is_not_taken_for_a_conflict(
    make_gateway: MakeGateway,
) -> None:
    stale = answer(b'{"Message": "Stale."}', status="400 Bad Request")
    with Peer([reset, stale]).serve() as peer:
        clients = make_gateway(url=peer.url)
        got = clients.ask("PUT", "/Contacts", json={}, headers={"If-Match": '"1"'})
    assert got.status_code == 502
    assert "may have been done, or not" in got.json()["Message"]
    with Peer([TOO_MANY, stale]).serve() as peer:
        clients = make_gateway(url=peer.url)
        got = clients.ask("PUT", "/Contacts", json={}, headers={"If-Match": '"1"'})
    assert (got.status_code, got.json()) == (400, {"Message": "Stale."})


@pytest.mark.parametrize("method", ["GET", "POST", "PUT"])
def test_an_insightly_that_cannot_be_reached(method: str, make_gateway: MakeGateway) -> None:
    with closing(socket.create_server(("127.0.0.1", 0))) as listener:
        port = listener.getsockname()[1]
    clients = make_gateway(url=f"http://127.0.0.1:{port}/v3.1", max_retries=2)
    got = clients.ask(method, "/Contacts", data=b"x")
    assert got.status_code == 503
    said = got.json()["Message"]
    assert "failed 3 times between gateway and Insightly" in said
    assert ("Nothing was done." in said) == (method != "GET")


@pytest.mark.parametrize(("method", "words"), [("GET", "no answer within"), ("POST", "may have")])
def test_an_insightly_that_does_not_answer(
    method: str, words: str, make_gateway: MakeGateway
) -> None:
    with Peer([Connection.wait_for_the_end]).serve() as peer:
        clients = make_gateway(url=peer.url, max_retries=1, request_timeout=0.2)
        got = clients.ask(method, "/Contacts")
    assert got.status_code == 504
    assert words in got.json()["Message"]
    assert len(peer.received) == (2 if method == "GET" else 1)


def test_a_client_is_not_kept_waiting_by_tries(make_gateway: MakeGateway) -> None:
    with Peer([FAILED]).serve() as peer:
        clients = make_gateway(url=peer.url, max_retries=100, limits=Limits(retry_seconds=0))
        assert clients.get("/Contacts").status_code == 503
    assert len(peer.received) == 1


@pytest.mark.parametrize("seconds", ["40", "4000"])
def test_who_is_to_wait_long_is_told_so_and_the_others_too(
    seconds: str, make_gateway: MakeGateway
) -> None:
    busy = answer(b"{}", f"Retry-After: {seconds}", status="429 Too Many Requests")
    with Peer([busy]).serve() as peer:
        clients = make_gateway(url=peer.url)
        first = clients.get("/Contacts")
        second = clients.get("/Leads")
    assert (first.status_code, first.headers["Retry-After"]) == (429, seconds)
    assert second.status_code == 429
    assert 1 <= int(second.headers["Retry-After"]) <= 300
    assert "would wait for its turn" in second.json()["Message"]
    assert len(peer.received) == 1, "Insightly is left alone"


def broken_off(clients: Clients, path: str) -> bytes:
    """What comes of an answer that must not look like a whole one."""
    with pytest.raises(
        (requests.exceptions.ChunkedEncodingError, requests.exceptions.ConnectionError)
    ):
        _ = clients.get(path).content
    with connected(clients) as connection:
        connection.sendall(head(clients, "GET", f"/v3.1{path}") + b"\r\n")
        return read_all(connection)


@pytest.mark.parametrize("is_reset", [True, False])
@pytest.mark.parametrize("is_chunked", [True, False])
def test_an_answer_that_breaks_off_is_seen_to(
    make_gateway: MakeGateway, *, is_reset: bool, is_chunked: bool
) -> None:
    size, kind = 300_000, "Content-Length: 400000"
    begin, body = b"HTTP/1.1 200 OK\r\n", b"x" * size
    if is_chunked:
        kind, body = "Transfer-Encoding: chunked", b"%x\r\n%s\r\n" % (size, body)

    def deed(connection: Connection) -> None:
        connection.send(begin + kind.encode() + b"\r\n\r\n" + body)
        if is_reset:
            connection.reset()

    with Peer([deed]).serve() as peer:
        clients = make_gateway(url=peer.url)
        got = broken_off(clients, "/Contacts")
    assert len(peer.received) == 2, "nothing is asked again of which a part was passed on"
    assert not got.endswith(b"0\r\n\r\n")
    assert len(got.partition(b"\r\n\r\n")[2]) < 400_000


def test_an_answer_that_stops_coming_is_broken_off(make_gateway: MakeGateway) -> None:
    def deed(connection: Connection) -> None:
        connection.send(b"HTTP/1.1 200 OK\r\nContent-Length: 400000\r\n\r\n" + b"x" * 300_000)
        connection.wait_for_the_end()

    with Peer([deed]).serve() as peer:
        got = broken_off(make_gateway(url=peer.url, request_timeout=0.3), "/Contacts")
    assert len(got) < 400_000


@pytest.mark.parametrize(
    "body",
    [
        f'{{"Message": "Bad key {KEY}."}}'.encode(),
        f"<html>{ENCODED_KEY}</html>".encode(),
        f'"{KEY}{KEY}"'.encode(),
    ],
)
@pytest.mark.parametrize("coding", ["", "gzip", "deflate"])
@pytest.mark.parametrize("status", [400, 403, 500])
def test_a_key_in_an_error_is_taken_out(
    status: int, coding: str, body: bytes, make_gateway: MakeGateway
) -> None:
    packed = {"": bytes, "gzip": gzip.compress, "deflate": zlib.compress}[coding](body)
    headers = [f"Content-Encoding: {coding}"] if coding else []
    with Peer([answer(packed, *headers, status=f"{status} No {KEY}")]).serve() as peer:
        got = make_gateway(url=peer.url, max_retries=0).get("/Contacts")
    assert got.status_code == status
    assert b"***" in got.content
    assert KEY.encode() not in got.content
    assert ENCODED_KEY.rstrip("=").encode() not in got.content


@pytest.mark.parametrize(
    ("body", "coding", "said"),
    [
        (b"", "", {"Message": "Lead Not Found"}),
        (b"  ", "", {"Message": "Lead Not Found"}),
        (b'{"Message": "Gone."}', "", {"Message": "Gone."}),
        (b"\x1f\x8bnonsense", "gzip", {"Message": "Lead Not Found"}),  # nobody could read the body
        (b"{}", "br", {"Message": "Lead Not Found"}),
    ],
)
def test_why_something_was_refused_arrives(
    body: bytes, coding: str, said: Any, make_gateway: MakeGateway
) -> None:
    headers = [f"Content-Encoding: {coding}"] if coding else []
    with Peer([answer(body, *headers, status="404 Lead Not Found")]).serve() as peer:
        got = make_gateway(url=peer.url).get("/Leads/1")
    assert (got.status_code, got.json()) == (404, said)


def test_a_long_error_is_not_held(make_gateway: MakeGateway) -> None:
    with Peer([answer(b"x" * 3_000_000, status="400 Too Long")]).serve() as peer:
        got = make_gateway(url=peer.url).get("/Leads/1")
    assert (got.status_code, got.json()) == (400, {"Message": "Too Long"})


def test_a_key_that_insightly_does_not_accept_is_not_the_clients_fault(
    make_gateway: MakeGateway, sandbox: Sandbox
) -> None:
    sandbox.faults.user_denied = True
    got = make_gateway().get("/Contacts")
    assert got.status_code == 401
    assert "did not accept the API key that the gateway has for the account 'acme'" in got.text
    assert len(sandbox.requests) == 1


@pytest.mark.parametrize("depth", [10, 100_000])
def test_json_of_any_depth_passes_both_ways(depth: int, make_gateway: MakeGateway) -> None:
    deep = b"[" * depth + b"]" * depth
    for status in ("200 OK", "400 Bad Request"):
        with Peer([answer(deep, status=status)]).serve() as peer:
            got = make_gateway(url=peer.url).ask("POST", "/Contacts", data=deep)
        assert got.content == deep
        assert peer.received[0].size == len(deep)


@pytest.mark.parametrize("method", ["TRACE", "PATCH", "OPTIONS", "PROPFIND", "get"])
def test_methods_that_the_api_does_not_have(
    method: str, gateway: Clients, sandbox: Sandbox
) -> None:
    status, answered = exchange(gateway, method, "/v3.1/Contacts")
    assert status == 405
    assert b"allow: GET, HEAD, POST, PUT, DELETE" in answered
    assert not sandbox.requests


def test_a_client_of_an_older_http_is_told_what_it_needs(
    gateway: Clients, sandbox: Sandbox
) -> None:
    status, answered = exchange(gateway, "GET", "/v3.1/Contacts", version="1.0")
    assert status == 505
    assert b"proxy_http_version 1.1" in answered
    assert not sandbox.requests


def test_another_version_than_the_accounts_is_not_there(gateway: Clients) -> None:
    got = requests.get(
        f"{gateway.served.url}/v2.3/Contacts", auth=(gateway.texts["tap"], ""), timeout=60
    )
    assert got.status_code == 404
    assert "is asked by version v3.1" in got.json()["Message"]


def test_a_client_that_leaves_ends_what_is_asked_for_it(make_gateway: MakeGateway) -> None:
    with Peer([Connection.wait_for_the_end, GOOD]).serve() as peer:
        clients = make_gateway(url=peer.url)
        with connected(clients) as connection:
            connection.sendall(head(clients, "GET", "/v3.1/Contacts") + b"\r\n")
            while not peer.received:  # until it has arrived there
                pass
        assert peer.ended.acquire(timeout=60), "the connection to Insightly is closed"
        assert clients.get("/Contacts").status_code == 200
    assert clients.served.gateway.accounts["acme"].pace.rate.under_way == 0


def test_a_client_that_leaves_while_it_waits_is_not_asked_for(make_gateway: MakeGateway) -> None:
    with Peer([Connection.wait_for_the_end]).serve() as peer:
        clients = make_gateway(url=peer.url, max_concurrency=1)
        pace = clients.served.gateway.accounts["acme"].pace
        with connected(clients) as first:
            first.sendall(head(clients, "GET", "/v3.1/Contacts") + b"\r\n")
            while not peer.received:
                pass
            with connected(clients) as second:
                second.sendall(head(clients, "GET", "/v3.1/Leads") + b"\r\n")
                while not pace.waiting:
                    pass
            while pace.waiting:
                pass
    assert [one.target for one in peer.received] == ["/v3.1/Contacts"]
