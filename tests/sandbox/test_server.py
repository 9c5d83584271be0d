"""The sandbox answers as Insightly is known to."""

from __future__ import annotations

from datetime import datetime, timedelta, timezone
from email.utils import parsedate_to_datetime
from typing import TYPE_CHECKING, Any

import pytest
import requests

from tests.conftest import KEY, new_sandbox

if TYPE_CHECKING:
    from tap_insightly.sandbox import Sandbox


def ask(sandbox: Sandbox, path: str, key: str = KEY, **params: Any) -> requests.Response:
    return requests.get(sandbox.api_url + path, params=params, auth=(key, ""), timeout=60)


def write(sandbox: Sandbox, method: str, path: str, **options: Any) -> requests.Response:
    url = sandbox.api_url + path
    return requests.request(method, url, auth=(KEY, ""), timeout=60, **options)


def ids(answer: requests.Response) -> list[int]:
    return [record["CONTACT_ID"] for record in answer.json()]


def test_a_wrong_key_is_not_let_in(shared_sandbox: Sandbox) -> None:
    assert ask(shared_sandbox, "/Contacts", key="wrong").status_code == 401


def test_every_answer_says_what_is_left_of_the_quota(shared_sandbox: Sandbox) -> None:
    left = []
    for path in ("/Contacts", "/Nothing", "/Contacts/1"):
        headers = ask(shared_sandbox, path).headers
        assert headers["X-RateLimit-Limit"] == "100000"
        left.append(int(headers["X-RateLimit-Remaining"]))
    assert left == [left[0], left[0] - 1, left[0] - 2]


def test_pages_are_of_100_unless_asked_and_of_500_at_most() -> None:
    with new_sandbox(records=600).serve() as sandbox:
        everything = [row["CONTACT_ID"] for row in sandbox.records("/Contacts")]
        assert ids(ask(sandbox, "/Contacts")) == everything[:100]
        assert ids(ask(sandbox, "/Contacts", top=1000)) == everything[:500]
        assert ids(ask(sandbox, "/Contacts", top=3, skip=598)) == everything[598:]
        assert ids(ask(sandbox, "/Contacts", skip=600)) == []
        assert "X-Total-Count" not in ask(sandbox, "/Contacts").headers
        assert ask(sandbox, "/Contacts", count_total="true").headers["X-Total-Count"] == "600"
        assert everything == sorted(everything)


@pytest.mark.parametrize("params", [{"top": "0"}, {"top": "x"}, {"skip": "-1"}])
def test_a_page_that_is_none_is_refused(shared_sandbox: Sandbox, params: dict[str, str]) -> None:
    assert ask(shared_sandbox, "/Contacts", **params).status_code == 400


def test_lists_without_paging_are_given_whole(shared_sandbox: Sandbox) -> None:
    for path in ("/Countries", "/Currencies", "/CustomObjects"):
        assert len(ask(shared_sandbox, path, top=1).json()) == shared_sandbox.count(path) > 1


def test_brief_leaves_out_nested_data_and_keeps_long_text(shared_sandbox: Sandbox) -> None:
    nested = {"CUSTOMFIELDS", "TAGS", "LINKS", "DATES"}
    whole, brief = (
        ask(shared_sandbox, "/Contacts", brief=value).json()[0] for value in ("false", "true")
    )
    assert nested <= set(whole)
    assert not nested & set(brief)
    assert "BACKGROUND" in brief


def test_gzip_is_honoured(shared_sandbox: Sandbox) -> None:
    assert ask(shared_sandbox, "/Contacts").headers["Content-Encoding"] == "gzip"
    plain = requests.get(
        f"{shared_sandbox.api_url}/Contacts",
        auth=(KEY, ""),
        headers={"Accept-Encoding": "identity"},
        timeout=60,
    )
    assert "Content-Encoding" not in plain.headers
    assert plain.json() == ask(shared_sandbox, "/Contacts").json()


@pytest.mark.parametrize(
    ("path", "status"),
    [
        ("/contacts", 200),
        ("/CONTACTS", 200),
        ("/Contact", 405),
        ("/Tickets", 405),
        ("/Ticket", 200),
        ("/Quotations", 405),
        ("/Products", 405),
        ("/Elephants", 404),
        ("/Contacts/1", 404),
        ("/Contacts/one", 404),
        ("/LeadSources/Search", 404),
        ("/Users/Me", 200),
    ],
)
def test_names_of_paths(shared_sandbox: Sandbox, path: str, status: int) -> None:
    assert ask(shared_sandbox, path).status_code == status


