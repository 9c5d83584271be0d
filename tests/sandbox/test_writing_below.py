"""What is below a record is read and written there, one by one."""

from __future__ import annotations

from datetime import datetime, timezone
from typing import TYPE_CHECKING, Any

import pytest

from tap_insightly.openapi import WRITE
from tap_insightly.sandbox import Faults
from tests.conftest import new_sandbox
from tests.sandbox.written import (
    BELOW,
    body_for,
    content,
    custom_values,
    first,
    key_of,
    message,
    minimal,
    schema_of,
    send,
)

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tap_insightly.sandbox import Sandbox

PATHS = WRITE["paths"]
NOON = datetime(2027, 3, 1, 12, tzinfo=timezone.utc)
NOW = "2027-03-01 12:00:00"
UPDATED = "DATE_UPDATED_UTC"


def having(part: str) -> list[str]:
    """The objects whose records have something of a name below them."""
    return [path.split("/")[1] for path in PATHS if path.endswith(f"/{{id}}/{part}")]


LINKED, TAGGED, NOTED = having("Links"), having("Tags"), having("Notes")
ENTRIES = [(path, "Dates") for path in having("Dates")]
ENTRIES += [(path, "EmailDomains") for path in having("EmailDomains")]
CHANGED = [path for path in BELOW if "put" in PATHS[path]]


@pytest.fixture(scope="module")
def account() -> Iterator[Sandbox]:
    """A sandbox into which many tests write, each something of its own."""
    with new_sandbox().serve() as sandbox:
        sandbox.faults.requires_all = True
        yield sandbox


def url_of(sandbox: Sandbox, name: str, part: str = "") -> str:
    """The address of an object's first record, or of what is below it."""
    return f"/{name}/{first(sandbox, f'/{name}')}{part and '/'}{part}"


def both(template: str) -> tuple[str, str, str]:
    """Of what is below a record: the list above, its name, and the list that it is in itself."""
    _, parent, _, part = template.split("/")
    return f"/{parent}", part, PATHS[template]["x-list"]


def read(sandbox: Sandbox, url: str) -> Any:
    return content(send(sandbox, "GET", url))


def other_of(sandbox: Sandbox, name: str = "Organisation") -> dict[str, Any]:
    key = first(sandbox, name if name.startswith("/") else f"/{name}s")
    return {"LINK_OBJECT_NAME": name.strip("/"), "LINK_OBJECT_ID": key}


# Links


@pytest.mark.parametrize("name", LINKED)
def test_a_link_is_made_changed_and_removed(account: Sandbox, name: str) -> None:
    url, key = url_of(account, name, "Links"), first(account, f"/{name}")
    before = read(account, url)
    other = other_of(account)
    answer = send(account, "POST", url, {**other, "ROLE": "Käufer", "OBJECT_ID": 5, "LINK_ID": 6})
    assert answer.status_code == 201, answer.text
    link = answer.json()
    assert link.items() >= {**other, "ROLE": "Käufer", "OBJECT_ID": key, "DETAILS": None}.items()
    assert link["OBJECT_NAME"] == name.removesuffix("s").replace("Opportunitie", "Opportunity")
    assert link["LINK_ID"] > max([6, *(one["LINK_ID"] for one in before)])
    assert read(account, url) == [*before, link]
    assert read(account, url_of(account, name))["LINKS"] == [*before, link]
    if "put" in PATHS[f"/{name}/{{id}}/Links"]:
        body = {"LINK_ID": link["LINK_ID"], "DETAILS": "New", "ROLE": None, "OBJECT_ID": 5}
        link |= {"DETAILS": "New", "ROLE": None}
        assert send(account, "PUT", url, body).json() == link
        assert read(account, url) == [*before, link]
    else:
        assert send(account, "PUT", url, {"LINK_ID": link["LINK_ID"]}).status_code == 405
    gone = [send(account, "DELETE", f"{url}/{link['LINK_ID']}").status_code for _ in "ab"]
    assert gone == [202, 404]
    assert read(account, url) == before


def test_only_the_record_that_carries_a_link_has_it(account: Sandbox) -> None:
    other = other_of(account)
    key = other["LINK_OBJECT_ID"]
    before = read(account, f"/Organisations/{key}/Links")
    send(account, "POST", url_of(account, "Contacts", "Links"), other)
    assert read(account, f"/Organisations/{key}/Links") == before


def test_the_same_link_can_be_made_twice(account: Sandbox) -> None:
    url, other = url_of(account, "Tasks", "Links"), other_of(account)
    made = [send(account, "POST", url, other).json()["LINK_ID"] for _ in range(2)]
    assert made[0] != made[1]
    assert [one["LINK_ID"] for one in read(account, url)][-2:] == made


