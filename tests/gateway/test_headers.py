"""What goes on to Insightly of a client's headers, and what comes back of Insightly's."""

from __future__ import annotations

import base64
from typing import TYPE_CHECKING

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tap_insightly.server.gateway.headers import back, onward
from tests.conftest import ENCODED_KEY, KEY
from tests.gateway.peer import Peer, answer
from tests.gateway.raw import exchange

if TYPE_CHECKING:
    from collections.abc import Sequence

    from tests.gateway.conftest import MakeGateway

ADDED = {"User-Agent", "Accept-Encoding", "Accept"}
NOT_ONWARD = (
    *("Authorization", "Cookie", "Host", "Proxy-Authorization", "Proxy-Connection", "Origin"),
    *("X-Forwarded-For", "X-Forwarded-Host", "X-Forwarded-Proto", "Forwarded", "X-Real-IP"),
    *("Connection", "Keep-Alive", "TE", "Trailer", "Upgrade", "Via", "Expect", "Referer"),
    *("X-HTTP-Method-Override", "X-Original-URL", "X-Rewrite-URL", "Transfer-Encoding"),
    "Content-Length",
)


@pytest.mark.parametrize("name", NOT_ONWARD)
def test_what_is_not_for_insightly_stays_here(name: str) -> None:
    for spelling in (name, name.lower(), name.upper()):
        assert onward([(spelling.encode(), b"x")], "gateway").keys() <= ADDED


@pytest.mark.parametrize(
    ("given_headers", "sent"),
    [
        ([("Accept", "application/json")], {"Accept": "application/json"}),
        ([("content-type", "text/csv; charset=x")], {"Content-Type": "text/csv; charset=x"}),
        ([("If-Match", '"abc"')], {"If-Match": '"abc"'}),
        ([("If-None-Match", '"abc"')], {"If-None-Match": '"abc"'}),
        ([("Range", "bytes=0-5")], {"Range": "bytes=0-5"}),
        ([("If-Match", '"a"'), ("Connection", "close, If-Match")], {"If-Match": None}),
        ([("If-Match", '"a"\r\nX: y')], {"If-Match": None}),
        ([("If-Match", '"a"\x00')], {"If-Match": None}),
        ([("User-Agent", "tap/1")], {"User-Agent": "tap/1 gateway"}),
        ([], {"User-Agent": "gateway", "Accept-Encoding": "identity", "Accept": "*/*"}),
        (
            [("Accept-Encoding", "gzip, deflate, br;q=1, zstd")],
            {"Accept-Encoding": "gzip, deflate"},
        ),
        ([("Accept-Encoding", "gzip;q=0, deflate;q=0.5")], {"Accept-Encoding": "deflate"}),
        ([("Accept-Encoding", "br")], {"Accept-Encoding": "identity"}),
        ([("Accept-Encoding", "*")], {"Accept-Encoding": "identity"}),
    ],
)
def test_what_is_for_insightly_goes_on(
    given_headers: Sequence[tuple[str, str]], sent: dict[str, str | None]
) -> None:
    raw = [(name.lower().encode(), value.encode("latin-1")) for name, value in given_headers]
    found = onward(raw, "gateway")
    for name, value in sent.items():
        assert found.get(name) == value


RAW = st.lists(
    st.tuples(
        st.sampled_from([b"connection", b"if-match", b"user-agent", b"accept", b"x", b"host"]),
        st.binary(max_size=20),
    ),
    max_size=6,
)


@given(RAW)
def test_whatever_a_client_sends_no_line_is_broken(headers: list[tuple[bytes, bytes]]) -> None:
    sent = onward(headers, "gateway")
    assert not any(c in f"{name}{value}" for name, value in sent.items() for c in "\r\n\0")


