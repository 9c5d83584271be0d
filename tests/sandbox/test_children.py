"""What the sandbox has below single records: comments, files, documents, states, memberships."""

from __future__ import annotations

from datetime import datetime, timedelta, timezone
from typing import TYPE_CHECKING, Any

import msgspec
import pytest
import requests

from tap_insightly.sandbox import Faults, Sandbox
from tests.conftest import KEY, new_sandbox

if TYPE_CHECKING:
    from collections.abc import Iterator

COMPONENTS = {
    ("/Opportunities", "StateHistory"): "OpportunityState",
    ("/Ticket", "Comments"): "TicketComment",
    ("/Notes", "Comments"): "Comment",
    ("/Tasks", "Comments"): "Comment",
    ("/Emails", "Comments"): "Comment",
    ("/Quotation", "QuotationDocument"): "QuotationDocument",
    ("/Prospect", "StaticListMembership"): "StaticListMembership",
    ("/Contacts", "FileAttachments"): "FileAttachment",
    ("/Leads", "FileAttachments"): "FileAttachment",
    ("/Organisations", "FileAttachments"): "FileAttachment",
    ("/Opportunities", "FileAttachments"): "FileAttachment",
    ("/Projects", "FileAttachments"): "FileAttachment",
    ("/Emails", "FileAttachments"): "FileAttachment",
    ("/Notes", "FileAttachments"): "FileAttachment",
    ("/Fruit__c", "FileAttachments"): "FileAttachment",
    ("/Site_Visit__c", "FileAttachments"): "FileAttachment",
}
KINDS = sorted(COMPONENTS)
KEYS = {
    "TicketComment": "TICKET_COMMENT_ID",
    "Comment": "COMMENT_ID",
    "QuotationDocument": "QUOTE_DOCUMENT_ID",
    "FileAttachment": "FILE_ID",
}
PAGED = [kind for kind in KINDS if kind[1] in {"Comments", "FileAttachments"}]
WHOLE = [kind for kind in KINDS if kind not in PAGED]
NOON = datetime(2027, 3, 1, 12, tzinfo=timezone.utc)
CREATED, UPDATED = "DATE_CREATED_UTC", "DATE_UPDATED_UTC"


def ask(sandbox: Sandbox, path: str, key: str = KEY, **params: Any) -> requests.Response:
    return requests.get(sandbox.api_url + path, params=params, auth=(key, ""), timeout=60)


def delete(sandbox: Sandbox, path: str) -> int:
    return requests.delete(sandbox.api_url + path, auth=(KEY, ""), timeout=60).status_code


def first(sandbox: Sandbox, path: str) -> int:
    """The id of an object's first record."""
    record_id = sandbox.records(path)[0][sandbox.tables[path].keys[0]]
    assert isinstance(record_id, int)
    return record_id


def rows(sandbox: Sandbox) -> Iterator[tuple[str, str, int, dict[str, Any]]]:
    for path, name in KINDS:
        for parent_id, children in sandbox.children(path, name).items():
            for row in children:
                yield path, name, parent_id, row


def at(sandbox: Sandbox, seconds: int) -> str:
    """Set the sandbox's clock."""
    moment = NOON + timedelta(seconds=seconds)
    sandbox.clock = lambda: moment
    return moment.strftime("%Y-%m-%d %H:%M:%S")


# What is served


@pytest.mark.parametrize(("path", "name"), KINDS)
def test_what_is_below_a_record_is_served_in_any_case_and_in_order(
    shared_sandbox: Sandbox, path: str, name: str
) -> None:
    children = shared_sandbox.children(path, name)
    assert children
    for parent_id, expected in list(children.items())[:5]:
        answer = ask(shared_sandbox, f"{path}/{parent_id}/{name}")
        assert answer.status_code == (201 if name == "QuotationDocument" else 200)  # spec
        assert answer.json() == msgspec.json.decode(msgspec.json.encode(expected))
        for url in (f"{path}/{parent_id}/{name}".lower(), f"{path}/{parent_id}/{name}".upper()):
            assert ask(shared_sandbox, url).json() == answer.json()
        key = KEYS.get(COMPONENTS[path, name])
        if key is not None:
            ids = [row[key] for row in expected]
            assert ids == sorted(set(ids))


def test_a_record_with_nothing_below_it_answers_an_empty_list(sandbox: Sandbox) -> None:
    for path, name in KINDS:
        table = sandbox.tables[path]
        record_id = sandbox.create(path)[table.keys[0]]
        assert ask(sandbox, f"{path}/{record_id}/{name}").json() == []