@pytest.mark.parametrize("name", ["Contact", "Lead", "Project", "Task", "Event", "Note", "Email"])
def test_whatever_carries_links_can_be_linked_to(account: Sandbox, name: str) -> None:
    url = url_of(account, "Contacts", "Links")
    assert send(account, "POST", url, other_of(account, name)).status_code == 201


def test_a_record_of_a_custom_object_can_be_linked_to(account: Sandbox) -> None:
    url = url_of(account, "Contacts", "Links")
    assert send(account, "POST", url, other_of(account, "/Fruit__c")).status_code == 201


@pytest.mark.parametrize(
    "wrong",
    [
        {"LINK_OBJECT_NAME": "Contacts"},
        {"LINK_OBJECT_NAME": "contact"},
        {"LINK_OBJECT_NAME": "User"},
        {"LINK_OBJECT_NAME": "Elephant__c"},
        {"LINK_OBJECT_NAME": ""},
        {"LINK_OBJECT_NAME": None},
        {"LINK_OBJECT_ID": 4711},
        {"LINK_OBJECT_ID": "4711"},
        {"LINK_OBJECT_ID": None},
        {"RELATIONSHIP_ID": 4711},
        {"ROLE": "x" * 256},
        {"IS_FORWARD": "yes"},
    ],
)
def test_a_link_that_leads_nowhere_is_refused(account: Sandbox, wrong: dict[str, Any]) -> None:
    url = url_of(account, "Projects", "Links")
    made = send(account, "POST", url, other_of(account)).json()["LINK_ID"]
    before = read(account, url)
    for answer in (
        send(account, "POST", url, {**other_of(account), **wrong}),
        send(account, "PUT", url, {"LINK_ID": made, **wrong}),
    ):
        assert answer.status_code == 400
        assert next(iter(wrong)) in message(answer)
    assert read(account, url) == before


def test_a_link_is_changed_by_its_id(account: Sandbox) -> None:
    url = url_of(account, "Contacts", "Links")
    assert send(account, "PUT", url, {"ROLE": "A"}).status_code == 400
    assert send(account, "PUT", url, {"LINK_ID": 1, "ROLE": "A"}).status_code == 404


# Tags, dates, email domains


@pytest.mark.parametrize("name", TAGGED)
def test_tags_are_put_on_replaced_and_taken_off(account: Sandbox, name: str) -> None:
    url = url_of(account, name, "Tags")

    def names() -> list[str]:
        tags = [tag["TAG_NAME"] for tag in read(account, url)]
        assert tags == [tag["TAG_NAME"] for tag in read(account, url_of(account, name))["TAGS"]]
        return tags

    tags = [{"TAG_NAME": one} for one in ("ä", "b", "b")]
    replaced = send(account, "PUT", url, tags)
    assert (replaced.status_code, replaced.json()) == (201, tags[:2])
    assert names() == ["ä", "b"]
    for _ in range(2):  # a second time changes nothing
        made = send(account, "POST", url, {"TAG_NAME": "c", "A": 1})
        assert (made.status_code, made.json()) == (201, {"TAG_NAME": "c"})
        assert names() == ["ä", "b", "c"]
    gone = [send(account, "DELETE", url, {"TAG_NAME": "ä"}).status_code for _ in "ab"]
    assert gone == [202, 404]
    assert names() == ["b", "c"]
    for wrong in ({}, {"TAG_NAME": ""}, {"TAG_NAME": "x" * 256}, []):
        assert send(account, "POST", url, wrong).status_code == 400
    for wrong in ({"TAG_NAME": "a"}, [{"TAG_NAME": None}], ["a"]):
        assert send(account, "PUT", url, wrong).status_code == 400
    assert names() == ["b", "c"]


@pytest.mark.parametrize(("name", "part"), ENTRIES)
def test_dates_and_domains_are_read_and_replaced(account: Sandbox, name: str, part: str) -> None:
    url, array = url_of(account, name, part), part.upper()
    field = {"DATES": "OCCASION_NAME", "EMAILDOMAINS": "EMAIL_DOMAIN"}[array]
    made = send(account, "PUT", url, [{field: "ä"}, {field: "b"}])
    assert made.status_code == 200
    assert [row[field] for row in made.json()] == ["ä", "b"]
    assert read(account, url) == read(account, url_of(account, name))[array] == made.json()
    assert send(account, "PUT", url, made.json()[1:]).json() == made.json()[1:]
    assert read(account, url) == made.json()[1:]
    assert send(account, "PUT", url, {field: "a"}).status_code == 400
    assert send(account, "PUT", url, [{field: "x" * 256}]).status_code == 400
    assert send(account, "POST", url, {field: "a"}).status_code == 405


