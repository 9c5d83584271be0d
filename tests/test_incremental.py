"""Incremental syncs over data that changes: what changed travels, once, and nothing is missed."""

from __future__ import annotations

from datetime import datetime, timedelta, timezone
from typing import TYPE_CHECKING, Any

import pytest

from tap_insightly.sandbox import Faults
from tests.conftest import entry, only

if TYPE_CHECKING:
    from tap_insightly.sandbox import Sandbox
    from tests.conftest import Run, Tap

NOON = datetime(2026, 8, 1, 12, tzinfo=timezone.utc)


class Clock:
    """The sandbox's clock, moved by hand."""

    def __init__(self) -> None:
        self.now = NOON

    def __call__(self) -> datetime:
        return self.now


@pytest.fixture
def clock(sandbox: Sandbox) -> Clock:
    """A clock for the sandbox; the data is older than its noon."""
    sandbox.clock = Clock()
    return sandbox.clock


@pytest.fixture
def contacts(tap: Tap, sandbox: Sandbox, clock: Clock) -> dict[str, Any]:  # noqa: ARG001 - set up
    """A catalog with contacts selected."""
    return only(tap.discover(sandbox), "contacts")


def ids(run: Run) -> list[int]:
    return [record["CONTACT_ID"] for record in run.records("contacts")]


def test_a_second_run_carries_only_what_changed(
    tap: Tap, sandbox: Sandbox, clock: Clock, contacts: dict[str, Any]
) -> None:
    first = tap(sandbox=sandbox, catalog=contacts)
    assert sorted(ids(first)) == [r["CONTACT_ID"] for r in sandbox.records("/Contacts")]

    clock.now += timedelta(hours=1)
    changed = ids(first)[3]
    sandbox.update("/Contacts", changed, FIRST_NAME="Änne")
    created = sandbox.create("/Contacts", FIRST_NAME="Bo")["CONTACT_ID"]
    clock.now += timedelta(hours=1)
    second = tap(sandbox=sandbox, catalog=contacts, state=first.state)
    newest = max(record["DATE_UPDATED_UTC"] for record in first.records("contacts"))
    assert first.bookmark("contacts") == newest
    assert {changed, created} <= set(ids(second))
    assert all(r["DATE_UPDATED_UTC"] >= near(newest) for r in second.records("contacts"))
    assert second.bookmark("contacts") == "2026-08-01T13:00:00Z"

    sandbox.requests.clear()
    third = tap(sandbox=sandbox, catalog=contacts, state=second.state, lookback_seconds=1)
    assert set(ids(third)) <= {changed, created}
    assert third.bookmark("contacts") == "2026-08-01T13:00:00Z"
    assert len(sandbox.requests) == 1


def near(text: str, seconds: int = 60) -> str:
    moment = datetime.fromisoformat(text.replace("Z", "+00:00")) - timedelta(seconds=seconds)
    return moment.strftime("%Y-%m-%dT%H:%M:%SZ")


def test_the_next_sync_looks_back(tap: Tap, sandbox: Sandbox, contacts: dict[str, Any]) -> None:
    first = tap(sandbox=sandbox, catalog=contacts)
    sandbox.requests.clear()
    tap(sandbox=sandbox, catalog=contacts, state=first.state, lookback_seconds=3600)
    (request,) = sandbox.requests
    assert request.path.lower().endswith("/contacts/search")
    since = near(first.bookmark("contacts") or "", 3600)
    assert request.query["updated_after_utc"] == since


def test_a_change_behind_the_reader_is_asked_for_by_the_next_run(
    tap: Tap, sandbox: Sandbox, clock: Clock, contacts: dict[str, Any]
) -> None:
    """A record read already changes, then a later record changes and is read changed.

    The newest record seen is then younger than a change that was missed.
    """
    for number in range(600):
        sandbox.create("/Contacts", FIRST_NAME=f"No {number}")
    known = [r["CONTACT_ID"] for r in sandbox.records("/Contacts")]
    sandbox.requests.clear()

    def change(request: Any) -> None:
        if request.query.get("skip") == "499":
            clock.now += timedelta(hours=1)
            sandbox.update("/Contacts", known[0], FIRST_NAME="Missed")
            clock.now += timedelta(hours=1)
            sandbox.update("/Contacts", known[-1], FIRST_NAME="Seen")

    sandbox.on_request = change
    first = tap(sandbox=sandbox, catalog=contacts)
    sandbox.on_request = None
    names = {r["CONTACT_ID"]: r["FIRST_NAME"] for r in first.records("contacts")}
    assert names[known[0]] != "Missed"
    assert names[known[-1]] == "Seen"
    assert first.bookmark("contacts") == "2026-08-01T12:00:00Z"
    second = tap(sandbox=sandbox, catalog=contacts, state=first.state)
    names = {r["CONTACT_ID"]: r["FIRST_NAME"] for r in second.records("contacts")}
    assert names[known[0]] == "Missed"


def test_without_a_date_header_the_first_answer_is_the_limit(
    tap: Tap, sandbox: Sandbox, clock: Clock, contacts: dict[str, Any]
) -> None:
    sandbox.faults = Faults(no_date_header=True)
    for number in range(600):
        sandbox.create("/Contacts", FIRST_NAME=f"No {number}")
    last = sandbox.records("/Contacts")[-1]["CONTACT_ID"]
    clock.now += timedelta(hours=2)
    sandbox.update("/Contacts", last, FIRST_NAME="Late")
    run = tap(sandbox=sandbox, catalog=contacts)
    assert len(ids(run)) == sandbox.count("/Contacts")
    assert run.bookmark("contacts") == "2026-08-01T12:00:00Z"


