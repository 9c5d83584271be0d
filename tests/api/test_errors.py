"""Every error knows its status, method and path, and what the server said; the tree shows all."""

from __future__ import annotations

import inspect
import json
import re
from typing import TYPE_CHECKING, Any

import pytest

from tap_insightly import api
from tap_insightly.api import InsightlyClient, InsightlyError, Request
from tap_insightly.api.http import errors
from tap_insightly.api.http.errors import BrokenResponseError, RetryableError
from tests.api.conftest import new_client
from tests.conftest import KEY
from tests.scripted import Peer, answer, session_with

if TYPE_CHECKING:
    from collections.abc import Callable

    from tap_insightly.sandbox.replies import RequestLog

    from tap_insightly.sandbox import Sandbox

    Call = Callable[[InsightlyClient], object]

CONTACT = 300000000


def facts(error: InsightlyError) -> tuple[int | None, str | None, str | None, str | None]:
    return (error.status, error.method, error.path, error.said)


def error_of(client: InsightlyClient, call: Call) -> InsightlyError:
    with pytest.raises(InsightlyError) as raised:
        call(client)
    assert KEY not in str(vars(raised.value))
    return raised.value


def get(client: InsightlyClient) -> object:
    return client.get("contact", CONTACT)


def create(client: InsightlyClient) -> object:
    return client.create("contact", FIRST_NAME="Ada")


def delete(client: InsightlyClient) -> object:
    return client.session.send(Request("DELETE", f"/Contacts/{CONTACT}"))


def add_link(client: InsightlyClient) -> object:
    link = {"LINK_OBJECT_NAME": "Project", "LINK_OBJECT_ID": 322000000}
    return client.request("POST", f"/Contacts/{CONTACT}/Links", body=link)


def get_a_small_page(client: InsightlyClient) -> object:
    return client.session.get("/Contacts", {"top": "2"}, largest=100)


def list_contacts(client: InsightlyClient) -> object:
    return list(client.records("/Contacts"))


ONE = f"/Contacts/{CONTACT}"
LINKS = f"{ONE}/Links"
SAID = "No Access to Data"
SAYS = f"{SAID}."
FULL_PAGE = json.dumps([{"CONTACT_ID": one} for one in range(500)]).encode()


@pytest.mark.parametrize(
    ("kind", "faults", "call", "known"),
    [
        (api.AuthenticationError, {"user_denied": True}, get, (401, "GET", ONE, SAYS)),
        (api.NotAvailableError, {"forbidden": {"/Contacts"}}, get, (403, "GET", ONE, SAYS)),
        (api.NotAvailableError, {"missing": {"/Contacts"}}, delete, (404, "DELETE", ONE, SAYS)),
        (api.NotAvailableError, {"not_allowed": {"/Contacts"}}, get, (405, "GET", ONE, SAYS)),
        (api.InvalidError, {"script": ["400"]}, create, (400, "POST", "/Contacts", SAYS)),
        (api.LimitReachedError, {"script": ["402"]}, create, (402, "POST", "/Contacts", SAYS)),
        (api.UndeletableError, {"undeletable": {"/Contacts"}}, delete, (417, "DELETE", ONE, SAYS)),
        (api.RefusedError, {"script": ["409"]}, create, (409, "POST", "/Contacts", SAYS)),
        (
            api.RefusedError,
            {"script": ["302"], "location": "https://example.com/"},
            get,
            (302, "GET", ONE, "https://example.com/"),
        ),
        (api.QuotaExhaustedError, {"daily_quota": 0}, get, (429, "GET", ONE, SAYS)),
        (api.RetriesExhaustedError, {"script": ["503"] * 3}, get, (503, "GET", ONE, SAYS)),
        (api.RetriesExhaustedError, {"reset_rate": 1.0}, get, (None, "GET", ONE, None)),
        (api.RetriesExhaustedError, {"html_rate": 1.0}, get, (200, "GET", ONE, "Back soon.")),
        (
            api.RetriesExhaustedError,
            {"script": ["503"], "retry_after": 999.0},
            get,
            (503, "GET", ONE, None),
        ),
        (api.UnknownOutcomeError, {"script": ["502"]}, add_link, (502, "POST", LINKS, SAYS)),
        (api.UnknownOutcomeError, {"script": ["lost"]}, add_link, (None, "POST", LINKS, None)),
        (
            api.IncompleteError,
            {"readable_up_to": {"/Contacts": 7}, "totals": {"/Contacts": 60}},
            list_contacts,
            (None, "GET", "/Contacts", None),
        ),
        (
            api.RefusedError,
            {"bodies": {"/Contacts": FULL_PAGE}},
            list_contacts,
            (None, "GET", "/Contacts", None),
        ),
        (api.PageTooLargeError, {}, get_a_small_page, (200, "GET", "/Contacts", None)),
    ],
    ids=lambda one: one.__name__ if inspect.isclass(one) else "",
)
def test_an_error_knows_what_was_asked_and_answered(
    sandbox: Sandbox,
    kind: type[InsightlyError],
    faults: dict[str, Any],
    call: Call,
    known: tuple[object, ...],
) -> None:
    with new_client(sandbox, max_retries=2) as client:
        client.fields("contact")
        sandbox.faults.error_text = SAID
        for name, value in faults.items():
            setattr(sandbox.faults, name, value)
        error = error_of(client, call)
    assert type(error) is kind
    assert facts(error) == known


def test_a_quota_that_is_used_up_is_told_of_the_request_that_was_not_sent(sandbox: Sandbox) -> None:
    with new_client(sandbox, quota_reserve=10**9) as client:
        client.session.get(ONE)
        sent = len(sandbox.requests)
        error = error_of(client, get)
    assert isinstance(error, api.QuotaExhaustedError)
    assert facts(error) == (None, "GET", ONE, None)
    assert len(sandbox.requests) == sent


