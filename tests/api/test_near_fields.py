"""Names of fields that are not quite their own: found if one can be meant, else told."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tap_insightly.api import Fields
from tap_insightly.api.records.objects import standard_objects

OWN = [
    {"FIELD_NAME": "Hobby__c", "FIELD_TYPE": "TEXT", "FIELD_LABEL": "What they like"},
    {"FIELD_NAME": "Mobile_Carrier__c", "FIELD_TYPE": "TEXT", "FIELD_LABEL": "Carrier"},
]
ALL = {obj.name: Fields(obj, OWN if obj.has_custom_fields else ()) for obj in standard_objects()}


@pytest.mark.parametrize(
    ("object_name", "name", "field", "is_written"),
    [
        ("Contact", "email", "EMAIL_ADDRESS", True),
        ("Contact", "E-Mail Address", "EMAIL_ADDRESS", True),
        ("Contact", "first name", "FIRST_NAME", True),
        ("Contact", "FirstName", "FIRST_NAME", True),
        ("Contact", "hobby", "Hobby__c", True),
        ("Contact", "what they like", "Hobby__c", True),
        ("Contact", "carrier", "Mobile_Carrier__c", True),
        ("Contact", "twitter", "SOCIAL_TWITTER", False),
        ("Contact", "updated", "DATE_UPDATED_UTC", True),
        ("Opportunity", "name", "OPPORTUNITY_NAME", True),
        ("Opportunity", "owner", "OWNER_USER_ID", True),
        ("Lead", "email", "EMAIL", True),
        ("Lead", "status", "LEAD_STATUS_ID", True),
        ("Ticket", "email", "TO_EMAIL_ADDRESS", False),
    ],
)
def test_a_name_that_can_mean_one_field_is_that_field(
    object_name: str, name: str, field: str, *, is_written: bool
) -> None:
    fields = ALL[object_name]
    read, written = fields.meant(name), fields.meant(name, is_written=True)
    assert read is not None
    assert read.name == field
    assert written == (read if is_written else None)


@pytest.mark.parametrize(
    ("object_name", "name", "candidates"),
    [
        ("Contact", "created", ["DATE_CREATED_UTC", "CREATED_USER_ID"]),
        ("Contact", "mobile", ["PHONE_MOBILE", "Mobile_Carrier__c"]),
        ("Opportunity", "close date", ["ACTUAL_CLOSE_DATE", "FORECAST_CLOSE_DATE"]),
        ("Lead", "name", ["FIRST_NAME", "LAST_NAME"]),
        ("Contact", "TITEL", ["TITLE"]),
        ("Contact", "xyzzy", []),
        ("Contact", "", []),
        ("Contact", "__c", []),
    ],
)
def test_a_name_that_can_mean_several_is_none_and_they_are_told(
    object_name: str, name: str, candidates: list[str]
) -> None:
    fields = ALL[object_name]
    assert fields.meant(name) is None
    said = fields.unknown(name)
    assert [one for one in candidates if repr(one) not in said] == []
    assert ("did you mean" in said) is bool(candidates)


@given(st.sampled_from(sorted(ALL)), st.text(max_size=30) | st.sampled_from(["id", "date", "_"]))
def test_whatever_is_typed_is_written_nowhere_else_than_its_own_name_leads(
    object_name: str, name: str
) -> None:
    fields = ALL[object_name]
    for field in fields:
        assert fields.meant(field.name, is_written=True) == field
    found = fields.meant(name, is_written=True)
    assert found is None or fields.meant(name) == found
    assert fields.unknown(name).startswith(f"{object_name} has no field")
