"""A refusal says why in each of the ways that were seen, the reason phrase of HTTP included."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tap_insightly.sandbox import Faults
from tests.sandbox.asking import ask

if TYPE_CHECKING:
    from tap_insightly.sandbox import Sandbox
    from tap_insightly.sandbox.account.faults import ErrorShape

TEXT = "No Access to <Data> für Sie"
PAGE = "No Access to &lt;Data&gt; für Sie"
SHAPES = {
    "Message": ("application/json; charset=utf-8", f'{{"Message":"{TEXT}"}}', "Forbidden"),
    "message": ("application/json; charset=utf-8", f'{{"message":"{TEXT}"}}', "Forbidden"),
    "text": ("text/plain; charset=utf-8", TEXT, "Forbidden"),
    "string": ("application/json; charset=utf-8", f'"{TEXT}"', "Forbidden"),
    "html": (
        "text/html",
        f"<html><head><title>{PAGE}</title></head><body><h1>{PAGE}</h1></body></html>",
        "Forbidden",
    ),
    "empty": ("application/json; charset=utf-8", "", "Forbidden"),
}


@pytest.mark.parametrize("shape", SHAPES)
def test_the_reason_is_told_in_a_shape(sandbox: Sandbox, shape: ErrorShape) -> None:
    sandbox.faults = Faults(forbidden={"/Leads"}, error_shape=shape, error_text=TEXT)
    answer = ask(sandbox, "/Leads")
    assert answer.status_code == 403
    answer.encoding = "utf-8"
    assert (answer.headers["Content-Type"], answer.text, answer.reason) == SHAPES[shape]
    assert ask(sandbox).status_code == 200


def test_the_reason_can_stand_in_the_first_line_alone(sandbox: Sandbox) -> None:
    sandbox.faults = Faults(error_shape="reason", error_text="Lead Not Found")
    answer = ask(sandbox, "/Leads/1")
    assert (answer.status_code, answer.reason, answer.content) == (404, "Lead Not Found", b"")
    assert "X-Sandbox-Reason" not in answer.headers
    assert "X-RateLimit-Remaining" in answer.headers
    assert ask(sandbox).reason == "OK"


@pytest.mark.parametrize("text", ["Kein Zugriff für Sie", "日本", "one\r\nX-Evil: two", ""])
def test_a_reason_phrase_that_http_cannot_carry_harms_nothing(sandbox: Sandbox, text: str) -> None:
    sandbox.faults = Faults(error_shape="reason", error_text=text)
    answer = ask(sandbox, "/Leads/1")
    assert answer.status_code == 404
    assert "X-Evil" not in answer.headers
    assert ask(sandbox).status_code == 200


@pytest.mark.parametrize("shape", ["Message", "text", "reason"])
def test_every_refusal_has_the_shape(sandbox: Sandbox, shape: ErrorShape) -> None:
    sandbox.faults = Faults(
        script=["503"], missing={"/Leads"}, daily_quota=5, error_shape=shape, error_text="Why"
    )
    paths = ("/Contacts", "/Leads", "/Contacts/1", "/Elephants", "/Contacts?top=0", "/Contacts")
    answers = [ask(sandbox, path) for path in paths]
    assert [answer.status_code for answer in answers] == [503, 404, 404, 404, 400, 429]
    for answer in answers:
        assert "Why" in (answer.reason if shape == "reason" else answer.text)


def test_a_user_whose_access_was_switched_off(sandbox: Sandbox) -> None:
    sandbox.faults = Faults(user_denied=True)
    denied = ask(sandbox)
    assert denied.status_code == 401
    assert denied.json() == {"Message": "Authorization has been denied for this request."}
    sandbox.faults.error_text = "API access is off"
    assert ask(sandbox).json() == {"Message": "API access is off"}


@pytest.mark.parametrize("status", [400, 408, 409, 413, 425, 429, 500, 504, 520])
def test_any_status_can_be_in_a_script(sandbox: Sandbox, status: int) -> None:
    sandbox.faults = Faults(script=[str(status)])
    assert [ask(sandbox).status_code for _ in range(2)] == [status, 200]
