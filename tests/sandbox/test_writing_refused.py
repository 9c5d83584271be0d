"""What cannot be written is refused, with a message that names the field."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from tests.conftest import new_sandbox
from tests.sandbox.written import (
    PUT,
    TOP,
    documented,
    first,
    key_of,
    message,
    minimal,
    path_of,
    properties_of,
    schema_of,
    send,
    status,
)

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tap_insightly.sandbox import Sandbox

REQUIRED = [(path, name) for path in TOP for name in schema_of(path).get("required", ())]


@pytest.fixture(scope="module")
def account() -> Iterator[Sandbox]:
    """A sandbox that refuses all that these tests send, or takes it as something new."""
    with new_sandbox().serve() as sandbox:
        sandbox.faults.requires_all = True
        yield sandbox


@pytest.mark.parametrize(("template", "name"), REQUIRED)
def test_what_is_required_cannot_be_left_out_or_emptied(
    account: Sandbox, template: str, name: str
) -> None:
    path, body = path_of(template), minimal(account, template)
    key = key_of(account, path)
    count = account.count(path)
    without = {other: value for other, value in body.items() if other != name}
    for wrong in (without, {**body, name: None}, {**body, name: ""}):
        answer = send(account, "POST", path, wrong)
        assert answer.status_code == 400
        assert name in message(answer)
    assert account.count(path) == count
    if template in PUT:
        for empty in (None, ""):
            answer = send(account, "PUT", path, {key: first(account, path), name: empty})
            assert answer.status_code == 400
            assert name in message(answer)
        assert status(account, "PUT", path, {key: first(account, path)}) == documented(
            template, "put"
        )


def _wrong(schema: dict[str, Any]) -> Iterator[Any]:
    """Values that a field cannot have."""
    yield {"a": 1}
    types = schema["type"]
    if "string" not in types:
        yield "1.5"
        yield ""
    if "boolean" not in types:
        yield True
    if "boolean" in types or "string" in types:
        yield 1
    if "integer" in types:
        yield 1.5
        yield 2**31 if schema["format"] == "int32" else 2**63
    if "number" in types:
        yield 12345678901234567890
    if length := schema.get("maxLength"):
        yield "ü" * (length + 1)
    if schema.get("format") == "date-time":
        yield from (
            "2026-02-28T13:45:59Z",
            "2026-02-28T13:45:59",
            "2026-02-28 13:45:59Z",
            "2026-02-28",
            "2026-02-28 13:45",
            "2026-02-30 13:45:59",
            "2026-02-28 24:45:59",
            "28/02/2026 13:45:59",
            "0000-00-00 00:00:00",
            "٢026-02-28 13:45:59",
            "2026-02-28 13:45:59\n",
            "",
        )
    if "x-references" in schema:
        yield from (4711, -1, 0) if "integer" in types else ("4711", "no id", "²")


@pytest.mark.parametrize("template", TOP)
def test_a_value_that_a_field_cannot_have_is_refused_by_its_name(
    account: Sandbox, template: str
) -> None:
    path, body = path_of(template), minimal(account, template)
    count = account.count(path)
    for name, schema in properties_of(template):
        for wrong in _wrong(schema):
            answer = send(account, "POST", path, {**body, name: wrong})
            assert answer.status_code == 400, (name, wrong)
            assert name in message(answer)
    assert account.count(path) == count


@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("POST", "/Users"),
        ("POST", "/Notes"),
        ("POST", "/Emails"),
        ("PUT", "/Milestones"),
        ("POST", "/OpportunityLineItem"),
        ("PUT", "/TeamMembers"),
        ("POST", "/Contacts/{id}"),
        ("DELETE", "/Contacts"),
        ("DELETE", "/Contacts?id={id}"),
        ("DELETE", "/Pricebook/{id}"),
        ("DELETE", "/LeadSources/{id}"),
        ("PUT", "/Contacts/one"),
        ("DELETE", "/Contacts/one"),
        ("DELETE", "/Contacts/²"),
        ("POST", "/Pipelines"),
        ("PATCH", "/Contacts"),
    ],
)
def test_what_the_document_does_not_have_answers_405(
    account: Sandbox, method: str, path: str
) -> None:
    record_id = first(account, "/" + path.split("/")[1].partition("?")[0])
    assert status(account, method, path.format(id=record_id), {"A": 1}) == 405


@pytest.mark.parametrize("body", [b"", b"[]", b'"text"', b"no json", b'{"A": NaN}', b"\xff"])
@pytest.mark.parametrize("method", ["POST", "PUT"])
def test_a_body_that_is_no_object_is_refused(account: Sandbox, method: str, body: bytes) -> None:
    assert status(account, method, "/Contacts", body) == 400


def test_a_number_without_measure_is_refused(account: Sandbox) -> None:
    for number in (b"1e999999999999999999999", b"1e99", b"9" * 400, b"0.123456789012345678"):
        body = b'{"OPPORTUNITY_NAME": "A", "BID_AMOUNT": ' + number + b"}"
        assert status(account, "POST", "/Opportunities", body) == 400


def test_a_change_needs_an_id_of_a_record_that_is_there(account: Sandbox) -> None:
    record_id = first(account, "/Contacts")
    for body in ({}, {"CONTACT_ID": None}, {"CONTACT_ID": str(record_id)}, {"CONTACT_ID": True}):
        answer = send(account, "PUT", "/Contacts", body)
        assert answer.status_code == 400
        assert "CONTACT_ID" in message(answer)
    assert status(account, "PUT", "/Contacts", {"CONTACT_ID": 1}) == 404
    assert status(account, "PUT", "/Contacts/1", {}) == 404
    assert status(account, "PUT", f"/Contacts/{record_id}", {"CONTACT_ID": 1}) == 400


def test_a_professional_plan_leaves_out_writing_too() -> None:
    with new_sandbox(plan="professional").serve() as sandbox:
        assert status(sandbox, "POST", "/Ticket", {}) == 403
        assert status(sandbox, "POST", "/Product", {}) == 404
        deal = first(sandbox, "/Opportunities")
        assert status(sandbox, "GET", f"/Opportunities/{deal}/OpportunityLineItem") == 404
        assert status(sandbox, "POST", "/Contacts", {"FIRST_NAME": "A"}) == 201


def test_every_list_that_ids_lead_to_is_there(account: Sandbox) -> None:
    joined = {
        one["x-references"]
        for template in TOP
        for _, one in properties_of(template)
        if "x-references" in one
    }
    assert joined
    assert joined <= set(account.paths)


def test_a_refused_change_changes_nothing(sandbox: Sandbox) -> None:
    before, tags = sandbox.records("/Contacts")[0], sandbox.count("/Tags")
    body = {
        "CONTACT_ID": before["CONTACT_ID"],
        "LAST_NAME": "Other",
        "TAGS": [{"TAG_NAME": "never seen"}],
        "CUSTOMFIELDS": [{"FIELD_NAME": "Elephant__c", "FIELD_VALUE": 1}],
    }
    assert status(sandbox, "PUT", "/Contacts", body) == 400
    assert status(sandbox, "POST", "/Contacts", {**body, "FIRST_NAME": "A"}) == 400
    assert sandbox.records("/Contacts")[0] == before
    assert (sandbox.count("/Contacts"), sandbox.count("/Tags")) == (60, tags)
