"""What becomes of one record: created, updated, found, deleted, or left as it is."""

from __future__ import annotations

import json
from decimal import Decimal
from typing import TYPE_CHECKING, Any

import pytest

from tap_insightly.loader.errors import RejectedError
from tests.loader.feeding import Feed, feed_here, record, schema, state, stream_of

if TYPE_CHECKING:
    from tap_insightly.sandbox import Sandbox

BY_MAIL = {"match_on": {"Contact": "EMAIL_ADDRESS"}}


def writes(sandbox: Sandbox) -> list[tuple[str, Any]]:
    return [
        (f"{one.method} {one.path.removeprefix('/v3.1')}", json.loads(one.body or b"null"))
        for one in sandbox.requests
        if one.method != "GET"
    ]


def custom(row: dict[str, Any]) -> dict[str, Any]:
    return {one["FIELD_NAME"]: one["FIELD_VALUE"] for one in row["CUSTOMFIELDS"]}


def add(sandbox: Sandbox, **fields: Any) -> int:
    number = sandbox.create("/Contacts", **fields)["CONTACT_ID"]
    assert isinstance(number, int)
    return number


def contact(sandbox: Sandbox, number: int) -> dict[str, Any]:
    (row,) = (row for row in sandbox.records("/Contacts") if row["CONTACT_ID"] == number)
    return row


def named(sandbox: Sandbox, name: str) -> list[dict[str, Any]]:
    return [row for row in sandbox.records("/Contacts") if row["FIRST_NAME"] == name]


def test_a_record_without_an_id_is_created(sandbox: Sandbox) -> None:
    (field,) = (
        one
        for one in sandbox.custom_fields["/Contacts"].definitions
        if one["FIELD_NAME"] == "Interests__c"
    )
    choices = [one["OPTION_VALUE"] for one in field["CUSTOM_FIELD_OPTIONS"][:2]]
    rows = [
        {
            "first_name": "Zoë",
            "date_of_birth": "1980-02-29",
            "shoe_size__c": 43,
            "interests__c": choices,
            "tags": ["vip"],
            "contact_id": None,
            "last_name": None,
        }
    ]
    feed_here(sandbox, stream_of("contacts", rows))
    (row,) = named(sandbox, "Zoë")
    assert row["DATE_OF_BIRTH"] == "1980-02-29 00:00:00"
    assert custom(row) == {"Shoe_Size__c": 43, "Interests__c": ";".join(choices)}
    assert row["TAGS"] == [{"TAG_NAME": "vip"}]
    ((method, body),) = writes(sandbox)
    assert method == "POST /Contacts"
    assert "LAST_NAME" not in body


def test_of_a_record_with_an_id_only_what_differs_is_sent(sandbox: Sandbox) -> None:
    number = add(sandbox, FIRST_NAME="Ann", LAST_NAME="Lee", TITLE="Dr")
    row = {"CONTACT_ID": number, "FIRST_NAME": "Ann", "LAST_NAME": "Low", "TITLE": None}
    feed_here(sandbox, stream_of("contacts", [row]))
    sent = {"CONTACT_ID": number, "LAST_NAME": "Low", "TITLE": None}
    assert writes(sandbox) == [("PUT /Contacts", sent)]
    found = contact(sandbox, number)
    assert (found["FIRST_NAME"], found["LAST_NAME"], found["TITLE"]) == ("Ann", "Low", None)


def test_what_is_so_already_is_not_written_again(sandbox: Sandbox) -> None:
    number = add(sandbox, FIRST_NAME="Ann", DATE_OF_BIRTH="1980-01-02 00:00:00")
    row = {"CONTACT_ID": str(number), "FIRST_NAME": "Ann", "DATE_OF_BIRTH": "1980-01-02T00:00:00Z"}
    feed_here(sandbox, stream_of("contacts", [row, row]))
    assert not writes(sandbox)


