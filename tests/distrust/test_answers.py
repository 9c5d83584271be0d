"""Answers that are not what belongs there: tried again, then told with what they say."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest

from tap_insightly.sandbox import Faults, bodies
from tests.cli.running import run as insightly

if TYPE_CHECKING:
    from tap_insightly.sandbox.account.faults import Body
    from tests.distrust.conftest import Account

SAYS = "An error has occurred."
BROKEN: dict[str, tuple[Body, str]] = {
    "an error": (bodies.ERROR, f"an object where a list belongs: {SAYS}"),
    "null": (b"null", "null where a list belongs"),
    "a text": (b'"Maintenance."', "a text where a list belongs: Maintenance."),
    "a number": (b"17", "a number where a list belongs"),
    "true": (b"true", "true or false where a list belongs"),
    "null among records": (bodies.among(b"null"), "null for record 2"),
    "a text among records": (bodies.among(b'"Sorry"'), "a text for record 2"),
    "a number among records": (bodies.among(b"7"), "a number for record 2"),
    "a list among records": (bodies.among(b"[]"), "a list for record 2"),
    "nothing": (b"", "is not JSON"),
    "a page": (b"<html><title>Back soon</title></html>", "is not JSON"),
    "half of it": (lambda body: body[: len(body) // 2], "is not JSON"),
}
STREAMS = [
    *("activity_sets", "contacts", "emails", "events", "leads", "milestones"),
    *("notes", "opportunities", "organisations", "projects", "tasks", "tickets"),
]
PATHS = [
    *("/ActivitySets", "/Contacts", "/Emails", "/Events", "/Leads", "/Milestones"),
    *("/Notes", "/Opportunities", "/Organisations", "/Projects", "/Tasks", "/Ticket"),
]


@pytest.mark.parametrize("before", [None, "2020-01-01T00:00:00Z"], ids=["lists", "searches"])
def test_what_is_broken_once_is_asked_for_again(small: Account, before: str | None) -> None:
    faults = Faults(
        bodies={path: [body] for path, (body, _) in zip(PATHS, BROKEN.values(), strict=True)}
    )
    state = small.state(before, *STREAMS) if before else None
    run = small.sync(*STREAMS, state=state, faults=faults)
    assert run.code == 0, run.stderr
    for stream, (_, said) in zip(STREAMS, BROKEN.values(), strict=True):
        assert small.arrived(run, stream) == set(small.records(stream))
        assert run.bookmark(stream) == small.newest(stream)
        assert said in run.stderr


@pytest.mark.parametrize(("body", "said"), BROKEN.values(), ids=BROKEN)
@pytest.mark.parametrize("address", ["/Contacts", "/Contacts/Search?updated_after_utc=2020-01-01"])
def test_what_stays_broken_ends_a_command_with_what_it_says(
    small: Account, body: Body, said: str, address: str
) -> None:
    small.sandbox.faults = Faults(bodies={"/Contacts": body})
    result = insightly(small.sandbox, "api", "GET", address, "--paginate", max_retries=0)
    small.sandbox.faults = Faults()
    assert result.code == 75
    assert said in result.stderr
    assert "Traceback" not in result.stderr


@pytest.mark.parametrize(
    ("place", "case"), [("/Leads", "null among records"), ("/Leads/Search", "an error")]
)
def test_what_stays_broken_ends_a_sync_and_the_next_goes_on(
    small: Account, place: str, case: str
) -> None:
    body, said = BROKEN[case]
    names = ("contacts", "leads", "notes")
    state = small.state("2020-01-01T00:00:00Z", *names) if "Search" in place else {}
    run = small.sync(*names, state=state, faults=Faults(bodies={place: body}), max_retries=1)
    assert run.code == 75
    assert said in run.stderr
    assert "Traceback" not in run.stderr
    assert run.bookmark("contacts") == small.newest("contacts")
    old = state["bookmarks"]["leads"]["replication_key_value"] if state else None
    assert run.bookmark("leads") == old
    assert small.arrived(run, "leads") == set()
    run = small.sync(*names, state=run.state)
    assert small.arrived(run, "leads") == set(small.records("leads"))


@pytest.mark.parametrize(
    ("path", "case"),
    [
        ("/CustomFields/Contact", "an error"),
        ("/CustomFields/Fruit__c", "null among records"),
        ("/CustomObjects", "an error"),
    ],
)
def test_discovery_loses_no_columns_over_it(small: Account, path: str, case: str) -> None:
    body, said = BROKEN[case]
    small.sandbox.faults = Faults(bodies={path: body})
    run = small.tap("--discover", sandbox=small.sandbox, max_retries=0)
    small.sandbox.faults = Faults()
    assert run.code == 75
    assert run.stdout.strip() == ""
    assert said in run.stderr
    assert "Traceback" not in run.stderr


def test_discovery_asks_again_for_what_was_broken_once(small: Account) -> None:
    error: list[Any] = [bodies.ERROR]
    small.sandbox.faults = Faults(bodies={"/CustomFields": [*error], "/CustomObjects": [*error]})
    run = small.tap("--discover", sandbox=small.sandbox)
    small.sandbox.faults = Faults()
    assert run.code == 0, run.stderr
    assert json.loads(run.stdout) == small.catalog


def test_the_comments_of_a_note_are_not_passed_over(small: Account) -> None:
    """The next run begins with that note, and gets them."""
    body, said = BROKEN["an error"]
    whole = small.arrived(small.sync("note_comments"), "note_comments")
    notes = small.sandbox.children("/Notes", "Comments")
    broken = sorted(notes)[len(notes) // 2]

    def spoil(log: Any) -> None:
        is_it = log.path.endswith(f"/{broken}/Comments")
        small.sandbox.faults.bodies = {"/Notes/{id}/Comments": body} if is_it else {}

    small.sandbox.on_request = spoil
    try:
        first = small.sync("note_comments", max_retries=1, max_concurrency=1)
    finally:
        small.sandbox.on_request = None
    assert first.code == 75
    assert said in first.stderr
    assert first.bookmark("note_comments") is None
    second = small.sync("note_comments", state=first.state)
    assert second.code == 0, second.stderr
    came = [small.arrived(run, "note_comments") for run in (first, second)]
    assert came[0] | came[1] == whole
    assert {one["COMMENT_ID"] for one in notes[broken]} <= came[1]