@pytest.mark.parametrize(
    "path",
    [
        "/Notes/1/Comments",
        "/Notes/one/Comments",
        "/Notes/²/Comments",
        "/Notes/{note}/Elephants",
        "/Notes/{note}/StateHistory",
        "/Notes/{note}/Comments/1",
        "/Events/{event}/Comments",
        "/Elephants/1/FileAttachments",
        "/Fruit__c/1/FileAttachments",
        "/CustomFields/Contacts/Comments",
    ],
)
def test_what_is_not_there_is_not_found(shared_sandbox: Sandbox, path: str) -> None:
    ids = {"note": first(shared_sandbox, "/Notes"), "event": first(shared_sandbox, "/Events")}
    assert ask(shared_sandbox, path.format(**ids)).status_code == 404


def test_another_form_of_the_objects_name_is_refused(shared_sandbox: Sandbox) -> None:
    assert ask(shared_sandbox, "/Tickets/1/Comments").status_code == 405


def test_files_below_a_record_cannot_be_written_over_http(shared_sandbox: Sandbox) -> None:
    url = f"{shared_sandbox.api_url}/Notes/{first(shared_sandbox, '/Notes')}/FileAttachments"
    assert requests.post(url, json={}, auth=(KEY, ""), timeout=60).status_code == 405


@pytest.mark.parametrize(("path", "name"), PAGED)
def test_comments_and_files_come_in_pages(sandbox: Sandbox, path: str, name: str) -> None:
    parent_id = sandbox.create(path)[sandbox.tables[path].keys[0]]
    for _ in range(120):
        sandbox.create_child(path, parent_id, name)
    key = KEYS[COMPONENTS[path, name]]
    everything = [row[key] for row in sandbox.children(path, name)[parent_id]]
    assert len(set(everything)) == 120

    def page(**params: Any) -> list[int]:
        answer = ask(sandbox, f"{path}/{parent_id}/{name}", **params)
        return [row[key] for row in answer.json()]

    assert page() == everything[:100]
    assert page(top=1000) == everything
    assert page(top=3, skip=118) == everything[118:]
    assert page(skip=120) == []
    counted = ask(sandbox, f"{path}/{parent_id}/{name}", top=1, count_total="true")
    assert counted.headers["X-Total-Count"] == "120"
    assert "X-Total-Count" not in ask(sandbox, f"{path}/{parent_id}/{name}").headers
    for wrong in ({"top": "0"}, {"skip": "-1"}, {"updated_after_utc": "soon"}):
        assert ask(sandbox, f"{path}/{parent_id}/{name}", **wrong).status_code == 400


@pytest.mark.parametrize(("path", "name"), PAGED)
def test_comments_and_files_can_be_searched_by_date(sandbox: Sandbox, path: str, name: str) -> None:
    parent_id = first(sandbox, path)
    key = KEYS[COMPONENTS[path, name]]
    made = []
    for seconds in range(3):
        at(sandbox, seconds)
        made.append(sandbox.create_child(path, parent_id, name)[key])
    url = f"{path}/{parent_id}/{name}"
    found = ask(sandbox, url, updated_after_utc="2027-03-01T12:00:00Z", count_total="true")
    assert [row[key] for row in found.json()] == made[1:]  # strictly after
    assert found.headers["X-Total-Count"] == "2"
    assert ask(sandbox, url, updated_after_utc="2027-03-01 12:00:02").json() == []


@pytest.mark.parametrize(("path", "name"), WHOLE)
def test_the_others_are_given_whole(sandbox: Sandbox, path: str, name: str) -> None:
    parent_id = sandbox.create(path)[sandbox.tables[path].keys[0]]
    for _ in range(101):
        sandbox.create_child(path, parent_id, name)
    answer = ask(
        sandbox,
        f"{path}/{parent_id}/{name}",
        top=1,
        skip=1,
        updated_after_utc="2999-01-01T00:00:00Z",
    )
    assert len(answer.json()) == 101


# Faults, quota, plan


def test_a_request_for_children_is_one_like_any_other(sandbox: Sandbox) -> None:
    url = f"/Notes/{first(sandbox, '/Notes')}/Comments"
    assert ask(sandbox, url, key="wrong").status_code == 401
    sandbox.requests.clear()
    sandbox.faults = Faults(script=["500", "ok"], daily_quota=2)
    answers = [ask(sandbox, url) for _ in range(3)]
    assert [answer.status_code for answer in answers] == [500, 200, 429]
    assert [answer.headers["X-RateLimit-Remaining"] for answer in answers] == ["1", "0", "0"]
    assert [request.path for request in sandbox.requests] == [f"/v3.1{url}"] * 3


