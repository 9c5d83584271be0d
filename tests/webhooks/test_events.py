"""What a delivery is about, or why that cannot be told: whatever comes, it is one of them."""

from __future__ import annotations

import json
from datetime import datetime, timezone
from functools import cache
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from tap_insightly.api.http.codec import encode
from tap_insightly.conformer import Conformer
from tap_insightly.openapi import COMPONENTS
from tap_insightly.openapi.objects import objects_by_path, standard_objects
from tap_insightly.openapi.singer import OPENAPI
from tap_insightly.values import EMPTY_DATES
from tap_insightly.webhooks.event import ANY_CUSTOM_OBJECT_RECORD
from tap_insightly.webhooks.events import read, understand
from tap_insightly.webhooks.records import typed_record
from tests.conftest import new_sandbox

if TYPE_CHECKING:
    from collections.abc import Mapping

ALIKE = {"OpportunityCategory", "ProjectCategory", "TaskCategory", "FileCategory"}
TOLD = [one for one in standard_objects() if one.key is not None and one.name not in ALIKE]
TASK = {
    "TASK_ID": 99922875,
    "TITLE": "Call them",
    "DUE_DATE": "/Date(1489132800000-0800)/",
    "COMPLETED": False,
    "PERCENT_COMPLETE": 0,
    "DATE_UPDATED_UTC": "/Date(1489116850787-0800)/",
}


def delivery(**fields: Any) -> bytes:
    return json.dumps({"entity": fields}).encode()


def test_a_delivery_is_understood() -> None:
    found = understand(delivery(**TASK))
    assert (found.object_name, found.record_id) == ("Task", 99922875)
    assert found.updated == "2017-03-10T03:34:10.787000Z"
    assert found.reason is None
    assert typed_record(delivery(**TASK)) == {
        **TASK,
        "DUE_DATE": "2017-03-10T08:00:00Z",
        "DATE_UPDATED_UTC": "2017-03-10T03:34:10.787000Z",
    }


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("/Date(1489116850787-0800)/", "2017-03-10T03:34:10.787000Z"),
        ("/Date(1489116850787+1245)/", "2017-03-10T03:34:10.787000Z"),
        ("/Date(1489116850000)/", "2017-03-10T03:34:10Z"),
        ("/Date(0)/", "1970-01-01T00:00:00Z"),
        ("/Date(-1500+0000)/", "1969-12-31T23:59:58.500000Z"),
        ("/Date(-62135596800000)/", "0001-01-01T00:00:00Z"),
        (r"\/Date(0)\/", "1970-01-01T00:00:00Z"),
        ("2017-03-10 03:34:10", "2017-03-10T03:34:10Z"),
        ("2017-03-10T03:34:10+01:00", "2017-03-10T02:34:10Z"),
        ("0000-00-00 00:00:00", None),
        ("", None),
        ("/Date(999999999999999999)/", None),
        ("/Date(1e3)/", None),
        ("/Date()/", None),
        ("soon", None),
        (7, None),
        (None, None),
    ],
)
def test_dates_become_rfc_3339(text: object, expected: str | None) -> None:
    body = delivery(TASK_ID=1, DATE_UPDATED_UTC=text)
    assert understand(body).updated == expected
    assert typed_record(body) == {"TASK_ID": 1, "DATE_UPDATED_UTC": expected}


def test_slashes_may_be_escaped() -> None:
    body = rb'{"entity":{"TASK_ID":1,"DATE_UPDATED_UTC":"\/Date(0-0800)\/"}}'
    assert understand(body).updated == "1970-01-01T00:00:00Z"


def test_a_text_that_looks_like_a_date_stays_a_text() -> None:
    looks = "/Date(0)/"
    fields = {"CONTACT_ID": 1, "BACKGROUND": looks, "TAGS": [{"TAG_NAME": looks}], "Due__c": looks}
    assert typed_record(delivery(**fields)) == {**fields, "Due__c": "1970-01-01T00:00:00Z"}


def test_every_digit_is_kept() -> None:
    body = b'{"entity":{"OPPORTUNITY_ID":1,"BID_AMOUNT":12345678901234567.891,"New__c":0.10}}'
    assert encode(typed_record(body)) == (
        b'{"OPPORTUNITY_ID":1,"BID_AMOUNT":12345678901234567.891,"New__c":0.10}'
    )


def test_what_is_not_of_the_type_of_its_field_is_null() -> None:
    body = delivery(TASK_ID="7", PRIORITY="high", COMPLETED="yes", NEW={"a": "as it came"})
    assert typed_record(body) == {
        "TASK_ID": 7,
        "PRIORITY": None,
        "COMPLETED": None,
        "NEW": {"a": "as it came"},
    }


