"""Deliveries over HTTP: each with its status, kept before it is answered, and no secret told."""

from __future__ import annotations

import gzip
import json
import logging
import socket
import time
import tracemalloc
import zlib
from typing import TYPE_CHECKING, Any

import pytest
import requests
from typing_extensions import Self

from tap_insightly.server.credentials import Credentials, Guard
from tap_insightly.webhooks.store import EventStore
from tests.webhooks.keeping import ACCOUNT, DISKS, contact, task
from tests.webhooks.serving import ACCOUNTS, PASSWORD, USER, WebhookServer, basic, receiving

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from tests.webhooks.keeping import Disk

LIMIT = 1_000_000


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[WebhookServer]:
    """A server that no test stops; each looks at what it sent itself."""
    path = tmp_path_factory.mktemp("webhooks") / "store.sqlite"
    with receiving(path, body_seconds=0.2) as server:
        server.path = path
        yield server


def post(server: WebhookServer, body: Any, account: str = ACCOUNT, **headers: str) -> Any:
    url = server.url.removesuffix(ACCOUNT) + account
    return requests.post(url, body, headers={**basic(), **headers}, timeout=60)


def events(server: WebhookServer) -> list[Any]:
    with EventStore(server.path) as store:
        return list(store.events())


def newest(server: WebhookServer) -> Any:
    return events(server)[-1]


class Raw:
    """A connection on which exactly these bytes are sent."""

    def __init__(self, server: WebhookServer) -> None:
        self.socket = socket.create_connection(server.address, timeout=60)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.socket.close()

    def send(self, content: bytes) -> None:
        self.socket.sendall(content)

    def head(self, *headers: str, path: str = f"/webhooks/{ACCOUNT}") -> None:
        lines = [f"POST {path} HTTP/1.1", "Host: here", f"Authorization: {authorization()}"]
        self.send("\r\n".join([*lines, *headers, "", ""]).encode())

    def answer(self) -> tuple[int, bytes]:
        """The status, and all that came until the server hung up."""
        content = b""
        while piece := self.socket.recv(65536):
            content += piece
        return int(content.split(b" ", 2)[1]), content


def authorization() -> str:
    return basic()["Authorization"]


def test_a_delivery_is_on_disk_when_it_is_answered(server: WebhookServer) -> None:
    answer = post(server, task(77), **{"Content-Type": "application/json"})
    assert (answer.status_code, answer.json()) == (200, {})
    event = newest(server)
    assert (event.account, event.object_name, event.record_id) == (ACCOUNT, "Task", 77)
    assert event.body == task(77)


@pytest.mark.parametrize(
    "body", [b"", b"broken", b"\x00\xff", b"[" * 100_000, b"entity=1", b'{"entity":{"X":NaN}}']
)
def test_what_is_not_understood_is_kept_and_no_error(server: WebhookServer, body: bytes) -> None:
    assert post(server, body).status_code == 200
    event = newest(server)
    assert event.body == body
    assert event.reason


@pytest.mark.parametrize(
    "kind",
    ["text/plain", "application/x-www-form-urlencoded", "multipart/form-data", "image/png", ""],
)
def test_the_content_says_what_it_is(server: WebhookServer, kind: str) -> None:
    assert post(server, contact(5, kind), **{"Content-Type": kind}).status_code == 200
    assert newest(server).object_name == "Contact"


def packed(body: bytes) -> dict[str, bytes]:
    return {
        "gzip": gzip.compress(body),
        "deflate": zlib.compress(body),
        "X-GZIP": gzip.compress(body),
    }


@pytest.mark.parametrize("encoding", packed(b""))
def test_what_is_packed_is_unpacked(server: WebhookServer, encoding: str) -> None:
    body = contact(6, encoding)
    sent = packed(body)[encoding]
    assert post(server, sent, **{"Content-Encoding": encoding}).status_code == 200
    assert newest(server).body == body


@pytest.mark.parametrize("encoding", ["br", "gzip, gzip", "identity", "gzip"])
def test_what_cannot_be_unpacked_is_kept_as_it_came(server: WebhookServer, encoding: str) -> None:
    body = gzip.compress(b"cut off " + encoding.encode(), mtime=0)[:-5]
    assert post(server, body, **{"Content-Encoding": encoding}).status_code == 200
    event = newest(server)
    assert event.body == body
    assert event.reason


