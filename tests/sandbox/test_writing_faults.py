"""Writes go wrong on request: refused, or carried out without an answer that says so."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
import requests

from tap_insightly.sandbox import Faults
from tests.sandbox.written import first, message, minimal, send

if TYPE_CHECKING:
    from tap_insightly.sandbox import Sandbox

NEW = {"FIRST_NAME": "Ana"}


@pytest.mark.parametrize("fault", ["reset", "500", "429", "html"])
def test_nothing_is_done_of_a_request_that_meets_a_fault(sandbox: Sandbox, fault: str) -> None:
    sandbox.faults = Faults(script=[fault])
    before = sandbox.count("/Contacts")
    try:
        answer = send(sandbox, "POST", "/Contacts", NEW)
    except requests.ConnectionError:
        assert fault == "reset"
    else:
        assert answer.status_code != 201
    assert sandbox.count("/Contacts") == before


@pytest.mark.parametrize("options", [{"script": ["lost"]}, {"lost_rate": 1}])
def test_a_request_can_be_carried_out_and_its_answer_be_lost(
    sandbox: Sandbox, options: dict[str, list[str] | float]
) -> None:
    for name, value in options.items():
        setattr(sandbox.faults, name, value)
    before = sandbox.count("/Contacts")
    with pytest.raises(requests.ConnectionError):
        send(sandbox, "POST", "/Contacts", NEW)
    assert sandbox.count("/Contacts") == before + 1
    assert sandbox.requests[-1].status == 0
    sandbox.faults = Faults()
    found = send(sandbox, "GET", "/Contacts", params={"skip": str(before)}).json()
    assert [row["FIRST_NAME"] for row in found] == ["Ana"]


def test_a_request_can_be_carried_out_and_answered_500(sandbox: Sandbox) -> None:
    sandbox.faults = Faults(script=["lost-500", "lost-500"])
    before, record_id = sandbox.count("/Contacts"), first(sandbox, "/Contacts")
    assert send(sandbox, "POST", "/Contacts", NEW).status_code == 500
    assert sandbox.count("/Contacts") == before + 1
    assert send(sandbox, "DELETE", f"/Contacts/{record_id}").status_code == 500
    assert sandbox.count("/Contacts") == before
    assert [request.status for request in sandbox.requests] == [500, 500]


def test_a_request_can_be_carried_out_and_not_answered_in_time(sandbox: Sandbox) -> None:
    sandbox.faults = Faults(script=["lost-hang"], hang_seconds=5)
    before = sandbox.count("/Contacts")
    url = f"{sandbox.api_url}/Contacts"
    with pytest.raises(requests.ReadTimeout):
        requests.post(url, json=NEW, auth=(sandbox.api_key, ""), timeout=0.5)
    assert sandbox.count("/Contacts") == before + 1


def test_what_is_refused_stays_refused_when_the_answer_is_lost(sandbox: Sandbox) -> None:
    sandbox.faults = Faults(script=["lost-500"])
    before = sandbox.count("/Contacts")
    assert send(sandbox, "POST", "/Contacts", {}).status_code == 500
    assert sandbox.count("/Contacts") == before


def test_a_truncated_answer_is_one_to_a_request_that_was_carried_out(sandbox: Sandbox) -> None:
    sandbox.faults = Faults(script=["truncate"])
    before = sandbox.count("/Contacts")
    with pytest.raises(requests.exceptions.ChunkedEncodingError):
        send(sandbox, "POST", "/Contacts", NEW)
    assert sandbox.count("/Contacts") == before + 1


def test_the_rate_of_losses_is_a_share_of_requests(sandbox: Sandbox) -> None:
    sandbox.faults = Faults(lost_rate=0.5)
    before = sandbox.count("/Contacts")

    def is_lost() -> bool:
        try:
            return send(sandbox, "POST", "/Contacts", NEW).status_code != 201
        except requests.ConnectionError:
            return True

    assert 8 < sum(is_lost() for _ in range(40)) < 32  # the seed makes it the same number each time
    assert sandbox.count("/Contacts") == before + 40


# Limits and rights


def test_there_is_room_for_so_many_records_of_an_object(sandbox: Sandbox) -> None:
    sandbox.faults = Faults(record_limit=61)
    codes = [send(sandbox, "POST", "/Contacts", NEW).status_code for _ in range(3)]
    assert codes == [201, 402, 402]
    assert sandbox.count("/Contacts") == 61
    assert send(sandbox, "POST", "/Leads", minimal(sandbox, "/Leads")).status_code == 201
    record_id = first(sandbox, "/Contacts")
    assert send(sandbox, "PUT", "/Contacts", {"CONTACT_ID": record_id}).status_code == 201
    assert send(sandbox, "DELETE", f"/Contacts/{record_id}").status_code == 202
    assert send(sandbox, "POST", "/Contacts", NEW).status_code == 201


def test_the_limit_is_for_what_is_made_below_records_too(sandbox: Sandbox) -> None:
    sandbox.faults = Faults(record_limit=sandbox.count("/Notes"))
    url = f"/Contacts/{first(sandbox, '/Contacts')}/Notes"
    answer = send(sandbox, "POST", url, {"TITLE": "A"})
    assert answer.status_code == 402
    assert "/Notes" in message(answer)
    assert sandbox.count("/Notes") == sandbox.faults.record_limit


def test_what_cannot_be_deleted_answers_417_and_stays(sandbox: Sandbox) -> None:
    sandbox.faults = Faults(undeletable={"/Contacts", "/Organisations/{id}/Links"})
    contact, company = (first(sandbox, path) for path in ("/Contacts", "/Organisations"))
    made = {}
    for path, key in (("Contacts", contact), ("Organisations", company)):
        other = {"LINK_OBJECT_NAME": "Contact", "LINK_OBJECT_ID": contact}
        answer = send(sandbox, "POST", f"/{path}/{key}/Links", other)
        made[path] = f"/{path}/{key}/Links/{answer.json()['LINK_ID']}"
    assert send(sandbox, "DELETE", f"/Contacts/{contact}").status_code == 417
    assert send(sandbox, "DELETE", "/Contacts/1").status_code == 404
    assert first(sandbox, "/Contacts") == contact
    assert send(sandbox, "PUT", "/Contacts", {"CONTACT_ID": contact}).status_code == 201
    assert send(sandbox, "DELETE", made["Organisations"]).status_code == 417
    assert send(sandbox, "DELETE", made["Contacts"]).status_code == 202
    assert send(sandbox, "DELETE", f"/Organisations/{company}").status_code == 202


def test_what_can_only_be_read_answers_403_to_every_write(sandbox: Sandbox) -> None:
    sandbox.faults = Faults(read_only={"/Contacts", "/Projects/{id}/Tags"})
    contact, project = first(sandbox, "/Contacts"), first(sandbox, "/Projects")
    before = sandbox.records("/Contacts")
    for method, url, status in (
        ("GET", "/Contacts", 200),
        ("GET", f"/Contacts/{contact}", 200),
        ("GET", f"/Contacts/{contact}/Tags", 201),
        ("POST", "/Contacts", 403),
        ("PUT", "/Contacts", 403),
        ("PUT", f"/Contacts/{contact}", 403),
        ("DELETE", f"/Contacts/{contact}", 403),
        ("POST", f"/Contacts/{contact}/Tags", 403),
        ("GET", f"/Projects/{project}/Tags", 201),
        ("POST", f"/Projects/{project}/Tags", 403),
        ("PUT", f"/Projects/{project}", 201),
    ):
        assert send(sandbox, method, url, {"TAG_NAME": "A"}).status_code == status, (method, url)
    assert sandbox.records("/Contacts") == before


@pytest.mark.parametrize(("fault", "status"), [("forbidden", 403), ("missing", 404)])
def test_what_is_out_of_reach_is_not_written(sandbox: Sandbox, fault: str, status: int) -> None:
    setattr(sandbox.faults, fault, {"/Contacts"})
    assert send(sandbox, "POST", "/Contacts", NEW).status_code == status
    assert sandbox.count("/Contacts") == 60


# The log


def test_the_log_has_what_was_sent(sandbox: Sandbox) -> None:
    seen = []
    sandbox.on_request = lambda request: seen.append(request.body)
    record_id = first(sandbox, "/Contacts")
    body = b'{"CONTACT_ID": %d, "LAST_NAME": "\xc3\x9c"}' % record_id
    send(sandbox, "PUT", "/Contacts", body, headers={"If-Match": '"stale"'})
    send(sandbox, "GET", "/Contacts")
    put, get = sandbox.requests
    assert (put.method, put.path, put.body, put.status) == ("PUT", "/v3.1/Contacts", body, 400)
    assert (put.if_match, get.if_match, get.body) == ('"stale"', None, b"")
    assert seen == [body, b""]


def test_the_log_has_what_was_sent_in_vain(sandbox: Sandbox) -> None:
    sandbox.faults = Faults(script=["reset"])
    with pytest.raises(requests.ConnectionError):
        send(sandbox, "POST", "/Contacts", NEW)
    assert (sandbox.requests[-1].body, sandbox.requests[-1].status) == (b'{"FIRST_NAME":"Ana"}', 0)
