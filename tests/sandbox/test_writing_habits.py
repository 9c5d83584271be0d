"""What an account does to what is written into it, and what it refuses."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
import requests

from tests.sandbox.written import (
    TOP,
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
    properties_of,
    schema_of,
    send,
    status,
    texts_of,
    values_of,
)

if TYPE_CHECKING:
    from tap_insightly.sandbox import Faults, Sandbox


# Texts and values


@pytest.mark.parametrize("template", WITH_TEXT)
def test_texts_lose_their_outer_spaces_if_so(
    account: Sandbox, habits: Faults, template: str
) -> None:
    name = texts_of(template)[0]
    assert posted(account, template, **{name: " a b "})[name] == " a b "
    habits.trims_text = True
    assert posted(account, template, **{name: " a b\t\n"})[name] == "a b"


def test_spaces_are_cut_off_custom_fields_comments_and_tags(
    account: Sandbox, habits: Faults
) -> None:
    habits.trims_text = True
    made = posted(account, "/Contacts", CUSTOMFIELDS=custom(Hobby="  Go ", Remarks=" "))
    assert values_of(made) == {"Hobby": "Go", "Remarks": ""}
    again = changed(account, "/Contacts", made["CONTACT_ID"], CUSTOMFIELDS=custom(Hobby=" A"))
    assert values_of(again)["Hobby"] == "A"
    url = f"/Contacts/{made['CONTACT_ID']}"
    assert send(account, "POST", f"{url}/Tags", {"TAG_NAME": " vip "}).ok
    assert send(account, "GET", url).json()["TAGS"] == [{"TAG_NAME": "vip"}]
    note = one_of(send(account, "POST", f"{url}/Notes", {"TITLE": " A "}))
    assert note["TITLE"] == "A"
    comments = f"/Notes/{note['NOTE_ID']}/Comments"
    assert one_of(send(account, "POST", comments, {"BODY": " hm "}))["BODY"] == "hm"
    assert [one["BODY"] for one in send(account, "GET", comments).json()] == ["hm"]
    assert status(account, "POST", "/Contacts", {"FIRST_NAME": "  "}) == 400


def test_options_are_sorted_if_so(account: Sandbox, habits: Faults) -> None:
    options = sorted(
        option["OPTION_VALUE"]
        for one in account.custom_fields["/Contacts"].definitions
        if one["FIELD_NAME"] == "Interests__c"
        for option in one["CUSTOM_FIELD_OPTIONS"]
    )
    sent = ";".join(reversed(options))
    assert values_of(posted(account, "/Contacts", CUSTOMFIELDS=custom(Interests=sent))) == {
        "Interests": sent
    }
    habits.sorts_options = True
    made = posted(account, "/Contacts", CUSTOMFIELDS=custom(Interests=sent, Hobby="b;a"))
    assert values_of(made) == {"Interests": ";".join(options), "Hobby": "b;a"}


def test_null_is_false_if_so(account: Sandbox, habits: Faults) -> None:
    fields = custom(Newsletter_Subscription=None, Hobby=None)
    made = posted(account, "/Contacts", CUSTOMFIELDS=fields)
    assert values_of(made) == {"Newsletter_Subscription": None, "Hobby": None}
    habits.nulls_are_false = True
    again = changed(account, "/Contacts", made["CONTACT_ID"], CUSTOMFIELDS=fields)
    assert values_of(again) == {"Newsletter_Subscription": False, "Hobby": None}


OWNED = [one for one in TOP if "OWNER_USER_ID" in dict(properties_of(one))]


@pytest.mark.parametrize("template", OWNED)
def test_new_records_are_given_an_owner_if_so(
    account: Sandbox, habits: Faults, template: str
) -> None:
    me, other = (row["USER_ID"] for row in account.records("/Users")[:2])
    habits.assigns_owner = other
    made = posted(account, template, OWNER_USER_ID=me)
    assert made["OWNER_USER_ID"] == other
    path = path_of(template)
    key = made[key_of(account, path)]
    assert changed(account, path, key, OWNER_USER_ID=me)["OWNER_USER_ID"] == me


def test_new_records_below_records_are_given_an_owner_too(account: Sandbox, habits: Faults) -> None:
    habits.assigns_owner = account.records("/Users")[1]["USER_ID"]
    note = send(account, "POST", f"/Contacts/{first(account, '/Contacts')}/Notes", {"TITLE": "A"})
    assert note.status_code == 201
    assert account.records("/Notes")[-1]["OWNER_USER_ID"] == habits.assigns_owner


# What is required


def _is_made_up(account: Sandbox, template: str, name: str) -> Any:
    """What a field is given that was not sent, in short; None if it has to be."""
    user = account.records("/Users")[0]["USER_ID"]
    one = dict(properties_of(template))[name]
    if "boolean" in one["type"]:
        return [False]
    return {
        "LEAD_SOURCE_ID": [first(account, "/LeadSources")],
        "LEAD_STATUS_ID": [first(account, "/LeadStatuses")],
        "OWNER_USER_ID": [user],
        "STATUS": ["NOT STARTED"],
        "TICKET_STATUS": ["OPEN"],
        "DEFAULT_PRICE": [0],
    }.get(name)


@pytest.mark.parametrize(
    ("template", "name"),
    [(path, name) for path in TOP for name in schema_of(path).get("required", ())],
)
def test_what_the_api_can_fill_in_is_filled_in_and_the_rest_refused(
    account: Sandbox, habits: Faults, template: str, name: str
) -> None:
    path, body = path_of(template), minimal(account, template)
    del body[name]
    made_up = _is_made_up(account, template, name)
    for lacking in (body, {**body, name: None}):
        answer = send(account, "POST", path, lacking)
        if made_up is None:
            assert answer.status_code == 400
            assert name in message(answer)
        else:
            assert answer.status_code == 201, answer.text
            assert [content(answer)[name]] == made_up
    habits.requires_all = True
    assert status(account, "POST", path, body) == 400


def test_the_chosen_source_and_status_are_those_that_the_account_says(sandbox: Sandbox) -> None:
    chosen = {}
    for path, flag in (("/LeadSources", "DEFAULT_VALUE"), ("/LeadStatuses", "DEFAULT_STATUS")):
        one, *_, last = sandbox.records(path)
        key = key_of(sandbox, path)
        sandbox.update(path, one[key], **{flag: False})
        sandbox.update(path, last[key], **{flag: True})
        chosen[key] = last[key]
    made = send(sandbox, "POST", "/Leads", {"LAST_NAME": "A"}).json()
    assert {name: made[name] for name in chosen} == chosen


def test_what_is_missing_below_a_record_is_filled_in_too(account: Sandbox, habits: Faults) -> None:
    product, book = first(account, "/Product"), first(account, "/Pricebook")
    url = f"/Product/{product}/PricebookEntry"
    assert one_of(send(account, "POST", url, {"PRICEBOOK_ID": book}))["PRICE"] == 0
    habits.requires_all = True
    assert status(account, "POST", url, {"PRICEBOOK_ID": book}) == 400


# Limits and chance


def test_one_object_alone_can_be_full_or_closed(account: Sandbox, habits: Faults) -> None:
    fruit = path_of("/{OBJECT_NAME}")
    habits.record_limit = {"/Contacts": 0, "/Notes": account.count("/Notes"), "/fruit__C": 1}
    habits.read_only = {"/Organisations"}
    company = {"ORGANISATION_NAME": "A"}
    for path, body, code in (
        ("/Contacts", {"FIRST_NAME": "A"}, 402),
        (f"/Contacts/{first(account, '/Contacts')}/Notes", {"TITLE": "A"}, 402),
        (fruit, {"RECORD_NAME": "A"}, 402),
        ("/Organisations", company, 403),
        ("/Leads", {"LAST_NAME": "A"}, 201),
        ("/Projects", {"PROJECT_NAME": "A"}, 201),
    ):
        assert status(account, "POST", path, body) == code, path
    habits.record_limit = {"*": 0, "/Leads": 1000}
    assert status(account, "POST", "/Projects", {"PROJECT_NAME": "A"}) == 402
    assert status(account, "POST", "/Leads", {"LAST_NAME": "A"}) == 201


@pytest.mark.parametrize(
    "rate", ["error_rate", "reset_rate", "truncate_rate", "html_rate", "lost_rate"]
)
def test_chance_can_be_confined_to_methods(account: Sandbox, habits: Faults, rate: str) -> None:
    def is_well(method: str, path: str, body: Any = None) -> bool:
        try:
            answer = send(account, method, path, body)
        except requests.RequestException:
            return False
        return answer.ok and answer.text[0] in "[{"

    setattr(habits, rate, 1)
    habits.faults_only_on = {"POST", "PUT"}
    key = first(account, "/Contacts")
    assert is_well("GET", "/Contacts")
    assert not is_well("POST", "/Contacts", {"FIRST_NAME": "A"})
    assert not is_well("PUT", "/Contacts", {"CONTACT_ID": key})
    assert status(account, "DELETE", "/Contacts/1") == 404
    habits.faults_only_on = set()
    assert not is_well("GET", "/Contacts")