def test_one_record_is_found_by_its_id_and_has_an_etag(sandbox: Sandbox) -> None:
    contact = sandbox.records("/Contacts")[3]
    path = f"/Contacts/{contact['CONTACT_ID']}"
    before = ask(sandbox, path)
    assert before.json()["CONTACT_ID"] == contact["CONTACT_ID"]
    assert ask(sandbox, path).headers["ETag"] == before.headers["ETag"]
    sandbox.update("/Contacts", contact["CONTACT_ID"], FIRST_NAME="Other")
    assert ask(sandbox, path).headers["ETag"] != before.headers["ETag"]


@pytest.mark.parametrize("form", ["%Y-%m-%dT%H:%M:%SZ", "%Y-%m-%d %H:%M:%S"])
def test_search_by_date(sandbox: Sandbox, form: str) -> None:
    keys = [row["CONTACT_ID"] for row in sandbox.records("/Contacts")]
    moment = datetime(2027, 3, 1, 12, tzinfo=timezone.utc)
    for seconds, key in enumerate(keys[:3]):
        sandbox.clock = lambda seconds=seconds: moment + timedelta(seconds=seconds)
        sandbox.update("/Contacts", key, FIRST_NAME="Later")
    found = ask(sandbox, "/Contacts/Search", updated_after_utc=moment.strftime(form))
    assert ids(found) == keys[1:3]  # strictly after


def test_a_search_for_no_date_is_refused(shared_sandbox: Sandbox) -> None:
    assert ask(shared_sandbox, "/Contacts/Search", updated_after_utc="soon").status_code == 400


def test_search_by_field_standard_and_custom(sandbox: Sandbox) -> None:
    custom = [{"FIELD_NAME": "Hobby__c", "FIELD_VALUE": "Glass blowing"}]
    made = sandbox.create("/Contacts", FIRST_NAME="Zoë", LAST_NAME="O'Hara", CUSTOMFIELDS=custom)
    for name, value in (("FIRST_NAME", "Zoë"), ("Hobby__c", "Glass blowing")):
        found = ask(sandbox, "/Contacts/Search", field_name=name, field_value=value)
        assert ids(found) == [made["CONTACT_ID"]]
    assert ids(ask(sandbox, "/Contacts/Search", field_name="FIRST_NAME", field_value="Zo")) == []
    assert ask(sandbox, "/Contacts/Search", field_name="FIRST_NAME").status_code == 400


def test_the_array_of_custom_fields_carries_ids(sandbox: Sandbox) -> None:
    custom = [{"FIELD_NAME": "Hobby__c", "FIELD_VALUE": "Chess"}]
    made = sandbox.create("/Contacts", CUSTOMFIELDS=custom)
    answered = ask(sandbox, f"/Contacts/{made['CONTACT_ID']}").json()
    assert answered["CUSTOMFIELDS"][0]["CUSTOM_FIELD_ID"] == "Hobby__c"


def test_definitions_are_those_of_the_object_or_all_of_the_account(
    shared_sandbox: Sandbox,
) -> None:
    def owners(name: str) -> set[str]:
        return {one["FIELD_FOR"] for one in ask(shared_sandbox, f"/CustomFields/{name}").json()}

    assert owners("Contact") == owners("Contacts") == owners("contacts") == {"CONTACT"}
    assert owners("Fruit__c") == {"FRUIT__C"}
    assert ask(shared_sandbox, "/CustomFields/Event").json() == []  # can have some, has none
    everything = owners("Milestone")  # cannot have any
    assert everything == owners("Elephant")
    assert everything > {"CONTACT", "LEAD", "FRUIT__C"}


def test_tags_need_a_kind_of_record(shared_sandbox: Sandbox) -> None:
    assert ask(shared_sandbox, "/Tags").status_code == 400
    assert ask(shared_sandbox, "/Tags", record_type="elephants").status_code == 400
    tags = ask(shared_sandbox, "/Tags", record_type="contacts").json()
    assert {"TAG_NAME": "vip"} in tags


