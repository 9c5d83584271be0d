"""Values: typed as the schema says, every digit kept, and what cannot be is null with a warning."""

from __future__ import annotations

from datetime import datetime, timezone
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tap_insightly.conformer import Conformer
from tap_insightly.values import converter, parse_moment, utc_text

DATE_TIME = {"type": ["string", "null"], "format": "date-time"}
CHOICES = {"type": ["array", "null"], "items": {"type": "string"}}


@pytest.mark.parametrize(
    ("schema", "value", "expected"),
    [
        (DATE_TIME, "2025-04-19 00:49:32", "2025-04-19T00:49:32Z"),
        (DATE_TIME, "2025-04-19T00:49:32Z", "2025-04-19T00:49:32Z"),
        (DATE_TIME, "2025-04-19T00:49:32.5+02:00", "2025-04-18T22:49:32.500000Z"),
        (DATE_TIME, "2025-04-19", "2025-04-19T00:00:00Z"),
        (DATE_TIME, "", None),
        (DATE_TIME, "0000-00-00", None),
        (DATE_TIME, "0000-00-00 00:00:00", None),
        ({"type": "string"}, "", ""),
        ({"type": "string"}, 12, "12"),
        ({"type": "string"}, Decimal("1.50"), "1.50"),
        ({"type": "string"}, True, "true"),
        ({"type": ["integer", "null"]}, 366638973, 366638973),
        ({"type": ["integer", "null"]}, "42", 42),
        ({"type": ["integer", "null"]}, Decimal("42.0"), 42),
        ({"type": ["integer", "null"]}, "", None),
        (
            {"type": ["number", "null"]},
            Decimal("99999999999999.9999"),
            Decimal("99999999999999.9999"),
        ),
        ({"type": ["number", "null"]}, "12345678901234.5678", Decimal("12345678901234.5678")),
        ({"type": ["number", "null"]}, "", None),
        ({"type": ["boolean", "null"]}, "True", True),
        ({"type": ["boolean", "null"]}, 0, False),
        ({"type": ["boolean", "null"]}, "", None),
        (CHOICES, "Music;Sports;Travel", ["Music", "Sports", "Travel"]),
        (CHOICES, "Music", ["Music"]),
        (CHOICES, "", None),
        (CHOICES, ["a", "b"], ["a", "b"]),
        ({"type": ["string", "number", "boolean", "null"]}, Decimal("3.2"), Decimal("3.2")),
    ],
)
def test_a_value_takes_the_type_of_its_schema(
    schema: dict[str, Any], value: object, expected: object
) -> None:
    result = converter(schema)(value)
    assert result == expected
    assert type(result) is type(expected)


@pytest.mark.parametrize(
    ("schema", "value"),
    [
        (DATE_TIME, "yesterday"),
        (DATE_TIME, "2025-13-45 00:00:00"),
        (DATE_TIME, 20250419),
        (DATE_TIME, "0001-01-01T00:00:00+14:00"),
        ({"type": "integer"}, "many"),
        ({"type": "integer"}, Decimal("4.2")),
        ({"type": "integer"}, True),
        ({"type": "integer"}, "1e9999"),
        ({"type": "number"}, "1,234.50"),
        ({"type": "number"}, "NaN"),
        ({"type": "number"}, "1_000"),
        ({"type": "number"}, False),
        ({"type": "boolean"}, "maybe"),
        ({"type": "boolean"}, 2),
        ({"type": "string"}, ["a"]),
        (CHOICES, 7),
        (CHOICES, [1]),
        ({"type": ["string", "number", "boolean", "null"]}, {"a": 1}),
    ],
)
def test_nothing_is_guessed(schema: dict[str, Any], value: object) -> None:
    with pytest.raises(ValueError):  # noqa: PT011 - no message: the caller writes it
        converter(schema)(value)


@given(st.datetimes(timezones=st.just(timezone.utc), min_value=datetime(1, 1, 2)))  # noqa: DTZ001 - as hypothesis wants it
def test_a_moment_survives_writing_and_reading(moment: datetime) -> None:
    assert parse_moment(utc_text(moment)) == moment


