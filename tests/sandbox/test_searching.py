"""Searches that are late to see what was written, or that compare in ways of their own."""

from __future__ import annotations

from datetime import datetime, timedelta, timezone
from decimal import Decimal
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tap_insightly.sandbox import Faults
from tests.sandbox.asking import LONG_AGO, ask, total
from tests.sandbox.written import (
    changed,
    custom,
    first,
    key_of,
    posted,
    send,
)

if TYPE_CHECKING:
    import requests

    from tap_insightly.sandbox import Sandbox

NOON = datetime(2027, 3, 1, 12, tzinfo=timezone.utc)
FRUIT = "/Fruit__c"


def at(sandbox: Sandbox, seconds: float) -> None:
    """Set the clock."""
    sandbox.clock = lambda: NOON + timedelta(seconds=seconds)


def search(sandbox: Sandbox, path: str = "/Contacts", **params: Any) -> requests.Response:
    return ask(sandbox, f"{path}/Search", top=500, count_total="true", **params)


def by(sandbox: Sandbox, name: str, value: str, path: str = "/Contacts") -> list[int]:
    """The ids of what a search by a field finds."""
    answer = search(sandbox, path, field_name=name, field_value=value)
    found = [row[key_of(sandbox, path)] for row in answer.json()]
    assert total(answer) == str(len(found))
    return found


# Late


def test_a_search_is_late_to_see_a_new_record(account: Sandbox, habits: Faults) -> None:
    habits.search_lag = 10
    before = total(search(account, updated_after_utc=LONG_AGO))
    key = posted(account, "/Contacts", LAST_NAME="New")["CONTACT_ID"]  # which reads it by its id
    newest = str(account.count("/Contacts") - 1)
    assert ask(account, skip=newest).json()[0]["CONTACT_ID"] == key
    assert total(ask(account, count_total="true")) == str(account.count("/Contacts"))
    for seconds, is_found in ((0, False), (9.9, False), (10, True), (99, True)):
        at(account, seconds)
        assert (key in by(account, "LAST_NAME", "New")) == is_found
        since = search(account, updated_after_utc="2027-03-01T11:00:00Z")
        assert (key in [row["CONTACT_ID"] for row in since.json()]) == is_found
        everything = search(account, updated_after_utc=LONG_AGO)
        assert (total(everything) == before) != is_found


def test_a_search_finds_a_changed_record_by_what_it_was(account: Sandbox, habits: Faults) -> None:
    fields = {"LAST_NAME": "Old one", "CUSTOMFIELDS": custom(Hobby="Old hobby")}
    old = posted(account, "/Contacts", **fields)
    key = old["CONTACT_ID"]
    at(account, 100)
    habits.search_lag = 10
    for number in range(3):
        at(account, 100 + number)
        values = custom(Hobby=f"New hobby {number}")
        changed(account, "/Contacts", key, LAST_NAME=f"New one {number}", CUSTOMFIELDS=values)
    new = send(account, "GET", f"/Contacts/{key}").json()
    assert new["LAST_NAME"] == "New one 2"
    assert by(account, "LAST_NAME", "New one 2") == by(account, "Hobby__c", "New hobby 2") == []
    assert by(account, "Hobby__c", "Old hobby") == [key]
    assert search(account, field_name="LAST_NAME", field_value="Old one").json() == [old]
    recent = search(account, updated_after_utc="2027-03-01T12:01:00Z").json()
    assert key not in [row["CONTACT_ID"] for row in recent]
    at(account, 110)
    assert by(account, "LAST_NAME", "New one 0") == [key]
    at(account, 112)
    assert by(account, "LAST_NAME", "New one 0") == by(account, "LAST_NAME", "Old one") == []
    assert search(account, field_name="LAST_NAME", field_value="New one 2").json() == [new]


