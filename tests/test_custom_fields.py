"""Custom fields: any definition and any value give a record that is valid by its own schema."""

from __future__ import annotations

import itertools
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from jsonschema import Draft202012Validator, FormatChecker

from tap_insightly.api.records.definitions import definitions_of, same_object
from tap_insightly.conformer import Conformer
from tap_insightly.custom_fields import (
    CustomField,
    add_columns,
    columns_of,
)

TYPES = (
    "TEXT MULTILINETEXT DROPDOWN MULTISELECT BIT NUMERIC PERCENT DATE DATETIME AUTONUMBER "
    "CURRENCY URL PHONE EMAIL LOOKUP CALCULATED HOLOGRAM"
).split()

standard: dict[str, Any] = {
    "RECORD_ID": {"type": "integer"},
    "RECORD_NAME": {"type": ["string", "null"]},
}

names = st.one_of(
    st.sampled_from(["Hobby__c", "hobby__c", "HOBBY__C", "hobby__c_2", "RECORD_NAME", "record_id"]),
    st.text(min_size=1, max_size=12),
)
definitions = st.lists(
    st.fixed_dictionaries(
        {"FIELD_NAME": names, "FIELD_FOR": st.sampled_from(["CONTACT", "contact", "LEAD"])},
        optional={
            "FIELD_TYPE": st.one_of(st.sampled_from(TYPES), st.text(max_size=8), st.none()),
            "FIELD_LABEL": st.one_of(st.text(max_size=8), st.none()),
            "FIELD_HELP_TEXT": st.one_of(st.text(max_size=8), st.none(), st.integers()),
        },
    ),
    max_size=12,
)
scalars = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(),
    st.decimals(allow_nan=False, allow_infinity=False),
    st.text(max_size=12),
    st.sampled_from(["", "true", "12", "1.5", "a;b", "2026-01-31", "0000-00-00 00:00:00"]),
    st.datetimes().map(lambda moment: moment.isoformat(" ", "seconds")),
)
values = st.recursive(
    scalars, lambda inner: st.lists(inner, max_size=2) | st.dictionaries(st.text(max_size=3), inner)
)


def columns(found: list[dict[str, Any]]) -> dict[str, Any]:
    """The properties that definitions lead to."""
    properties = dict(standard)
    fields = [CustomField.parse(definition) for definition in definitions_of("CONTACT", found)]
    add_columns(properties, [field for field in fields if field])
    return properties


def plain(value: Any) -> Any:
    """A row as JSON has it, for a validator that does not know decimals."""
    if isinstance(value, Decimal):
        return float(value)
    if isinstance(value, list):
        return [plain(item) for item in value]
    return value


@given(found=definitions, data=st.data())
def test_any_definition_and_any_value_give_a_valid_record(
    found: list[dict[str, Any]], data: st.DataObject
) -> None:
    properties = columns(found)
    schema = {"type": "object", "properties": properties}
    Draft202012Validator.check_schema(schema)
    conform = Conformer(
        schema, key_properties=["RECORD_ID"], custom=columns_of(properties, standard)
    )
    sent = {definition["FIELD_NAME"]: data.draw(values) for definition in found}
    row = conform(
        {
            "RECORD_ID": 1,
            "CUSTOMFIELDS": [
                {"FIELD_NAME": name, "FIELD_VALUE": value} for name, value in sent.items()
            ],
        }
    )
    assert row is not None
    assert set(row) == set(properties)
    Draft202012Validator(schema, format_checker=FormatChecker()).validate(
        {name: plain(value) for name, value in row.items()}
    )


@given(definitions)
def test_every_custom_field_gets_one_column_that_no_warehouse_confuses(
    found: list[dict[str, Any]],
) -> None:
    properties = columns(found)
    own = {d["FIELD_NAME"] for d in found if d["FIELD_FOR"].upper() == "CONTACT"}
    assert set(columns_of(properties, standard)) == own
    assert len({name.casefold() for name in properties}) == len(properties)
    assert all(properties[name]["description"] for name in properties if name not in standard)


