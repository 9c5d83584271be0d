"""With a webhook store, a sync asks only about what events came for; and nothing is missing."""

from __future__ import annotations

import json
import random
import sqlite3
from datetime import timedelta
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tap_insightly.webhooks.store import EventStore
from tests.told.office import CHANGING, OTHER, Day, Office, lists, open_office

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

MINUTE, HOUR = timedelta(minutes=1), timedelta(hours=1)


@pytest.fixture
def office(tmp_path: Path) -> Iterator[Office]:
    """An account that was read once, with a receiver that has heard of it."""
    with open_office(tmp_path) as office:
        office.change("/Tasks", office.sandbox.records("/Tasks")[0]["TASK_ID"], "one")
        office.now += 2 * MINUTE
        assert len(lists(office.run())) > 40, "the first run reads everything"
        office.now += MINUTE
        yield office


def first(office: Office, path: str) -> int:
    key: int = office.sandbox.records(path)[0][CHANGING[path][0]]
    return key


def test_a_run_without_events_sends_no_request(office: Office) -> None:
    assert office.run() == []
    assert any("were not asked about, as no webhook told of a change." in one for one in office.log)


def test_an_event_has_its_stream_searched_from_its_bookmark(office: Office) -> None:
    key = first(office, "/Contacts")
    since = office.state["bookmarks"]["contacts"]["replication_key_value"]
    office.change("/Contacts", key, "Ada")
    requests = office.run()
    assert lists(requests) == {"/Contacts"}
    assert all(request.query["updated_after_utc"] < since for request in requests)
    assert office.text("/Contacts", key) == "Ada"
    row = office.rows["contacts", key]
    assert row["LAST_NAME"], "all other fields come, too, which the event did not have"


def test_what_came_of_late_is_searched_once_more_as_searches_may_be_late(office: Office) -> None:
    office.sandbox.faults.search_lag = 30
    key = first(office, "/Contacts")
    office.change("/Contacts", key, "Ada")
    office.run()
    assert office.text("/Contacts", key) != "Ada", "the search does not see it yet"
    office.now += MINUTE
    office.run()
    assert office.text("/Contacts", key) == "Ada"
    office.now += 2 * MINUTE
    assert lists(office.run()) in (set(), {"/Contacts"})
    office.now += MINUTE
    assert office.run() == []


def test_every_stream_is_asked_about_once_the_trust_is_over(office: Office) -> None:
    key = first(office, "/Leads")
    office.change("/Leads", key, "Bo", is_told=False)
    office.now += HOUR - 3 * MINUTE
    assert office.run() == []
    office.now += 3 * MINUTE
    assert len(lists(office.run())) > 40
    assert office.text("/Leads", key) == "Bo"


@pytest.mark.parametrize("minutes", [0, 0.5, 5, 10080])
def test_the_trust_can_be_set(office: Office, minutes: float) -> None:
    office.now += timedelta(minutes=minutes - 1, seconds=-1)  # a minute has passed already
    assert (office.run(webhook_trust_minutes=minutes) == []) is (minutes > 0)
    office.now += timedelta(seconds=2)
    assert len(lists(office.run(webhook_trust_minutes=minutes))) > 40


def test_a_deletion_is_found_when_the_trust_is_over(tmp_path: Path) -> None:
    with open_office(tmp_path, detect_deletes=True) as office:
        key = first(office, "/Contacts")
        office.change("/Tasks", first(office, "/Tasks"), "one")
        office.run()
        office.sandbox.delete("/Contacts", key)
        office.now += 2 * MINUTE
        office.run()
        assert not office.rows["contacts", key].get("_sdc_deleted_at")
        office.now += HOUR
        office.run()
        assert office.rows["contacts", key]["_sdc_deleted_at"]


# What makes it doubtful that events would have come


def _without_a_receiver(office: Office) -> None:
    office.writer.close()
    office.be_alive = lambda: None  # type: ignore[method-assign]


def _dead_receiver(office: Office) -> None:
    _set(office, "alive_at = alive_at - 120000")
    office.be_alive = lambda: None  # type: ignore[method-assign]


def _from_the_future(office: Office) -> None:
    _set(office, "alive_at = alive_at + 7200000")
    office.be_alive = lambda: None  # type: ignore[method-assign]


def _restarted(office: Office) -> None:
    _set(office, "generation = generation + 1")


def _restored(office: Office) -> None:
    _set(office, "position = 0")


def _pruned_ahead(office: Office) -> None:
    _set(office, "pruned_to = position + 1, position = position + 2")


def _another_store(office: Office) -> None:
    _set(office, "id = 'another'")


def _no_file(office: Office) -> None:
    office.writer.close()
    office.be_alive = lambda: None  # type: ignore[method-assign]
    for path in office.store.parent.glob(f"{office.store.name}*"):
        path.unlink()


def _garbage(office: Office) -> None:
    _no_file(office)
    office.store.write_bytes(b"no database, whatever it is called" * 100)


