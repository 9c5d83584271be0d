"""What others do meanwhile: colleagues, other streams, servers whose clocks and answers are off."""

from __future__ import annotations

import json
from datetime import timedelta
from typing import TYPE_CHECKING, Any

import pytest

from tap_insightly.api import RetriesExhaustedError, UnknownOutcomeError
from tap_insightly.loader.errors import (
    ChangedKeyError,
    IncompleteStreamError,
    MappingError,
    RejectedError,
)
from tap_insightly.sandbox.account.moments import timestamp
from tests.loader.feeding import Clock, Feed, feed_here, record, schema, state, stream_of

if TYPE_CHECKING:
    from tap_insightly.sandbox import RequestLog, Sandbox

BY_MAIL = {"match_on": {"Contact": "EMAIL_ADDRESS"}, "search_lag_seconds": 8}
OURS = {"LAST_NAME": "ours"}
MIRROR = {
    **BY_MAIL,
    "mode": "mirror",
    "mirror_filter": {"Contact": {"LAST_NAME": "ours"}},
    "allow_delete": True,
    "max_deletes": "100 %",
}


def add(sandbox: Sandbox, mail: str, **fields: Any) -> int:
    old = {"DATE_CREATED_UTC": "2026-01-01 00:00:00", "FIRST_NAME": "old"}
    made = sandbox.create("/Contacts", **{**old, **OURS, "EMAIL_ADDRESS": mail, **fields})
    return int(made["CONTACT_ID"])


def row(mail: str, **fields: Any) -> dict[str, Any]:
    return {"EMAIL_ADDRESS": mail, "FIRST_NAME": "new", **OURS, **fields}


def ours(sandbox: Sandbox) -> list[tuple[str, str]]:
    found = sandbox.records("/Contacts")
    return [(r["EMAIL_ADDRESS"], r["FIRST_NAME"]) for r in found if r["LAST_NAME"] == "ours"]


def names(sandbox: Sandbox) -> list[str]:
    return sorted(mail for mail, _ in ours(sandbox))


def gone(mail: str) -> dict[str, Any]:
    return {"EMAIL_ADDRESS": mail, "_sdc_deleted_at": "2026-01-31"}


@pytest.mark.parametrize("is_rekeyed", [True, False])
def test_a_record_that_had_the_key_before_is_not_taken_for_the_new_one(
    sandbox: Sandbox, *, is_rekeyed: bool
) -> None:
    """The run is older than the lag, the search is late, and the creation fails."""
    number = add(sandbox, "a@x.org")
    clock = Clock(sandbox)
    first = {"CONTACT_ID": number, "EMAIL_ADDRESS": "b@x.org"} if is_rekeyed else gone("a@x.org")

    def fail_first(request: RequestLog) -> None:
        if request.method == "GET" and "CustomFields" in request.path:
            clock.now += 20
            sandbox.faults.search_lag = 6
        if request.method == "POST":
            sandbox.on_request = None
            sandbox.faults.script = ["502"]

    sandbox.on_request = fail_first
    rows = [first, row("a@x.org")]
    config = {**BY_MAIL, "allow_delete": True, "max_concurrency": 1}
    feed_here(sandbox, stream_of("contacts", rows), clock, **config)
    assert ("a@x.org", "new") in ours(sandbox)
    assert names(sandbox) == (["a@x.org", "b@x.org"] if is_rekeyed else ["a@x.org"])


def test_a_deletion_does_not_hit_a_record_that_has_another_key_by_now(sandbox: Sandbox) -> None:
    number = add(sandbox, "a@x.org")
    clock = Clock(sandbox)

    def colleague(request: RequestLog) -> None:
        if "CustomFields" in request.path:
            clock.now += 20
            sandbox.faults.search_lag = 6
            sandbox.update("/Contacts", number, EMAIL_ADDRESS="human@x.org")
            clock.now += 1

    sandbox.on_request = colleague
    config = {**BY_MAIL, "allow_delete": True}
    feed_here(sandbox, stream_of("contacts", [gone("a@x.org")]), clock, **config)
    assert names(sandbox) == ["human@x.org"]


def test_an_equal_record_of_a_colleague_is_not_taken_for_the_lost_one(sandbox: Sandbox) -> None:
    other = sandbox.records("/Users")[-1]["USER_ID"]

    def colleague(request: RequestLog) -> None:
        if request.method == "POST":
            sandbox.on_request = None
            sandbox.create("/Contacts", **row("a@x.org"), CREATED_USER_ID=other)
            sandbox.faults.script = ["502"]

    sandbox.on_request = colleague
    feed_here(sandbox, stream_of("contacts", [row("a@x.org")]), Clock(sandbox))
    assert names(sandbox) == ["a@x.org", "a@x.org"]