def test_without_a_look_everything_is_sent_at_one_request_each(sandbox: Sandbox) -> None:
    number = add(sandbox, FIRST_NAME="Ann")
    rows = [{"CONTACT_ID": number, "FIRST_NAME": "Ann"}] * 2
    feed_here(sandbox, stream_of("contacts", rows), skip_unchanged=False)
    sent = {"CONTACT_ID": number, "FIRST_NAME": "Ann"}
    assert writes(sandbox) == [("PUT /Contacts", sent)] * 2
    assert not [one for one in sandbox.requests if one.path.endswith(str(number))]


def test_every_digit_of_a_number_arrives(feed: Feed, sandbox: Sandbox) -> None:
    path = feed.folder / "raw.jsonl"
    path.write_text(
        json.dumps(schema("contacts", "FIRST_NAME", "Credit_Limit__c"))
        + '\n{"type": "RECORD", "stream": "contacts", "record": '
        '{"FIRST_NAME": "Zoë", "Credit_Limit__c": 12345678901234.5678}}\n'
    )
    fed = feed([], "--input", str(path))
    assert fed.code == 0, fed.stderr
    (row,) = named(sandbox, "Zoë")
    assert custom(row)["Credit_Limit__c"] == Decimal("12345678901234.5678")


def test_a_record_that_is_gone_is_refused(sandbox: Sandbox) -> None:
    rows = [{"CONTACT_ID": 5, "FIRST_NAME": "Ann"}]
    with pytest.raises(RejectedError, match=r"CONTACT_ID 5 .*\(404\)"):
        feed_here(sandbox, stream_of("contacts", rows))


def test_a_record_is_found_by_a_field_and_updated_or_else_created(sandbox: Sandbox) -> None:
    number = add(sandbox, FIRST_NAME="Ann", EMAIL_ADDRESS="ann@x.org")
    rows = [
        {"FIRST_NAME": "Anna", "EMAIL_ADDRESS": "ann@x.org"},
        {"FIRST_NAME": "Bob", "EMAIL_ADDRESS": "bob@x.org"},
    ]
    feed_here(sandbox, stream_of("contacts", rows), **BY_MAIL)
    assert contact(sandbox, number)["FIRST_NAME"] == "Anna"
    assert len(named(sandbox, "Bob")) == 1
    done = len(writes(sandbox))
    feed_here(sandbox, stream_of("contacts", rows), **BY_MAIL)
    assert len(writes(sandbox)) == done


def test_a_record_is_found_by_a_custom_field(sandbox: Sandbox) -> None:
    rows = [{"first_name": name, "second_language__c": "kl-1"} for name in ("Ann", "Anna")]
    config = {"match_on": {"contacts": "Second_Language__c"}}
    feed_here(sandbox, stream_of("contacts", rows), **config)
    assert not named(sandbox, "Ann")
    assert len(named(sandbox, "Anna")) == 1


def test_an_id_counts_before_the_field_to_match_on(sandbox: Sandbox) -> None:
    first = add(sandbox, FIRST_NAME="Ann", EMAIL_ADDRESS="ann@x.org")
    second = add(sandbox, FIRST_NAME="Bob", EMAIL_ADDRESS="bob@x.org")
    rows = [{"CONTACT_ID": second, "EMAIL_ADDRESS": "ann@x.org"}]
    feed_here(sandbox, stream_of("contacts", rows), **BY_MAIL)
    assert contact(sandbox, first)["FIRST_NAME"] == "Ann"
    assert contact(sandbox, second)["EMAIL_ADDRESS"] == "ann@x.org"