@pytest.mark.parametrize(
    ("name", "comes_back"),
    [
        *(
            (name, True)
            for name in ("ETag", "X-Total-Count", "Date", "Content-Type", "Retry-After")
        ),
        *((name, True) for name in ("Content-Disposition", "Content-Encoding", "Last-Modified")),
        *((name, True) for name in ("Content-Range", "Accept-Ranges", "Cache-Control", "X-Any")),
        *((name, False) for name in ("Set-Cookie", "Server", "Connection", "Keep-Alive")),
        *((name, False) for name in ("Transfer-Encoding", "Upgrade", "Proxy-Authenticate")),
        *((name, False) for name in ("Location", "WWW-Authenticate", "X-RateLimit-Limit")),
        *((name, False) for name in ("X-RateLimit-Remaining", "Strict-Transport-Security")),
    ],
)
def test_what_comes_back(name: str, *, comes_back: bool) -> None:
    for spelling in (name, name.lower(), name.upper()):
        found = back([(spelling.encode(), b"x")], {})
        assert found == ([(name.lower().encode(), b"x")] if comes_back else [])


def test_what_the_connection_names_does_not_come_back() -> None:
    headers = [(b"Connection", b"close, X-Inner"), (b"X-Inner", b"1"), (b"X-Outer", b"2")]
    assert back(headers, {}) == [(b"x-outer", b"2")]


def test_the_count_is_that_of_the_client() -> None:
    headers = [(b"X-RateLimit-Remaining", b"99999"), (b"X-RateLimit-Limit", b"100000")]
    share = {"X-RateLimit-Limit": 200, "X-RateLimit-Remaining": None}
    assert back(headers, share) == [(b"x-ratelimit-limit", b"200")]


def test_insightly_gets_the_key_and_never_the_token(make_gateway: MakeGateway) -> None:
    with Peer([answer()]).serve() as peer:
        clients = make_gateway(url=peer.url)
        extra = (
            "Cookie: a=b\r\nX-Forwarded-Host: evil.example\r\nX-Forwarded-For: 1.2.3.4\r\n"
            "Proxy-Authorization: Basic eA==\r\nConnection: If-Match\r\nIf-Match: 1\r\n"
            "User-Agent: someone\r\n"
        )
        status, _ = exchange(clients, "GET", "/v3.1/Contacts?top=1", extra)
    assert status == 200
    (one,) = peer.received
    assert one.target == "/v3.1/Contacts?top=1"
    assert one.header("Authorization") == f"Basic {ENCODED_KEY}"
    assert one.header("Host") == peer.url.split("/")[2]
    assert one.header("User-Agent") == "someone insightly-gateway"
    assert {name.lower() for name, _ in one.headers} == {
        *("host", "authorization", "user-agent", "accept", "accept-encoding")
    }
    token = clients.texts["tap"]
    encoded = base64.b64encode(f"{token}:".encode()).decode()
    assert not any(token in value or encoded in value for _, value in one.headers)


@pytest.mark.parametrize(
    "extra", ["Host: evil.example\r\n", "X: a\rb\r\n", "X: a\x00b\r\n", "X : a\r\n"]
)
def test_a_header_that_is_none_ends_at_the_server(extra: str, make_gateway: MakeGateway) -> None:
    with Peer([answer()]).serve() as peer:
        status, _ = exchange(make_gateway(url=peer.url), "GET", "/v3.1/Contacts", extra)
    assert status == 400
    assert not peer.received


def test_a_name_of_a_host_changes_nothing(make_gateway: MakeGateway) -> None:
    with Peer([answer()]).serve() as peer:
        clients = make_gateway(url=peer.url)
        got = clients.get("/Contacts", headers={"Host": "evil.example"})
    assert got.status_code == 200
    assert peer.received[0].header("Host") == peer.url.split("/")[2]


@pytest.mark.parametrize("secret", [KEY, ENCODED_KEY])
def test_a_key_that_insightly_echoes_in_a_header_is_taken_out(
    secret: str, make_gateway: MakeGateway
) -> None:
    large = b"x" * 200_000
    with Peer(
        [answer(b"{}", f"X-Echo: {secret}"), answer(large, f"X-Echo: {secret}")]
    ).serve() as peer:
        clients = make_gateway(url=peer.url)
        for _ in range(2):
            got = clients.get("/Contacts")
            assert "***" in got.headers["X-Echo"]
            assert secret.rstrip("=") not in str(got.headers)
