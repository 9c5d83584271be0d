"""The session alone: what it sends, what it repeats, what it gives up on, what it hides."""

from __future__ import annotations

import time
from decimal import Decimal
from typing import TYPE_CHECKING, Any

import pytest

from tap_insightly.api import (
    GaveUpError,
    InsightlySession,
    NotAvailableError,
    Pace,
    QuotaExhaustedError,
    RefusedError,
    pages,
)
from tap_insightly.api.auth import ApiKeyAuth
from tap_insightly.sandbox import Faults
from tests.conftest import ENCODED_KEY, KEY, new_sandbox, watch

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tap_insightly.sandbox import Sandbox


@pytest.fixture
def waits(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    """The waits between tries, without the waiting."""
    waits: list[float] = []
    monkeypatch.setattr(time, "sleep", waits.append)
    return waits


@pytest.fixture
def session(sandbox: Sandbox) -> Iterator[InsightlySession]:
    """A session with the sandbox that does not wait for its pace."""
    with new_session(sandbox) as session:
        yield session


def new_session(sandbox: Sandbox, **options: Any) -> InsightlySession:
    pace = Pace(10, sleep=lambda _: None)
    return InsightlySession(sandbox.api_url, KEY, pace=pace, **options)


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


@pytest.mark.parametrize("size", [1, 7, 60, 61, 500])
def test_pages_make_up_the_whole_list(
    session: InsightlySession, sandbox: Sandbox, size: int
) -> None:
    found = [r for answer in pages(session, "/Contacts", page_size=size) for r in answer.records]
    expected = sandbox.records("/Contacts")
    assert [r["CONTACT_ID"] for r in found] == [r["CONTACT_ID"] for r in expected]


def test_retry_after_is_honoured(
    session: InsightlySession, sandbox: Sandbox, waits: list[float]
) -> None:
    sandbox.faults = Faults(script=["429"], retry_after=17)
    session.get("/Users")
    assert waits == [17]


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
    with new_session(sandbox, max_retries=3) as session:
        with pytest.raises(GaveUpError, match=r"failed 4 times.*502"):
            session.get("/Users")
        assert session.requests == 4
    assert len(waits) == 3


@pytest.mark.usefixtures("waits")
def test_an_answer_that_hangs_is_given_up_after_the_timeout(sandbox: Sandbox) -> None:
    sandbox.faults = Faults(hang_rate=1, hang_seconds=5)
    with (
        new_session(sandbox, max_retries=0, request_timeout=0.2) as session,
        pytest.raises(GaveUpError, match=r"no answer within 0.2 seconds \(request_timeout\)"),
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
    sandbox.faults = Faults(daily_quota=50)
    with new_session(sandbox) as session:
        session.get("/Users")
        session.get("/Teams")
        assert session.requests == 2
        assert session.quota.limit == 50
        assert session.quota.remaining == 48


def test_the_key_is_in_no_text_about_the_session(session: InsightlySession) -> None:
    texts = [repr(session), repr(vars(session)["_auth"]), repr(ApiKeyAuth(KEY))]
    assert not any(KEY in text for text in texts)