@pytest.mark.parametrize(
    ("row", "said"),
    [
        ({"FIRST_NAME": "Ann", "EMAIL_ADDRESS": "two@x.org"}, "2 records have EMAIL_ADDRESS"),
        ({"FIRST_NAME": "Ann", "EMAIL_ADDRESS": ""}, "EMAIL_ADDRESS is empty"),
        ({"FIRST_NAME": "Ann", "EMAIL_ADDRESS": None}, "EMAIL_ADDRESS is empty"),
        ({"FIRST_NAME": "Ann"}, "EMAIL_ADDRESS is empty"),
        ({"FIRST_NAME": "Ann", "EMAIL_ADDRESS": {"a": 1}}, "EMAIL_ADDRESS: got"),
        ({"FIRST_NAME": "Ann", "EMAIL_ADDRESS": "x" * 999}, "are too long"),
        ({"EMAIL_ADDRESS": "new@x.org"}, "FIRST_NAME is missing"),
        ({"FIRST_NAME": "A", "EMAIL_ADDRESS": "b", "Shoe_Size__c": "big"}, "Shoe_Size__c: got"),
    ],
)
def test_what_is_not_clear_is_refused_and_not_guessed(
    sandbox: Sandbox, row: dict[str, Any], said: str
) -> None:
    for _ in range(2):
        add(sandbox, FIRST_NAME="Two", EMAIL_ADDRESS="two@x.org")
    messages = [schema("contacts", "FIRST_NAME", "EMAIL_ADDRESS", "Shoe_Size__c")]
    with pytest.raises(RejectedError, match=said):
        feed_here(sandbox, [*messages, record("contacts", **row)], **BY_MAIL)
    assert not writes(sandbox)


def test_a_deletion_is_left_and_counted_unless_it_is_allowed(feed: Feed, sandbox: Sandbox) -> None:
    numbers = [add(sandbox, FIRST_NAME="Ann") for _ in range(3)]
    gone = [{"CONTACT_ID": number, "_sdc_deleted_at": "2026-01-31"} for number in numbers]
    fed = feed.well(stream_of("contacts", gone))
    assert fed.stderr.count("3 records are deleted at their source") == 1
    assert len(named(sandbox, "Ann")) == 3
    # The second time, they are gone already.
    for _ in range(2):
        fed = feed.well([*stream_of("contacts", gone), state(1)], allow_delete=True)
        assert not named(sandbox, "Ann")
        assert fed.states == [1]


def test_a_record_to_delete_is_found_by_a_field(sandbox: Sandbox) -> None:
    add(sandbox, FIRST_NAME="Ann", EMAIL_ADDRESS="ann@x.org")
    rows = [
        {"EMAIL_ADDRESS": f"{name}@x.org", "_sdc_deleted_at": "2026-01-31"}
        for name in ("ann", "nobody")
    ]
    feed_here(sandbox, stream_of("contacts", rows), **BY_MAIL, allow_delete=True)
    assert not named(sandbox, "Ann")


def test_a_deletion_that_names_no_record_is_refused(sandbox: Sandbox) -> None:
    rows = [{"FIRST_NAME": "Ann", "_sdc_deleted_at": "2026-01-31"}]
    with pytest.raises(RejectedError, match="does not say which record"):
        feed_here(sandbox, stream_of("contacts", rows), allow_delete=True)


def test_an_empty_sign_of_deletion_is_none(sandbox: Sandbox) -> None:
    rows = [{"FIRST_NAME": "Zoë", "_sdc_deleted_at": None}]
    feed_here(sandbox, stream_of("contacts", rows), allow_delete=True)
    assert len(named(sandbox, "Zoë")) == 1


def test_new_versions_of_tables_are_ignored(feed: Feed, sandbox: Sandbox) -> None:
    before = sandbox.count("/Contacts")
    messages = stream_of("contacts", [{"FIRST_NAME": "Zoë"}])
    fed = feed.well([*messages, {"type": "ACTIVATE_VERSION", "stream": "contacts", "version": 1}])
    assert sandbox.count("/Contacts") == before + 1
    warned = [line for line in fed.stderr.splitlines() if "| WARNING" in line]
    # The SDK's notice about an old Python, which its users get too.
    assert [line for line in warned if "py.warnings" not in line] == []


def test_records_below_others_are_written_there(sandbox: Sandbox) -> None:
    project = sandbox.records("/Projects")[0]["PROJECT_ID"]
    row = {"TITLE": "Kick-off", "COMPLETED": False, "DUE_DATE": "2026-05-01", "PROJECT_ID": project}
    feed_here(sandbox, stream_of("milestones", [row]))
    (made,) = (one for one in sandbox.records("/Milestones") if one["TITLE"] == "Kick-off")
    assert made["PROJECT_ID"] == project
    again = {**row, "MILESTONE_ID": made["MILESTONE_ID"], "TITLE": "Start"}
    feed_here(sandbox, stream_of("milestones", [again]))
    path = f"/Projects/{project}/Milestones"
    assert [method for method, _ in writes(sandbox)] == [f"POST {path}", f"PUT {path}"]