def test_a_search_still_finds_what_was_deleted(account: Sandbox, habits: Faults) -> None:
    keys = [posted(account, "/Contacts", LAST_NAME="Gone")["CONTACT_ID"] for _ in range(3)]
    at(account, 100)
    habits.search_lag = 10
    assert send(account, "DELETE", f"/Contacts/{keys[1]}").ok
    assert by(account, "LAST_NAME", "Gone") == keys
    assert ask(account, f"/Contacts/{keys[1]}").status_code == 404
    at(account, 110)
    assert by(account, "LAST_NAME", "Gone") == [keys[0], keys[2]]
    account.restore("/Contacts", keys[1])
    assert by(account, "LAST_NAME", "Gone") == [keys[0], keys[2]]
    at(account, 120)
    assert by(account, "LAST_NAME", "Gone") == keys


def test_lateness_holds_for_what_is_made_below_records_and_for_custom_objects(
    account: Sandbox, habits: Faults
) -> None:
    habits.search_lag = 10
    contact = first(account, "/Contacts")
    assert send(account, "POST", f"/Contacts/{contact}/Notes", {"TITLE": "Late note"}).ok
    note = account.records("/Notes")[-1]["NOTE_ID"]
    fruit = posted(account, "/{OBJECT_NAME}", RECORD_NAME="Late fruit")[key_of(account, FRUIT)]
    for seconds in (9, 10):
        at(account, seconds)
        assert by(account, "TITLE", "Late note", "/Notes") == [note] * (seconds == 10)
        assert by(account, "RECORD_NAME", "Late fruit", FRUIT) == [fruit] * (seconds == 10)


def test_a_search_sees_a_late_workflow_later_still(account: Sandbox, habits: Faults) -> None:
    habits.search_lag = 10
    habits.automations, habits.automation_delay = {"/Contacts": {"LAST_NAME": "Wkf"}}, 5
    key = posted(account, "/Contacts", LAST_NAME="Before")["CONTACT_ID"]
    at(account, 14)
    assert by(account, "LAST_NAME", "Before") == [key], "what ran at 5 is seen at 15"
    assert ask(account, f"/Contacts/{key}").json()["LAST_NAME"] == "Wkf"
    at(account, 15)
    assert by(account, "LAST_NAME", "Wkf") == [key]


def test_what_was_written_while_searches_were_not_late_is_seen(
    account: Sandbox, habits: Faults
) -> None:
    key = posted(account, "/Contacts", LAST_NAME="Seen")["CONTACT_ID"]
    habits.search_lag = 1000
    assert by(account, "LAST_NAME", "Seen") == [key]
    late = posted(account, "/Contacts", LAST_NAME="Seen")["CONTACT_ID"]
    assert by(account, "LAST_NAME", "Seen") == [key]
    habits.search_lag = 0
    assert by(account, "LAST_NAME", "Seen") == [key, late]


STEPS = st.lists(
    st.tuples(
        st.sampled_from(["create", "update", "delete", "restore"]),
        st.integers(0, 9),
        st.integers(0, 7),
    ),
    max_size=20,
)


@settings(max_examples=40)
@given(steps=STEPS, lag=st.integers(1, 12))
def test_a_search_always_sees_what_the_list_was_before(
    account: Sandbox, steps: list[tuple[str, int, int]], lag: int
) -> None:
    account.faults = Faults()
    account.create("/Prospect", EMAIL_ADDRESS="at once")
    for row in account.records("/Prospect")[5:]:
        account.delete("/Prospect", row["PROSPECT_ID"])
    account.faults.search_lag = lag
    past, now = [(-lag, account.records("/Prospect"))], 0
    gone: list[int] = []
    for action, number, pause in steps:
        now += pause
        at(account, now)
        rows = account.records("/Prospect")
        key = rows[number % len(rows)]["PROSPECT_ID"] if rows else None
        if action == "create":
            body = {"EMAIL_ADDRESS": f"{now}@example.com"}
            assert send(account, "POST", "/Prospect", body).ok
        elif action == "restore" and gone:
            account.restore("/Prospect", gone.pop())
        elif action == "update" and key:
            changed(account, "/Prospect", key, EMAIL_ADDRESS=f"{now}.{number}@example.com")
        elif action == "delete" and key:
            assert send(account, "DELETE", f"/Prospect/{key}").ok
            gone.append(key)
        past.append((now, account.records("/Prospect")))
        expected = [rows for moment, rows in past if moment <= now - lag][-1]
        answer = search(account, "/Prospect", updated_after_utc=LONG_AGO)
        assert answer.json() == expected
        assert total(answer) == str(len(expected))


