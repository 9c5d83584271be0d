"""Workflows of the account change what is written over HTTP, at once or later."""

from __future__ import annotations

from datetime import datetime, timedelta, timezone
from decimal import Decimal
from typing import TYPE_CHECKING, Any

import pytest

from tap_insightly.openapi import WRITE
from tests.sandbox.written import (
    PUT,
    WITH_TEXT,
    changed,
    content,
    custom,
    first,
    key_of,
    message,
    minimal,
    one_of,
    path_of,
    posted,
    send,
    status,
    texts_of,
    values_of,
)

if TYPE_CHECKING:
    from tap_insightly.sandbox import Faults, Sandbox

NOON = datetime(2027, 3, 1, 12, tzinfo=timezone.utc)
BELOW = {
    template: described["x-list"]
    for template, described in WRITE["paths"].items()
    if "x-list" in described and "post" in described and texts_of(template)
}
"""The lists of what is made below records, by where it is made."""


@pytest.mark.parametrize("template", WITH_TEXT)
def test_a_workflow_changes_what_is_made_and_changed(
    account: Sandbox, habits: Faults, template: str
) -> None:
    path, name = path_of(template), texts_of(template)[0]
    habits.automations = {path: {name: "W"}}
    made = posted(account, template)
    assert made[name] == "W"
    key = made[key_of(account, path)]
    if template in PUT:
        assert changed(account, path, key, **{name: "mine"})[name] == "W"
    habits.automations = {}
    account.update(path, key, **{name: "Python"})
    assert send(account, "GET", f"{path}/{key}").json()[name] == "Python"


def test_a_workflow_sets_custom_fields_and_leaves_the_others(
    account: Sandbox, habits: Faults
) -> None:
    habits.automations = {"/Contacts": {"Hobby__c": "Go", "Discount__c": Decimal("2.50")}}
    made = posted(account, "/Contacts", CUSTOMFIELDS=custom(Hobby="Chess", Interests="Art"))
    assert values_of(made) == {"Hobby": "Go", "Interests": "Art", "Discount": 2.5}
    assert all(one["CUSTOM_FIELD_ID"] == one["FIELD_NAME"] for one in made["CUSTOMFIELDS"])


def test_a_workflow_can_look_at_the_record_and_leave_it_as_it_is(
    account: Sandbox, habits: Faults
) -> None:
    habits.automations = {
        "/Contacts": lambda one: {"SALUTATION": "Dr."} if one["LAST_NAME"] == "Who" else {}
    }
    assert posted(account, "/Contacts", LAST_NAME="Who")["SALUTATION"] == "Dr."
    assert posted(account, "/Contacts", LAST_NAME="Me")["SALUTATION"] is None


def test_a_workflow_for_all_sets_what_there_is(account: Sandbox, habits: Faults) -> None:
    habits.automations = {"*": {"DETAILS": "W"}, "/Tasks": {"TITLE": "T"}}
    assert "DETAILS" not in posted(account, "/Contacts")
    assert posted(account, "/Opportunities", OPPORTUNITY_DETAILS="A")["OPPORTUNITY_DETAILS"] == "A"
    assert posted(account, "/Events")["DETAILS"] == "W"
    assert posted(account, "/Tasks")["DETAILS"] is None


def test_a_workflow_that_cannot_be_played_is_loud(account: Sandbox, habits: Faults) -> None:
    habits.automations = {"/Contacts": {"ELEPHANT__c": 1}}
    answer = send(account, "POST", "/Contacts", {"FIRST_NAME": "A"})
    assert answer.status_code == 500
    assert "ELEPHANT__c" in message(answer)


@pytest.mark.parametrize("template", BELOW)
def test_a_workflow_changes_what_is_made_below_a_record_and_that_record(
    account: Sandbox, habits: Faults, template: str
) -> None:
    parent = template.partition("/{")[0]
    path, own, above = BELOW[template], texts_of(template)[0], texts_of(parent)[0]
    habits.automations = {path: {own: "W"}, parent: {above: "W"}}
    key = first(account, parent)
    made = one_of(send(account, "POST", template.format(id=key), minimal(account, template)))
    assert made[own] == "W"
    stored = send(account, "GET", f"{path}/{made[key_of(account, path)]}")
    assert content(stored) == made
    assert send(account, "GET", f"{parent}/{key}").json()[above] == "W"