SCHEMA: dict[str, Any] = {
    "type": "object",
    "properties": {
        "CONTACT_ID": {"type": "integer"},
        "PHONE": {"type": ["string", "null"]},
        "DATE_OF_BIRTH": DATE_TIME,
        "LINKS": {
            "type": ["array", "null"],
            "items": {
                "type": ["object", "null"],
                "properties": {
                    "LINK_ID": {"type": ["integer", "null"]},
                    "ROLE": {"type": ["string", "null"]},
                },
            },
        },
        "Hobby__c": {"type": ["string", "null"], "title": "Hobby__c"},
    },
}


def conformer() -> Conformer:
    return Conformer(SCHEMA, key_properties=["CONTACT_ID"], custom={"Hobby__c": "Hobby__c"})


def test_a_row_has_every_property_even_where_the_api_leaves_one_out() -> None:
    row = conformer()({"CONTACT_ID": 1, "CUSTOMFIELDS": []})
    assert row == {"CONTACT_ID": 1, **dict.fromkeys(list(SCHEMA["properties"])[1:])}


def test_bad_values_are_null_with_one_warning_a_field_that_counts_and_names_one() -> None:
    conform = conformer()
    for number in (7, 8, 9):
        row = conform({"CONTACT_ID": number, "DATE_OF_BIRTH": "soon"})
        assert row is not None
        assert row["DATE_OF_BIRTH"] is None
    (warning,) = conform.warnings()
    assert "DATE_OF_BIRTH" in warning
    assert "3 values" in warning
    assert "CONTACT_ID 7" in warning


def test_unknown_fields_are_named_in_one_warning_and_stop_nothing() -> None:
    conform = conformer()
    for number in (1, 2):
        assert conform({"CONTACT_ID": number, "NEW_1": 1, "NEW_2": 2}) is not None
    (warning,) = conform.warnings()
    assert "NEW_1, NEW_2" in warning


def test_one_bad_value_inside_an_array_costs_only_itself() -> None:
    conform = conformer()
    links = [{"LINK_ID": "x", "ROLE": "CEO"}, {"LINK_ID": "7"}, None]
    row = conform({"CONTACT_ID": 1, "LINKS": links})
    assert row is not None
    assert row["LINKS"] == [{"LINK_ID": None, "ROLE": "CEO"}, {"LINK_ID": 7, "ROLE": None}, None]
    (warning,) = conform.warnings()
    assert warning.startswith("LINKS.LINK_ID: 1 values")
    assert "CONTACT_ID 1" in warning


def test_unknown_fields_inside_an_array_are_named_too() -> None:
    conform = conformer()
    assert conform({"CONTACT_ID": 1, "LINKS": [{"LINK_ID": 7, "NEW": 1}]}) is not None
    (warning,) = conform.warnings()
    assert "left out: LINKS.NEW." in warning


def test_what_is_no_array_is_null_with_a_warning() -> None:
    conform = conformer()
    row = conform({"CONTACT_ID": 1, "LINKS": "none"})
    assert row is not None
    assert row["LINKS"] is None
    (warning,) = conform.warnings()
    assert warning.startswith("LINKS: 1 values")


def test_a_custom_field_that_the_catalog_does_not_know_is_warned_about() -> None:
    conform = conformer()
    conform({"CONTACT_ID": 1, "CUSTOMFIELDS": [{"FIELD_NAME": "New__c", "FIELD_VALUE": 1}]})
    (warning,) = conform.warnings()
    assert "New__c" in warning
    assert "Discover" in warning


def test_a_record_without_its_key_is_left_out_and_counted() -> None:
    conform = conformer()
    assert conform({"CONTACT_ID": None}) is None
    (warning,) = conform.warnings()
    assert "1 records came without a primary key (CONTACT_ID)" in warning


@pytest.mark.parametrize("broken", [None, "x", 7, {}, [None, 7, "x", {}, {"FIELD_NAME": None}]])
def test_a_broken_array_of_custom_fields_stops_nothing(broken: object) -> None:
    row = conformer()({"CONTACT_ID": 1, "CUSTOMFIELDS": broken})
    assert row is not None
    assert row["Hobby__c"] is None