def _newer(office: Office) -> None:
    with sqlite3.connect(office.store) as connection:
        connection.execute("PRAGMA user_version = 1000")
    connection.close()


def _other_account(office: Office) -> None:
    office.config["account"] = OTHER


def _set(office: Office, what: str) -> None:
    office.be_alive()
    with sqlite3.connect(office.store) as connection:
        connection.execute(f"UPDATE store SET {what}")  # noqa: S608 - of these tests
    connection.close()


_DOUBTS: list[Callable[[Office], None]] = [
    *(_without_a_receiver, _dead_receiver, _from_the_future, _restarted, _restored),
    *(_pruned_ahead, _another_store, _no_file, _garbage, _newer, _other_account),
]


@pytest.mark.parametrize("doubt", _DOUBTS)
def test_whatever_makes_events_doubtful_has_everything_asked(
    office: Office, doubt: Callable[[Office], None]
) -> None:
    key = first(office, "/Leads")
    office.change("/Leads", key, "Bo", is_told=False)
    doubt(office)
    assert len(lists(office.run())) > 40
    assert office.text("/Leads", key) == "Bo"


@pytest.mark.parametrize(
    ("doubt", "said"),
    [
        (_without_a_receiver, "nothing receives webhooks into the store"),
        (_dead_receiver, "nothing receives webhooks into the store"),
        (_no_file, "webhooks.sqlite"),
        (_garbage, "webhooks.sqlite"),
        (_other_account, "no webhook of the account 'beta' has ever come"),
        (_restarted, "insightly serve was started anew"),
        (_another_store, "the store of webhooks is another one"),
        (_pruned_ahead, "the store of webhooks lacks events that came"),
        (_restored, "the store of webhooks lacks events that came"),
    ],
)
def test_what_cannot_be_trusted_is_said(
    office: Office, doubt: Callable[[Office], None], said: str
) -> None:
    doubt(office)
    office.log.clear()
    office.run()
    (line,) = [one for one in office.log if one.startswith("Insightly is asked about ")]
    assert said in line


_EDITS: list[Any] = [
    *(None, [], "text", {}, {"taken": None}, {"taken": "1"}, {"taken": -5}, {"taken": 10**9}),
    *({"asked": None}, {"asked": "never"}, {"asked": "9999-12-31T00:00:00Z"}, {"asked": 5}),
    *({"store": "x"}, {"generation": 99}, {"generation": None}),
]


@pytest.mark.parametrize("edit", _EDITS, ids=repr)
def test_an_edited_state_is_no_reason_to_skip_a_stream(office: Office, edit: Any) -> None:
    state = office.state["bookmarks"]["leads"]
    state["webhooks"] = {**state["webhooks"], **edit} if edit and isinstance(edit, dict) else edit
    assert lists(office.run()) == {"/Leads"}


# Streams that consist of more than their own list


def test_rows_inside_of_records_come_with_the_records(tmp_path: Path) -> None:
    with open_office(tmp_path) as office:
        for entry in office.catalog["streams"]:
            if entry["tap_stream_id"] in {"links", "contact_dates", "record_tags"}:
                for one in entry["metadata"]:
                    if not one["breadcrumb"]:
                        one["metadata"]["selected"] = True
        key = first(office, "/Contacts")
        office.change("/Contacts", key, "one")
        office.now += 2 * MINUTE
        office.run()
        office.now += MINUTE
        assert office.run() == []
        office.change("/Contacts", key, "two")
        assert lists(office.run()) == {"/Contacts"}
        (state,) = [
            part
            for part in office.state["bookmarks"]["links"]["partitions"]
            if part["context"] == {"PARENT_TYPE": "Contact"}
        ]
        own = office.state["bookmarks"]["contacts"]
        assert state["webhooks"] == own["webhooks"]
        assert state["replication_key_value"] == own["replication_key_value"]
        office.now += HOUR
        assert "/Contacts" in lists(office.run())


def test_a_run_that_was_cut_off_goes_on_without_an_event(office: Office) -> None:
    office.state["bookmarks"]["leads"]["unfinished"] = {"since": None, "last_id": 1, "skip": 0}
    assert lists(office.run()) == {"/Leads"}


def test_what_may_not_be_read_is_not_asked_about_each_time(tmp_path: Path) -> None:
    with open_office(tmp_path) as office:
        office.sandbox.faults.statuses = {"/Prospect": 403}
        office.change("/Tasks", first(office, "/Tasks"), "one")
        office.run()
        office.now += 2 * MINUTE
        assert "/Prospect" not in lists(office.run())
        office.now += HOUR
        assert "/Prospect" in lists(office.run())


def test_a_stream_that_is_not_finished_is_asked_about_again(office: Office) -> None:
    key = first(office, "/Contacts")
    office.change("/Contacts", key, "Ada")
    office.sandbox.faults.statuses = {"/Contacts/Search": [500] * 3, "/Contacts": [500] * 3}
    with pytest.raises(Exception, match="failed once"):
        office.run(max_retries=0)
    office.sandbox.faults.statuses = {}
    office.now += 10 * MINUTE
    assert lists(office.run()) == {"/Contacts"}
    assert office.text("/Contacts", key) == "Ada"


