"""What Python code puts into the sandbox is there as it was given, or it is refused."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from tap_insightly.tap import TapInsightly
from tests.conftest import KEY, new_sandbox
from tests.sandbox.asking import ask

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from tap_insightly.sandbox import Sandbox


@pytest.fixture(scope="module")
def sandbox() -> Iterator[Sandbox]:
    with new_sandbox(records=20).serve() as sandbox:
        yield sandbox


@pytest.mark.parametrize("is_added", [True, False])
def test_a_custom_object_is_listed_and_a_stream_of_its_own(
    sandbox: Sandbox,
    capsys: pytest.CaptureFixture[str],
    is_added: bool,  # noqa: FBT001
) -> None:
    name = f"Boat{is_added:d}__c"
    if is_added:
        sandbox.add_custom_object(name, DESCRIPTION="It swims.")
    else:
        sandbox.create("/CustomObjects", OBJECT_NAME=name, DESCRIPTION="It swims.")
    listed = {one["OBJECT_NAME"]: one for one in ask(sandbox, "/CustomObjects").json()}
    assert listed[name]["DESCRIPTION"] == "It swims."
    assert listed[name]["SINGULAR_LABEL"] == f"Boat{is_added:d}"
    sandbox.add_custom_field(f"/{name.lower()}", "Sails__c", "NUMERIC", "Sails")
    boat = sandbox.create(f"/{name.upper()}", RECORD_NAME="Łódź")
    config = {"api_key": KEY, "api_url": sandbox.api_url}
    tap = TapInsightly(config=config, catalog=None)
    (stream,) = (one for one in tap.streams if f"boat{is_added:d}" in one)
    for one in tap.streams.values():
        one.selected = one.name == stream
    assert "Sails__c" in tap.streams[stream].schema["properties"]
    tap.sync_all()
    assert f'"RECORD_ID":{boat["RECORD_ID"]}' in capsys.readouterr().out


@pytest.mark.parametrize(
    ("path", "fields"),
    [
        ("/Tags", {"RECORD_TYPE": "contacts", "TAG_NAME": "new"}),
        ("/Follows", {"RECORD_TYPE": "Contact", "RECORD_ID": 7}),
        ("/Countries", {"COUNTRY_NAME": "Narnia"}),
        ("/Currencies", {"CURRENCY_CODE": "XAU"}),
        ("/Contacts", {"CONTACT_ID": 7}),
        ("/Contacts", {"CONTACT_ID": 1_999_999_999, "DATE_UPDATED_UTC": "2020-01-01 00:00:00"}),
        ("/contacts", {"first_name": "Ada"}),
        ("/CONTACTS", {"A_NEW_FIELD": 1}),
    ],
)
def test_what_was_given_is_kept_and_served(
    sandbox: Sandbox, path: str, fields: dict[str, Any]
) -> None:
    made = sandbox.create(path, **fields)
    assert {name: made[name.upper()] for name in fields} == fields
    (listed,) = [one for one in sandbox.records(path) if one == made]
    assert not {name for name in listed if name != name.upper() and name.upper() in listed}
    params = {"top": 500, "record_type": "contacts"}
    served = {name: value for name, value in made.items() if path != "/Tags" or name == "TAG_NAME"}
    assert served in [
        {name: one.get(name) for name in served} for one in ask(sandbox, path, **params).json()
    ]


def test_ids_still_ascend(sandbox: Sandbox) -> None:
    sandbox.create("/Leads", LEAD_ID=3)
    last = sandbox.create("/Leads")["LEAD_ID"]
    sandbox.create("/Leads", LEAD_ID=last + 10)
    assert sandbox.create("/Leads")["LEAD_ID"] == last + 11
    ids = [one["LEAD_ID"] for one in ask(sandbox, "/Leads", top=500).json()]
    assert ids[0] == 3
    assert ids == sorted(ids)
    note = sandbox.create("/Notes")["NOTE_ID"]
    for number in (9, 5):
        sandbox.create_child("/Notes", note, "comments", COMMENT_ID=number)
    comments = ask(sandbox, f"/Notes/{note}/Comments").json()
    assert [one["COMMENT_ID"] for one in comments] == [5, 9]


def first(sandbox: Sandbox, path: str, key: str) -> Any:
    return sandbox.records(path)[0][key]


def deleted(sandbox: Sandbox) -> int:
    key: int = sandbox.create("/Tasks")["TASK_ID"]
    sandbox.delete("/Tasks", key)
    return key


@pytest.mark.parametrize(
    ("do", "why"),
    [
        (lambda one: one.create("/Countries"), "needs COUNTRY_NAME"),
        (lambda one: one.create("/Countries", COUNTRY_NAME="france"), "there is one with"),
        (lambda one: one.create("/Follows", RECORD_TYPE="Contact"), "needs RECORD_ID"),
        (lambda one: one.create("/Tags", RECORD_TYPE="tasks", TAG_NAME="x"), "not one of"),
        (lambda one: one.create("/Instance", INSTANCE_NAME="x"), "can be updated"),
        (lambda one: one.create("/Permissions"), "can be updated"),
        (lambda one: one.create("/Contacts", CONTACT_ID="7"), "where a number belongs"),
        (
            lambda one: one.create("/Users", USER_ID=first(one, "/Users", "USER_ID")),
            "there is one with USER_ID",
        ),
        (lambda one: one.create("/Tasks", TASK_ID=deleted(one)), "can be restored"),
        (
            lambda one: one.update("/Users", first(one, "/Users", "USER_ID"), USER_ID=1),
            "USER_ID cannot be changed",
        ),
        (
            lambda one: one.put("/Users", first(one, "/Users", "USER_ID"), user_id=1),
            "USER_ID cannot be changed",
        ),
        (lambda one: one.add_custom_object("Fruit__C"), "there is one with"),
        (lambda one: one.add_custom_object("contacts"), "There is a list /Contacts"),
        (lambda one: one.add_custom_object("Boat/c"), "where a name such as"),
        (lambda one: one.create("/CustomObjects"), "where a name such as"),
        (lambda one: one.add_custom_field("/Users", "X__c", "TEXT", "X"), "cannot have a custom"),
        (
            lambda one: one.add_custom_field("/Contacts", first_field(one), "TEXT", "X"),
            "cannot have another custom field",
        ),
        (
            lambda one: one.create_child(
                "/Notes", first(one, "/Notes", "NOTE_ID"), "Comments", NOTE_ID=1
            ),
            "NOTE_ID cannot be 1",
        ),
        (lambda one: one.create("/Nothing"), "There is no list /Nothing"),
    ],
)
def test_what_cannot_be_kept_is_refused(
    sandbox: Sandbox, do: Callable[[Sandbox], Any], why: str
) -> None:
    with pytest.raises((ValueError, KeyError), match=why):
        do(sandbox)


def first_field(sandbox: Sandbox) -> str:
    return str(sandbox.custom_fields["/Contacts"].definitions[0]["FIELD_NAME"])