@given(definitions, st.randoms(use_true_random=False))
def test_columns_do_not_depend_on_the_order_of_the_definitions(
    found: list[dict[str, Any]], random: Any
) -> None:
    unique = list({definition["FIELD_NAME"]: definition for definition in found}.values())
    shuffled = list(unique)
    random.shuffle(shuffled)
    assert columns_of(columns(unique), standard) == columns_of(columns(shuffled), standard)


@given(text=st.text(max_size=20))
def test_a_text_field_keeps_every_character(text: str) -> None:
    properties = columns([definition("Note__c", "TEXT")])
    assert converted(properties, "Note__c", text) == text


def definition(name: str, kind: str, **more: str) -> dict[str, Any]:
    return {"FIELD_NAME": name, "FIELD_FOR": "CONTACT", "FIELD_TYPE": kind, **more}


def converted(properties: dict[str, Any], name: str, value: object) -> object:
    conform = Conformer({"properties": properties}, custom=columns_of(properties, standard))
    row = conform({"CUSTOMFIELDS": [{"FIELD_NAME": name, "FIELD_VALUE": value}]})
    assert row is not None
    return row[columns_of(properties, standard)[name]]


@pytest.mark.parametrize(
    ("kind", "json_type", "form"),
    [
        *zip(
            "TEXT MULTILINETEXT DROPDOWN URL PHONE EMAIL AUTONUMBER".split(),
            itertools.repeat(["string", "null"]),
            itertools.repeat(None),
        ),
        *zip(
            ["NUMERIC", "PERCENT", "CURRENCY"],
            itertools.repeat(["number", "null"]),
            itertools.repeat(None),
        ),
        ("BIT", ["boolean", "null"], None),
        ("MULTISELECT", ["array", "null"], None),
        ("LOOKUP", ["integer", "null"], None),
        ("DATE", ["string", "null"], "date-time"),
        ("DATETIME", ["string", "null"], "date-time"),
        ("CALCULATED", ["string", "number", "boolean", "null"], None),
        ("HOLOGRAM", ["string", "number", "boolean", "null"], None),
    ],
)
def test_each_type_of_field_has_its_type_of_column(
    kind: str, json_type: list[str], form: str | None
) -> None:
    schema = columns([definition("X__c", kind)])["X__c"]
    assert schema["type"] == json_type
    assert schema.get("format") == form


def test_label_and_help_text_describe_the_column() -> None:
    found = [definition("X__c", "TEXT", FIELD_LABEL="Hobby", FIELD_HELP_TEXT="What they like.")]
    assert columns(found)["X__c"]["description"] == "Hobby. What they like."


def test_names_that_differ_only_in_case_and_names_of_standard_fields_get_a_number() -> None:
    found = [definition(name, "TEXT") for name in ("hobby__c", "Hobby__c", "record_name")]
    names = columns_of(columns(found), standard)
    assert names == {
        "Hobby__c": "Hobby__c",
        "hobby__c": "hobby__c_2",
        "record_name": "record_name_2",
    }


def test_fields_of_other_objects_are_left_out() -> None:
    found = [
        definition("Mine__c", "TEXT"),
        {**definition("Theirs__c", "TEXT"), "FIELD_FOR": "LEAD"},
        {**definition("Nobodys__c", "TEXT"), "FIELD_FOR": None},
    ]
    assert [d["FIELD_NAME"] for d in definitions_of("Contacts", found)] == ["Mine__c"]


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("CONTACT", "Contacts"),
        ("FRUIT__C", "Fruit__c"),
        ("OPPORTUNITY_LINE_ITEM", "OpportunityLineItem"),
        ("PRICEBOOKENTRY", "PricebookEntry"),
    ],
)
def test_objects_are_recognised_in_any_spelling(one: str, other: str) -> None:
    assert same_object(one, other)


def test_a_project_is_no_product() -> None:
    assert not same_object("PROJECT", "Product")