def test_a_session_that_is_closed_says_what_was_asked_of_it(sandbox: Sandbox) -> None:
    client = new_client(sandbox)
    client.close()
    error = error_of(client, get)
    assert isinstance(error, api.ClosedError)
    assert facts(error) == (None, "GET", ONE, None)


def test_a_conflict_knows_the_record_and_what_the_server_said(
    client: InsightlyClient, sandbox: Sandbox
) -> None:
    sandbox.faults.error_text = SAID
    for skip_unchanged, said in ((False, SAYS), (True, None)):
        error = error_of(
            client,
            lambda one, skip=skip_unchanged: one.update(  # type: ignore[misc]
                "contact", CONTACT, FIRST_NAME="Ada", if_match='"old"', skip_unchanged=skip
            ),
        )
        assert isinstance(error, api.ConflictError)
        assert facts(error) == (400, "PUT", ONE, said)


def test_a_lost_create_that_cannot_be_looked_for_knows_its_request(sandbox: Sandbox) -> None:
    def break_down(log: RequestLog) -> None:
        if log.path.endswith("/Search"):
            sandbox.faults.error_rate = 1

    with new_client(sandbox, max_retries=1) as client:
        client.fields("contact")
        sandbox.on_request = break_down
        sandbox.faults.script = ["lost"]
        error = error_of(client, create)
    assert isinstance(error, api.UnknownOutcomeError)
    assert facts(error) == (None, "POST", "/Contacts", None)


def test_a_lost_create_of_which_a_changed_record_is_there_knows_its_request(
    client: InsightlyClient, sandbox: Sandbox
) -> None:
    def lose(log: RequestLog) -> None:
        if log.method == "POST":
            sandbox.faults.script = ["lost"]

    sandbox.faults.automations = {"/Contacts": {"TITLE": "Countess"}}
    sandbox.on_request = lose
    ada = {"FIRST_NAME": "Ada", "LAST_NAME": "Byron", "TITLE": "Lady"}
    error = error_of(client, lambda one: one.create("contact", ada))
    assert "is like what was sent" in str(error)
    assert facts(error) == (None, "POST", "/Contacts", None)


def test_a_create_that_is_answered_without_an_id_knows_its_request() -> None:
    with (
        session_with(answer(b"{}")) as (session, _),
        InsightlyClient.from_session(session) as client,
    ):
        error = error_of(client, lambda one: one.create("lead source", LEAD_SOURCE="Fair"))
    assert isinstance(error, api.UnknownOutcomeError)
    assert "without its id" in str(error)
    assert facts(error) == (200, "POST", "/LeadSources", None)


def test_a_page_that_does_not_come_in_time_knows_its_request() -> None:
    with (
        session_with(Peer.wait_for_the_end, request_timeout=0.05) as (session, _),
        pytest.raises(api.PageTooLargeError) as raised,
    ):
        session.get("/Contacts", largest=100)
    assert facts(raised.value) == (None, "GET", "/Contacts", None)


def test_a_connection_that_is_not_secure_knows_its_request(sandbox: Sandbox) -> None:
    url = sandbox.api_url.replace("http:", "https:")
    with api.InsightlySession(url, KEY) as session, pytest.raises(InsightlyError) as raised:
        session.get("/Contacts")
    assert isinstance(raised.value, api.RetriesExhaustedError)
    assert "No secure connection" in str(raised.value)
    assert facts(raised.value) == (None, "GET", "/Contacts", None)


def test_what_was_not_sent_has_no_status_and_no_path(client: InsightlyClient) -> None:
    calls: list[tuple[type[InsightlyError], Call]] = [
        (api.InvalidFieldsError, lambda one: one.create("contact", hoby="poetry")),
        (api.UnknownObjectError, lambda one: one.object("contcat")),
        (api.UnsupportedOperationError, lambda one: one.delete("user", 1)),
        (api.InvalidAddressError, lambda _: InsightlyClient("key", pod="no pod")),
    ]
    for kind, call in calls:
        error = error_of(client, call)
        assert type(error) is kind
        assert facts(error) == (None, None, None, None)


def test_callers_of_a_session_see_what_may_pass_only_as_the_cause(
    client: InsightlyClient, sandbox: Sandbox
) -> None:
    sandbox.faults.html_rate = 1.0
    cause = error_of(client, get).__cause__
    assert isinstance(cause, BrokenResponseError)
    assert facts(cause) == (200, "GET", ONE, "Back soon.")
    sandbox.faults.html_rate, sandbox.faults.error_rate = 0, 1.0
    cause = error_of(client, get).__cause__
    assert isinstance(cause, RetryableError)
    assert cause.status in {500, 502, 503}
    assert facts(cause)[1:3] == ("GET", ONE)


def test_the_tree_in_the_docstring_has_every_error_below_its_parent() -> None:
    parents: dict[str, str] = {}
    above: list[str] = []
    lines = re.findall(r"^    ([│├└─ ]*)(\w+Error) ", errors.__doc__ or "", re.MULTILINE)
    for start, name in lines:
        depth = len(start) // 4
        del above[depth:]
        parents[name] = "".join(above[-1:])
        above.append(name)
    both = [*vars(errors).values(), *(getattr(api, name) for name in api.__all__)]
    every = {one.__name__: one for one in both if is_error(one)}
    assert parents.pop("InsightlyError") == ""
    assert parents == {
        name: one.__bases__[0].__name__ for name, one in every.items() if one is not InsightlyError
    }


def is_error(one: object) -> bool:
    return inspect.isclass(one) and issubclass(one, InsightlyError)