def test_custom_objects_are_written(sandbox: Sandbox) -> None:
    rows = [{"RECORD_NAME": "Zibarte", "Color__c": "yellow"}]
    feed_here(sandbox, stream_of("fruit", rows))
    (row,) = (one for one in sandbox.records("/Fruit__c") if one["RECORD_NAME"] == "Zibarte")
    feed_here(sandbox, stream_of("fruit", [{"RECORD_ID": row["RECORD_ID"], "Color__c": "green"}]))
    (row,) = (one for one in sandbox.records("/Fruit__c") if one["RECORD_NAME"] == "Zibarte")
    assert custom(row) == {"Color__c": "green"}


def test_records_that_come_in_files_are_written(feed: Feed, sandbox: Sandbox) -> None:
    path = feed.folder / "batch.jsonl"
    path.write_text("".join(json.dumps({"FIRST_NAME": f"Zoë{n}"}) + "\n" for n in range(5)))
    batch = {
        "type": "BATCH",
        "stream": "contacts",
        "encoding": {"format": "jsonl", "compression": "none"},
        "manifest": [path.as_uri()],
    }
    fed = feed.well([schema("contacts", "FIRST_NAME"), batch, state(1)])
    assert sum(row["FIRST_NAME"].startswith("Zoë") for row in sandbox.records("/Contacts")) == 5
    assert fed.states == [1]


def test_what_is_done_is_counted_by_stream(feed: Feed, sandbox: Sandbox) -> None:
    number = add(sandbox, FIRST_NAME="Ann", LAST_NAME="Lee")
    messages = [
        *stream_of("contacts", [{"FIRST_NAME": "Zoë"}, {"FIRST_NAME": "Yan"}]),
        *stream_of(
            "people", [{"CONTACT_ID": number, "LAST_NAME": name} for name in ("Lee", "Low")]
        ),
    ]
    fed = feed.well(messages, stream_to_object={"people": "Contact"})
    said = "2 created, 0 updated, 0 unchanged, 0 deleted, 0 rejected; 2 requests."
    assert f"contacts: {said}" in fed.stderr
    said = "0 created, 1 updated, 1 unchanged, 0 deleted, 0 rejected; 3 requests."
    assert f"people: {said}" in fed.stderr


def test_a_dry_run_says_what_it_would_do_and_does_nothing(feed: Feed, sandbox: Sandbox) -> None:
    number = add(sandbox, FIRST_NAME="Ann", LAST_NAME="Lee", EMAIL_ADDRESS="ann@x.org")
    rows = [
        {"FIRST_NAME": "Zoë", "EMAIL_ADDRESS": "zoe@x.org"},
        {"CONTACT_ID": number, "FIRST_NAME": "Anna"},
        {"EMAIL_ADDRESS": "ann@x.org", "LAST_NAME": "Low"},
        {"CONTACT_ID": number, "_sdc_deleted_at": "2026-01-31"},
    ]
    messages = [*stream_of("contacts", rows), state(1)]
    fed = feed.well(messages, **BY_MAIL, allow_delete=True, dry_run=True)
    assert {one.method for one in sandbox.requests} == {"GET"}
    for said in (
        'POST /Contacts {"FIRST_NAME":"Zoë","EMAIL_ADDRESS":"zoe@x.org"}',
        f'PUT /Contacts {{"CONTACT_ID":{number},"FIRST_NAME":"Anna"}}',
        f'PUT /Contacts {{"CONTACT_ID":{number},"LAST_NAME":"Low"}}',
        f"DELETE /Contacts/{number}",
    ):
        assert fed.stderr.count(f"Dry run: contacts: {said}") == 1
    # A state would have the next run leave out what was not written.
    assert not fed.stdout
