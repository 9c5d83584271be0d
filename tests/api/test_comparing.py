"""Comparing: what was written is found unchanged, and what is another value is found out."""

from __future__ import annotations

from datetime import datetime, timedelta, timezone
from decimal import Decimal
from fractions import Fraction
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from tap_insightly.api.records.diff import changes, is_same
from tests.api.conftest import asked, custom, fields_of, new_client
from tests.api.written import values_of

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from tap_insightly.api import Field, InsightlyClient
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
# Whatever an answer can hold.
anything = st.recursive(
    st.none() | st.booleans() | st.integers() | st.decimals(allow_nan=False) | st.text(),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
    max_leaves=6,
)


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
    differs = {name for name, value in wanted.items() if not holds(value, was.get(name))}
    assert flat(found) == {name: wanted[name] for name in differs}


def holds(wanted: Any, found: Any) -> bool:
    """Whether nothing is left to do: spaces around a text may have been cut, nothing is false."""
    if isinstance(wanted, str | None) and isinstance(found, str | None):
        left, right = wanted or "", found or ""
        return right in {left, left.strip(), left.lstrip(), left.rstrip()}
    if isinstance(wanted, bool | None) and isinstance(found, bool | None):
        return bool(wanted) == bool(found)
    return bool(wanted == found)


def flat(body: Values) -> Values:
    """The values of a body by field name, nothing in the one way, and numbers as numbers."""
    custom_values = {
        entry["FIELD_NAME"]: entry["FIELD_VALUE"] for entry in body.get("CUSTOMFIELDS", ())
    }
    both = {**body, **custom_values}
    both.pop("CUSTOMFIELDS", None)
    if isinstance(both.get("Interests__c"), str):
        both["Interests__c"] = ";".join(sorted(both["Interests__c"].split(";")))
    tags = [one["TAG_NAME"] for one in both.get("TAGS") or ()]
    return {
        **{name: None if value in ("", []) else value for name, value in both.items()},
        **({"TAGS": sorted(tags) or None} if "TAGS" in both else {}),
    }


SEVENS = (7, 7.0, Decimal("7.00"), "7", "7.00", " 7 ", "70e-1", Decimal("0.7E+1"))


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
        ("Interests__c", "Art;Food", "Food;Art"),
        ("Interests__c", "Art;Food", " Food ;Art;; Art"),
        ("Interests__c", "Art;Food", ["Food", "Art"]),
        ("Interests__c", "Art", "ART"),
        ("Interests__c", "Art;Wine", "Wine; Art"),  # of which one is none any more
        ("Interests__c", None, " ; "),
        ("Rating__c", "A", " a "),
        ("Open__c", None, False),
        ("Open__c", False, None),
        ("Open__c", False, ""),
        ("Open__c", True, "Yes"),
        ("OWNER_USER_ID", 5, "5"),
        ("OWNER_USER_ID", 7, Decimal("7.00")),
        *(("Size__c", one, other) for one in SEVENS for other in SEVENS),
        ("Size__c", 10, "1e1"),
        ("Size__c", Decimal("1E+1"), 10),
        ("Hobby__c", "7", Decimal("7.0")),
        ("LAST_NAME", "Ann ", "Ann"),
        ("LAST_NAME", " Ann", "Ann"),
        ("LAST_NAME", " Ann ", "Ann"),
        ("LAST_NAME", " Ann ", " Ann"),
        ("LAST_NAME", " ", None),
        ("LAST_NAME", " ", ""),
        ("BACKGROUND", "a\r\nb", "a\nb"),
        ("BACKGROUND", "a\nb", "a\r\nb"),
        ("BACKGROUND", "a\nb\n", "a\r\nb"),
        ("DATE_OF_BIRTH", "2026-01-31 00:00:00", "2026-01-31T23:59:59+05:00"),
        ("DATE_OF_BIRTH", "2026-01-31T00:00:00+02:00", "2026-01-31"),
        ("Since__c", "2026-01-31 00:00:00.7", "2026-01-31 00:00:00"),
        ("Since__c", "2026-01-31T02:00:00.9+02:00", "2026-01-31T00:00:00Z"),
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
        (
            "DATES",
            [
                {"DATE_ID": 7.0, "OCCASION_DATE": "2026-01-31T02:00:00.5+02:00", "OTHER": 1e1},
                {"OCCASION_NAME": " Wedding\r\n", "REPEAT_YEARLY": False, "OTHER": "10"},
            ],
            [
                {"OCCASION_NAME": "Wedding", "REPEAT_YEARLY": None, "OTHER": 10},
                {"DATE_ID": 7, "OCCASION_DATE": "2026-01-31 00:00:00", "OTHER": Decimal("10.0")},
            ],
        ),
        (
            "DATES",  # the first is in both, the second in one of them only
            [{"OCCASION_NAME": "A"}, {"OCCASION_NAME": "A", "DATE_ID": 7}],
            [{"OCCASION_NAME": "A", "DATE_ID": 7}, {"OCCASION_NAME": "A", "DATE_ID": 8}],
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
        ("DATE_OF_BIRTH", "2026-01-31 00:00:00", "2026-01-30 23:59:59"),
        ("DATE_OF_BIRTH", "2026-01-31 00:00:00", "2026-02-01T00:00:00+02:00"),
        ("DATE_OF_BIRTH", "2026-01-31 00:00:00", None),
        ("Since__c", "2026-01-31 00:00:00", "2026-01-31 00:00:01"),
        ("Since__c", "2026-01-31T00:00:00+01:00", "2026-01-31 00:00:00"),
        ("Size__c", Decimal("0.1"), Decimal("0.11")),
        ("Size__c", 0, None),
        ("Size__c", 1, True),
        ("Size__c", 7, "seven"),
        ("Size__c", None, 0),
        ("OWNER_USER_ID", 7, Decimal("7.5")),
        ("Open__c", False, True),
        ("Open__c", None, True),
        ("Open__c", False, "maybe"),
        ("Interests__c", "Art;Food", "Art"),
        ("Interests__c", "Art", "Art;Food"),
        ("Interests__c", "Art", "Art;Wine"),
        ("Interests__c", "Art", None),
        ("Rating__c", "A", "C"),
        ("Rating__c", "A", None),
        ("LAST_NAME", "Ann", " Ann"),
        ("LAST_NAME", "", " "),
        ("LAST_NAME", "An n", "Ann"),
        ("LAST_NAME", "007", 7),
        ("BACKGROUND", "a\nb", "a b"),
        ("DATES", [{"OCCASION_NAME": "Birthday"}], [{"OCCASION_NAME": "Wedding"}]),
        ("DATES", [{"REPEAT_YEARLY": True}], [{"REPEAT_YEARLY": None}]),
        ("DATES", [{"DATE_ID": 7}], [{"DATE_ID": 8}]),
        ("DATES", [{"OTHER": 7}], [{"OTHER": "7.5"}]),
        ("DATES", [{"OTHER": 1}], [{"OTHER": True}]),
        ("DATES", [{"OTHER": 7}], [{"OTHER": "seven"}]),
    ],
    ids=str,
)
def test_another_value_is_another(name: str, wanted: Any, found: Any) -> None:
    assert not is_same(CONTACT.find(name), wanted, found)


