"""Addresses and commands that are told of events: what counts as taken, and what is never shown."""

from __future__ import annotations

import socket
import sys
import threading
from contextlib import closing, suppress
from pathlib import Path

import pytest

from tap_insightly.webhooks.targets import (
    CommandTarget,
    HandOnError,
    InvalidTargetError,
    UrlTarget,
)
from tests.scripted import Peer, Scripted, answer
from tests.webhooks.listening import listening

EVENT = b'{"id":1}'
USER, PASSWORD, TOKEN = "hook-user", "s3cret-word", "t0ken-in-path"
SECRETS = (USER, PASSWORD, TOKEN, "query-secret")


def told(url: str, seconds: float = 30) -> str:
    """What an address that does not take an event is told of; nothing secret is in it."""
    with UrlTarget(url, seconds) as target:
        with pytest.raises(HandOnError) as error:
            target.hand_on(EVENT, "key")
        shown = f"{error.value}{target.shown}{target.name}{error.value.__cause__}"
    assert not any(secret in shown for secret in SECRETS)
    return str(error.value)


def secret_url(address: str) -> str:
    return f"http://{USER}:{PASSWORD}@{address}/{TOKEN}?q=query-secret"


@pytest.mark.parametrize("status", [200, 201, 202, 204])
def test_any_2xx_takes_an_event(status: int) -> None:
    with listening() as listener:
        listener.on_post = lambda _: status
        with UrlTarget(listener.url + "run?x=1", 30) as target:
            target.hand_on(EVENT, "store-7")
            target.hand_on(EVENT, "store-7")
    assert len(listener.posts) == 2
    path, headers, content = listener.posts[0]
    assert (path, content) == ("/run?x=1", {"id": 1})
    assert headers["Content-Type"] == "application/json"
    assert headers["Idempotency-Key"] == "store-7"


def test_credentials_of_an_address_are_sent_as_basic() -> None:
    with listening() as listener:
        host = listener.url.split("/")[2]
        with UrlTarget(secret_url(host), 30) as target:
            target.hand_on(EVENT, "key")
            assert target.shown == f"http://{host}"
    _, headers, _ = listener.posts[0]
    assert headers["Authorization"].startswith("Basic ")


@pytest.mark.parametrize("status", [300, 301, 302, 303, 304, 307, 308])
def test_redirects_are_not_followed(status: int) -> None:
    with listening() as listener:
        listener.on_post = lambda _: status
        said = told(listener.url)
        assert len(listener.posts) == 1
    assert said == (f"answered {status}, which leads elsewhere: give the address that it leads to")


@pytest.mark.parametrize("status", [400, 401, 403, 404, 408, 409, 410, 429, 500, 503])
def test_anything_else_does_not_take_it(status: int) -> None:
    with listening() as listener:
        listener.on_post = lambda _: status
        assert told(secret_url(listener.url.split("/")[2])) == f"answered {status}"


def hang(peer: Peer) -> None:
    peer.wait_for_the_end()


def drip(peer: Peer) -> None:
    """Send a header that never ends, a byte at a time: no pause is too long."""
    pause = threading.Event()
    peer.send(b"HTTP/1.1 200 OK\r\nX-Long: ")
    while not pause.wait(0.02):
        peer.send(b"x")


def hang_up(peer: Peer) -> None:
    peer.connection.close()


@pytest.mark.parametrize(
    ("deed", "expected"),
    [
        (hang, "did not answer within 0.3 seconds"),
        (drip, "did not answer within 0.3 seconds"),
        (hang_up, "could not be reached: Remote end closed connection without response"),
        (answer(b"", status="nonsense"), "could not be reached: "),
    ],
)
def test_what_is_no_answer_does_not_take_it(deed: object, expected: str) -> None:
    with Scripted([deed]).serve() as server:  # type: ignore[list-item]
        said = told(secret_url(server.api_url.split("/")[2]), 0.3 if "0.3" in expected else 30)
    assert said.startswith(expected)


def test_an_answer_that_goes_on_for_ever_has_taken_it() -> None:
    def flood(peer: Peer) -> None:
        peer.send(b"HTTP/1.1 200 OK\r\n\r\n")
        while True:
            peer.send(b"x" * 65536)

    with Scripted([flood]).serve() as server, UrlTarget(server.api_url, 30) as target:
        target.hand_on(EVENT, "key")


def test_nobody_there_is_said() -> None:
    with closing(socket.create_server(("127.0.0.1", 0))) as server:
        port = server.getsockname()[1]
    assert "Connection refused" in told(secret_url(f"127.0.0.1:{port}"))


@pytest.mark.parametrize(
    "url",
    [
        "",
        "example.com",
        "ftp://example.com",
        "http://",
        "http://a:b@",
        "http://x:99999/",
        "http://[/",
        "https://example.com/\nx",
        "https://example.com/a b",
        "//example.com",
    ],
)
def test_what_is_no_address_is_refused_without_being_shown(url: str) -> None:
    with pytest.raises(InvalidTargetError) as error:
        UrlTarget(url, 30)
    assert str(error.value) == "The address must be one of http:// or https://, with a host."


def test_two_addresses_have_two_names() -> None:
    urls = ["https://example.com/a", "https://example.com/b", "https://example.org/a"]
    names = [UrlTarget(url, 30).name for url in urls]
    assert len(set(names)) == 3
    assert names == [UrlTarget(url, 30).name for url in urls]
    assert names[0].startswith("example.com-")


def python(code: str) -> str:
    return f"'{sys.executable}' -c '{code}'"


def test_a_command_gets_an_event_on_standard_input(tmp_path: Path) -> None:
    file = tmp_path / "seen.jsonl"
    code = (
        "import os, sys;"
        f'open("{file}", "a").write(os.environ["INSIGHTLY_EVENT_KEY"] + sys.stdin.read())'
    )
    with CommandTarget(python(code), 30) as target:
        target.hand_on(EVENT, "store-7 ")
    assert file.read_text() == f"store-7 {EVENT.decode()}\n"


@pytest.mark.parametrize(
    ("code", "expected"),
    [
        ("exit(3)", "ended with exit code 3"),
        ("import os; os.kill(os.getpid(), 9)", "was ended by signal 9"),
        ("import time; time.sleep(600)", "took longer than 0.5 seconds"),
    ],
)
def test_a_command_that_fails_does_not_take_it(code: str, expected: str) -> None:
    with CommandTarget(python(code), 0.5 if "0.5" in expected else 30) as target:
        with pytest.raises(HandOnError) as error:
            target.hand_on(EVENT, "key")
        assert str(error.value) == expected


def test_what_a_command_has_started_ends_with_it(tmp_path: Path) -> None:
    file = tmp_path / "pid"
    code = (
        "import os, subprocess, sys, time;"
        f'one = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(600)"]);'
        f'open("{file}", "w").write(str(one.pid)); one.wait()'
    )
    with CommandTarget(python(code), 2) as target, pytest.raises(HandOnError):
        target.hand_on(EVENT, "key")
    process = Path("/proc") / file.read_text()
    with suppress(FileNotFoundError):
        while " Z " not in (process / "stat").read_text():
            pass  # it is on its way


def test_a_command_need_not_read() -> None:
    with CommandTarget("true", 30) as target:
        target.hand_on(b"x" * 1_000_000, "key")


@pytest.mark.parametrize("command", ["", "no-such-program-here x", "'unclosed"])
def test_a_command_that_is_none_is_refused(command: str) -> None:
    with pytest.raises(InvalidTargetError):
        CommandTarget(command, 30)
