"""Sending: what may be done twice is sent again, what must not be is never done twice."""

from __future__ import annotations

import socket
from typing import TYPE_CHECKING, Any

import pytest

from tap_insightly.api import (
    InsightlyError,
    InvalidError,
    NotAvailableError,
    QuotaExhaustedError,
    RefusedError,
    Request,
    RetriesExhaustedError,
    UnknownOutcomeError,
)
from tests.api.conftest import asked, new_session
from tests.conftest import KEY, new_sandbox, watch

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tap_insightly.api import InsightlySession
    from tap_insightly.sandbox import Sandbox

ADA = {"FIRST_NAME": "Ada"}
POST = Request.with_json("POST", "/Contacts", ADA)
# All that leaves open whether the request was done; the sandbox has done it for the first four.
LOST = ["lost", "lost-500", "lost-hang", "truncate", "reset", "500", "502", "503", "hang", "html"]
IS_DONE = {"lost", "lost-500", "lost-hang", "truncate"}


@pytest.fixture
def session(sandbox: Sandbox) -> Iterator[InsightlySession]:
    """A session that does not wait, and has asked for nothing yet."""
    sandbox.faults.hang_seconds = 30
    with new_session(sandbox, request_timeout=2) as session:
        yield session


@pytest.fixture
def contact_id(sandbox: Sandbox) -> int:
    return int(sandbox.records("/Contacts")[0]["CONTACT_ID"])


def test_a_post_that_was_refused_for_its_pace_is_sent_again(
    session: InsightlySession, sandbox: Sandbox
) -> None:
    sandbox.faults.script = ["429", "429"]
    assert session.send(POST).status == 201
    assert asked(sandbox) == ["POST /Contacts"] * 3
    assert sandbox.count("/Contacts") == 61


@pytest.mark.parametrize("fault", LOST)
def test_a_post_that_may_have_been_done_is_not_sent_again(
    session: InsightlySession, sandbox: Sandbox, fault: str
) -> None:
    sandbox.faults.script = ["429", fault]
    with pytest.raises(UnknownOutcomeError):
        session.send(POST)
    assert asked(sandbox) == ["POST /Contacts"] * 2
    assert sandbox.count("/Contacts") == 60 + (fault in IS_DONE)


@pytest.mark.parametrize("fault", ["429", *LOST])
def test_a_put_is_sent_again(
    session: InsightlySession, sandbox: Sandbox, contact_id: int, fault: str
) -> None:
    sandbox.faults.script = [fault]
    session.send(Request.with_json("PUT", "/Contacts", {"CONTACT_ID": contact_id, **ADA}))
    assert asked(sandbox) == ["PUT /Contacts"] * 2
    assert sandbox.records("/Contacts")[0]["FIRST_NAME"] == "Ada"


@pytest.mark.parametrize("fault", ["429", *LOST])
def test_a_delete_is_sent_again_and_done_if_nothing_is_left_to_delete(
    session: InsightlySession, sandbox: Sandbox, contact_id: int, fault: str
) -> None:
    sandbox.faults.script = [fault]
    answer = session.send(Request("DELETE", f"/Contacts/{contact_id}"))
    assert answer.status == 202
    assert asked(sandbox) == [f"DELETE /Contacts/{contact_id}"] * 2
    assert sandbox.count("/Contacts") == 59


@pytest.mark.parametrize("script", [[], ["429"], ["429", "429"]])
def test_a_delete_that_finds_nothing_by_itself_is_an_error(
    session: InsightlySession, sandbox: Sandbox, script: list[str]
) -> None:
    sandbox.faults.script = script
    with pytest.raises(NotAvailableError, match=r"DELETE /Contacts/1 cannot be done \(404\)"):
        session.send(Request("DELETE", "/Contacts/1"))


@pytest.mark.parametrize("fault", ["reset", "lost"])
def test_a_delete_that_may_not_be_done_is_an_error_whatever_the_try_before_was(
    session: InsightlySession, sandbox: Sandbox, contact_id: int, fault: str
) -> None:
    """That there is nothing to delete shows that it was done; that it may not be, shows nothing."""
    sandbox.faults.script = [fault, "403"]
    with pytest.raises(NotAvailableError, match=r"cannot be done \(403\)"):
        session.send(Request("DELETE", f"/Contacts/{contact_id}"))