# Notes


@pytest.mark.parametrize("name", NOTED)
def test_a_note_is_one_of_the_list_with_a_link_to_its_record(account: Sandbox, name: str) -> None:
    url, key = url_of(account, name, "Notes"), first(account, f"/{name}")
    before, count = read(account, url), account.count("/Notes")
    assert send(account, "POST", url, {"BODY": "B"}).status_code == 400
    answer = send(account, "POST", url, {"TITLE": "Tïtle", "BODY": "<p>B</p>", "LINKS": [{}]})
    assert answer.status_code == 201
    note = answer.json()
    assert (note["TITLE"], note["BODY"]) == ("Tïtle", "<p>B</p>")
    (link,) = note["LINKS"]
    assert (link["OBJECT_NAME"], link["OBJECT_ID"]) == ("Note", note["NOTE_ID"])
    assert link["LINK_OBJECT_ID"] == key
    assert account.object_at(f"/{name}") == link["LINK_OBJECT_NAME"]
    assert read(account, url) == [*before, note]
    own = send(account, "GET", f"/Notes/{note['NOTE_ID']}")
    assert (own.json(), own.headers["ETag"]) == (note, answer.headers["ETag"])
    assert account.count("/Notes") == count + 1
    changed = send(account, "PUT", "/Notes", {"NOTE_ID": note["NOTE_ID"], "BODY": "C"}).json()
    assert read(account, url)[-1] == changed
    assert changed["BODY"] == "C"


# Records of other lists


@pytest.mark.parametrize("template", BELOW)
def test_what_is_made_below_a_record_belongs_to_it(account: Sandbox, template: str) -> None:
    parent, part, path = both(template)
    url, field = url_of(account, parent[1:], part), PATHS[template]["x-parent-field"]
    count = account.count(path)
    body = body_for(account, template)
    if values := custom_values(account, path):
        body["CUSTOMFIELDS"] = values
    answer = send(account, "POST", url, body)
    assert answer.status_code == 201, answer.text
    made = content(answer)
    if isinstance(made, list):
        (made,) = made
    assert made[field] == first(account, parent)
    sent = {name: body[name] for name in body if name not in {field, "CUSTOMFIELDS"}}
    assert {name: str(made[name]) for name in sent} == {name: str(sent[name]) for name in sent}
    assert account.count(path) == count + 1
    assert account.records(path)[-1] == made
    if "get" in PATHS[template]:
        assert read(account, url)[-1] == made
        assert {row[field] for row in read(account, url)} == {made[field]}
    record = send(account, "GET", f"{path}/{made[key_of(account, path)]}")
    assert record.headers["ETag"] == answer.headers["ETag"]


@pytest.mark.parametrize("template", BELOW)
def test_to_which_record_it_belongs_is_in_the_address(account: Sandbox, template: str) -> None:
    parent, part, path = both(template)
    key, field = key_of(account, path), PATHS[template]["x-parent-field"]
    url, other = (
        url_of(account, parent[1:], part),
        account.records(parent)[-1][key_of(account, parent)],
    )
    answer = send(account, "POST", url, {**minimal(account, template), field: other})
    made = account.records(path)[-1]
    assert (answer.status_code, made[field]) == (201, first(account, parent)) != (201, other)
    if template in CHANGED:
        assert send(account, "PUT", url, {key: made[key], field: other}).status_code == 200
        assert account.records(path)[-1][field] == made[field]


@pytest.mark.parametrize("template", BELOW)
def test_what_is_required_below_a_record_is_named(account: Sandbox, template: str) -> None:
    parent, part, path = both(template)
    body, count = minimal(account, template), account.count(path)
    for name in schema_of(template)["required"]:
        answer = send(account, "POST", url_of(account, parent[1:], part), {**body, name: None})
        assert answer.status_code == 400
        assert name in message(answer)
    assert account.count(path) == count


@pytest.mark.parametrize("template", CHANGED)
def test_what_is_below_a_record_is_changed_and_removed_there_only(
    account: Sandbox, template: str
) -> None:
    parent, part, path = both(template)
    key, field = key_of(account, path), PATHS[template]["x-parent-field"]
    url = url_of(account, parent[1:], part)
    (made,) = content(send(account, "POST", url, minimal(account, template)))
    stranger = next(row for row in account.records(path) if row[field] != made[field])
    whole = body_for(account, template, "put")
    name, value = next((name, whole[name]) for name in whole if made[name] is None)
    answer = send(account, "PUT", url, {key: made[key], name: value})
    assert answer.status_code == 200, answer.text
    (changed,) = content(answer)
    assert changed == {**made, name: value, UPDATED: changed[UPDATED]}
    assert account.tables[path].find(made[key]) == changed
    for body, status in (
        ({name: value}, 400),
        ({key: 1, name: value}, 404),
        ({key: stranger[key], name: value}, 404),
        ({key: made[key], name: [5]}, 400),
    ):
        assert send(account, "PUT", url, body).status_code == status
    assert send(account, "DELETE", f"{url}/{stranger[key]}").status_code == 404
    assert account.tables[path].find(stranger[key]) == stranger
    gone = [send(account, "DELETE", f"{url}/{made[key]}").status_code for _ in "ab"]
    assert gone == [202, 404]
    assert account.tables[path].find(made[key]) is None


