"""Deals and projects go through stages and states; comments, memberships and following."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from tests.conftest import new_sandbox
from tests.sandbox.written import body_for, first, message, minimal, send

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tap_insightly.sandbox import Sandbox


@pytest.fixture(scope="module")
def account() -> Iterator[Sandbox]:
    """A sandbox into which many tests write, each something of its own."""
    with new_sandbox().serve() as sandbox:
        yield sandbox


def stages(sandbox: Sandbox, number: int) -> tuple[int, list[int]]:
    """A pipeline and its stages."""
    pipeline = sandbox.records("/Pipelines")[number]["PIPELINE_ID"]
    rows = sandbox.records("/PipelineStages")
    return pipeline, [row["STAGE_ID"] for row in rows if row["PIPELINE_ID"] == pipeline]


def place(sandbox: Sandbox, url: str) -> tuple[int | None, int | None]:
    record = send(sandbox, "GET", url).json()
    return record["PIPELINE_ID"], record["STAGE_ID"]


@pytest.mark.parametrize("path", ["/Opportunities", "/Projects"])
def test_a_record_goes_into_a_pipeline_through_it_and_out(account: Sandbox, path: str) -> None:
    made = send(account, "POST", path, {**minimal(account, path), "PIPELINE_ID": 1}).json()
    url = f"{path}/{made[account.tables[path].keys[0]]}"
    assert (made["PIPELINE_ID"], made["STAGE_ID"]) == (None, None)  # not with the record
    pipeline, (begin, middle, *_) = stages(account, 0)
    other, (elsewhere, *_) = stages(account, 1)

    answer = send(account, "PUT", f"{url}/PipelineStage", {"STAGE_ID": begin})
    assert answer.status_code == 400  # of which pipeline?
    body: dict[str, Any] = {"PIPELINE_ID": pipeline, "PIPELINE_STAGE_CHANGE": {"STAGE_ID": middle}}
    answer = send(account, "PUT", f"{url}/Pipeline", body)
    assert (answer.status_code, answer.json()) == (200, [body])
    assert place(account, url) == (pipeline, middle)
    answer = send(account, "PUT", f"{url}/PipelineStage", {"STAGE_ID": begin})
    assert (answer.status_code, answer.json()) == (200, [{"STAGE_ID": begin}])
    assert place(account, url) == (pipeline, begin)

    body["PIPELINE_STAGE_CHANGE"] = {"STAGE_ID": elsewhere}
    for part, wrong in (
        ("PipelineStage", {"STAGE_ID": elsewhere}),
        ("PipelineStage", {"STAGE_ID": 1}),
        ("PipelineStage", {}),
        ("Pipeline", body),
        ("Pipeline", {"PIPELINE_ID": 1}),
        ("Pipeline", {"PIPELINE_STAGE_CHANGE": {"STAGE_ID": begin}}),
        ("Pipeline", {"PIPELINE_ID": pipeline, "PIPELINE_STAGE_CHANGE": begin}),
    ):
        answer = send(account, "PUT", f"{url}/{part}", wrong)
        assert answer.status_code == 400
        assert any(name in message(answer) for name in ("STAGE_ID", "PIPELINE"))
    assert place(account, url) == (pipeline, begin)

    send(account, "PUT", f"{url}/Pipeline", {"PIPELINE_ID": other})
    assert place(account, url) == (other, elsewhere)  # its first stage
    assert send(account, "DELETE", f"{url}/Pipeline").status_code == 202
    assert place(account, url) == (None, None)


def test_a_lead_has_no_field_for_its_pipeline(account: Sandbox) -> None:
    url = f"/Leads/{first(account, '/Leads')}"
    pipeline, (stage, *_) = stages(account, 0)
    assert send(account, "PUT", f"{url}/Pipeline", {"PIPELINE_ID": pipeline}).status_code == 200
    assert send(account, "PUT", f"{url}/PipelineStage", {"STAGE_ID": stage}).status_code == 200
    assert send(account, "DELETE", f"{url}/Pipeline").status_code == 202
    assert "PIPELINE_ID" not in send(account, "GET", url).json()


def test_a_change_of_state_goes_into_the_history_with_its_reason(account: Sandbox) -> None:
    won, lost = (
        next(r for r in account.records("/OpportunityStateReasons") if r[STATE] == state)
        for state in ("WON", "LOST")
    )
    deal = send(account, "POST", "/Opportunities", {"OPPORTUNITY_NAME": "A"}).json()
    url = f"/Opportunities/{deal['OPPORTUNITY_ID']}"
    entries = []
    for body in (
        {STATE: "OPEN"},
        {STATE: "WON", "STATE_REASON_ID": won["STATE_REASON_ID"]},
        {STATE: "WON"},
    ):
        answer = send(account, "PUT", f"{url}/StateChange", body)
        assert answer.status_code == 200
        entries.append(answer.json())
        assert entries[-1].items() >= body.items()
        assert send(account, "GET", url).json()["OPPORTUNITY_STATE"] == body[STATE]
    assert [entry["STATE_REASON"] for entry in entries] == [None, won["STATE_REASON"], None]
    for wrong in ({}, {STATE: None}, {STATE: "WON", "STATE_REASON_ID": lost["STATE_REASON_ID"]}):
        assert send(account, "PUT", f"{url}/StateChange", wrong).status_code == 400
    assert send(account, "GET", f"{url}/StateHistory").json() == entries


STATE = "FOR_OPPORTUNITY_STATE"


@pytest.mark.parametrize("name", ["Notes", "Tasks", "Emails", "Ticket"])
def test_a_comment_is_added(account: Sandbox, name: str) -> None:
    template = f"/{name}/{{id}}/Comments"
    url = template.format(id=first(account, f"/{name}"))
    before = send(account, "GET", url).json()
    body = body_for(account, template)
    answer = send(account, "POST", url, body)
    assert answer.status_code == 201, answer.text
    (made,) = answer.json()
    body.pop("TICKET_ID", None)
    assert {field: made[field] for field in body} == body
    assert send(account, "GET", url).json() == [*before, made]


def test_a_comment_that_is_too_long_or_lacks_something_is_refused(account: Sandbox) -> None:
    note = f"/Notes/{first(account, '/Notes')}/Comments"
    ticket = f"/Ticket/{first(account, '/Ticket')}/Comments"
    assert send(account, "POST", note, {"BODY": "x" * 201}).status_code == 400
    assert send(account, "POST", ticket, {"PUBLIC_COMMENT": True}).status_code == 400


def test_a_prospect_is_put_on_a_list_and_taken_off(account: Sandbox) -> None:
    url = f"/Prospect/{first(account, '/Prospect')}/StaticListMembership"
    before = send(account, "GET", url).json()
    for _ in range(2):  # a second time changes nothing
        answer = send(account, "POST", url, {"LIST_ID": 4711})
        assert (answer.status_code, answer.json()) == (200, [{"LIST_ID": 4711}])
        assert send(account, "GET", url).json() == [*before, {"LIST_ID": 4711}]
    gone = [send(account, "DELETE", url, {"LIST_ID": 4711}).status_code for _ in "ab"]
    assert gone == [202, 404]
    assert send(account, "GET", url).json() == before
    for wrong in ({}, {"LIST_ID": None}, {"LIST_ID": "4711"}):
        assert send(account, "POST", url, wrong).status_code == 400


@pytest.mark.parametrize(
    ("path", "kind"), [("/Leads", "Lead"), ("/Product", "Product"), ("/Contacts", "Contact")]
)
def test_a_record_is_followed_and_no_more(sandbox: Sandbox, path: str, kind: str) -> None:
    key = sandbox.records(path)[-1][sandbox.tables[path].keys[0]]
    before = send(sandbox, "GET", "/Follows").json()
    for _ in range(2):  # a second time changes nothing
        answer = send(sandbox, "POST", f"{path}/{key}/Follow")
        assert (answer.status_code, answer.json()) == (201, {"FOLLOWING": True})
        follows = send(sandbox, "GET", "/Follows").json()
        assert follows == [*before, {"RECORD_TYPE": kind, "RECORD_ID": key}]
    # Another from the middle first: entries have no id, and each is found all the same.
    middle = before[4]
    other = {"Contact": "Contacts", "Organisation": "Organisations"}[middle["RECORD_TYPE"]]
    assert send(sandbox, "DELETE", f"/{other}/{middle['RECORD_ID']}/Follow").status_code == 202
    assert send(sandbox, "GET", "/Follows").json() == [one for one in follows if one != middle]
    assert send(sandbox, "POST", f"/{other}/{middle['RECORD_ID']}/Follow").status_code == 201
    follows = [*(one for one in follows if one != middle), middle]
    assert send(sandbox, "GET", "/Follows").json() == follows
    gone = [send(sandbox, "DELETE", f"{path}/{key}/Follow").status_code for _ in "ab"]
    assert gone == [202, 404]
    left = send(sandbox, "GET", "/Follows").json()
    assert left == [*(one for one in before if one != middle), middle]
