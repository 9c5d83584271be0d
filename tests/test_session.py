"""The session alone: what it sends, what it repeats, what it gives up on, what it hides."""

from __future__ import annotations

import threading
import time
from decimal import Decimal
from typing import TYPE_CHECKING, Any

import pytest

from tap_insightly.api import (
    ClosedError,
    InsightlySession,
    NotAvailableError,
    QuotaExhaustedError,
    RefusedError,
    RequestStats,
    RetriesExhaustedError,
)
from tap_insightly.api.http.auth import ApiKeyAuth
from tap_insightly.sandbox import Faults
from tests.conftest import ENCODED_KEY, KEY, new_sandbox, watch

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tap_insightly.sandbox import Sandbox


@pytest.fixture
def waits() -> list[float]:
    """The waits between tries, without the waiting."""
    return []


@pytest.fixture
def session(sandbox: Sandbox, waits: list[float]) -> Iterator[InsightlySession]:
    """A session with the sandbox that does not wait between tries."""
    with new_session(sandbox, sleep=waits.append) as session:
        yield session


def new_session(sandbox: Sandbox, **options: Any) -> InsightlySession:
    options.setdefault("sleep", lambda _: None)
    return InsightlySession(sandbox.api_url, KEY, requests_per_second=100, **options)


def test_an_answer_has_data_and_the_servers_time(session: InsightlySession) -> None:
    answer = session.get("/Contacts", {"top": "3"})
    assert len(answer.records) == 3
    assert answer.date is not None
    assert answer.date.tzinfo is not None


@pytest.mark.parametrize(
    ("body", "text"),
    [
        (rb'"cut \ud83d"', "cut \ufffd"),
        (rb'"\ude00 cut"', "\ufffd cut"),
        (rb'"\ud83d\ud83d\ude00"', "\ufffd\U0001f600"),
        (rb'"\ud83d \\ud83d \\\ud83d"', "\ufffd \\ud83d \\\ufffd"),
        (b'"caf\xc3\xa9 caf\xe9 \xf0\x9f"', "café caf\ufffd \ufffd"),
    ],
)
def test_half_a_character_ends_no_sync(
    session: InsightlySession, sandbox: Sandbox, body: bytes, text: str
) -> None:
    sandbox.faults = Faults(body=b'[{"NAME": ' + body + b', "PRICE": 0.10}]')
    (record,) = session.get("/Contacts").records
    assert record == {"NAME": text, "PRICE": Decimal("0.10")}


def test_one_object_is_a_list_of_one(session: InsightlySession) -> None:
    assert len(session.get("/Instance").records) == 1


@pytest.mark.parametrize("status", ["429", "503"])
def test_retry_after_is_honoured_by_all(
    session: InsightlySession, sandbox: Sandbox, status: str
) -> None:
    sandbox.faults = Faults(script=[status], retry_after=0.2)
    session.get("/Users")
    sandbox.faults = Faults(script=[status], retry_after=300)
    held: list[float] = []
    session.rate_limiter.adaptive_rate.pause_until = held.append  # type: ignore[method-assign]
    session.get("/Users")
    assert held[0] > time.monotonic() + 200


def test_a_wait_that_is_too_long_is_an_error_that_says_so(
    session: InsightlySession, sandbox: Sandbox
) -> None:
    sandbox.faults = Faults(script=["503"], retry_after=3600)
    with pytest.raises(
        RetriesExhaustedError, match=r"left alone for 3,600 seconds \(Retry-After\)"
    ):
        session.get("/Users")


def test_waits_grow_with_jitter(
    session: InsightlySession, sandbox: Sandbox, waits: list[float]
) -> None:
    sandbox.faults = Faults(script=["503"] * 8)
    session.get("/Users")
    assert len(waits) == 8
    assert all(0 <= wait <= min(60, 2**n) for n, wait in enumerate(waits))
    assert len(set(waits)) == 8


def test_it_gives_up_after_the_last_try(sandbox: Sandbox, waits: list[float]) -> None:
    sandbox.faults = Faults(script=["502"] * 9)
    with new_session(sandbox, max_retries=3, sleep=waits.append) as session:
        with pytest.raises(RetriesExhaustedError, match=r"failed 4 times.*502"):
            session.get("/Users")
        assert session.stats.requests == 4
    assert len(waits) == 3