def test_two_mirrored_streams_of_one_object_are_held_against_it_together(sandbox: Sandbox) -> None:
    for name in "abcde":
        add(sandbox, name)
    config = {**MIRROR, "stream_to_object": {"eu": "Contact", "us": "Contact"}}
    messages = [
        *stream_of("eu", [row("a"), row("b")]),
        *stream_of("us", [row("c"), row("d")]),
        state(1),
    ]
    feed_here(sandbox, messages, Clock(sandbox), **config)
    assert names(sandbox) == list("abcd")


def test_a_mirror_needs_to_know_which_record_is_which(sandbox: Sandbox) -> None:
    add(sandbox, "a")
    config = {**MIRROR, "match_on": {}}
    with pytest.raises(MappingError, match="needs the id, or match_on"):
        feed_here(sandbox, [*stream_of("contacts", [row("a")]), state(1)], **config)
    messages = [schema("contacts", "CONTACT_ID", *row("a")), record("contacts", **row("a"))]
    with pytest.raises(RejectedError, match="without which none can be mirrored"):
        feed_here(sandbox, [*messages, state(1)], **config)
    assert names(sandbox) == ["a"]


def test_a_mirror_of_which_a_waiting_record_is_not_clear_deletes_nothing(feed: Feed) -> None:
    assert feed.sandbox
    for name in ("a", "a", "b", "c"):
        add(feed.sandbox, name)
    settings = {**MIRROR, "on_error": "skip", "max_rejects": 5, "search_lag_seconds": 0}
    fed = feed([*stream_of("contacts", [row("b"), gone("a"), row("a")]), state(1)], **settings)
    assert fed.code == 1
    assert "were refused, so nobody knows" in fed.problems[-1]
    assert names(feed.sandbox) == ["a", "a", "b", "c"]


@pytest.mark.parametrize("seconds", [-90, 90, -28_800, None], ids=str)
def test_what_people_make_during_the_run_is_left_whatever_the_clocks_say(
    sandbox: Sandbox, seconds: int | None
) -> None:
    for name in "abc":
        add(sandbox, name)
    sandbox.faults.no_date_header = seconds is None
    clock = Clock(sandbox)

    def colleague(request: RequestLog) -> None:
        if request.method == "PUT":
            sandbox.on_request = None
            date = timestamp(sandbox.clock() + timedelta(seconds=seconds or 0))
            add(sandbox, "new", DATE_CREATED_UTC=date)

    sandbox.on_request = colleague
    feed_here(sandbox, [*stream_of("contacts", [row("a")]), state(1)], clock, **MIRROR)
    assert names(sandbox) == ["a", "new"]


def test_without_a_clock_and_a_total_nothing_is_mirrored(sandbox: Sandbox) -> None:
    add(sandbox, "a")
    add(sandbox, "b")
    sandbox.faults.no_date_header = True
    sandbox.faults.totals = {"/Contacts": None}
    with pytest.raises(IncompleteStreamError, match="neither the time nor how many"):
        feed_here(sandbox, [*stream_of("contacts", [row("a")]), state(1)], **MIRROR)
    assert names(sandbox) == ["a", "b"]


@pytest.mark.parametrize(
    "body", [b'{"Message": "An error has occurred."}', b'{"message": "no", "StackTrace": ""}']
)
def test_an_error_that_calls_itself_a_success_is_none(sandbox: Sandbox, body: bytes) -> None:
    number = add(sandbox, "a")

    def fail(request: RequestLog) -> None:
        sandbox.faults.body = body if request.method == "PUT" else None

    sandbox.on_request = fail
    one = {"CONTACT_ID": number, "FIRST_NAME": "new"}
    with pytest.raises(RetriesExhaustedError, match="the answer is no success"):
        feed_here(sandbox, stream_of("contacts", [one]), Clock(sandbox), max_retries=1)


@pytest.mark.parametrize(
    ("automation", "is_told"),
    [
        (lambda r: {"ORGANISATION_NAME": f"{r['ORGANISATION_NAME']} (new)"}, True),
        (lambda r: {"ORGANISATION_NAME": r["ORGANISATION_NAME"].title()}, True),
        (lambda _: {"BACKGROUND": "new"}, False),
    ],
    ids=["other", "spelled otherwise", "as it is"],
)
@pytest.mark.parametrize("is_lost", [True, False])
def test_an_account_that_changes_the_key_ends_the_run_and_makes_one_at_most(
    sandbox: Sandbox, automation: Any, *, is_told: bool, is_lost: bool
) -> None:
    sandbox.faults.automations = {"/Organisations": automation}
    before = sandbox.count("/Organisations")

    def lose(request: RequestLog) -> None:
        if request.method == "POST" and is_lost:
            sandbox.faults.script = ["lost"]

    sandbox.on_request = lose
    config = {"match_on": {"Organisation": "ORGANISATION_NAME"}, "search_lag_seconds": 8}
    messages = stream_of("organisations", [{"ORGANISATION_NAME": "acme corp"}])
    if is_told:
        error = UnknownOutcomeError if is_lost else ChangedKeyError
        with pytest.raises(error):
            feed_here(sandbox, messages, Clock(sandbox), **config)
    else:
        feed_here(sandbox, messages, Clock(sandbox), **config)
    assert sandbox.count("/Organisations") == before + 1


