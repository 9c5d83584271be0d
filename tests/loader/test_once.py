"""Nothing is there twice at the end, whatever got lost and whenever a run was killed."""

from __future__ import annotations

import random
import sys
from collections import Counter
from typing import TYPE_CHECKING, Any

import pytest

from tap_insightly.sandbox import Faults
from tests.conftest import new_sandbox, run_process
from tests.loader.feeding import (
    KILLER,
    Feed,
    environment,
    feed_here,
    lines,
    record,
    schema,
    state,
    stream_of,
)

if TYPE_CHECKING:
    from pathlib import Path

    from tap_insightly.sandbox import Sandbox

BY_MAIL = {"match_on": {"Contact": "EMAIL_ADDRESS"}}
KILLS = 100


def people(count: int) -> list[dict[str, Any]]:
    return [
        {"FIRST_NAME": f"F{number}", "LAST_NAME": "ours", "EMAIL_ADDRESS": f"p{number}@x.org"}
        for number in range(count)
    ]


def found(sandbox: Sandbox) -> list[dict[str, Any]]:
    names = ("FIRST_NAME", "LAST_NAME", "EMAIL_ADDRESS")
    rows = [row for row in sandbox.records("/Contacts") if row["LAST_NAME"] == "ours"]
    return sorted(({name: row[name] for name in names} for row in rows), key=str)


@pytest.mark.slow
def test_whenever_it_is_killed_everything_is_there_once_at_the_end(tmp_path: Path) -> None:
    rows = people(300)
    messages = [schema("contacts", *rows[0])]
    for row in rows:  # a state after each record, which says how many lines were read
        messages.append(record("contacts", **row))
        messages.append(state(len(messages)))
    path = tmp_path / "people.jsonl"
    path.write_text(lines(messages))
    with new_sandbox(records=5).serve() as sandbox:
        sandbox.faults.latency = 0.02
        env = environment(sandbox, **BY_MAIL, max_concurrency=4)
        command = [sys.executable, "-c", KILLER, str(path), str(KILLS), "0.7"]
        done = run_process(command, env=env, folder=tmp_path, timeout=300)
        assert done.returncode == 0, done.stderr[-3000:]
        assert found(sandbox) == sorted(rows, key=str)


@pytest.mark.parametrize("config", [{}, BY_MAIL], ids=["created", "matched"])
def test_what_was_made_though_its_answer_was_lost_is_there_once(
    sandbox: Sandbox, config: dict[str, Any]
) -> None:
    rows = people(60)
    sandbox.faults = Faults(lost_rate=0.15)
    feed_here(sandbox, stream_of("contacts", rows), max_retries=20, **config)
    assert found(sandbox) == sorted(rows, key=str)


def test_equal_records_are_as_many_as_came_in_however_many_answers_are_lost(
    sandbox: Sandbox,
) -> None:
    rows = [{"FIRST_NAME": "twin", "LAST_NAME": "ours"}] * 30
    posts = Counter[str]()
    rng = random.Random(1)

    def lose(request: Any) -> None:
        if request.method == "POST" and rng.random() < 0.2:
            posts["lost"] += 1
            sandbox.faults.script.append("lost")

    sandbox.on_request = lose
    feed_here(sandbox, stream_of("contacts", rows), max_concurrency=4)
    assert posts["lost"]
    assert len(found(sandbox)) == 30


def test_a_run_that_failed_can_be_repeated(feed: Feed, sandbox: Sandbox) -> None:
    rows = people(30)
    sandbox.faults.daily_quota = 20
    messages = stream_of("contacts", rows)
    assert feed(messages, **BY_MAIL).code == 75
    sandbox.faults = Faults()
    feed.well(messages, **BY_MAIL)
    assert found(sandbox) == sorted(rows, key=str)