def test_a_bomb_is_not_unpacked(server: WebhookServer) -> None:
    bomb = gzip.compress(b" " * 100_000_000)
    assert len(bomb) < LIMIT
    tracemalloc.start()
    assert post(server, bomb, **{"Content-Encoding": "gzip"}).status_code == 413
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert peak < 20 * LIMIT


def wrong() -> dict[str, tuple[str, dict[str, str]]]:
    token = authorization().removeprefix("Basic ")
    return {
        "none": (ACCOUNT, {"Authorization": ""}),
        "another password": (ACCOUNT, basic(USER, "wrong")),
        "another user": (ACCOUNT, basic(user="else")),
        "the password of another account": ("umlaut", basic()),
        "an account that is not there": ("nobody", basic()),
        "nothing but a colon": (ACCOUNT, basic("", "")),
        "no base64": (ACCOUNT, {"Authorization": "Basic %%%"}),
        "more behind it": (ACCOUNT, {"Authorization": f"Basic {token} {token}"}),
        "another scheme": (ACCOUNT, {"Authorization": f"Bearer {token}"}),
        "no scheme": (ACCOUNT, {"Authorization": token}),
        "a path upwards": (f"x/../{ACCOUNT}%2f..", basic(USER, "wrong")),
    }


@pytest.mark.parametrize("kind", wrong())
def test_wrong_credentials_are_all_answered_alike(server: WebhookServer, kind: str) -> None:
    account, headers = wrong()[kind]
    before = len(events(server))
    refused = server.metric("insightly_webhook_refused_total", status="401")
    answer = post(server, task(), account, **headers)
    if kind == "a path upwards":
        assert answer.status_code == 404
    else:
        assert answer.status_code == 401
        assert answer.headers["WWW-Authenticate"].startswith("Basic ")
        assert answer.json() == {
            "error": "The user or the password is wrong, or there is no such account."
        }
        assert server.metric("insightly_webhook_refused_total", status="401") == refused + 1
    assert len(events(server)) == before


def test_two_authorizations_are_none(server: WebhookServer) -> None:
    with Raw(server) as raw:
        raw.head(f"Authorization: {authorization()}", "Content-Length: 0")
        assert raw.answer()[0] == 401


@pytest.mark.parametrize("encoding", ["utf-8", "latin-1"])
def test_an_umlaut_comes_in_either_encoding(server: WebhookServer, encoding: str) -> None:
    headers = basic("jürgen", "grüße", encoding)
    assert post(server, task(1, title=encoding), "umlaut", **headers).status_code == 200
    assert newest(server).account == "umlaut"


def test_what_latin_1_does_not_have_comes_in_utf_8(server: WebhookServer) -> None:
    assert post(server, task(2), "greek", **basic("λ", "πάντα")).status_code == 200


@pytest.mark.parametrize(("user", "password"), [("", "x"), ("x", ""), ("a:b", "c")])
def test_credentials_that_anybody_could_guess_are_none(user: str, password: str) -> None:
    with pytest.raises(ValueError, match="neither may be empty"):
        Credentials(user, password)


def test_as_much_is_compared_whoever_asks(monkeypatch: pytest.MonkeyPatch) -> None:
    """The time tells neither which accounts there are, nor how much of a secret is right."""
    compared: list[tuple[int, int]] = []

    def compare(one: bytes, other: bytes) -> bool:
        compared.append((len(one), len(other)))
        return one == other

    monkeypatch.setattr("hmac.compare_digest", compare)
    guard = Guard(ACCOUNTS)
    for account, headers in (
        (ACCOUNT, [authorization()]),
        (ACCOUNT, [basic(USER, "wrong")["Authorization"]]),
        ("nobody", [authorization()]),
        ("nobody", []),
    ):
        guard.admits(account, headers)
        assert compared == [(32, 32), (32, 32)]
        compared.clear()


def test_the_password_is_not_shown() -> None:
    assert PASSWORD not in repr(ACCOUNTS)
    assert PASSWORD not in repr(vars(Guard(ACCOUNTS)))


@pytest.mark.parametrize("method", ["GET", "HEAD", "PUT", "DELETE", "PATCH", "OPTIONS", "BREW"])
def test_other_methods_are_not_allowed(server: WebhookServer, method: str) -> None:
    answer = requests.request(method, server.url, headers=basic(), data=task(), timeout=60)
    assert answer.status_code == 405
    assert answer.headers["Allow"] == "POST"


def test_a_slash_at_the_end_is_no_other_place(server: WebhookServer) -> None:
    assert post(server, task(3, title="slash"), f"{ACCOUNT}/").status_code == 200