def test_children_can_be_out_of_reach_while_their_parents_are_not(sandbox: Sandbox) -> None:
    sandbox.faults = Faults(
        forbidden={"/Opportunities/{id}/StateHistory"},
        missing={"/Fruit__c/{id}/FileAttachments"},
        not_allowed={"/Notes/{id}/Comments"},
    )
    found = {
        f"{path}/{name}": ask(sandbox, f"{path}/{first(sandbox, path)}/{name}".lower()).status_code
        for path, name in KINDS
    }
    refused = {
        "/Opportunities/StateHistory": 403,
        "/Fruit__c/FileAttachments": 404,
        "/Notes/Comments": 405,
        "/Quotation/QuotationDocument": 201,
    }
    assert found == {**dict.fromkeys(found, 200), **refused}
    assert ask(sandbox, "/Opportunities").status_code == 200


def test_children_of_what_is_out_of_reach_are_out_of_reach(sandbox: Sandbox) -> None:
    sandbox.faults = Faults(forbidden={"/Notes"})
    for name in ("Comments", "FileAttachments"):
        assert ask(sandbox, f"/Notes/{first(sandbox, '/Notes')}/{name}").status_code == 403


def test_a_plan_leaves_out_the_children_with_their_parents() -> None:
    with new_sandbox(plan="professional").serve() as sandbox:
        for path, name, status in (
            ("/Ticket", "Comments", 403),
            ("/Prospect", "StaticListMembership", 403),
            ("/Quotation", "QuotationDocument", 404),
            ("/Notes", "Comments", 200),
        ):
            answer = ask(sandbox, f"{path}/{first(sandbox, path)}/{name}")
            assert answer.status_code == status, path


# Changes from Python


@pytest.mark.parametrize(("path", "name"), KINDS)
def test_a_child_gets_its_id_its_dates_and_its_parent_by_itself(
    sandbox: Sandbox, path: str, name: str
) -> None:
    component = COMPONENTS[path, name]
    known = [row for own, kind, _, row in rows(sandbox) if COMPONENTS[own, kind] == component]
    now = at(sandbox, 0)
    parent_id = first(sandbox, path)
    made = sandbox.create_child(path, parent_id, name)
    assert sandbox.children(path, name)[parent_id][-1] == made
    assert ask(sandbox, f"{path}/{parent_id}/{name}").json()[-1] == made
    dates = [made[field] for field in made if field.startswith("DATE_")]
    assert dates == [now] * len(dates)
    if key := KEYS.get(component):
        assert made[key] > max(row[key] for row in known)
    parent_key = sandbox.tables[path].keys[0]
    if parent_key in made:
        assert made[parent_key] == (str(parent_id) if parent_key == "QUOTE_ID" else parent_id)


def test_the_fields_of_a_child_are_what_is_given(sandbox: Sandbox) -> None:
    note = first(sandbox, "/Notes")
    made = sandbox.create_child(
        "/Notes", note, "comments", BODY="Żółw 🐢", COMMENT_ID=1, DATE_UPDATED_UTC=None
    )
    assert made["COMMENT_ID"] == 1
    assert (made["BODY"], made[UPDATED], made["NOTE_ID"]) == ("Żółw 🐢", None, note)
    prospect = first(sandbox, "/Prospect")
    joined = sandbox.create_child("/Prospect", prospect, "StaticListMembership", LIST_ID=7)
    assert joined == {"LIST_ID": 7}  # which list it is of is for the caller to say


def test_a_child_is_an_update_of_its_parent_unless_asked_otherwise(sandbox: Sandbox) -> None:
    note = first(sandbox, "/Notes")
    before = sandbox.records("/Notes")[0][UPDATED]
    now = at(sandbox, 0)
    sandbox.create_child("/Notes", note, "Comments", touch=False)
    assert sandbox.records("/Notes")[0][UPDATED] == before
    sandbox.create_child("/Notes", note, "Comments")
    assert sandbox.records("/Notes")[0][UPDATED] == now
    assert ask(sandbox, f"/Notes/{note}").json()[UPDATED] == now
    email = sandbox.records("/Emails")[0]
    sandbox.create_child("/Emails", email["EMAIL_ID"], "Comments")
    assert sandbox.records("/Emails")[0] == email  # has no date of its update


@pytest.mark.parametrize(
    ("path", "name"),
    [("/Notes", "Elephants"), ("/Events", "Comments"), ("/Elephants", "FileAttachments")],
)
def test_a_kind_that_is_not_there_is_an_error(sandbox: Sandbox, path: str, name: str) -> None:
    with pytest.raises(KeyError):
        sandbox.create_child(path, 1, name)
    with pytest.raises(KeyError):
        sandbox.children(path, name)
    with pytest.raises(KeyError):
        sandbox.delete_child(path, 1, name, 1)


