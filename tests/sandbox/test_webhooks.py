"""Webhooks of the sandbox, as they come to a receiver over HTTP: what is sent, and what is not."""

from __future__ import annotations

import base64
import json
from datetime import datetime, timedelta, timezone
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tap_insightly.sandbox import Faults, Sandbox
from tap_insightly.sandbox.webhooks.receiver import Receiver, ReceiverError
from tests.conftest import KEY, new_sandbox
from tests.sandbox.receiving import Inbox, inbox, moment, told_of
from tests.sandbox.written import (
    PUT,
    TOP,
    changed,
    first,
    key_of,
    path_of,
    posted,
    send,
    texts_of,
)

if TYPE_CHECKING:
    from collections.abc import Iterator

NOON = datetime(2027, 3, 1, 12, 0, 0, 787_000, tzinfo=timezone.utc)
# What a task of a workflow was seen to have.
TASK = (
    "TASK_ID TITLE CATEGORY_ID DUE_DATE PUBLICLY_VISIBLE COMPLETED DETAILS STATUS PRIORITY "
    "PERCENT_COMPLETE OWNER_VISIBLE RESPONSIBLE_USER_ID OWNER_USER_ID DATE_CREATED_UTC "
    "DATE_UPDATED_UTC"
).split()


@pytest.fixture(scope="module")
def kept() -> Iterator[tuple[Sandbox, Inbox]]:
    with inbox() as box, new_sandbox(webhooks=[box.url("user:secret@")]).serve() as account:
        yield account, box


@pytest.fixture
def account(kept: tuple[Sandbox, Inbox]) -> Sandbox:
    """A sandbox that sends, with no habits and nothing under way."""
    sandbox, box = kept
    sandbox.webhooks.flush()
    box.received.clear()
    sandbox.faults = Faults()
    sandbox.clock = lambda: NOON
    return sandbox


@pytest.fixture
def box(kept: tuple[Sandbox, Inbox]) -> Inbox:
    return kept[1]


def ids(entities: list[dict[str, Any]]) -> list[tuple[str, int]]:
    """The first field with an id of each, which is the record's own."""
    return [next(iter(one.items())) for one in entities]


def test_a_task_looks_as_insightly_sends_it(account: Sandbox, box: Inbox) -> None:
    made = posted(account, "/Tasks", TITLE="Call", DUE_DATE="2026-02-28 00:00:00", PRIORITY=2)
    account.webhooks.flush()
    (event,) = box.received
    assert event.path == "/webhooks/acme"
    assert event.content_type == "application/json; charset=utf-8"
    assert event.authorization == "Basic " + base64.b64encode(b"user:secret").decode()
    entity = event.entity
    assert set(TASK) <= set(entity)
    assert (entity["TASK_ID"], entity["TITLE"], entity["PRIORITY"]) == (made["TASK_ID"], "Call", 2)
    assert moment(entity["DUE_DATE"]) == datetime(2026, 2, 28, tzinfo=timezone.utc)
    assert moment(entity["DATE_UPDATED_UTC"]) == NOON, "with milliseconds, which records have not"
    assert made["DATE_UPDATED_UTC"] == "2027-03-01 12:00:00"


@given(
    when=st.datetimes(datetime(1000, 1, 1), timezones=st.just(timezone.utc)),  # noqa: DTZ001 - given one
    is_now=st.booleans(),
)
@settings(max_examples=100, deadline=None)
def test_dates_come_through(kept: tuple[Sandbox, Inbox], when: datetime, *, is_now: bool) -> None:
    sandbox, box = kept
    told_of(sandbox, box)
    whole = when.replace(microsecond=0)
    sandbox.clock = lambda: when if is_now else NOON
    text = whole.isoformat(sep=" ").removesuffix("+00:00")
    sandbox.update("/Contacts", first(sandbox, "/Contacts"), DATE_OF_BIRTH=text)
    (entity,) = told_of(sandbox, box)
    within = when - timedelta(microseconds=when.microsecond % 1000)
    assert moment(entity["DATE_OF_BIRTH"]) == (within if is_now else whole)


@pytest.mark.parametrize("nothing", [None, "", "0000-00-00 00:00:00"])
def test_no_date_is_null(account: Sandbox, box: Inbox, nothing: str | None) -> None:
    account.update("/Contacts", first(account, "/Contacts"), DATE_OF_BIRTH=nothing)
    assert told_of(account, box)[0]["DATE_OF_BIRTH"] is None


def test_dates_in_arrays_are_dates_too(account: Sandbox, box: Inbox) -> None:
    dates = [{"OCCASION_NAME": "Wedding", "OCCASION_DATE": "2020-05-01 00:00:00"}]
    posted(account, "/Contacts", DATES=dates)
    (entity,) = told_of(account, box)
    assert moment(entity["DATES"][0]["OCCASION_DATE"]).year == 2020


