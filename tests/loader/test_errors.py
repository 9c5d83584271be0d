"""What cannot be written is told with its reason, and no state says more than was done."""

from __future__ import annotations

import json
import signal
from typing import TYPE_CHECKING, Any

import pytest

from tap_insightly.sandbox import Faults
from tests.loader.feeding import Feed, environment, lines, record, schema, start, state

if TYPE_CHECKING:
    from tap_insightly.sandbox import RequestLog, Sandbox

GOOD = {"FIRST_NAME": "good"}
BAD = {"CONTACT_ID": 5, "FIRST_NAME": "bad"}


def contacts(*rows: dict[str, Any]) -> list[dict[str, Any]]:
    """The rows, with a state after each."""
    messages = [schema("contacts", "CONTACT_ID", "FIRST_NAME", "EMAIL_ADDRESS", "Shoe_Size__c")]
    for number, row in enumerate(rows, 1):
        messages += [record("contacts", **row), state(number)]
    return messages


def written(sandbox: Sandbox) -> int:
    return sum(row["FIRST_NAME"] == "good" for row in sandbox.records("/Contacts"))


def test_a_run_ends_at_the_first_record_that_is_refused(feed: Feed, sandbox: Sandbox) -> None:
    fed = feed(contacts(GOOD, GOOD, BAD, GOOD), max_concurrency=1)
    assert fed.code == 1
    (problem,) = fed.problems
    for said in ("Stream 'contacts'", "CONTACT_ID 5", "(404)", "on_error"):
        assert said in problem
    assert "Traceback" not in fed.stderr
    assert fed.states
    assert fed.states[-1] <= 2
    assert written(sandbox) >= 2
    assert "2 created, 0 updated" in fed.stderr


def test_no_state_is_passed_on_beyond_what_was_refused(feed: Feed, sandbox: Sandbox) -> None:
    fed = feed(contacts(*[GOOD] * 5, BAD, *[GOOD] * 200))
    assert fed.code == 1
    assert max(fed.states, default=0) <= 5
    assert written(sandbox) < 205


def test_what_is_refused_can_be_skipped_and_is_kept(feed: Feed, sandbox: Sandbox) -> None:
    path = feed.folder / "rejects.jsonl"
    path.write_text('{"stream": "of an earlier run"}\n')
    rows = [GOOD, BAD, GOOD, {"FIRST_NAME": "x", "Shoe_Size__c": "big"}, {"FIRST_NAME": None}, GOOD]
    settings = {"on_error": "skip", "rejects_file": str(path), "max_rejects": "50 %"}
    fed = feed.well(contacts(*rows), **settings)
    assert written(sandbox) == 3
    assert fed.states[-1] == 6
    kept = [json.loads(line) for line in path.read_text().splitlines()]
    assert kept[0] == {"stream": "of an earlier run"}
    texts = {json.dumps(one["record"]) for one in kept[1:]}
    assert texts == {json.dumps(rows[at]) for at in (1, 3, 4)}
    for one in kept[1:]:
        assert set(one) == {"stream", "record", "reason", "time"}
        assert one["stream"] == "contacts"
    assert "3 created, 0 updated, 0 unchanged, 0 deleted, 3 rejected" in fed.stderr
    assert f"3 records were rejected; they are in {path}" in fed.stderr


def test_without_a_file_what_is_refused_is_said(feed: Feed) -> None:
    fed = feed.well(contacts(BAD, GOOD), on_error="skip")
    assert fed.states[-1] == 2
    assert "CONTACT_ID 5 was refused" in fed.stderr
    assert "1 records were rejected; there is no rejects_file" in fed.stderr


@pytest.mark.parametrize(
    ("faults", "said"),
    [
        ({"record_limit": 0}, "402"),
        ({"read_only": {"/Contacts"}}, "403"),
        ({"script": ["ok", "400"]}, "400"),
    ],
)
def test_what_insightly_refuses_is_the_record_s_matter(
    feed: Feed, sandbox: Sandbox, faults: dict[str, Any], said: str
) -> None:
    sandbox.faults = Faults(**faults)
    path = feed.folder / "rejects.jsonl"
    fed = feed.well(contacts(GOOD), on_error="skip", rejects_file=str(path))
    assert said in json.loads(path.read_text())["reason"]
    assert fed.states == [1]


@pytest.mark.parametrize("on_error", ["fail", "skip"])
@pytest.mark.parametrize(
    ("script", "said", "code"),
    [
        (["401"], "did not accept the API key", 77),
        (["500", "500"], "failed 2 times", 75),
        (["429", "429"], "failed 2 times", 75),
        (["302"], "was redirected", 1),
    ],
)
def test_what_no_other_record_would_do_better_ends_the_run(
    feed: Feed, sandbox: Sandbox, on_error: str, script: list[str], said: str, code: int
) -> None:
    number = sandbox.records("/Contacts")[0]["CONTACT_ID"]
    sandbox.faults = Faults(script=["ok", *script])  # after the custom fields
    row = {"CONTACT_ID": number, "FIRST_NAME": "new"}
    fed = feed(contacts(row), on_error=on_error, max_retries=1)
    assert fed.code == code
    assert said in fed.problems[-1]
    assert "Traceback" not in fed.stderr
    assert not fed.states


def test_when_no_requests_are_left_the_run_ends_with_what_was_done(
    feed: Feed, sandbox: Sandbox
) -> None:
    sandbox.faults = Faults(daily_quota=6)
    fed = feed(contacts(*[GOOD] * 20), on_error="skip", max_concurrency=1)
    assert fed.code == 75
    assert "quota" in fed.problems[-1].lower() or "requests" in fed.problems[-1]
    assert written(sandbox) == 5
    assert fed.states
    assert fed.states[-1] <= 5
    assert "0 rejected" in fed.stderr


def test_a_create_of_which_nothing_can_tell_whether_it_was_done_ends_the_run(
    feed: Feed, sandbox: Sandbox
) -> None:
    sandbox.faults = Faults(script=["ok", "lost"])  # the time is asked first, then it is made
    messages = [schema("lead_sources", "LEAD_SOURCE"), record("lead_sources", LEAD_SOURCE="Fair")]
    fed = feed([*messages, state(1)], on_error="skip")
    assert fed.code == 1
    assert "may have been done, or not" in fed.problems[-1]
    assert not fed.states


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_signal_ends_the_run_after_what_is_under_way(
    feed: Feed, sandbox: Sandbox, number: signal.Signals
) -> None:
    path = feed.folder / "many.jsonl"
    path.write_text(lines(contacts(*[GOOD] * 2000)))
    process = start(path, environment(sandbox, max_concurrency=4))

    def stop(_: RequestLog) -> None:
        if len(sandbox.requests) == 20:
            process.send_signal(number)

    sandbox.on_request = stop
    stdout, stderr = process.communicate(timeout=60)
    assert process.returncode == 128 + number
    assert "Traceback" not in stderr
    states = [json.loads(line)["at"] for line in stdout.splitlines()]
    done = written(sandbox)
    # Nothing was done of which the run does not know: what was begun came to its end.
    assert f"contacts: {done} created" in stderr
    assert states
    assert states[-1] <= done < 2000