def test_a_child_of_no_record_is_an_error(sandbox: Sandbox) -> None:
    with pytest.raises(KeyError):
        sandbox.create_child("/Notes", 1, "Comments")


def test_what_is_listed_is_a_copy(sandbox: Sandbox) -> None:
    note = first(sandbox, "/Notes")
    sandbox.create_child("/Notes", note, "Comments", BODY="mine")["BODY"] = "theirs"
    sandbox.children("/Notes", "Comments")[note][-1]["BODY"] = "theirs"
    assert sandbox.children("/Notes", "Comments")[note][-1]["BODY"] == "mine"


@pytest.mark.parametrize(("path", "name"), [kind for kind in KINDS if kind[1] != "StateHistory"])
def test_a_child_is_deleted_by_its_id(sandbox: Sandbox, path: str, name: str) -> None:
    key = KEYS.get(COMPONENTS[path, name], "LIST_ID")
    parent_id = sandbox.create(path)[sandbox.tables[path].keys[0]]
    made = [sandbox.create_child(path, parent_id, name)[key] for _ in range(2)]
    assert sandbox.delete_child(path, parent_id, name, made[1])
    assert not sandbox.delete_child(path, parent_id, name, made[1])
    assert not sandbox.delete_child(path, 1, name, made[0])
    assert [row[key] for row in ask(sandbox, f"{path}/{parent_id}/{name}").json()] == made[:1]
    if name != "StaticListMembership":  # an id is never given twice
        assert sandbox.create_child(path, parent_id, name)[key] > made[1]


def test_an_entry_of_a_history_cannot_be_deleted_as_it_has_no_id(sandbox: Sandbox) -> None:
    with pytest.raises(KeyError):
        sandbox.delete_child("/Opportunities", first(sandbox, "/Opportunities"), "StateHistory", 1)


@pytest.mark.parametrize("over_http", [True, False])
def test_children_are_deleted_with_their_parent(sandbox: Sandbox, *, over_http: bool) -> None:
    note = first(sandbox, "/Notes")
    sandbox.create_child("/Notes", note, "FileAttachments")
    sandbox.create_child("/Notes", note, "Comments")
    if over_http:
        assert delete(sandbox, f"/Notes/{note}") == 202
    else:
        sandbox.delete("/Notes", note)
    for name in ("Comments", "FileAttachments"):
        assert note not in sandbox.children("/Notes", name)
        assert ask(sandbox, f"/Notes/{note}/{name}").status_code == 404


def test_records_of_a_new_custom_object_can_have_files(sandbox: Sandbox) -> None:
    sandbox.add_custom_object("Boat__c")
    boat = sandbox.create("/Boat__c", RECORD_NAME="Łódź")["RECORD_ID"]
    made = sandbox.create_child("/Boat__c", boat, "FileAttachments", FILE_NAME="sail.pdf")
    assert ask(sandbox, f"/boat__c/{boat}/fileattachments").json() == [made]


# The history of a deal


def states(sandbox: Sandbox, deal: int) -> list[tuple[str, str]]:
    answer = ask(sandbox, f"/Opportunities/{deal}/StateHistory")
    return [(row["DATE_CHANGED_UTC"], row["FOR_OPPORTUNITY_STATE"]) for row in answer.json()]


def test_a_change_of_state_continues_the_history(sandbox: Sandbox) -> None:
    begun = at(sandbox, 0)
    deal = sandbox.create("/Opportunities", OPPORTUNITY_STATE="OPEN")["OPPORTUNITY_ID"]
    won = at(sandbox, 1)
    sandbox.update("/Opportunities", deal, OPPORTUNITY_STATE="WON")
    at(sandbox, 2)
    sandbox.update("/Opportunities", deal, OPPORTUNITY_STATE="WON")  # no other state
    sandbox.update("/Opportunities", deal, PROBABILITY=100)
    lost = at(sandbox, 3)
    body = {"OPPORTUNITY_ID": deal, "OPPORTUNITY_STATE": "LOST"}
    url = f"{sandbox.api_url}/Opportunities"
    assert requests.put(url, json=body, auth=(KEY, ""), timeout=60).status_code == 201
    assert states(sandbox, deal) == [(begun, "OPEN"), (won, "WON"), (lost, "LOST")]


def test_other_objects_have_no_states(sandbox: Sandbox) -> None:
    before = sandbox.children("/Opportunities", "StateHistory")
    sandbox.create("/Projects", OPPORTUNITY_STATE="OPEN")
    assert sandbox.children("/Opportunities", "StateHistory") == before