@pytest.mark.parametrize("template", TOP)
def test_whatever_is_made_and_changed_is_told(account: Sandbox, box: Inbox, template: str) -> None:
    path, names = path_of(template), texts_of(template)
    made = posted(account, template)
    table = account.tables[path]
    told = [one for one in told_of(account, box) if table.keys[0] in one]
    if table.updated is None:  # a list of settings, such as sources of leads
        assert told == []
        return
    assert [set(one) for one in told] == [set(made)]
    assert told[0][table.keys[0]] == made[table.keys[0]]
    if template in PUT and names:
        changed(account, path, made[table.keys[0]], **{names[0]: "new"})
        assert [one[names[0]] for one in told_of(account, box)] == ["new"]


def test_what_is_written_below_a_record_is_an_update_of_it(account: Sandbox, box: Inbox) -> None:
    contact, deal = first(account, "/Contacts"), first(account, "/Opportunities")
    own = f"/Contacts/{contact}"
    pipeline = account.records("/Pipelines")[0]["PIPELINE_ID"]
    company = first(account, "/Organisations")
    link = {"LINK_OBJECT_NAME": "Organisation", "LINK_OBJECT_ID": company}
    for method, path, body, told in (
        ("POST", f"{own}/Tags", {"TAG_NAME": "new"}, ["CONTACT_ID"]),
        ("PUT", f"{own}/Tags", [{"TAG_NAME": "newer"}], ["CONTACT_ID"]),
        ("DELETE", f"{own}/Tags", {"TAG_NAME": "newer"}, ["CONTACT_ID"]),
        ("POST", f"{own}/Links", link, ["CONTACT_ID"]),
        ("POST", f"{own}/Notes", {"TITLE": "N"}, ["NOTE_ID", "CONTACT_ID"]),
        ("POST", f"{own}/Follow", None, []),
        ("PUT", f"/Opportunities/{deal}/Pipeline", {"PIPELINE_ID": pipeline}, ["OPPORTUNITY_ID"]),
        (
            "PUT",
            f"/Opportunities/{deal}/StateChange",
            {"FOR_OPPORTUNITY_STATE": "WON"},
            ["OPPORTUNITY_ID"],
        ),
        ("GET", own, None, []),
        ("GET", "/Contacts/Search?updated_after_utc=2001-01-01T00:00:00Z", None, []),
        ("PUT", "/Contacts", {"CONTACT_ID": 1, "FIRST_NAME": "nobody"}, []),
        ("POST", "/Contacts", {"NO_FIELD": 1}, []),
    ):
        assert send(account, method, path, body).status_code < 500
        keys = [name for name, _ in ids(told_of(account, box))]
        assert keys == told, (method, path)


def test_what_a_workflow_changes_is_an_update_of_its_own(account: Sandbox, box: Inbox) -> None:
    account.faults = Faults(automations={"/Contacts": {"SALUTATION": "Dr."}})
    posted(account, "/Contacts")
    assert [one["SALUTATION"] for one in told_of(account, box)] == [None, "Dr."]


def test_deletions_and_what_changes_no_date_are_not_told(account: Sandbox, box: Inbox) -> None:
    made = posted(account, "/Contacts")
    key = made["CONTACT_ID"]
    assert len(told_of(account, box)) == 1
    assert send(account, "DELETE", f"/Contacts/{key}").status_code == 202
    account.restore("/Contacts", key, touch=True)
    account.put("/Contacts", key, FIRST_NAME="silent")
    account.delete("/Contacts", key)
    with account.webhooks.silent():
        account.create("/Contacts", FIRST_NAME="imported")
    assert told_of(account, box) == []
    account.create("/Contacts", FIRST_NAME="told")
    assert [one["FIRST_NAME"] for one in told_of(account, box)] == ["told"]


def test_the_made_up_data_is_not_told() -> None:
    with inbox() as box:
        sandbox = new_sandbox(webhooks=[box.url()])
        assert told_of(sandbox, box) == []


def test_python_and_http_are_told_alike(account: Sandbox, box: Inbox) -> None:
    key = first(account, "/Contacts")
    account.update("/Contacts", key, FIRST_NAME="Ada")
    changed(account, "/Contacts", key, FIRST_NAME="Ada")
    one, other = told_of(account, box)
    assert one == other


def test_a_record_of_a_custom_object_does_not_tell_which(account: Sandbox, box: Inbox) -> None:
    fruit = account.create("/Fruit__c", RECORD_NAME="Pear")
    account.create("/Site_Visit__c", RECORD_NAME="Berlin")
    told = told_of(account, box)
    assert told[0]["RECORD_ID"] == fruit["RECORD_ID"]
    assert set(told[0]) == set(told[1])
    assert b"Fruit" not in json.dumps(told).encode()