def put(contact_id: int, etag: str | None, **fields: Any) -> Request:
    content = {"CONTACT_ID": contact_id, **ADA, **fields}
    return Request.with_json("PUT", "/Contacts", content, if_match=etag)


@pytest.mark.parametrize("fault", ["lost", "lost-500", "truncate"])
def test_whether_a_lost_try_has_changed_the_version_itself_is_not_known(
    session: InsightlySession, sandbox: Sandbox, contact_id: int, fault: str
) -> None:
    etag = session.get(f"/Contacts/{contact_id}").etag
    sandbox.faults.script = [fault]
    with pytest.raises(UnknownOutcomeError, match="Look at what is there"):
        session.send(put(contact_id, etag))


@pytest.mark.parametrize("fault", ["reset", "500", "429", "html"])
def test_a_version_is_still_the_same_if_the_try_before_did_nothing(
    session: InsightlySession, sandbox: Sandbox, contact_id: int, fault: str
) -> None:
    etag = session.get(f"/Contacts/{contact_id}").etag
    sandbox.faults.script = [fault]
    assert session.send(put(contact_id, etag)).records[0]["FIRST_NAME"] == "Ada"


@pytest.mark.parametrize("script", [[], ["429"]])
def test_another_version_is_refused_with_both_reasons_that_there_can_be(
    session: InsightlySession, sandbox: Sandbox, contact_id: int, script: list[str]
) -> None:
    sandbox.faults.script = script
    with pytest.raises(InvalidError, match=r"the record was changed since.*, or the data is not"):
        session.send(put(contact_id, '"old"'))


def closed_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        return int(listener.getsockname()[1])


def test_a_post_is_sent_again_if_there_was_no_connection(sandbox: Sandbox) -> None:
    waits = 0
    port = int(sandbox.api_url.split(":")[2].split("/")[0])

    def wait(_: float) -> None:
        nonlocal waits
        waits += 1
        if waits == 2:
            sandbox.start(port=port)

    sandbox.stop()
    with new_session(sandbox, sleep=wait) as session:
        assert session.send(POST).status == 201
    assert (waits, asked(sandbox)) == (2, ["POST /Contacts"])


def test_a_connection_that_was_closed_meanwhile_is_made_anew(
    session: InsightlySession, sandbox: Sandbox
) -> None:
    session.get("/Instance")
    port = int(sandbox.api_url.split(":")[2].split("/")[0])
    sandbox.stop()
    sandbox.start(port=port)
    assert session.send(POST).status == 201
    assert asked(sandbox, "POST") == ["POST /Contacts"]


@pytest.mark.parametrize("is_proxy", [False, True])
def test_a_post_without_a_connection_is_given_up_as_not_done(
    sandbox: Sandbox, monkeypatch: pytest.MonkeyPatch, *, is_proxy: bool
) -> None:
    nowhere = f"http://127.0.0.1:{closed_port()}"
    if is_proxy:
        monkeypatch.setenv("http_proxy", nowhere)
        monkeypatch.setenv("no_proxy", "")
    else:
        sandbox.api_url = f"{nowhere}/v3.1"
    told = r"POST \S+/v3.1/Contacts failed 3 times, .*refused.* Nothing was done\. "
    with (
        new_session(sandbox, max_retries=2) as session,
        pytest.raises(RetriesExhaustedError, match=told) as raised,
    ):
        session.send(POST)
    assert ("the proxy" in str(raised.value)) == is_proxy
    assert asked(sandbox) == []


@pytest.mark.parametrize(
    ("script", "outcome"),
    [
        (["429"] * 3, "Nothing was done."),
        (["429", "503", "429"], "It may have been done."),
        (["reset"] * 3, "It may have been done."),
    ],
)
def test_a_put_that_is_given_up_tells_whether_it_may_have_been_done(
    sandbox: Sandbox, contact_id: int, script: list[str], outcome: str
) -> None:
    sandbox.faults.script = script
    with (
        new_session(sandbox, max_retries=2) as session,
        pytest.raises(RetriesExhaustedError, match=r"PUT .*/Contacts failed 3 times") as raised,
    ):
        session.send(put(contact_id, None))
    assert f". {outcome} Check the network and Insightly's status" in str(raised.value)


