"""The output as a target sees it: line by line, in order, and valid."""

from __future__ import annotations

import json
from decimal import Decimal
from typing import TYPE_CHECKING, Any

import pytest
from jsonschema import Draft202012Validator, FormatChecker
from singer_sdk.singerlib import RecordMessage, StateMessage

from tap_insightly.output import MessageWriter
from tests.conftest import Run, Tap, entry, only

if TYPE_CHECKING:
    from tap_insightly.sandbox import Sandbox


def validate(stdout: str) -> dict[str, int]:
    """Read a tap's output as the Singer specification has it; return records by stream."""
    validators: dict[str, Draft202012Validator] = {}
    keys: dict[str, list[str]] = {}
    counts: dict[str, int] = {}
    last = None
    for line in stdout.splitlines():
        message = json.loads(line)
        last = message["type"]
        if last == "SCHEMA":
            schema, stream = message["schema"], message["stream"]
            Draft202012Validator.check_schema(schema)
            validators[stream] = Draft202012Validator(schema, format_checker=FormatChecker())
            keys[stream] = message["key_properties"]
            assert set(keys[stream]) <= set(schema["properties"])
            counts[stream] = 0
        elif last == "RECORD":
            stream = message["stream"]
            validators[stream].validate(message["record"])  # KeyError: a record before its schema
            assert all(message["record"][key] is not None for key in keys[stream])
            counts[stream] += 1
        else:
            assert last == "STATE", message
            assert isinstance(message["value"]["bookmarks"], dict)
    assert last == "STATE"
    return counts


@pytest.fixture(scope="module")
def everything(shared_sandbox: Sandbox, tmp_path_factory: pytest.TempPathFactory) -> Run:
    """A sync of everything, without a catalog."""
    tap = Tap(tmp_path_factory.mktemp("everything"))
    run = tap(sandbox=shared_sandbox, custom_fields="both")
    assert run.code == 0, run.stderr
    return run


def test_every_line_is_valid_and_every_stream_has_records(everything: Run) -> None:
    counts = validate(everything.stdout)
    assert len(counts) >= 49
    assert all(counts.values()), [name for name, count in counts.items() if not count]


def test_counts_agree_with_the_source(everything: Run, shared_sandbox: Sandbox) -> None:
    counts = validate(everything.stdout)
    for stream, path in (
        ("contacts", "/Contacts"),
        ("opportunities", "/Opportunities"),
        ("tasks", "/Tasks"),
        ("quote_products", "/QuotationLineItem"),
        ("team_members", "/TeamMembers"),
        ("fruit__c", "/Fruit__c"),
    ):
        assert counts[stream] == shared_sandbox.count(path)


def test_a_healthy_sync_warns_of_nothing(everything: Run) -> None:
    warnings = [line for line in everything.stderr.splitlines() if "WARNING" in line]
    # The SDK's own notice about old Pythons.
    assert [line for line in warnings if "end of life" not in line] == []
    assert "not resumable" not in everything.stderr


def test_primary_keys_are_unique(everything: Run) -> None:
    seen: dict[str, set[tuple[Any, ...]]] = {}
    keys: dict[str, list[str]] = {}
    for message in everything.messages:
        if message["type"] == "SCHEMA":
            keys[message["stream"]] = message["key_properties"]
        if message["type"] == "RECORD":
            stream = message["stream"]
            key = tuple(message["record"][name] for name in keys[stream])
            assert key not in seen.setdefault(stream, set()), (stream, key)
            seen[stream].add(key)


def test_money_keeps_every_digit(tap: Tap, sandbox: Sandbox) -> None:
    catalog = only(tap.discover(sandbox), "opportunities")
    amounts = [Decimal("99999999999999.9999"), Decimal("12345678901234567.1"), Decimal("0.10")]
    made = [sandbox.create("/Opportunities", BID_AMOUNT=amount) for amount in amounts]
    run = tap(sandbox=sandbox, catalog=catalog)
    found = {
        record["OPPORTUNITY_ID"]: record["BID_AMOUNT"]
        for line in run.stdout.splitlines()
        if (message := json.loads(line, parse_float=Decimal))["type"] == "RECORD"
        for record in [message["record"]]
    }
    for record, amount in zip(made, amounts, strict=True):
        assert str(found[record["OPPORTUNITY_ID"]]) == str(amount)


def test_dates_leave_as_rfc_3339_and_empty_ones_as_null(everything: Run) -> None:
    for record in everything.records("contacts"):
        assert record["DATE_CREATED_UTC"].endswith("Z")
        assert record["DATE_CREATED_UTC"][10] == "T"
        assert record["DATE_OF_BIRTH"] is None or record["DATE_OF_BIRTH"].endswith("T00:00:00Z")


def test_special_lists(everything: Run) -> None:
    assert {tag["RECORD_TYPE"] for tag in everything.records("tags")} >= {"contacts", "leads"}
    permissions = everything.records("permissions")
    assert all(record["OBJECT_TYPE"] for record in permissions)
    assert len({record["USER_PERMISSIONS_STATE"] for record in permissions}) == 1
    (instance,) = everything.records("instance")
    assert instance["PLAN_NAME"]
    owners = {field["FIELD_FOR"] for field in everything.records("custom_fields")}
    assert {"CONTACT", "FRUIT__C"} <= owners


def test_converted_lead_statuses_are_included(everything: Run, shared_sandbox: Sandbox) -> None:
    ids = {record["LEAD_STATUS_ID"] for record in everything.records("lead_statuses")}
    assert ids == {record["LEAD_STATUS_ID"] for record in shared_sandbox.records("/LeadStatuses")}


def test_a_property_that_is_not_selected_does_not_leave(tap: Tap, sandbox: Sandbox) -> None:
    catalog = only(tap.discover(sandbox), "contacts")
    for item in entry(catalog, "contacts")["metadata"]:
        if item["breadcrumb"] in (["properties", "PHONE"], ["properties", "TAGS"]):
            item["metadata"]["selected"] = False
    run = tap(sandbox=sandbox, catalog=catalog)
    schema = next(m for m in run.messages if m["type"] == "SCHEMA")["schema"]
    for properties in (run.records("contacts")[0], schema["properties"]):
        assert "PHONE" not in properties
        assert "TAGS" not in properties
        assert "LAST_NAME" in properties
    assert set(run.records("contacts")[0]) == set(schema["properties"])


def test_unselected_streams_are_not_asked_for(tap: Tap, sandbox: Sandbox) -> None:
    catalog = only(tap.discover(sandbox), "users")
    sandbox.requests.clear()
    run = tap(sandbox=sandbox, catalog=catalog)
    assert set(validate(run.stdout)) == {"users"}
    assert len(sandbox.requests) == 1


def test_a_state_is_written_when_it_is_new_or_other_messages_came_after_the_last(
    capfdbinary: pytest.CaptureFixture[bytes],
) -> None:
    writer, value = MessageWriter(), {"bookmarks": {"users": {"replication_key_value": "1"}}}
    record = RecordMessage(stream="users", record={"USER_ID": 1})
    writer.write_message(StateMessage(value=value))
    writer.write_message(StateMessage(value=value))  # the same: not again
    value["bookmarks"]["users"]["replication_key_value"] = "2"  # as the SDK changes it in place
    writer.write_message(StateMessage(value=value))
    writer.write_message(record)
    writer.write_message(StateMessage(value=value))
    out = [json.loads(line) for line in capfdbinary.readouterr().out.splitlines()]
    assert [message["type"] for message in out] == ["STATE", "STATE", "RECORD", "STATE"]
    assert out[1]["value"]["bookmarks"]["users"]["replication_key_value"] == "2"
