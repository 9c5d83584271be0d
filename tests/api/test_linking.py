"""Links, notes and records that are matched by a value: there once, however often asked for."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from tap_insightly.api import (
    InvalidError,
    InvalidFieldsError,
    NotAvailableError,
    UnknownOutcomeError,
    UnsupportedOperationError,
)
from tests.api.conftest import asked

if TYPE_CHECKING:
    from tap_insightly.api import InsightlyClient
    from tap_insightly.sandbox import Sandbox

WRITES = ("POST", "PUT", "DELETE")


@pytest.fixture
def contact_id(sandbox: Sandbox) -> int:
    return int(sandbox.create("/Contacts", FIRST_NAME="Ada")["CONTACT_ID"])


@pytest.fixture
def project_id(sandbox: Sandbox) -> int:
    return int(sandbox.records("/Projects")[0]["PROJECT_ID"])


def links(client: InsightlyClient, contact_id: int) -> list[dict[str, Any]]:
    """The links of a contact, as it carries them."""
    found = client.get("contact", contact_id)["LINKS"]
    assert isinstance(found, list)
    return found


def test_a_link_leads_to_the_other_record(
    client: InsightlyClient, contact_id: int, project_id: int
) -> None:
    made = client.link("contacts", contact_id, "projects", project_id, role="Lead", details="x")
    (link,) = links(client, contact_id)
    assert link["LINK_ID"] == made["LINK_ID"]
    assert (link["LINK_OBJECT_NAME"], link["LINK_OBJECT_ID"]) == ("Project", project_id)
    assert (link["ROLE"], link["DETAILS"]) == ("Lead", "x")


def test_a_link_that_is_there_is_not_made_again(
    client: InsightlyClient, sandbox: Sandbox, contact_id: int, project_id: int
) -> None:
    made = client.link("contact", contact_id, "project", project_id, role="Lead")
    assert client.link("contact", contact_id, "project", project_id, role="Lead") == made
    assert client.link("contact", contact_id, "project", project_id) == made
    assert len(asked(sandbox, "POST")) == 1
    client.link("contact", contact_id, "project", project_id, role="Sponsor")
    assert {link["ROLE"] for link in links(client, contact_id)} == {"Lead", "Sponsor"}


@pytest.mark.parametrize("faults", [["lost"], ["lost-500"], ["truncate"], ["reset"], ["reset"] * 2])
def test_a_link_whose_answer_is_lost_is_made_once(
    client: InsightlyClient,
    sandbox: Sandbox,
    contact_id: int,
    project_id: int,
    faults: list[str],
) -> None:
    sandbox.faults.script = [step for fault in faults for step in ("ok", fault)]
    made = client.link("contact", contact_id, "project", project_id)
    (link,) = links(client, contact_id)
    assert made["LINK_ID"] == link["LINK_ID"]


def test_a_link_that_cannot_be_made_is_not_taken_for_made(
    client: InsightlyClient, sandbox: Sandbox, contact_id: int, project_id: int
) -> None:
    sandbox.faults.script = ["ok", "reset"] * 10
    with pytest.raises(UnknownOutcomeError, match="may have been done, or not"):
        client.link("contact", contact_id, "project", project_id)


def test_a_link_to_nothing_is_refused(client: InsightlyClient, contact_id: int) -> None:
    with pytest.raises(InvalidError, match="LINK_OBJECT_ID"):
        client.link("contact", contact_id, "project", 1)
    with pytest.raises(NotAvailableError):
        client.link("contact", 1, "contact", contact_id)


def test_a_removed_link_is_gone(client: InsightlyClient, contact_id: int, project_id: int) -> None:
    made = client.link("contact", contact_id, "project", project_id)
    client.unlink("contact", contact_id, made["LINK_ID"])
    assert links(client, contact_id) == []
    with pytest.raises(NotAvailableError):
        client.unlink("contact", contact_id, made["LINK_ID"])


@pytest.mark.parametrize("name", ["contact", "organisation", "lead", "opportunity", "project"])
def test_a_note_belongs_to_the_record_that_it_was_added_to(
    client: InsightlyClient, sandbox: Sandbox, name: str
) -> None:
    obj = client.object(name)
    record_id = sandbox.records(obj.path)[0][str(obj.key)]
    made = client.add_note(name, record_id, "Call", "<p>at ten</p>")
    note = client.get("note", made["NOTE_ID"])
    assert (note["TITLE"], note["BODY"]) == ("Call", "<p>at ten</p>")
    (link,) = note["LINKS"]
    assert (link["LINK_OBJECT_NAME"], link["LINK_OBJECT_ID"]) == (obj.name, record_id)
    assert note in list(client.records(f"{obj.path}/{record_id}/Notes"))


def test_a_lost_note_is_not_taken_for_an_equal_one_of_another_record(
    client: InsightlyClient, sandbox: Sandbox, contact_id: int
) -> None:
    """An organisation may have the id of a contact; what a link names tells them apart."""
    link = {"LINK_OBJECT_NAME": "Organisation", "LINK_OBJECT_ID": contact_id}
    other = sandbox.create("/Notes", TITLE="Call", LINKS=[{"LINK_ID": 1, **link}])
    sandbox.faults.script = ["reset"]
    made = client.add_note("contact", contact_id, "Call")
    assert made["NOTE_ID"] != other["NOTE_ID"]
    assert made["LINKS"][0]["LINK_OBJECT_NAME"] == "Contact"


@pytest.mark.parametrize("fault", ["lost", "lost-500", "truncate", "reset", "429"])
def test_a_note_whose_answer_is_lost_is_added_once(
    client: InsightlyClient, sandbox: Sandbox, contact_id: int, fault: str
) -> None:
    before = sandbox.count("/Notes")
    sandbox.faults.script = [fault]
    made = client.add_note("contact", contact_id, "Call")
    assert client.get("note", made["NOTE_ID"])["TITLE"] == "Call"
    assert sandbox.count("/Notes") == before + 1


def test_an_unknown_match_is_created(client: InsightlyClient, sandbox: Sandbox) -> None:
    values = {"EMAIL_ADDRESS": "ada@engine.example", "FIRST_NAME": "Ada"}
    made = client.upsert("contact", "email_address", values)
    assert client.find("contact", "EMAIL_ADDRESS", "ada@engine.example") == [made]
    assert asked(sandbox, *WRITES) == ["POST /Contacts"]


def test_a_known_match_is_changed_and_only_if_it_differs(
    client: InsightlyClient, sandbox: Sandbox
) -> None:
    values = {"email_address": "ada@engine.example", "FIRST_NAME": "Ada", "hobby": "chess"}
    made = client.upsert("contact", "EMAIL_ADDRESS", values)
    sandbox.requests.clear()
    assert client.upsert("contact", "EMAIL_ADDRESS", values) == made
    assert asked(sandbox, *WRITES) == []
    after = client.upsert("contact", "EMAIL_ADDRESS", {**values, "hobby": "whist"})
    assert after["CONTACT_ID"] == made["CONTACT_ID"]
    assert asked(sandbox, *WRITES) == ["PUT /Contacts"]
    client.upsert("contact", "EMAIL_ADDRESS", {**values, "hobby": "whist"}, skip_unchanged=False)
    assert asked(sandbox, *WRITES) == ["PUT /Contacts"] * 2


def test_a_custom_field_can_be_what_is_matched(
    client: InsightlyClient, sandbox: Sandbox, contact_id: int
) -> None:
    client.update("contact", contact_id, hobby="analytical engines")
    after = client.upsert("contact", "hobby", {"Hobby__c": "analytical engines", "PHONE": "1"})
    assert (after["CONTACT_ID"], after["PHONE"]) == (contact_id, "1")
    assert asked(sandbox, "POST") == []


def test_several_matches_are_refused_with_their_ids(
    client: InsightlyClient, sandbox: Sandbox
) -> None:
    email = "twins@engine.example"
    ids = [sandbox.create("/Contacts", EMAIL_ADDRESS=email)["CONTACT_ID"] for _ in range(2)]
    told = rf"2 records have EMAIL_ADDRESS '{email}' \({ids[0]}, {ids[1]}\): which one is meant\?"
    with pytest.raises(InvalidFieldsError, match=told):
        client.upsert("contact", "EMAIL_ADDRESS", {"EMAIL_ADDRESS": email, "FIRST_NAME": "Ada"})
    assert asked(sandbox, *WRITES) == []


@pytest.mark.parametrize("values", [{}, {"EMAIL_ADDRESS": ""}, {"EMAIL_ADDRESS": None}])
def test_nothing_is_matched_by_an_empty_value(
    client: InsightlyClient, sandbox: Sandbox, values: dict[str, Any]
) -> None:
    with pytest.raises(InvalidFieldsError, match="EMAIL_ADDRESS is empty"):
        client.upsert("contact", "EMAIL_ADDRESS", {**values, "FIRST_NAME": "Ada"})
    assert asked(sandbox) == []


def test_what_has_no_search_is_not_matched(client: InsightlyClient) -> None:
    with pytest.raises(UnsupportedOperationError, match="has no search"):
        client.upsert("lead source", "LEAD_SOURCE", {"LEAD_SOURCE": "Web"})