@pytest.mark.parametrize(
    ("fault", "reason"),
    [
        ("lost", "Connection reset by peer."),
        ("lost-hang", r"no answer within 2 seconds \(request_timeout\)."),
        ("502", "502 Bad Gateway."),
        ("html", r"the answer is not JSON \(text/html\): "),
    ],
)
def test_an_unknown_outcome_is_told_with_method_address_reason_and_what_to_do(
    session: InsightlySession, sandbox: Sandbox, fault: str, reason: str
) -> None:
    sandbox.faults.script = [fault]
    told = (
        rf"^POST {sandbox.api_url}/Contacts may have been done, or not: .*{reason}.*"
        r" Look at what is there before you do it again\.$"
    )
    with pytest.raises(UnknownOutcomeError, match=told):
        session.send(POST)


def test_a_post_that_shall_wait_too_long_may_have_been_done(
    session: InsightlySession, sandbox: Sandbox
) -> None:
    sandbox.faults.script, sandbox.faults.retry_after = ["503"], 3600
    with pytest.raises(UnknownOutcomeError, match=r"3,600 seconds"):
        session.send(POST)


@pytest.mark.parametrize("method", ["POST", "PUT", "DELETE"])
def test_an_answer_to_a_write_may_be_empty(
    session: InsightlySession, sandbox: Sandbox, method: str
) -> None:
    sandbox.faults.body = b" "
    answer = session.send(Request.with_json(method, "/Contacts/1", ADA))
    assert (answer.status, answer.data) == (200, None)
    assert len(asked(sandbox)) == 1


def test_an_answer_to_a_write_may_be_a_plain_value(
    session: InsightlySession, sandbox: Sandbox
) -> None:
    sandbox.faults.body = b"true"
    assert session.send(POST).data is True
    with pytest.raises(RetriesExhaustedError, match="true or false where a list belongs"):
        session.get("/Contacts")


def test_a_file_is_asked_for_as_it_is(session: InsightlySession, sandbox: Sandbox) -> None:
    sandbox.faults.body = b"%PDF-1.7"
    answer = session.send(Request("GET", "/FileAttachments/1", is_json=False))
    assert answer.body == b"%PDF-1.7"


@pytest.mark.parametrize("status", ["301", "302", "307", "308"])
@pytest.mark.parametrize("method", ["POST", "PUT", "DELETE"])
def test_a_write_is_not_sent_to_another_address(
    session: InsightlySession, sandbox: Sandbox, method: str, status: str
) -> None:
    with new_sandbox(records=1).serve() as elsewhere:
        sandbox.faults.script, sandbox.faults.location = [status], elsewhere.api_url
        with pytest.raises(
            RefusedError, match=f"{method} .* was redirected to {elsewhere.api_url}"
        ):
            session.send(Request.with_json(method, "/Contacts/1", ADA))
        assert elsewhere.requests == []


@pytest.mark.parametrize("status", ["400", "402", "403", "404", "405", "409", "417"])
def test_a_refusal_is_not_tried_again_and_tells_method_and_status(
    session: InsightlySession, sandbox: Sandbox, status: str
) -> None:
    sandbox.faults.script = [status]
    with pytest.raises(InsightlyError, match=rf"POST .*/Contacts .*{status}") as raised:
        session.send(POST)
    assert asked(sandbox) == ["POST /Contacts"]
    assert getattr(raised.value, "status", None) == int(status)


def test_what_a_server_says_of_a_write_is_told_without_the_key(
    session: InsightlySession, sandbox: Sandbox
) -> None:
    sandbox.faults.script = ["400"]
    sandbox.faults.body = f'{{"Message": "{KEY} must not write"}}'.encode()
    with pytest.raises(InvalidError, match=r"\*\*\* must not write") as raised:
        session.send(POST)
    watch(repr(raised.value))


def test_a_write_is_not_sent_with_nothing_left_today(
    session: InsightlySession, sandbox: Sandbox
) -> None:
    sandbox.faults.daily_quota = 1
    session.get("/Instance")
    with pytest.raises(QuotaExhaustedError):
        session.send(POST)
    assert sandbox.count("/Contacts") == 60


def test_retries_and_requests_of_writes_are_counted(
    session: InsightlySession, sandbox: Sandbox, contact_id: int
) -> None:
    sandbox.faults.script = ["503", "ok", "429", "ok"]
    session.send(put(contact_id, None))
    session.send(POST)
    assert (session.stats.requests, session.stats.retries) == (4, 2)