def test_a_cut_run_keeps_its_bookmark_and_the_next_goes_on_where_it_was_cut(
    tap: Tap, sandbox: Sandbox, clock: Clock, contacts: dict[str, Any]
) -> None:
    first = tap(sandbox=sandbox, catalog=contacts)
    clock.now += timedelta(hours=1)
    for number in range(600):
        sandbox.create("/Contacts", FIRST_NAME=f"No {number}")
    sandbox.requests.clear()

    def cut(request: Any) -> None:
        if request.query.get("skip") == "499":
            sandbox.faults = Faults(script=["500"])

    sandbox.on_request = cut
    second = tap(sandbox=sandbox, catalog=contacts, state=first.state, max_retries=0)
    assert second.code == 75
    assert second.bookmark("contacts") == first.bookmark("contacts")
    sandbox.on_request = None
    sandbox.faults = Faults()
    third = tap(sandbox=sandbox, catalog=contacts, state=second.state)
    assert third.code == 0, third.stderr
    new = {r["CONTACT_ID"] for r in sandbox.records("/Contacts")} - set(ids(first))
    assert len(new) == 600
    assert new <= {*ids(second), *ids(third)}
    assert not {*ids(second)} & {*ids(third)}
    assert "unfinished" in second.state["bookmarks"]["contacts"]
    assert "unfinished" not in third.state["bookmarks"]["contacts"]
    assert third.bookmark("contacts") == "2026-08-01T13:00:00Z"


def test_a_start_date_leaves_out_what_was_not_updated_since(
    tap: Tap, sandbox: Sandbox, clock: Clock, contacts: dict[str, Any]
) -> None:
    created = sandbox.create("/Contacts", FIRST_NAME="New")["CONTACT_ID"]
    clock.now += timedelta(hours=1)
    first = tap(sandbox=sandbox, catalog=contacts, start_date="2026-08-01T12:00:00Z")
    assert ids(first) == [created]
    # A bookmark goes before an older start date.
    sandbox.requests.clear()
    tap(sandbox=sandbox, catalog=contacts, state=first.state, start_date="2020-01-01")
    assert sandbox.requests[0].query["updated_after_utc"] == "2026-08-01T11:59:00Z"


def test_a_search_stream_can_be_read_whole(
    tap: Tap, sandbox: Sandbox, contacts: dict[str, Any]
) -> None:
    first = tap(sandbox=sandbox, catalog=contacts)
    stream = entry(contacts, "contacts")
    stream["replication_method"] = "FULL_TABLE"
    sandbox.requests.clear()
    second = tap(
        sandbox=sandbox,
        catalog=contacts,
        state=first.state,
        emit_activate_version_messages="true",
    )
    assert len(ids(second)) == sandbox.count("/Contacts")
    assert [request.path.lower().rsplit("/", 1)[1] for request in sandbox.requests] == ["contacts"]
    kinds = [message["type"] for message in second.messages]
    assert "ACTIVATE_VERSION" in kinds
    assert all("version" in m for m in second.messages if m["type"] == "RECORD")


def test_a_list_that_takes_no_date_stays_full_table(tap: Tap, sandbox: Sandbox) -> None:
    catalog = only(tap.discover(sandbox), "pipelines")
    entry(catalog, "pipelines")["replication_method"] = "INCREMENTAL"
    run = tap(sandbox=sandbox, catalog=catalog)
    assert run.code == 0, run.stderr
    assert len(run.records("pipelines")) == sandbox.count("/Pipelines")
    assert "pipelines: replication method INCREMENTAL is not possible" in run.stderr


def test_emails_are_followed_by_their_creation(tap: Tap, sandbox: Sandbox, clock: Clock) -> None:
    sandbox.clock = clock
    catalog = only(tap.discover(sandbox), "emails")
    first = tap(sandbox=sandbox, catalog=catalog)
    assert first.bookmark("emails") == max(r["DATE_CREATED_UTC"] for r in first.records("emails"))
    clock.now += timedelta(hours=1)
    sandbox.create("/Emails", SUBJECT="Neu")
    second = tap(sandbox=sandbox, catalog=catalog, state=first.state)
    assert second.records("emails")[-1]["SUBJECT"] == "Neu"
    assert len(second.records("emails")) < len(first.records("emails"))


def test_custom_objects_are_incremental(tap: Tap, sandbox: Sandbox, clock: Clock) -> None:
    catalog = only(tap.discover(sandbox), "fruit__c")
    first = tap(sandbox=sandbox, catalog=catalog)
    assert len(first.records("fruit__c")) == sandbox.count("/Fruit__c")
    clock.now += timedelta(hours=1)
    sandbox.create("/Fruit__c", RECORD_NAME="Quince")
    second = tap(sandbox=sandbox, catalog=catalog, state=first.state)
    assert second.records("fruit__c")[-1]["RECORD_NAME"] == "Quince"
    assert len(second.records("fruit__c")) <= len(first.records("fruit__c"))