def test_a_body_of_exactly_the_limit_is_taken(server: WebhookServer) -> None:
    body = task(8)
    assert post(server, body + b" " * (LIMIT - len(body))).status_code == 200


@pytest.mark.parametrize("length", ["1000001", "50000000", "9" * 20])
def test_too_large_a_length_is_answered_before_anything_came(
    server: WebhookServer, length: str
) -> None:
    with Raw(server) as raw:
        raw.head(f"Content-Length: {length}")
        status, content = raw.answer()
    assert status == 413
    assert b"connection: close" in content.lower()


def test_chunks_without_end_are_too_large_in_the_end(server: WebhookServer) -> None:
    tracemalloc.start()
    with Raw(server) as raw:
        raw.head("Transfer-Encoding: chunked")
        for _ in range(LIMIT // 1000 + 1):
            raw.send(b"3e8\r\n" + b"x" * 1000 + b"\r\n")
        assert raw.answer()[0] == 413
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert peak < 10 * LIMIT


def test_a_slow_sender_is_not_waited_for(server: WebhookServer) -> None:
    before = len(events(server))
    with Raw(server) as raw:
        raw.head("Content-Length: 100")
        raw.send(b"{")
        status, content = raw.answer()
    assert status == 408
    assert b"connection: close" in content.lower()
    assert len(events(server)) == before


def test_who_hangs_up_before_the_end_has_sent_nothing(server: WebhookServer) -> None:
    before = len(events(server))
    with Raw(server) as raw:
        raw.head("Content-Length: 100")
        raw.send(task(9))
    assert post(server, task(10, title="after")).status_code == 200
    assert [event.body for event in events(server)[before:]] == [task(10, title="after")]


def test_a_header_with_line_breaks_gets_nowhere(
    server: WebhookServer, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    with Raw(server) as raw:
        raw.head("X-Any: a\r\x00\nINFO forged", "Content-Length: 0")
        assert raw.answer()[0] == 400
    assert "forged" not in caplog.text


def test_repeated_deliveries_are_one_event(server: WebhookServer) -> None:
    body = task(11, "2026-04-09")
    before = server.metric("insightly_webhook_events_total", account=ACCOUNT, result="repeated")
    assert [post(server, body).status_code for _ in range(3)] == [200] * 3
    event = newest(server)
    assert (event.body, event.deliveries) == (body, 3)
    after = server.metric("insightly_webhook_events_total", account=ACCOUNT, result="repeated")
    assert after == before + 2


def test_the_lag_is_told(server: WebhookServer) -> None:
    moment = int(time.time() * 1000) - 5000
    post(server, json.dumps({"entity": {"TASK_ID": 1, "DATE_UPDATED_UTC": f"/Date({moment})/"}}))
    assert 5 <= server.metric("insightly_webhook_lag_seconds", account=ACCOUNT) < 3600


def test_the_log_has_a_line_for_each_kind_and_no_secret(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    now = [0.0]
    caplog.set_level(logging.DEBUG, "tap_insightly")
    customer = "name-of-a-customer"
    with receiving(tmp_path / "store.sqlite", clock=lambda: now[0]) as server:
        for _ in range(3):
            post(server, customer, **basic(password=f"{customer}\r\n"))
            post(server, b"x" * (LIMIT + 1))
        now[0] = 61.0
        post(server, customer, customer, **basic(password=customer))
        post(server, f'{{"entity":{{"TASK_ID":1,"TITLE":"{customer}"}}}}')
    wrong = "The user or the password is wrong, or there is no such account."
    assert [record.getMessage() for record in caplog.records] == [
        f"A webhook was refused with 401: {wrong}",
        "A webhook was refused with 413: The body has more than 1,000,000 bytes.",
        f"A webhook was refused with 401: {wrong} (2 more like this since the last such line)",
    ]
    assert not any(one in caplog.text for one in (customer, PASSWORD, USER))


@DISKS
def test_a_full_disk_is_said_and_recovers_by_itself(disk: Disk) -> None:
    path = disk.folder / "store.sqlite"
    with receiving(path) as server:
        server.path = path
        assert post(server, task(1)).status_code == 200
        disk.fill()
        large = task(2, title="x" * 900_000)
        for _ in range(3):
            answer = post(server, large)
            assert answer.status_code == 503
            assert int(answer.headers["Retry-After"]) > 0
            assert str(path) not in answer.text
        assert [event.body for event in events(server)] == [task(1)]
        disk.make_room()
        assert post(server, large).status_code == 200
        assert [event.body for event in events(server)] == [task(1), large]