LEVELS = 100_000
DEEP = b'{"entity":{"TASK_ID":1,"X":' + b"[" * LEVELS + b"]" * LEVELS + b"}}"
REJECTED = {
    b"": "It is empty.",
    b" \r\n": "It is empty.",
    b"\xef\xbb\xbf": "It is empty.",
    b"\xff\xfe{": "It is no text in UTF-8 (byte 0).",
    b'{"entity":{"TASK_ID":1,"TITLE":"\xe4"}}': "It is no text in UTF-8 (byte 32).",
    b"entity=1": "It is no JSON: invalid character (byte 0).",
    b'{"entity":{"TASK_ID":1}': "It is no JSON: Input data was truncated.",
    b'{"entity":{"TASK_ID":1}} {}': "It is no JSON: trailing characters (byte 26).",
    b'{"entity":{"TASK_ID":NaN}}': "It is no JSON: invalid character (byte 21).",
    b'{"entity":{"TASK_ID":1,"X":-Infinity}}': "It is no JSON: invalid character (byte 28).",
    b'{"entity":{"TASK_ID":1,"TASK_ID":2}}': (
        "It has two values of one name, and nothing says which one counts."
    ),
    b'{"entity":{"TASK_ID":1},"entity":{}}': (
        "It has two values of one name, and nothing says which one counts."
    ),
    b'{"entity":{"TASK_ID":1,"X":1E99999999999999999999}}': "It has a number that is too large.",
    b'{"entity":{"TASK_ID":1,"X":' + b"1" * 5000 + b"}}": "It has a number that is too large.",
    b"[" * LEVELS: "It is nested more than 100 levels deep.",
    b'{"a":' * LEVELS: "It is nested more than 100 levels deep.",
    DEEP: "It is nested more than 100 levels deep.",
    b'{"entity":{"TASK_ID":1,"X":' + b"[" * 100 + b"]" * 100 + b"}}": (
        "It is nested more than 100 levels deep."
    ),
    b"null": "It is no JSON object.",
    b'[{"entity":{"TASK_ID":1}}]': "It is no JSON object.",
    b'{"TASK_ID":1}': 'It has no "entity".',
    b'{"entity":null}': 'Its "entity" is no JSON object.',
    b'{"entity":[{"TASK_ID":1}]}': 'Its "entity" is no JSON object.',
    b'{"entity":{}}': "It has no field with the id of a record of any object that is known.",
    b'{"entity":{"TITLE":"x"}}': (
        "It has no field with the id of a record of any object that is known."
    ),
    b'{"entity":{"task_id":1}}': (
        "It has no field with the id of a record of any object that is known."
    ),
    b'{"entity":{"TASK_ID":null,"PROJECT_ID":1,"TITLE":""}}': "Its TASK_ID is null.",
    b'{"entity":{"TASK_ID":"one"}}': "Its TASK_ID is no number of a record.",
    b'{"entity":{"TASK_ID":""}}': "Its TASK_ID is no number of a record.",
    b'{"entity":{"TASK_ID":true}}': "Its TASK_ID is no number of a record.",
    b'{"entity":{"TASK_ID":0}}': "Its TASK_ID is no number of a record.",
    b'{"entity":{"TASK_ID":-1}}': "Its TASK_ID is no number of a record.",
    b'{"entity":{"TASK_ID":1.5}}': "Its TASK_ID is no number of a record.",
    b'{"entity":{"TASK_ID":1E999}}': "Its TASK_ID is no number of a record.",
    b'{"entity":{"TASK_ID":9223372036854775808}}': "Its TASK_ID is no number of a record.",
    b'{"entity":{"TASK_ID":' + b"9" * 4000 + b"}}": "Its TASK_ID is no number of a record.",
    b'{"entity":{"TASK_ID":[1]}}': "Its TASK_ID is no number of a record.",
    b'{"entity":{"CATEGORY_ID":1,"CATEGORY_NAME":"x"}}': (
        "Nothing tells which of these it is: OpportunityCategory, ProjectCategory, TaskCategory, "
        "FileCategory."
    ),
}


@pytest.mark.parametrize("body", REJECTED, ids=range(len(REJECTED)))
def test_what_is_not_understood_has_a_reason(body: bytes) -> None:
    found = understand(body)
    assert found.reason == REJECTED[body]
    assert (found.object_name, found.record_id, found.updated) == (None, None, None)


