"""What is looked for once an answer is lost: soon, by the server's clock, and nobody else's."""

from __future__ import annotations

from datetime import datetime, timedelta, timezone
from typing import TYPE_CHECKING, Any

import msgspec
import pytest

from tap_insightly.api import InsightlyClient
from tests.api.conftest import asked, new_client, new_session
from tests.api.test_creating import ids
from tests.api.test_creating_habits import ADA, lose_first, named

if TYPE_CHECKING:
    from tap_insightly.sandbox.replies import RequestLog

    from tap_insightly.sandbox import Sandbox


def test_what_was_settled_takes_no_record_of_a_later_create(
    client: InsightlyClient, sandbox: Sandbox
) -> None:
    """The answer of the first is lost, and it is sent again; that of its twin is lost, too."""
    lose_first(sandbox, "reset")
    first = client.create("contact", ADA)
    lose_first(sandbox, "lost")
    second = client.create("contact", ADA)
    assert first["CONTACT_ID"] != second["CONTACT_ID"]
    assert [row["CONTACT_ID"] for row in named(sandbox)] == [
        first["CONTACT_ID"],
        second["CONTACT_ID"],
    ]


@pytest.mark.parametrize("fault", ["reset", "lost"])
def test_a_milestone_is_not_taken_for_the_equal_one_of_another_project(
    sandbox: Sandbox, fault: str
) -> None:
    one, other = (row["PROJECT_ID"] for row in sandbox.records("/Projects")[:2])
    values = {"TITLE": "one and only", "COMPLETED": False, "DUE_DATE": "2026-05-01"}

    def make_twin(log: RequestLog) -> None:
        if log.method == "POST":
            sandbox.on_request = None
            sandbox.create("/Milestones", PROJECT_ID=other, **values)
            sandbox.faults.script = [fault]

    with new_client(sandbox) as client:
        client.fields("milestone")
        sandbox.on_request = make_twin
        made = client.create("milestone", {**values, "PROJECT_ID": one})
    assert made["PROJECT_ID"] == one
    rows = [row for row in sandbox.records("/Milestones") if row["TITLE"] == "one and only"]
    assert sorted(row["PROJECT_ID"] for row in rows) == sorted([one, other])


@pytest.mark.parametrize("fault", ["reset", "lost"])
def test_a_note_is_not_taken_for_the_equal_one_of_another_record(
    client: InsightlyClient, sandbox: Sandbox, fault: str
) -> None:
    one, other = (row["CONTACT_ID"] for row in sandbox.records("/Contacts")[:2])

    def make_twin(log: RequestLog) -> None:
        if log.method == "POST":
            sandbox.on_request = None
            link = {"LINK_OBJECT_NAME": "Contact", "LINK_OBJECT_ID": other}
            sandbox.create("/Notes", TITLE="one and only", LINKS=[link])
            sandbox.faults.script = [fault]

    client.fields("note")
    sandbox.on_request = make_twin
    made = client.add_note("contact", one, "one and only")
    assert [link["LINK_OBJECT_ID"] for link in made["LINKS"]] == [one]
    assert len(ids(sandbox, "one and only", "TITLE", "/Notes")) == 2


@pytest.mark.parametrize(("lag", "waits"), [(0, []), (1, [2.0]), (2.5, [2.0, 9.0])])
def test_it_is_looked_for_at_once_and_after_two_seconds_before_the_long_wait(
    sandbox: Sandbox, lag: float, waits: list[float]
) -> None:
    """A search seldom is as late as it may be; whoever waits for a record would notice."""
    now, waited = datetime.now(timezone.utc), list[float]()
    sandbox.clock = lambda: now + timedelta(seconds=sum(waited))
    with InsightlyClient.from_session(new_session(sandbox, sleep=waited.append)) as client:
        client.fields("contact")
        sandbox.faults.search_lag = lag
        lose_first(sandbox)
        made = client.create("contact", ADA)
    assert [row["CONTACT_ID"] for row in named(sandbox)] == [made["CONTACT_ID"]]
    assert waited == waits


@pytest.mark.parametrize("is_seen", [True, False])
def test_the_first_request_of_all_can_be_looked_for(sandbox: Sandbox, *, is_seen: bool) -> None:
    """Of an object without custom fields nothing is asked before, so nobody has told the time."""
    if not is_seen:
        sandbox.faults.forbidden = {"/Instance"}
    lose_first(sandbox)
    with new_client(sandbox) as client:
        made = client.create("pricebook", NAME="one and only", ACTIVE=True)
    assert ids(sandbox, "one and only", "NAME", "/Pricebook") == [made["PRICEBOOK_ID"]]
    assert asked(sandbox, "POST") == ["POST /Pricebook"]


@pytest.mark.parametrize("is_reversed", [False, True])
def test_of_a_whole_list_that_is_answered_the_newest_equal_one_is_the_new_one(
    client: InsightlyClient, sandbox: Sandbox, *, is_reversed: bool
) -> None:
    contact = sandbox.records("/Contacts")[0]["CONTACT_ID"]
    with new_client(sandbox) as another:  # so that this client does not know whose they are
        old = [another.add_note("contact", contact, "twin")["NOTE_ID"] for _ in range(2)]
    client.fields("note")

    def answer_all(log: RequestLog) -> None:
        if log.method == "POST":
            rows = [row for row in sandbox.records("/Notes") if row["NOTE_ID"] in old]
            new = {**rows[-1], "NOTE_ID": max(old) + 1}
            rows = [*rows, new]
            body = [_plain(row) for row in (reversed(rows) if is_reversed else rows)]
            sandbox.faults.body = msgspec.json.encode(body)

    sandbox.on_request = answer_all
    made = client.add_note("contact", contact, "twin")
    assert made["NOTE_ID"] == max(old) + 1


def _plain(row: dict[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in row.items() if value is not None}


def test_of_the_links_that_are_answered_the_last_one_is_the_new_one(
    client: InsightlyClient, sandbox: Sandbox
) -> None:
    contact, *others = (row["CONTACT_ID"] for row in sandbox.records("/Contacts")[:3])
    links = [
        {"LINK_ID": number, "LINK_OBJECT_NAME": "Contact", "LINK_OBJECT_ID": other}
        for number, other in enumerate(others, 1)
    ]

    def answer_all(log: RequestLog) -> None:
        sandbox.faults.body = msgspec.json.encode(links) if log.method == "POST" else None

    sandbox.on_request = answer_all
    made = client.link("contact", contact, "contact", others[-1])
    assert made["LINK_ID"] == links[-1]["LINK_ID"]
