"""What a server says of an error reaches the person who runs the tap, and the key does not."""

from __future__ import annotations

import base64
import re
from typing import TYPE_CHECKING

import pytest

from tap_insightly.api import (
    AuthenticationError,
    InsightlyError,
    NotAvailableError,
    RefusedError,
    Request,
    RetriesExhaustedError,
    UnknownOutcomeError,
)
from tap_insightly.api.http.server_text import LONGEST, as_sentence, server_message
from tests.conftest import ENCODED_KEY, KEY, watch
from tests.scripted import answer, session_with

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.scripted import Peer

DENIED = "Authorization has been denied for this request."
PAGE = b"""<!DOCTYPE html><html><head><style>p {}</style><title> No\n Access </title></head>
<body><script>alert(1)</script><p>There is more here.</p></body></html>"""


@pytest.mark.parametrize(
    ("content", "reason", "said"),
    [
        (b"", "Lead Not Found", "Lead Not Found"),
        (b"", "Not Found", ""),
        (b"", "NOT FOUND", ""),
        (b"", "", ""),
        (b"", None, ""),
        (b'{"Message": "No lead."}', "Not Found", "No lead."),
        (b'{"message": "No lead."}', None, "No lead."),
        (b'{"MESSAGE": "No lead.", "MessageDetail": 7}', None, 'No lead. {"MessageDetail":7}'),
        (b'{"Message": null}', None, '{"Message": null}'),
        (b'{"Message": "Not Found"}', "Not Found", ""),
        (b'{"error": "no lead"}', None, '{"error": "no lead"}'),
        (b'"No lead"', "Not Found", "No lead"),
        (b'"Not found."', "Not Found", ""),
        (b'\xef\xbb\xbf"No lead"', "Not Found", "No lead"),
        (b"No\r\n  lead", "Not Found", "No lead"),
        (b"No lead", "Lead Not Found", "Lead Not Found: No lead"),
        (b"Lead Not Found: 12", "Lead Not Found", "Lead Not Found: 12"),
        (PAGE, "Not Found", "No Access"),
        (b"<h1>404 Not Found</h1><hr>", "Not Found", ""),
        (b"<title>404 - Not Found</title><p>nginx", "Not Found", ""),
        (b"<p>You may <b>not</b>", "Not Found", "You may not"),
        (b"<p>Tom &amp; Ada", "Not Found", "Tom & Ada"),
        (b"<Error><Message>No lead</Message></Error>", "Not Found", "No lead"),
        (b"caf\xe9", "Not Found", "caf\ufffd"),
        (b"[1," * 100_000, "Not Found", "[1," * 100_000),
    ],
)
def test_words_are_taken_out_of_all_that_they_are_wrapped_in(
    content: bytes, reason: str | None, said: str
) -> None:
    assert server_message(content, 404, reason) == said


def test_a_status_that_nobody_knows_has_no_usual_words() -> None:
    assert server_message(b"", 599, "Not Found") == "Not Found"


def test_what_was_said_ends_as_a_sentence_does_and_is_no_longer_than_can_be_read() -> None:
    assert [as_sentence(text) for text in ("", "No", "No.", "No!", "Why?")] == [
        "",
        "No.",
        "No.",
        "No!",
        "Why?",
    ]
    assert as_sentence("x" * (LONGEST + 1)) == "x" * LONGEST + "..."


def refusal(deed: Callable[[Peer], None], method: str = "GET") -> InsightlyError:
    with session_with(deed, max_retries=1) as (session, _), pytest.raises(InsightlyError) as gone:
        session.send(Request(method, "/Contacts/1"))
    watch(str(gone.value))
    return gone.value


KINDS = {
    "400": RefusedError,
    "401": AuthenticationError,
    "402": RefusedError,
    "403": NotAvailableError,
    "404": NotAvailableError,
    "405": NotAvailableError,
    "408": RetriesExhaustedError,
    "409": RefusedError,
    "417": RefusedError,
    "418": RefusedError,
    "425": RetriesExhaustedError,
    "429": RetriesExhaustedError,
    "500": RetriesExhaustedError,
    "503": RetriesExhaustedError,
    "599": RetriesExhaustedError,
}


@pytest.mark.parametrize("status", KINDS)
@pytest.mark.parametrize("method", ["GET", "DELETE"])
def test_what_the_server_says_is_told_with_every_status(status: str, method: str) -> None:
    of_reason = refusal(answer(b"", status=f"{status} No Access to Data"), method)
    of_body = refusal(answer(b'{"Message": "No Access to Data"}', status=status), method)
    for error in (of_reason, of_body):
        assert isinstance(error, KINDS[status])
        assert "No Access to Data." in str(error)
        assert status in str(error)


@pytest.mark.parametrize("status", KINDS)
@pytest.mark.parametrize("secret", [KEY, ENCODED_KEY, ENCODED_KEY.rstrip("=")])
def test_the_key_is_told_with_no_status_however_it_is_said(status: str, secret: str) -> None:
    for deed in (
        answer(b"", status=f"{status} No {secret}"),
        answer(f'{{"Message": "No {secret}"}}'.encode(), status=status),
        answer(f'"{"x" * (LONGEST - len(secret) // 2)}{secret}"'.encode(), status=status),
        answer(f"<title>No {secret}</title>".encode(), status=status),
    ):
        said = str(refusal(deed))
        assert "***" in said
        assert secret[: len(secret) // 2] not in said, "not in parts, either"


def test_a_key_that_is_refused_may_be_that_of_a_user_without_access() -> None:
    body = b'{"Message": "Authorization has been denied for this request."}'
    said = str(refusal(answer(body, status="401 Unauthorized")))
    assert "Compare api_key and pod" in said
    assert "System Settings > User List > Edit User" in said
    assert said.endswith(f"Insightly says: {DENIED}")
    assert "says" not in str(refusal(answer(b"", status="401 Unauthorized")))


@pytest.mark.parametrize("status", ["408 Request Timeout", "425 Too Early"])
def test_too_early_and_too_late_pass(status: str) -> None:
    good = answer(b'[{"CONTACT_ID": 1}]')
    with session_with(answer(b"", status=status), good) as (session, server):
        assert len(session.get("/Contacts").records) == 1
        assert len(server.asked) == 2


def test_what_was_too_early_was_not_done_and_what_was_too_late_may_have_been() -> None:
    done = answer(b"{}", status="201 Created")
    post = Request.with_json("POST", "/Contacts", {"LAST_NAME": "Lovelace"})
    with session_with(answer(b"", status="425 Too Early"), done) as (session, _):
        assert session.send(post).status == 201
    with session_with(answer(b"", status="408 Request Timeout"), done) as (session, server):
        with pytest.raises(UnknownOutcomeError, match="408 Request Timeout"):
            session.send(post)
        assert len(server.asked) == 1


def test_the_key_is_in_no_address_that_is_told() -> None:
    encoded = base64.b64encode(f"{KEY}:".encode()).decode()
    where = f"https://elsewhere.example/?key={encoded}"
    said = str(refusal(answer(b"", f"Location: {where}", status="302 Found")))
    assert re.search(r"redirected to https://elsewhere\.example/\?key=\*\*\*", said)
