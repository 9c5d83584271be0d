"""How much of an answer is taken in, and what becomes of one that is too large or too late."""

from __future__ import annotations

import gzip
import socket
import struct
import threading
import tracemalloc
from typing import TYPE_CHECKING

import pytest
import requests
from urllib3.exceptions import ConnectTimeoutError, MaxRetryError

from tap_insightly.api import ClosedError, InsightlySession, RefusedError, RetriesExhaustedError
from tap_insightly.api.http.download import BEGINNING, PIECE
from tap_insightly.api.http.errors import PageTooLargeError
from tap_insightly.api.http.transport import took_too_long
from tests.scripted import Peer, answer, session_with

if TYPE_CHECKING:
    from collections.abc import Callable

PAGE = b'[{"CONTACT_ID": 1}]'
good = answer(PAGE)


def without_end(peer: Peer) -> None:
    peer.send(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n")
    while True:
        peer.send(b"400\r\n" + b" " * 1024 + b"\r\n")


def never(peer: Peer) -> None:
    peer.wait_for_the_end()


def pausing(peer: Peer) -> None:
    answer(PAGE[:5], length=len(PAGE))(peer)
    peer.wait_for_the_end()


def resetting(peer: Peer) -> None:
    answer(PAGE[:5], length=len(PAGE))(peer)
    peer.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))


def test_a_page_of_just_the_size_is_taken() -> None:
    with session_with(good) as (session, _):
        assert session.get("/Contacts", largest=len(PAGE)).body == PAGE


def test_a_page_that_is_too_large_by_its_length_is_not_begun() -> None:
    def begin(peer: Peer) -> None:
        answer(b"[", length=10**9)(peer)
        peer.wait_for_the_end()

    with session_with(begin) as (session, server):
        with pytest.raises(PageTooLargeError, match=r"/Contacts .* 1,000,000,000 bytes") as raised:
            session.get("/Contacts", largest=1000)
        assert server.done.acquire(timeout=10), "the connection is closed"
        assert len(server.asked) == 1
    assert raised.value.size == 10**9


def test_a_page_that_turns_out_too_large_is_given_up_at_once() -> None:
    with session_with(without_end) as (session, server):
        with pytest.raises(PageTooLargeError) as raised:
            session.get("/Contacts", largest=100_000)
        assert server.done.acquire(timeout=10), "the connection is closed"
        assert len(server.asked) == 1
    assert raised.value.size is not None
    assert 100_000 < raised.value.size <= 100_000 + PIECE


def test_the_size_is_that_of_what_is_unpacked() -> None:
    packed = gzip.compress(b"[" + b" " * 50_000 + b"]")
    assert len(packed) < 1000
    with session_with(answer(packed, "Content-Encoding: gzip")) as (session, _):
        with pytest.raises(PageTooLargeError) as raised:
            session.get("/Contacts", largest=10_000)
        assert raised.value.size is not None
        assert raised.value.size > 10_000
        assert session.get("/Contacts", largest=50_002).records == []


def test_without_a_largest_size_any_is_taken() -> None:
    with session_with(answer(b"[" + b" " * 10**6 + b"]")) as (session, _):
        assert session.get("/Contacts").records == []


@pytest.mark.parametrize("late", [never, pausing])
def test_a_page_that_takes_too_long_is_not_asked_for_again(late: Callable[[Peer], None]) -> None:
    with session_with(late, good, request_timeout=1) as (session, server):
        with pytest.raises(
            PageTooLargeError, match=r"within 1 seconds \(request_timeout\)"
        ) as raised:
            session.get("/Contacts", largest=1000)
        assert raised.value.size is None
        assert len(server.asked) == 1


@pytest.mark.parametrize("late", [never, pausing])
def test_anything_else_that_takes_too_long_is_asked_for_again(
    late: Callable[[Peer], None],
) -> None:
    with session_with(late, good, request_timeout=1) as (session, server):
        assert session.get("/Contacts").body == PAGE
        assert len(server.asked) == 2


def test_a_connection_that_does_not_come_about_in_time_says_nothing_of_a_page() -> None:
    inner = MaxRetryError(None, "", ConnectTimeoutError("too late"))  # type: ignore[arg-type]
    assert not took_too_long(requests.ConnectTimeout(inner))


@pytest.mark.parametrize("largest", [None, 1000])
@pytest.mark.parametrize(
    "broken",
    [
        resetting,
        answer(PAGE[:5], length=len(PAGE)),
        answer(PAGE[:5]),
        answer(b"5\r\n[{", "Transfer-Encoding: chunked"),
        answer(b"not gzip", "Content-Encoding: gzip"),
        answer(gzip.compress(PAGE)[:-12], "Content-Encoding: gzip"),
    ],
    ids=["reset", "ends early", "cut", "cut chunk", "bad gzip", "cut gzip"],
)
def test_an_answer_that_breaks_off_is_asked_for_again(
    broken: Callable[[Peer], None], largest: int | None
) -> None:
    with session_with(broken, good) as (session, server):
        assert session.get("/Contacts", largest=largest).body == PAGE
        assert len(server.asked) == 2


@pytest.mark.parametrize(
    ("deed", "said"),
    [
        (answer(b"Too bad. " + b"x" * 2 * BEGINNING, status="400 Bad Request"), "Too bad"),
        (answer(b"Too bad.", status="400 Bad Request", length=100), "400 Bad Request"),
    ],
)
def test_an_error_is_told_whatever_its_size_and_its_end(
    deed: Callable[[Peer], None], said: str
) -> None:
    with session_with(deed) as (session, _), pytest.raises(RefusedError, match=said):
        session.get("/Contacts", largest=10)


def test_an_error_without_end_is_not_read_to_its_end() -> None:
    def failing(peer: Peer) -> None:
        peer.send(b"HTTP/1.1 500 Oops\r\n\r\n")
        while True:
            peer.send(b"x" * 1024)

    with session_with(failing, max_retries=0) as (session, server):
        with pytest.raises(RetriesExhaustedError, match="500"):
            session.get("/Contacts")
        assert server.done.acquire(timeout=10)


def test_closing_ends_the_reading_of_a_body() -> None:
    is_begun = threading.Event()

    def begin(peer: Peer) -> None:
        pausing_body = answer(PAGE[:5], length=len(PAGE))
        pausing_body(peer)
        is_begun.set()
        peer.wait_for_the_end()

    with session_with(begin) as (session, _):
        ends: list[Exception] = []

        def ask(session: InsightlySession) -> None:
            try:
                session.get("/Contacts", largest=1000)
            except ClosedError as error:
                ends.append(error)

        thread = threading.Thread(target=ask, args=(session,))
        thread.start()
        assert is_begun.wait(10)
        session.close()
        thread.join(10)
        assert not thread.is_alive()
        assert len(ends) == 1


def test_a_body_is_held_once_and_one_that_was_too_large_not_at_all() -> None:
    size = 20 * 2**20
    deed = answer(b"[" + b" " * size + b"]")
    with session_with(deed) as (session, _):
        tracemalloc.start()
        try:
            before, _peak = tracemalloc.get_traced_memory()
            with pytest.raises(PageTooLargeError) as raised:
                session.get("/Contacts", largest=size)
            assert raised.value.__traceback__ is not None
            assert tracemalloc.get_traced_memory()[0] - before < 2**20
            tracemalloc.reset_peak()
            found = session.get("/Contacts")
            assert len(found.body) == size + 2
            assert tracemalloc.get_traced_memory()[1] - before < 1.5 * size
        finally:
            tracemalloc.stop()