@pytest.mark.parametrize(
    ("method", "part", "body"),
    [
        ("PUT", "Pipeline", {"PIPELINE_ID": "/Pipelines"}),
        ("PUT", "PipelineStage", {"STAGE_ID": "/PipelineStages"}),
        ("PUT", "StateChange", {"FOR_OPPORTUNITY_STATE": "ABANDONED"}),
        ("POST", "Tags", {"TAG_NAME": "new"}),
        ("PUT", "Tags", [{"TAG_NAME": "new"}]),
        ("POST", "Links", {"LINK_OBJECT_NAME": "Contact", "LINK_OBJECT_ID": "/Contacts"}),
        ("DELETE", "Pipeline", None),
    ],
)
def test_a_workflow_runs_whatever_of_a_record_was_changed(
    account: Sandbox, habits: Faults, method: str, part: str, body: Any
) -> None:
    deal = posted(account, "/Opportunities", OPPORTUNITY_DETAILS="A")["OPPORTUNITY_ID"]
    url = f"/Opportunities/{deal}"
    pipeline = first(account, "/Pipelines")
    send(account, "PUT", f"{url}/Pipeline", {"PIPELINE_ID": pipeline})
    if isinstance(body, dict):
        body = {
            name: first(account, value) if str(value).startswith("/") else value
            for name, value in body.items()
        }
    habits.automations = {"/Opportunities": {"OPPORTUNITY_DETAILS": "W"}}
    account.clock = lambda: NOON + timedelta(hours=1)
    answer = send(account, method, f"{url}/{part}", body)
    assert answer.ok, answer.text
    stored = send(account, "GET", url).json()
    assert stored["OPPORTUNITY_DETAILS"] == "W"
    assert stored["DATE_UPDATED_UTC"] == "2027-03-01 13:00:00"


def test_a_stage_that_a_workflow_sets_is_answered(account: Sandbox, habits: Faults) -> None:
    deal = posted(account, "/Opportunities")["OPPORTUNITY_ID"]
    pipeline, other = (row["PIPELINE_ID"] for row in account.records("/Pipelines")[:2])
    habits.automations = {"/Opportunities": {"PIPELINE_ID": other, "STAGE_ID": 7}}
    url = f"/Opportunities/{deal}/Pipeline"
    answered = one_of(send(account, "PUT", url, {"PIPELINE_ID": pipeline}))
    assert (answered["PIPELINE_ID"], answered["PIPELINE_STAGE_CHANGE"]["STAGE_ID"]) == (other, 7)


def test_a_state_that_a_workflow_sets_is_the_next_of_the_history(
    account: Sandbox, habits: Faults
) -> None:
    deal = posted(account, "/Opportunities", OPPORTUNITY_STATE="OPEN")["OPPORTUNITY_ID"]
    habits.automations = {"/Opportunities": {"OPPORTUNITY_STATE": "SUSPENDED"}}
    url = f"/Opportunities/{deal}"
    answer = send(account, "PUT", f"{url}/StateChange", {"FOR_OPPORTUNITY_STATE": "WON"})
    assert answer.json()["FOR_OPPORTUNITY_STATE"] == "WON"
    history = send(account, "GET", f"{url}/StateHistory").json()
    assert [one["FOR_OPPORTUNITY_STATE"] for one in history] == ["OPEN", "WON", "SUSPENDED"]


def test_totals_follow_what_a_workflow_sets(account: Sandbox, habits: Faults) -> None:
    habits.automations = {"/Opportunities": {"BID_AMOUNT": 12}}
    assert posted(account, "/Opportunities", BID_AMOUNT=5)["OPPORTUNITY_VALUE"] == 12


def test_a_workflow_can_take_its_time(account: Sandbox, habits: Faults) -> None:
    habits.automations, habits.automation_delay = {"/Contacts": {"LAST_NAME": "W"}}, 10
    made = posted(account, "/Contacts", LAST_NAME="A")
    url = f"/Contacts/{made['CONTACT_ID']}"
    assert made["LAST_NAME"] == "A"

    def later(seconds: float) -> tuple[str, str]:
        account.clock = lambda: NOON + timedelta(seconds=seconds)
        now = send(account, "GET", url).json()
        return now["LAST_NAME"], now["DATE_UPDATED_UTC"]

    habits.automations = {}  # what has begun goes on
    assert later(9.9) == ("A", "2027-03-01 12:00:00")
    assert later(3600) == ("W", "2027-03-01 12:00:10"), "as of when it was due"
    account.update("/Contacts", made["CONTACT_ID"], LAST_NAME="B")
    assert later(7200) == ("B", "2027-03-01 13:00:00"), "but once"


def test_a_late_workflow_does_not_bring_a_date_back_nor_a_record(
    account: Sandbox, habits: Faults
) -> None:
    habits.automations, habits.automation_delay = {"/Contacts": {"LAST_NAME": "W"}}, 10
    changed, gone = (posted(account, "/Contacts")["CONTACT_ID"] for _ in range(2))
    account.clock = lambda: NOON + timedelta(seconds=60)
    account.update("/Contacts", changed, FIRST_NAME="B")
    account.delete("/Contacts", gone)
    stored = send(account, "GET", f"/Contacts/{changed}").json()
    assert (stored["LAST_NAME"], stored["DATE_UPDATED_UTC"]) == ("W", "2027-03-01 12:01:00")
    assert status(account, "GET", f"/Contacts/{gone}") == 404