# An update of the record


@pytest.mark.parametrize(
    ("name", "part", "body"),
    [
        ("Contacts", "Links", {"LINK_OBJECT_NAME": "Organisation", "LINK_OBJECT_ID": None}),
        ("Contacts", "Tags", {"TAG_NAME": "new"}),
        ("Contacts", "Notes", {"TITLE": "A"}),
        ("Notes", "Comments", {"BODY": "A"}),
        ("Opportunities", "OpportunityLineItem", {"UNIT_PRICE": 1, "QUANTITY": 1}),
        ("Prospect", "StaticListMembership", {"LIST_ID": 5}),
    ],
)
def test_a_write_below_a_record_is_an_update_of_it(
    sandbox: Sandbox, name: str, part: str, body: dict[str, Any]
) -> None:
    if "LINK_OBJECT_ID" in body:
        body = other_of(sandbox)
    sandbox.clock = lambda: NOON
    tag = send(sandbox, "GET", url_of(sandbox, name)).headers["ETag"]
    answer = send(sandbox, "POST", url_of(sandbox, name, part), body)
    assert answer.status_code in {200, 201}, answer.text
    after = send(sandbox, "GET", url_of(sandbox, name))
    assert after.json()[UPDATED] == NOW
    assert after.headers["ETag"] != tag
    params = {"updated_after_utc": "2027-03-01T11:59:59Z"}
    found = send(sandbox, "GET", f"/{name}/Search", params=params).json()
    assert after.json() in found


# What is not there


@pytest.mark.parametrize(
    ("method", "url", "status"),
    [
        ("GET", "/Contacts/1/Links", 404),
        ("POST", "/Contacts/1/Links", 404),
        ("POST", "/Contacts/one/Links", 404),
        ("GET", "/Contacts/{id}/Elephants", 404),
        ("POST", "/Contacts/{id}/Elephants", 404),
        ("GET", "/Contacts/{id}/Links/1", 405),
        ("PUT", "/Contacts/{id}/Links/1", 405),
        ("DELETE", "/Contacts/{id}/Links/1", 404),
        ("DELETE", "/Contacts/{id}/Links/1/2", 404),
        ("DELETE", "/Contacts/{id}/Links", 405),
        ("PUT", "/Contacts/{id}/Notes", 405),
        ("POST", "/Leads/{id}/Links", 404),
        ("POST", "/Events/{id}/Notes", 404),
        ("POST", "/Contacts/{id}/FileAttachments", 405),
        ("DELETE", "/Contacts/{id}/FileAttachments/1", 404),
        ("GET", "/Contacts/{id}/Follow", 405),
        ("GET", "/Teams/{id}/TeamMembers", 405),
        ("POST", "/Fruit__c/{id}/Links", 404),
    ],
)
def test_what_the_document_does_not_have_below_a_record_is_refused(
    account: Sandbox, method: str, url: str, status: int
) -> None:
    url = url.format(id=first(account, "/" + url.split("/")[1]))
    assert send(account, method, url, {}).status_code == status


def test_what_is_below_a_record_is_found_in_any_case(account: Sandbox) -> None:
    url = url_of(account, "Contacts", "Links")
    link = send(account, "POST", url.upper().replace("V3.1", "v3.1"), other_of(account)).json()
    assert read(account, url.lower())[-1] == link
    assert send(account, "DELETE", f"{url}/{link['LINK_ID']}".lower()).status_code == 202


def test_a_list_out_of_reach_is_so_below_records_too(sandbox: Sandbox) -> None:
    url = url_of(sandbox, "Projects", "Milestones")
    sandbox.faults = Faults(forbidden={"/Milestones"}, missing={"/Projects/{id}/Tags"})
    body = minimal(sandbox, "/Projects/{id}/Milestones")
    assert send(sandbox, "GET", url).status_code == 403
    assert send(sandbox, "POST", url, body).status_code == 403
    assert send(sandbox, "GET", url_of(sandbox, "Projects", "Tags")).status_code == 404
    assert send(sandbox, "GET", url_of(sandbox, "Projects", "Links")).status_code == 200
