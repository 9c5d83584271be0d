"""``insightly webhooks``: look, follow, replay, prune; what is wrong is a sentence."""

from __future__ import annotations

import json
import re
import subprocess
from datetime import datetime, timezone
from typing import TYPE_CHECKING

import pytest

from tap_insightly.webhooks.outbox import Outbox
from tap_insightly.webhooks.store import EventStore
from tests.cli.running import COMMAND, Result, run
from tests.webhooks.keeping import contact, keep, task, writing

if TYPE_CHECKING:
    from pathlib import Path

FUTURE = datetime(2030, 1, 1, tzinfo=timezone.utc)


@pytest.fixture
def store(tmp_path: Path) -> Path:
    path = tmp_path / "store.sqlite"
    with writing(path) as writer:
        keep(writer, task(1, "2026-04-09"), b"broken \xff", contact(7))
        keep(writer, task(1, "2026-04-09"), account="other")
        keep(writer, task(1, "2026-04-09"))
    return path


def webhooks(store: Path, command: str, *args: object) -> Result:
    return run(None, "webhooks", command, *args, "--store", store, api_key=None)


def test_events_are_listed_with_the_newest_last(store: Path) -> None:
    done = webhooks(store, "list")
    assert (done.code, done.stderr) == (0, "")
    rows = [re.split(r"  +", line.strip()) for line in done.lines[2:]]
    assert [row[0] for row in rows] == ["2", "3", "4", "1"]
    assert rows[0][-1] == "It is no text in UTF-8 (byte 7)."
    assert rows[3] == [
        *("1", "2027-01-15T08:00:00Z", "acme", "Task", "1", "2026-04-09T10:00:00Z", "2")
    ]


@pytest.mark.parametrize(
    ("options", "expected"),
    [
        (["--rejected"], [2]),
        (["--object", "tasks"], [4, 1]),
        (["--object", "tasks", "--object", "Contact"], [3, 4, 1]),
        (["--account", "other"], [4]),
        (["--account", "nobody"], []),
        (["--limit", "1"], [1]),
        (["--since", "2027-01-15T08:00:00Z"], [2, 3, 4, 1]),
        (["--since", "2027-01-15T08:00:01Z"], []),
        (["--given-up"], []),
        (["--object", "Fruit__c"], []),
    ],
)
def test_events_are_chosen(store: Path, options: list[str], expected: list[int]) -> None:
    done = webhooks(store, "list", "--json", *options)
    assert [one["event"] for one in done.json] == expected


def test_an_account_before_the_command_counts_as_one_behind_it(store: Path) -> None:
    chosen = ("--account", "other", "webhooks", "list", "--json", "--store", store)
    assert [one["event"] for one in run(None, *chosen, api_key=None).json] == [4]
    done = run(None, *chosen, "--account", "acme", api_key=None)
    assert [one["event"] for one in done.json] == [2, 3, 1]


def test_what_was_not_understood_is_shown_as_it_came(store: Path) -> None:
    (event,) = webhooks(store, "list", "--rejected", "--json").json
    assert event == {
        "event": 2,
        "account": "acme",
        "object": None,
        "id": None,
        "updated": None,
        "received": "2027-01-15T08:00:00Z",
        "latest": "2027-01-15T08:00:00Z",
        "deliveries": 1,
        "rejected": "It is no text in UTF-8 (byte 7).",
        "body": "broken \ufffd",
    }


def test_what_was_given_up_is_listed_with_the_reason(store: Path) -> None:
    now = [0.0]
    with EventStore(store, is_writable=True) as opened:
        outbox = Outbox(opened, "orchestrator", lambda: now[0])
        outbox.begin(is_from_now=False)
        for _ in range(21):
            due = outbox.next_due()
            assert due is not None
            outbox.note_failed(due, "answered 500")
            now[0] += 90_000 / 20
    (failure,) = webhooks(store, "list", "--given-up", "--json").json
    assert (failure["event"], failure["forward"], failure["tries"]) == (1, "orchestrator", 21)
    assert failure["error"] == "answered 500"
    assert webhooks(store, "list", "--given-up").lines[2].endswith("answered 500")
    (standing,) = webhooks(store, "forwards", "--json").json
    assert standing == {"name": "orchestrator", "ahead": 2, "waiting": 0, "given_up": 1}
    assert "orchestrator" in webhooks(store, "forwards").stdout