def test_a_workflow_chooses_objects_and_fields(account: Sandbox, box: Inbox) -> None:
    account.faults = Faults(
        webhook_objects={"/Contacts", "/Leads"},
        webhook_fields={"/Contacts": {"CONTACT_ID", "FIRST_NAME"}, "/Leads": {"FIRST_NAME"}},
    )
    contact = posted(account, "/Contacts", FIRST_NAME="Ada")
    posted(account, "/Leads", FIRST_NAME="Bob")
    posted(account, "/Tasks")
    assert told_of(account, box) == [
        {"CONTACT_ID": contact["CONTACT_ID"], "FIRST_NAME": "Ada"},
        {"FIRST_NAME": "Bob"},
    ]


@pytest.mark.parametrize("shape", ["array", "columns", "none"])
def test_custom_fields_can_be_anywhere(account: Sandbox, box: Inbox, shape: Any) -> None:
    account.faults = Faults(webhook_custom_fields=shape, webhook_offset="-0800")
    posted(account, "/Contacts", CUSTOMFIELDS=[{"FIELD_NAME": "Hobby__c", "FIELD_VALUE": "Go"}])
    (entity,) = told_of(account, box)
    assert ("CUSTOMFIELDS" in entity) == (shape == "array")
    assert entity.get("Hobby__c") == ("Go" if shape == "columns" else None)
    if shape == "array":
        (value,) = entity["CUSTOMFIELDS"]
        assert (value["FIELD_NAME"], value["FIELD_VALUE"]) == ("Hobby__c", "Go")


def test_the_offset_only_says_how_to_show_a_date(account: Sandbox, box: Inbox) -> None:
    key, found = first(account, "/Contacts"), []
    for offset in ("-0800", "", "+0530"):
        account.faults = Faults(webhook_offset=offset)
        account.update("/Contacts", key)
        found.append(told_of(account, box)[0]["DATE_UPDATED_UTC"])
    millis = int(NOON.timestamp() * 1000)
    assert found == [f"/Date({millis}-0800)/", f"/Date({millis})/", f"/Date({millis}+0530)/"]


@pytest.mark.parametrize(
    ("login", "expected"),
    [
        ("", None),
        ("user@", b"user:"),
        ("user:@", b"user:"),
        ("a%40b:p%3A%2F%25@", b"a@b:p:/%"),
        ("ü:%C3%A9@", "ü:é".encode()),
    ],
)
def test_the_address_holds_user_and_password(login: str, expected: bytes | None) -> None:
    receiver = Receiver.at(f"https://{login}hooks.example:8443/a%20b?c=d")
    assert receiver.url == "https://hooks.example:8443/a%20b?c=d"
    assert (receiver.host, receiver.port, receiver.target) == ("hooks.example", 8443, "/a%20b?c=d")
    told = receiver.headers.get("Authorization")
    assert told == (expected and f"Basic {base64.b64encode(expected).decode()}")
    assert "password" not in repr(Receiver.at("http://user:password@127.0.0.1/"))


@pytest.mark.parametrize(
    "url",
    [
        "",
        "127.0.0.1:8750/webhooks/acme",
        "ftp://user:secret@127.0.0.1/",
        "http://user:secret@/webhooks",
        "http://user:secret@127.0.0.1:port/",
        "http://user:secret@127.0.0.1:99999/",
        "http://user:secret@[::1/",
        "http://user:secret@127.0.0.1/a b",
        "http://user:secret@127.0.0.1/ü",
    ],
)
def test_what_is_no_address_is_refused_without_its_password(url: str) -> None:
    with pytest.raises(ReceiverError) as error:
        new_sandbox().webhooks.add(url)
    assert "secret" not in str(error.value)
    assert str(error.value).endswith(".")


def test_the_key_of_the_account_is_never_sent(account: Sandbox, box: Inbox) -> None:
    posted(account, "/Contacts")
    account.webhooks.flush()
    (event,) = box.received
    assert KEY not in str(event)
    assert base64.b64encode(f"{KEY}:".encode()).decode() not in str(event)


def test_it_can_be_added_to_a_sandbox_that_is_there(account: Sandbox, box: Inbox) -> None:
    with inbox() as other, new_sandbox().serve() as own:
        own.create("/Contacts", FIRST_NAME="early")
        own.webhooks.add(other.url(path="/one"))
        own.webhooks.add(other.url(path="/two"))
        assert own.webhooks.receivers == [other.url(path="/one"), other.url(path="/two")]
        own.create("/Contacts", FIRST_NAME="Ada")
        own.webhooks.flush()
        assert sorted(one.path for one in other.received) == ["/one", "/two"]
        assert other.received[0].body == other.received[1].body
    assert told_of(account, box) == []
    assert key_of(account, "/Contacts") == "CONTACT_ID"