@pytest.mark.parametrize(
    ("fields", "expected"),
    [
        ({"TASK_ID": 1, "PROJECT_ID": 2, "OPPORTUNITY_ID": 3}, "Task"),
        ({"OPPORTUNITY_ITEM_ID": 1, "OPPORTUNITY_ID": 2, "PRICEBOOK_ENTRY_ID": 3}, None),
        ({"OPPORTUNITY_ID": 2, "PROJECT_ID": 1}, "Project"),
        ({"EVENT_ID": 1, "NOTE_ID": 2}, "Event"),
        ({"NOTE_ID": 2, "EVENT_ID": 1}, "Note"),
        ({"RECORD_ID": 1, "RECORD_NAME": "Apple"}, ANY_CUSTOM_OBJECT_RECORD),
        ({"RECORD_ID": 1, "OBJECT_NAME": "Fruit__c"}, "Fruit__c"),
        ({"RECORD_ID": 1, "OBJECT_NAME": "\x1b[2J__c"}, ANY_CUSTOM_OBJECT_RECORD),
        ({"RECORD_ID": 1, "OBJECT_NAME": 7}, ANY_CUSTOM_OBJECT_RECORD),
        ({"NEW_FIELD": 1, "CONTACT_ID": 2, "Hobby__c": "Chess"}, "Contact"),
    ],
)
def test_the_object_is_known_from_the_fields(
    fields: Mapping[str, Any], expected: str | None
) -> None:
    assert understand(delivery(**fields)).object_name == (expected or "OpportunityLineItem")


@given(st.data())
def test_some_fields_of_a_record_are_enough(data: st.DataObject) -> None:
    # Of categories, only the fields that each has alone can tell.
    one = data.draw(st.sampled_from([one for one in TOLD if one.key != "CATEGORY_ID"]))
    assert one.key is not None
    others = data.draw(st.sets(st.sampled_from(sorted(COMPONENTS[one.component]["properties"]))))
    # The id comes first, as in what Insightly sends.
    found = understand(delivery(**{one.key: 5, **dict.fromkeys(sorted(others - {one.key}), 6)}))
    assert (found.object_name, found.record_id, found.reason) == (one.name, 5, None)


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(st.characters()),
    lambda inner: st.lists(inner) | st.dictionaries(st.text() | st.sampled_from(["entity"]), inner),
)
KEYS = st.sampled_from([str(one.key) for one in TOLD] + ["RECORD_ID", "DATE_UPDATED_UTC", "TAGS"])
NEARLY = st.dictionaries(KEYS | st.text(), JSON | st.integers(1, 2**64)).map(
    lambda fields: delivery(**fields)
)


@st.composite
def damaged(draw: st.DrawFn) -> bytes:
    body = bytearray(draw(NEARLY | st.just(delivery(**TASK))))
    for _ in range(draw(st.integers(0, 3))):
        at = draw(st.integers(0, len(body) - 1))
        body[at : at + draw(st.integers(0, 2))] = draw(st.binary(max_size=3))
        if not body:
            break
    return bytes(body)


@given(st.binary() | JSON.map(lambda one: json.dumps(one).encode()) | damaged())
@example(b'{"entity":{"TASK_ID":1,"X":"\\ud800"}}')
@example(b'\xef\xbb\xbf\xef\xbb\xbf{"entity":{"TASK_ID":1}}')
def test_anything_is_an_event_or_has_a_reason(body: bytes) -> None:
    found = understand(body)
    if found.reason is not None:
        assert found.reason.endswith(".")
        assert found.reason.isprintable()
        assert (found.object_name, found.record_id, found.updated) == (None, None, None)
        return
    assert found.object_name
    assert found.record_id
    row = typed_record(body)
    assert row[read(body).kind.key] == found.record_id
    encode(row)


@cache
def sandbox_records() -> list[tuple[str, dict[str, Any]]]:
    sandbox = new_sandbox()
    return [
        (one.path, dict(record)) for one in TOLD for record in list(sandbox.records(one.path))[:20]
    ]


def test_there_are_records_of_every_object_to_try() -> None:
    assert {path for path, _ in sandbox_records()} == {one.path for one in TOLD}


@pytest.mark.parametrize("zone", ["", "+0000", "-0800", "+1245"])
def test_a_record_is_typed_as_the_tap_types_it(zone: str) -> None:
    """Whatever the API answers and a webhook says of one record becomes the same row."""
    for path, record in sandbox_records():
        one = objects_by_path()[path]
        conformer = Conformer(OPENAPI.get_schema(one.component))
        expected = conformer(record)
        assert expected is not None
        body = encode({"entity": _as_in_a_webhook(record, COMPONENTS[one.component], zone)})
        assert understand(body).object_name == one.name
        assert {**dict.fromkeys(expected), **typed_record(body)} == expected


def _as_in_a_webhook(value: Any, schema: Mapping[str, Any], zone: str) -> Any:
    if "$ref" in schema:
        schema = COMPONENTS[schema["$ref"].rpartition("/")[2]]
    if isinstance(value, dict):
        parts = schema.get("properties", {})
        return {k: _as_in_a_webhook(v, parts.get(k, {}), zone) for k, v in value.items()}
    if isinstance(value, list):
        return [_as_in_a_webhook(one, schema.get("items", {}), zone) for one in value]
    if schema.get("format") == "date-time" and value not in {None, *EMPTY_DATES}:
        moment = datetime.fromisoformat(value).replace(tzinfo=timezone.utc)
        return f"/Date({int(moment.timestamp()) * 1000}{zone})/"
    return value