def test_an_answer_that_hangs_is_given_up_after_the_timeout(sandbox: Sandbox) -> None:
    sandbox.faults = Faults(hang_rate=1, hang_seconds=5)
    with (
        new_session(sandbox, max_retries=0, request_timeout=0.2) as session,
        pytest.raises(
            RetriesExhaustedError, match=r"no answer within 0.2 seconds \(request_timeout\)"
        ),
    ):
        session.get("/Users")


def test_other_refusals_are_not_repeated(session: InsightlySession, sandbox: Sandbox) -> None:
    sandbox.requests.clear()
    with pytest.raises(RefusedError, match="was refused: 400"):
        session.get("/Contacts/Search", {"updated_after_utc": "yesterday"})
    with pytest.raises(NotAvailableError):
        session.get("/Contact")
    assert len(sandbox.requests) == 2


def test_the_key_goes_to_no_other_address(session: InsightlySession, sandbox: Sandbox) -> None:
    with new_sandbox(records=1).serve() as elsewhere:
        where = f"{elsewhere.api_url}/Users?key={KEY}"
        sandbox.faults = Faults(script=["302"], location=where)
        with pytest.raises(RefusedError, match=r"was redirected to .*/Users\?key=\*\*\*") as raised:
            session.get("/Users")
        watch(str(raised.value))
        assert elsewhere.requests == []


def test_what_a_server_says_is_told_without_the_key(
    session: InsightlySession, sandbox: Sandbox
) -> None:
    body = f"no user {KEY}, or {ENCODED_KEY}".encode()
    sandbox.faults = Faults(script=["400"], body=b'{"Message": "' + body + b'"}')
    with pytest.raises(RefusedError, match=r"no user \*\*\*, or \*\*\*"):
        session.get("/Users")


def test_a_429_with_nothing_left_today_is_not_tried_again(
    session: InsightlySession, sandbox: Sandbox, waits: list[float]
) -> None:
    sandbox.requests.clear()
    sandbox.faults = Faults(daily_quota=0)
    with pytest.raises(QuotaExhaustedError):
        session.get("/Users")
    assert len(sandbox.requests) == 1
    assert waits == []


def test_requests_are_counted_and_so_is_the_quota(sandbox: Sandbox) -> None:
    sandbox.faults = Faults(daily_quota=50, script=["ok", "429", "ok", "503"])
    with new_session(sandbox) as session:
        part = RequestStats(session.stats)
        session.get("/Users", stats=part)
        session.get("/Teams", stats=part)
        session.get("/Notes")
        assert (part.requests, part.retries, part.refused) == (3, 1, 1)
        assert (session.stats.requests, session.stats.retries) == (5, 2)
        assert session.quota.limit == 50
        assert session.quota.remaining == 45
        assert [status for _, status in part.timings()] == [200, 429, 200]
        assert part.timings() == [], "each is told once"


def test_the_key_is_in_no_text_about_the_session(session: InsightlySession) -> None:
    texts = [repr(session), repr(vars(session)["_auth"]), repr(ApiKeyAuth(KEY))]
    assert not any(KEY in text for text in texts)


@pytest.mark.parametrize("what", ["hang", "slow retry"])
def test_closing_ends_what_waits_in_other_threads(sandbox: Sandbox, what: str) -> None:
    """For an answer that does not come, and between two tries."""
    is_asked = threading.Event()
    sandbox.on_request = lambda _: is_asked.set()
    sandbox.faults = Faults(hang_rate=1, hang_seconds=30)
    if what == "slow retry":
        sandbox.faults = Faults(error_rate=1)
    session = InsightlySession(sandbox.api_url, KEY, requests_per_second=100, max_retries=100)
    ends: list[Exception] = []

    def ask() -> None:
        try:
            session.get("/Users")
        except ClosedError as error:
            ends.append(error)

    thread = threading.Thread(target=ask)
    thread.start()
    assert is_asked.wait(60)
    session.close()
    thread.join(60)
    assert not thread.is_alive()
    assert len(ends) == 1