def test_a_search_that_does_not_mind_the_spelling_makes_a_changed_key_no_matter(
    sandbox: Sandbox,
) -> None:
    sandbox.faults.search_ignores_case = True
    sandbox.faults.automations = {
        "/Organisations": lambda r: {"ORGANISATION_NAME": r["ORGANISATION_NAME"].title()}
    }
    before = sandbox.count("/Organisations")
    config = {"match_on": {"Organisation": "ORGANISATION_NAME"}, "search_lag_seconds": 8}
    rows = [{"ORGANISATION_NAME": f"acme corp {letter}"} for letter in "abc"]
    for _ in range(2):
        feed_here(sandbox, stream_of("organisations", rows), Clock(sandbox), **config)
    assert sandbox.count("/Organisations") == before + 3


def test_two_ways_to_write_an_accent_are_one_key(sandbox: Sandbox) -> None:
    rows = [row("jos\u00e9@x.org"), row("jose\u0301@x.org", FIRST_NAME="newer")]
    config = {**BY_MAIL, "max_concurrency": 4}
    feed_here(sandbox, stream_of("contacts", rows[:1]), Clock(sandbox), **config)
    sandbox.faults.search_ignores_case = True
    feed_here(sandbox, stream_of("contacts", rows[:1] * 2), Clock(sandbox), **config)
    assert len(ours(sandbox)) == 1


def test_of_a_record_whose_stage_is_refused_it_is_said_that_it_was_made(
    feed: Feed, sandbox: Sandbox
) -> None:
    stage = sandbox.records("/PipelineStages")[0]["STAGE_ID"]
    sandbox.faults.statuses = {"/Opportunities/{id}/Pipeline": 400}
    path = feed.folder / "rejects.jsonl"
    one = {"OPPORTUNITY_NAME": "new", "STAGE_ID": stage}
    settings = {"on_error": "skip", "rejects_file": str(path), "max_rejects": 1}
    feed.well([*stream_of("opportunities", [one]), state(1)], **settings)
    (made,) = (r for r in sandbox.records("/Opportunities") if r["OPPORTUNITY_NAME"] == "new")
    reason = json.loads(path.read_text())["reason"]
    assert f"Opportunity {made['OPPORTUNITY_ID']} was created, but could not be put into" in reason


@pytest.mark.parametrize(
    "message",
    [
        {"type": "FOO"},
        {"type": None},
        {"type": "SCHEMA", "stream": "contacts", "schema": None},
        {"type": "SCHEMA", "stream": "contacts", "schema": {"properties": None}},
        {"type": "SCHEMA", "stream": "contacts", "schema": {"properties": ["a"]}},
        {"type": "SCHEMA", "stream": "contacts", "schema": {"properties": {"a": None}}},
        {"type": "SCHEMA", "stream": 5, "schema": {"properties": {}}},
        {"type": "RECORD", "stream": "contacts", "record": []},
        {"type": "RECORD", "stream": ["contacts"], "record": {}},
        {"type": "ACTIVATE_VERSION", "stream": None, "version": 1},
        {"type": "BATCH", "stream": "contacts", "encoding": "jsonl", "manifest": []},
    ],
    ids=json.dumps,
)
def test_an_odd_message_ends_the_run_with_a_sentence(feed: Feed, message: dict[str, Any]) -> None:
    fed = feed([schema("contacts", "FIRST_NAME"), message])
    assert fed.code == 1
    assert "The input is no Singer message" in fed.problems[-1]
    assert "Traceback" not in fed.stderr


@pytest.mark.parametrize(
    ("encoding", "content"),
    [
        ({"format": "jsonl", "compression": "gzip"}, b"no gzip"),
        ({"format": "parquet"}, b"no parquet"),
        ({"format": "csv"}, b"a,b"),
        ({"format": "jsonl", "compression": "none"}, b"no json\n"),
    ],
    ids=str,
)
def test_a_batch_that_cannot_be_read_ends_the_run_with_a_sentence(
    feed: Feed, encoding: dict[str, str], content: bytes
) -> None:
    path = feed.folder / "batch"
    path.write_bytes(content)
    batch = {"type": "BATCH", "stream": "contacts", "encoding": encoding}
    fed = feed([schema("contacts", "FIRST_NAME"), {**batch, "manifest": [path.as_uri()]}, state(1)])
    assert fed.code == 1
    assert "The BATCH of stream 'contacts' cannot be read" in fed.problems[-1]
    assert "Traceback" not in fed.stderr
    assert not fed.states