# Loose


@pytest.mark.parametrize(
    ("habit", "stored", "asked", "finds"),
    [
        ("search_ignores_case", "Ana Straße", "ANA STRASSE", "then"),
        ("search_ignores_case", "Ana", "aNA", "then"),
        ("search_ignores_case", "Ana", "Ana ", "never"),
        ("search_ignores_spaces", "Ana", " Ana  ", "then"),
        ("search_ignores_spaces", " Ana ", "Ana", "then"),
        ("search_ignores_spaces", "Ana B", "AnaB", "never"),
        ("search_ignores_spaces", "Ana", "ana", "never"),
        ("search_ignores_field", "Ana", "anything", "then"),
        ("search_ignores_case", "Ana", "Ana", "always"),
    ],
)
@pytest.mark.parametrize("name", ["LAST_NAME", "Hobby__c"])
def test_texts_are_compared_strictly_unless_said_otherwise(  # noqa: PLR0913, PLR0917 - a table
    account: Sandbox,
    habits: Faults,
    name: str,
    habit: str,
    stored: str,
    asked: str,
    finds: str,
) -> None:
    fields = {"LAST_NAME": stored, "CUSTOMFIELDS": custom(Hobby=stored)}
    key = posted(account, "/Contacts", **fields)["CONTACT_ID"]
    assert (key in by(account, name, asked)) == (finds == "always")
    setattr(habits, habit, True)
    assert (key in by(account, name, asked)) == (finds != "never")
    setattr(habits, habit, False)
    assert (key in by(account, name, asked)) == (finds == "always")


def test_a_field_that_is_ignored_needs_no_sense(account: Sandbox, habits: Faults) -> None:
    assert search(account, field_name="LAST_NAME").status_code == 400
    habits.search_ignores_field = True
    everything = total(search(account))
    for params in ({"field_name": "LAST_NAME"}, {"field_name": "A", "field_value": "b"}):
        assert total(search(account, **params)) == everything
    recent = {"field_name": "A", "field_value": "b", "updated_after_utc": "2100-01-01T00:00:00Z"}
    assert total(search(account, **recent)) == "0"


@pytest.mark.parametrize("number", ["7", "7.0", "7.00", "-0.50", "1234567.8900", "0", "1E+3"])
@pytest.mark.parametrize("name", ["BID_AMOUNT", "Margin__c"])
def test_a_number_is_found_by_the_digits_it_is_sent_with(
    account: Sandbox, habits: Faults, name: str, number: str
) -> None:
    assert habits == Faults()
    value = Decimal(number)
    fields = {"BID_AMOUNT": value, "CUSTOMFIELDS": custom(Margin=value)}
    key = posted(account, "/Opportunities", **fields)["OPPORTUNITY_ID"]
    assert f":{number}" in ask(account, f"/Opportunities/{key}").text
    assert key in by(account, name, number, "/Opportunities")
    for other in (f"0{number}", f"{number} ", f"{number}.", f"+{number}"):
        assert key not in by(account, name, other, "/Opportunities")
    plain = f"{value:f}"
    for other in ({plain, f"{plain}0", f"{plain}.0", plain.removesuffix(".0")}) - {number}:
        assert key not in by(account, name, other, "/Opportunities")
