"""Comparing: what was written is found unchanged, and what is another value is found out."""

from __future__ import annotations

from decimal import Decimal
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from tap_insightly.api.comparing import changes, is_same
from tests.api.conftest import asked, custom, fields_of, new_client
from tests.api.written import values_of
from tests.conftest import new_sandbox

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tap_insightly.api import InsightlyClient
    from tap_insightly.sandbox import Sandbox

CONTACT = fields_of(
    "contact",
    custom("Hobby__c", "TEXT"),
    custom("Interests__c", "MULTISELECT", "Art", "Food", "Music"),
    custom("Rating__c", "DROPDOWN", "A", "B"),
    custom("Since__c", "DATETIME"),
    custom("Size__c", "NUMERIC"),
    custom("Open__c", "BIT"),
)
Values = dict[str, Any]


def stored(body: Values) -> Values:
    """A record as the API answers it after a body was written to it."""
    record = {"CONTACT_ID": 12, "DATE_UPDATED_UTC": "2026-01-31 08:00:00", "LINKS": [], **body}
    names = ("Hobby__c", "Open__c")
    rest = [{"FIELD_NAME": name, "FIELD_VALUE": None} for name in names]
    written = {entry["FIELD_NAME"]: entry for entry in record.get("CUSTOMFIELDS", ())}
    entries = {entry["FIELD_NAME"]: entry for entry in rest} | written
    return record | {
        "CUSTOMFIELDS": [
            {**entry, "CUSTOM_FIELD_ID": name} for name, entry in reversed(entries.items())
        ]
    }


@given(values_of(CONTACT))
def test_what_was_written_is_no_change(values: Values) -> None:
    body = CONTACT.body(values, is_new=False)
    assert changes(CONTACT, body, stored(body)) == {}


@given(values_of(CONTACT), values_of(CONTACT))
def test_exactly_what_differs_is_a_change(before: Values, after: Values) -> None:
    old, new = (CONTACT.body(values, is_new=False) for values in (before, after))
    found = changes(CONTACT, new, stored(old))
    was, wanted = flat(old), flat(new)
    differs = {name for name, value in wanted.items() if value != was.get(name)}
    assert flat(found) == {name: wanted[name] for name in differs}


def flat(body: Values) -> Values:
    """The values of a body by field name, nothing in the one way, and numbers as numbers."""
    custom_values = {
        entry["FIELD_NAME"]: entry["FIELD_VALUE"] for entry in body.get("CUSTOMFIELDS", ())
    }
    both = {**body, **custom_values}
    both.pop("CUSTOMFIELDS", None)
    tags = [one["TAG_NAME"] for one in both.get("TAGS") or ()]
    return {
        **{name: None if value in ("", []) else value for name, value in both.items()},
        **({"TAGS": sorted(tags) or None} if "TAGS" in both else {}),
    }


@pytest.mark.parametrize(
    ("name", "wanted", "found"),
    [
        ("LAST_NAME", None, ""),
        ("LAST_NAME", "", None),
        ("TAGS", [], None),
        ("TAGS", None, []),
        ("TAGS", [{"TAG_NAME": "b"}, {"TAG_NAME": "a"}], [{"TAG_NAME": "a"}, {"TAG_NAME": "b"}]),
        ("DATE_OF_BIRTH", "2026-01-31 00:00:00", "2026-01-31T00:00:00Z"),
        ("DATE_OF_BIRTH", None, "0000-00-00 00:00:00"),
        ("Since__c", None, "0000-00-00 00:00:00"),
        ("Since__c", "2026-01-31 00:00:00", "2026-01-31"),
        ("Size__c", Decimal("0.10"), Decimal("0.1")),
        ("Size__c", 5, Decimal("5.00")),
        ("Size__c", 5, "5"),
        ("Open__c", True, "true"),
        ("Open__c", False, 0),
        ("Interests__c", "Art;Food", "Art; Food"),
        ("OWNER_USER_ID", 5, "5"),
        ("Rating__c", "C", "C"),  # an option that is none any more
        (
            "DATES",
            [{"OCCASION_NAME": "Birthday", "OCCASION_DATE": "2026-01-31 00:00:00"}],
            [
                {
                    "DATE_ID": 7,
                    "OCCASION_NAME": "Birthday",
                    "OCCASION_DATE": "2026-01-31T00:00:00Z",
                    "REPEAT_YEARLY": None,
                }
            ],
        ),
    ],
    ids=str,
)
def test_one_value_in_two_spellings_is_the_same(name: str, wanted: Any, found: Any) -> None:
    assert is_same(CONTACT.find(name), wanted, found)


@pytest.mark.parametrize(
    ("name", "wanted", "found"),
    [
        ("LAST_NAME", "Ada", "ada"),
        ("LAST_NAME", "Ada", "Ada "),
        ("LAST_NAME", None, "Ada"),
        ("LAST_NAME", "0", None),
        ("TAGS", [{"TAG_NAME": "a"}], []),
        ("TAGS", [{"TAG_NAME": "a"}], [{"TAG_NAME": "a"}, {"TAG_NAME": "b"}]),
        ("TAGS", [{"TAG_NAME": "a"}] * 2, [{"TAG_NAME": "a"}, {"TAG_NAME": "b"}]),
        ("TAGS", [], [{"TAG_NAME": "a"}]),
        ("DATE_OF_BIRTH", "2026-01-31 00:00:00", "2026-01-31 00:00:01"),
        ("Size__c", Decimal("0.1"), Decimal("0.11")),
        ("Size__c", 0, None),
        ("Open__c", False, None),
        ("Open__c", False, True),
        ("Interests__c", "Art;Food", "Art"),
        ("Rating__c", "A", "C"),
    ],
    ids=str,
)
def test_another_value_is_another(name: str, wanted: Any, found: Any) -> None:
    assert not is_same(CONTACT.find(name), wanted, found)


def test_only_the_custom_fields_that_differ_are_changes() -> None:
    body = CONTACT.body({"hobby": "chess", "size": 5, "LAST_NAME": "A"}, is_new=False)
    record = stored(body)
    new = CONTACT.body({"hobby": "tennis", "size": 5, "LAST_NAME": "A"}, is_new=False)
    assert changes(CONTACT, new, record) == {
        "CUSTOMFIELDS": [{"FIELD_NAME": "Hobby__c", "FIELD_VALUE": "tennis"}]
    }


@pytest.fixture(scope="module")
def account() -> Iterator[Sandbox]:
    with new_sandbox(records=1).serve() as sandbox:
        yield sandbox


@pytest.fixture(scope="module")
def writer(account: Sandbox) -> Iterator[InsightlyClient]:
    with new_client(account) as client:
        yield client


@pytest.mark.parametrize("name", ["contact", "organisation", "product", "fruit", "site_visit"])
@settings(max_examples=15)
@given(data=st.data())
def test_what_an_account_took_is_no_change_there(
    account: Sandbox, writer: InsightlyClient, name: str, data: st.DataObject
) -> None:
    fields = writer.fields(name)
    values = data.draw(values_of(fields))
    assume(fields.body(values, is_new=True))
    made = writer.create(name, values)
    record_id = made[str(fields.of.key)]
    read = writer.get(name, record_id)
    assert changes(fields, fields.body(values, is_new=True), read) == {}
    account.requests.clear()
    assert writer.update(name, record_id, values, skip_unchanged=True) == read
    assert asked(account, "PUT") == []