SPELLED: dict[str, st.SearchStrategy[Any]] = {
    "Size__c": st.one_of(
        st.integers(-20, 20),
        st.decimals(-20, 20, places=2),
        st.decimals(-20, 20, places=1).map(str),
        st.floats(-20, 20).map(lambda number: round(number, 2)),
    ),
    "Interests__c": st.lists(st.sampled_from(["Art", " Food", "music", "Wine ", ""])).map(";".join),
    "Rating__c": st.sampled_from(["A", "a ", " B", "b", "C", "c"]),
    "DATE_OF_BIRTH": st.datetimes(
        datetime(2026, 1, 1),  # noqa: DTZ001 - Hypothesis has the zone apart
        datetime(2026, 1, 3),  # noqa: DTZ001 - as above
        timezones=st.sampled_from([timezone.utc, timezone(timedelta(hours=-5))]),
    ).map(datetime.isoformat),
    "Open__c": st.sampled_from([True, False, 1, 0, "yes", "no", "1.0"]),
}
# What each of them is, told in another way than by the code.
MEANT: dict[str, Callable[[Any], object]] = {
    "Size__c": lambda value: Fraction(str(value)),
    "Interests__c": lambda value: {one.strip().title() for one in value.split(";") if one.strip()},
    "Rating__c": lambda value: value.strip() if value.strip() in "Cc" else value.strip().upper(),
    "DATE_OF_BIRTH": lambda value: value[:10],
    "Open__c": lambda value: str(value) in {"True", "1", "yes", "1.0"},
}


@pytest.mark.parametrize("name", list(SPELLED))
@given(data=st.data())
def test_two_are_the_same_if_they_mean_the_same_and_never_otherwise(
    name: str, data: st.DataObject
) -> None:
    one, other = data.draw(SPELLED[name]), data.draw(SPELLED[name])
    means_the_same = MEANT[name](one) == MEANT[name](other)
    field = CONTACT.find(name)
    assert is_same(field, one, other) is means_the_same
    assert is_same(field, other, one) is means_the_same


@given(anything, anything, st.sampled_from(list(CONTACT)))
def test_anything_can_be_compared_and_is_the_same_as_itself(
    one: Any, other: Any, field: Field
) -> None:
    for known in (field, None):
        assert is_same(known, one, one)
        is_same(known, one, other)


def test_only_the_custom_fields_that_differ_are_changes() -> None:
    body = CONTACT.body({"hobby": "chess", "size": 5, "LAST_NAME": "A"}, is_new=False)
    record = stored(body)
    new = CONTACT.body({"hobby": "tennis", "size": 5, "LAST_NAME": "A"}, is_new=False)
    assert changes(CONTACT, new, record) == {
        "CUSTOMFIELDS": [{"FIELD_NAME": "Hobby__c", "FIELD_VALUE": "tennis"}]
    }


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
    record_id = made[str(fields.obj.key)]
    read = writer.get(name, record_id)
    assert changes(fields, fields.body(values, is_new=True), read) == {}
    account.requests.clear()
    assert writer.update(name, record_id, values, skip_unchanged=True) == read
    assert asked(account, "PUT") == []