def test_a_list_that_is_read_whole_and_anew_is_whole_or_not_read_at_all(tmp_path: Path) -> None:
    """A new version of a table, of which only a part was read, would drop the other part."""
    with open_office(tmp_path, emit_activate_version_messages=True) as office:
        office.catalog["streams"] = [
            entry for entry in office.catalog["streams"] if entry["tap_stream_id"] == "links"
        ]
        (entry,) = office.catalog["streams"]
        for one in entry["metadata"]:
            if not one["breadcrumb"]:
                one["metadata"] |= {"selected": True, "replication-method": "FULL_TABLE"}
        entry["replication_method"] = "FULL_TABLE"
        kept: list[dict[str, Any]] = []

        def load(messages: list[dict[str, Any]]) -> None:
            kept[:] = messages
            office.load(messages)

        office.change("/Contacts", first(office, "/Contacts"), "one")
        office.now += 2 * MINUTE
        whole = len(lists(office.run(load)))
        records = sum(one["type"] == "RECORD" for one in kept)
        assert any(one["type"] == "ACTIVATE_VERSION" for one in kept)
        office.now += 2 * MINUTE
        assert office.run(load) == []
        assert not any(one["type"] in {"ACTIVATE_VERSION", "RECORD"} for one in kept)
        office.change("/Contacts", first(office, "/Contacts"), "two")
        assert len(lists(office.run(load))) == whole
        assert sum(one["type"] == "RECORD" for one in kept) == records


def test_events_of_another_account_are_not_ours(office: Office) -> None:
    office.deliver(json.dumps({"entity": {"CONTACT_ID": 1}}).encode(), account=OTHER)
    assert office.run() == []
    del office.config["account"]
    office.config |= {"api_key": office.sandbox.api_key, "api_url": office.sandbox.api_url}
    assert lists(office.run()) == {"/Contacts"}, "without an account, all events count"


def test_rejected_webhooks_are_told_of(office: Office) -> None:
    office.deliver(b"what is this")
    assert office.run() == []
    (line,) = [one for one in office.log if "could not be understood" in one]
    assert line.startswith("1 webhooks of late")


def test_a_pruned_store_is_as_good(office: Office) -> None:
    office.now += 10 * MINUTE
    with EventStore(office.store, is_writable=True) as store:
        assert store.prune(office.now) > 0
    assert office.run() == []
    office.change("/Leads", first(office, "/Leads"), "Bo")
    assert lists(office.run()) == {"/Leads"}


# Counted, over a time


def test_a_run_a_minute_costs_little_and_misses_nothing(tmp_path: Path) -> None:
    """At the rate of 2,000 changes a day over 6 objects, of which every third event is lost."""
    with open_office(tmp_path) as office:
        day = Day(office, lost=3)
        for _ in range(66):
            day.pass_minute()
    assert day.requests <= 8000 * day.minute / 1440
    assert day.late_told == 0, "each change is in the warehouse after the run that follows it"
    assert 0 < day.late_lost < 60, "what was lost comes within the hour"


@settings(max_examples=15)
@given(
    steps=st.lists(
        st.tuples(st.sampled_from(["told", "lost", "run", "cut", "wait"]), st.integers(0, 500)),
        min_size=3,
        max_size=12,
    )
)
def test_whatever_happens_the_hour_after_nothing_is_missing(
    tmp_path_factory: pytest.TempPathFactory, steps: list[tuple[str, int]]
) -> None:
    """Events come or are lost, runs end or are cut off anywhere, and time passes."""
    truth: dict[tuple[str, int], str] = {}
    with open_office(tmp_path_factory.mktemp("office")) as office:
        # A few streams only, so that there is time for many such tales.
        names = {path[1:].lower() for path in CHANGING}
        office.catalog["streams"] = [
            entry for entry in office.catalog["streams"] if entry["tap_stream_id"] in names
        ]
        for number, (step, chance) in enumerate(steps):
            rng = random.Random(chance)
            if step in {"told", "lost"}:
                is_told = step == "told"
                changed = office.change_any(rng, f"text {number}", is_told=is_told)
                truth[changed] = f"text {number}"
            elif step == "wait":
                office.now += timedelta(seconds=chance)
            else:
                office.run(None if step == "run" else _cut_at(office, rng))
                office.now += timedelta(seconds=5)
        office.now += HOUR
        office.run()
        assert {changed: office.text(*changed) for changed in truth} == truth


def _cut_at(office: Office, rng: random.Random) -> Callable[[list[dict[str, Any]]], None]:
    """Load what a target has that was killed somewhere: all up to some state."""

    def load(messages: list[dict[str, Any]]) -> None:
        office.load(messages[: rng.randint(0, len(messages))])

    return load