def test_converted_lead_statuses_are_left_out_unless_asked_for(shared_sandbox: Sandbox) -> None:
    few = ask(shared_sandbox, "/LeadStatuses").json()
    many = ask(shared_sandbox, "/LeadStatuses", include_converted="true").json()
    assert len(few) < len(many) == shared_sandbox.count("/LeadStatuses")


def test_a_professional_plan_leaves_objects_out() -> None:
    with new_sandbox(plan="professional").serve() as sandbox:
        assert ask(sandbox, "/Ticket").status_code == 403
        assert ask(sandbox, "/Product").status_code == 404
        assert ask(sandbox, "/Contacts").status_code == 200


def test_the_date_header_is_the_sandboxs_clock(sandbox: Sandbox) -> None:
    moment = datetime(2030, 1, 2, 3, 4, 5, tzinfo=timezone.utc)
    sandbox.clock = lambda: moment
    assert parsedate_to_datetime(ask(sandbox, "/Instance").headers["Date"]) == moment


def test_records_are_created_updated_and_deleted_over_http(sandbox: Sandbox) -> None:
    created = write(sandbox, "POST", "/Contacts", json={"FIRST_NAME": "Ana", "CONTACT_ID": 1})
    key = created.json()["CONTACT_ID"]
    assert (created.status_code, key > 1) == (201, True)  # the id is not for a client to choose
    changed = write(sandbox, "PUT", "/Contacts", json={"CONTACT_ID": key, "LAST_NAME": "Şahin"})
    assert changed.status_code == 201  # spec
    assert (changed.json()["FIRST_NAME"], changed.json()["LAST_NAME"]) == ("Ana", "Şahin")
    assert write(sandbox, "DELETE", f"/Contacts/{key}").status_code == 202
    assert write(sandbox, "DELETE", f"/Contacts/{key}").status_code == 404
    assert sandbox.create("/Contacts")["CONTACT_ID"] == key + 1  # an id is never given twice


def test_an_update_of_another_version_is_refused(sandbox: Sandbox) -> None:
    key = sandbox.records("/Contacts")[0]["CONTACT_ID"]
    path = f"/Contacts/{key}"
    tag = {"If-Match": ask(sandbox, path).headers["ETag"]}
    body = {"CONTACT_ID": key, "FIRST_NAME": "First"}
    assert write(sandbox, "PUT", "/Contacts", json=body, headers=tag).status_code == 201
    body["FIRST_NAME"] = "Second"
    assert write(sandbox, "PUT", "/Contacts", json=body, headers=tag).status_code == 400
    assert ask(sandbox, path).json()["FIRST_NAME"] == "First"


@pytest.mark.parametrize(
    ("method", "path", "body", "status"),
    [
        ("POST", "/Contacts", b"no json", 400),
        ("POST", "/Contacts/1", b"{}", 405),
        ("PUT", "/Contacts", b'{"CONTACT_ID": 1}', 404),
        ("PUT", "/Contacts/one", b"{}", 405),
        ("DELETE", "/Contacts", b"", 405),
        ("POST", "/Countries", b"{}", 405),
    ],
)
def test_what_cannot_be_written_is_refused(
    shared_sandbox: Sandbox, method: str, path: str, body: bytes, status: int
) -> None:
    assert write(shared_sandbox, method, path, data=body).status_code == status


def test_a_deletion_moves_later_records_one_place_up(sandbox: Sandbox) -> None:
    before = ids(ask(sandbox, "/Contacts", top=5))
    sandbox.delete("/Contacts", before[1])
    assert ids(ask(sandbox, "/Contacts", top=4)) == [before[0], *before[2:]]


def test_data_can_change_between_the_pages_of_a_reader(sandbox: Sandbox) -> None:
    first = sandbox.records("/Contacts")[0]["CONTACT_ID"]
    sandbox.on_request = lambda request: (
        sandbox.delete("/Contacts", first) and None if "skip" in request.query else None
    )
    pages = [ids(ask(sandbox, "/Contacts", top=2)), ids(ask(sandbox, "/Contacts", top=2, skip=2))]
    rows = [row["CONTACT_ID"] for row in sandbox.records("/Contacts")]
    assert pages == [[first, rows[0]], rows[2:4]]  # rows[1] is what a careless reader loses
    assert [request.query for request in sandbox.requests] == [
        {"top": "2"},
        {"top": "2", "skip": "2"},
    ]
