"""However many are written at once, the end is as if they had been written one by one."""

from __future__ import annotations

import json
import subprocess
from contextlib import closing
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.conftest import new_sandbox
from tests.loader.feeding import (
    COMMAND,
    Feed,
    environment,
    feed_here,
    lines,
    record,
    schema,
    state,
)

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tap_insightly.sandbox import Sandbox

FIELDS = ("LAST_NAME", "TITLE", "PHONE")
CHANGES = st.dictionaries(st.sampled_from(FIELDS), st.sampled_from("abc"), min_size=1)
MAILS = ("ann@x.org", "bob@x.org", "cyd@x.org")
# A change of the record that has a mail, or its deletion.
STEPS = st.lists(st.tuples(st.sampled_from(MAILS), st.one_of(st.none(), CHANGES)), max_size=30)


@pytest.fixture(scope="module")
def account() -> Iterator[Sandbox]:
    with new_sandbox(records=1).serve() as sandbox:
        yield sandbox


def ours(sandbox: Sandbox) -> list[dict[str, Any]]:
    return [row for row in sandbox.records("/Contacts") if row["FIRST_NAME"] == "ours"]


@settings(max_examples=30)
@given(
    changes=st.lists(st.tuples(st.integers(0, 3), CHANGES), max_size=30),
    skip=st.booleans(),
)
def test_changes_of_the_same_ids_are_done_in_order(
    account: Sandbox, *, changes: list[tuple[int, dict[str, str]]], skip: bool
) -> None:
    rows = [account.create("/Contacts", FIRST_NAME="ours") for _ in range(4)]
    wanted = {row["CONTACT_ID"]: {name: row[name] for name in FIELDS} for row in rows}
    messages = [schema("contacts", "CONTACT_ID", *FIELDS)]
    for at, change in changes:
        number = rows[at]["CONTACT_ID"]
        wanted[number] |= change
        messages.append(record("contacts", CONTACT_ID=number, **change))
    feed_here(account, messages, skip_unchanged=skip)
    for number, values in wanted.items():
        found = account.tables["/Contacts"].find(number)
        assert found
        assert {name: found[name] for name in FIELDS} == values


@settings(max_examples=30)
@given(STEPS)
def test_changes_of_what_is_found_by_a_field_are_done_in_order(
    account: Sandbox, steps: list[tuple[str, dict[str, str] | None]]
) -> None:
    for row in ours(account):
        account.delete("/Contacts", row["CONTACT_ID"])
    wanted: dict[str, dict[str, str | None]] = {}
    messages = [schema("contacts", "FIRST_NAME", "EMAIL_ADDRESS", "_sdc_deleted_at", *FIELDS)]
    for mail, change in steps:
        if change is None:
            wanted.pop(mail, None)
            one: dict[str, Any] = {"_sdc_deleted_at": "2026-01-31"}
        else:
            wanted.setdefault(mail, dict.fromkeys(FIELDS)).update(change)
            one = {"FIRST_NAME": "ours", **change}
        messages.append(record("contacts", EMAIL_ADDRESS=mail, **one))
    match_on = {"Contact": "EMAIL_ADDRESS"}
    feed_here(account, messages, match_on=match_on, allow_delete=True, max_deletes="100 %")
    found = sorted((row["EMAIL_ADDRESS"], {n: row[n] for n in FIELDS}) for row in ours(account))
    assert found == sorted(wanted.items())


def test_the_order_is_kept_when_the_schema_changes_in_between(sandbox: Sandbox) -> None:
    number = sandbox.create("/Contacts", FIRST_NAME="Ann")["CONTACT_ID"]
    messages = []
    for turn in range(20):
        name = FIELDS[turn % 2]
        messages.append(schema("contacts", "CONTACT_ID", name))
        messages += [record("contacts", CONTACT_ID=number, **{name: f"{turn}-{n}"}) for n in "abc"]
    feed_here(sandbox, messages, skip_unchanged=False)
    found = sandbox.tables["/Contacts"].find(number)
    assert found
    assert [found[name] for name in FIELDS[:2]] == ["18-c", "19-c"]


def test_a_state_comes_out_when_all_before_it_is_written(feed: Feed, sandbox: Sandbox) -> None:
    before = sandbox.count("/Contacts")
    messages = [schema("contacts", "FIRST_NAME")]
    for number in range(1, 101):
        messages.append(record("contacts", FIRST_NAME=f"n{number}"))
        if number % 7 == 0 or number == 100:
            messages.append(state(number))
    path = feed.folder / "input.jsonl"
    path.write_text(lines(messages))
    sandbox.faults.latency = 0.01
    command = [*COMMAND, "--config=ENV", "--input", str(path)]
    env = environment(sandbox, max_concurrency=5)
    with subprocess.Popen(command, env=env, stdout=subprocess.PIPE, text=True) as process:  # noqa: S603 - our own
        assert process.stdout
        seen = []
        for line in process.stdout:
            at = json.loads(line)["at"]
            there = {row["FIRST_NAME"] for row in sandbox.records("/Contacts")}
            assert {f"n{number}" for number in range(1, at + 1)} <= there
            seen.append(at)
    assert process.returncode == 0
    assert seen == sorted(set(seen))
    assert seen[-1] == 100
    assert sandbox.count("/Contacts") == before + 100


def test_a_state_does_not_wait_for_more_to_come(sandbox: Sandbox) -> None:
    command = [*COMMAND, "--config=ENV"]
    with subprocess.Popen(  # noqa: S603 - our own
        command,
        env=environment(sandbox),
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    ) as process:
        assert process.stdin
        assert process.stdout
        with closing(process.stdin) as pipe:
            for turn in range(3):
                messages = [schema("contacts", "FIRST_NAME"), record("contacts", FIRST_NAME="Ann")]
                pipe.write(lines([*messages, state(turn)]))
                pipe.flush()
                assert json.loads(process.stdout.readline()) == {"at": turn}
    assert process.returncode == 0