def test_tail_follows(store: Path) -> None:
    command = [*COMMAND, "webhooks", "tail", "--lines", "1", "--json", "--store", str(store)]
    with subprocess.Popen([*command, "--count", "3"], stdout=subprocess.PIPE) as process:  # noqa: S603 - our own
        assert process.stdout is not None
        first = json.loads(process.stdout.readline())
        with writing(store) as writer:
            keep(writer, contact(8), contact(9))
        rest = [json.loads(line) for line in process.stdout]
    assert (first["event"], first["deliveries"]) == (1, 2)
    assert [one["id"] for one in rest] == [8, 9]
    assert process.returncode == 0


def test_tail_is_for_people_too(store: Path) -> None:
    assert webhooks(store, "tail", "--count", "4").lines == [
        "2027-01-15T08:00:00Z acme event 2: rejected: It is no text in UTF-8 (byte 7).",
        "2027-01-15T08:00:00Z acme event 3: Contact 7",
        "2027-01-15T08:00:00Z other event 4: Task 1",
        "2027-01-15T08:00:00Z acme event 1: Task 1 (2 deliveries)",
    ]


def test_replaying_says_what_became_of_each(store: Path) -> None:
    done = webhooks(store, "replay", 1, 2)
    assert done.code == 0
    assert done.stderr.splitlines() == [
        "Handed on again: 1.",
        "Not understood: 1, see insightly webhooks list --rejected",
    ]


def test_deleting_asks_first(store: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("tap_insightly.cli.commands.webhooks.ago", lambda _: FUTURE)
    refused = webhooks(store, "prune", "--older-than", "1d")
    assert refused.code == 2
    assert "Delete 3 events from before 2030-01-01T00:00:00Z: that needs --yes" in refused.stderr
    with EventStore(store, is_writable=True) as opened:
        Outbox(opened, "slow").begin(is_from_now=False)
    kept = webhooks(store, "prune", "--older-than", "1d", "--yes")
    assert kept.stderr.splitlines() == [
        "Deleted: 0.",
        "Kept is what slow still has to hand on: 3.",
    ]
    assert webhooks(store, "forget", "slow", "--yes").code == 0
    assert webhooks(store, "prune", "--older-than", "1d", "--yes").stderr == "Deleted: 3.\n"
    assert [one["event"] for one in webhooks(store, "list", "--json").json] == [2]
    webhooks(store, "prune", "--older-than", "1d", "--yes", "--rejected")
    assert webhooks(store, "list", "--json").json == []


@pytest.mark.parametrize(
    ("args", "said"),
    [
        (["replay"], "Say which: the numbers of events, --since"),
        (["replay", "1", "99", "98"], "There is no event 98, 99."),
        (["list", "--object", "contract"], "Insightly has no object 'contract'."),
        (["list", "--since", "soon"], "'soon' is no moment such as"),
        (["prune", "--older-than", "soon"], "'soon' is no duration such as"),
        (["prune", "--older-than", "-1d"], "'-1d' is no duration such as"),
        (["forget", "nobody"], "There is no forward 'nobody'. There are: none."),
        (["forward"], "Say where to hand events on"),
        (["forward", "https://a.b", "--command", "true"], "and not both"),
        (["forward", "a.b"], "must be one of http:// or https://"),
        (["forward", "--command", "true", "--name", "a b"], "A name has up to 100 letters"),
    ],
)
def test_wrong_usage_is_a_sentence(store: Path, args: list[str], said: str) -> None:
    done = webhooks(store, *args)
    assert done.code == 2
    assert said in " ".join(done.stderr.split())


def test_a_store_must_be_there(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("INSIGHTLY_WEBHOOK_STORE", raising=False)
    config = tmp_path / "config.toml"
    config.write_text('[server]\nwebhook_store = "here.sqlite"\n', encoding="utf-8")
    monkeypatch.setenv("INSIGHTLY_CONFIG", str(config))
    done = run(None, "webhooks", "list", api_key=None)
    assert done.code == 1
    assert f"There is no store of webhooks at {tmp_path / 'here.sqlite'}" in done.stderr
    monkeypatch.setenv("INSIGHTLY_WEBHOOK_STORE", str(tmp_path / "none.sqlite"))
    done = run(None, "webhooks", "list", api_key=None)
    assert done.code == 1
    assert done.stderr.startswith("Error: There is no store of webhooks at ")
