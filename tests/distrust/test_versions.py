"""ACTIVATE_VERSION, at which a target drops all other rows: after a list was read whole, only."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from tap_insightly.sandbox import Faults, bodies
from tests.distrust.conftest import warnings

if TYPE_CHECKING:
    from pathlib import Path

    from tests.distrust.conftest import Account, Synced

VERSIONS = {"emit_activate_version_messages": True, "page_size": 20, "max_retries": 0}
BATCHES = {"encoding": {"format": "jsonl", "compression": "gzip"}}

REFUSED: dict[str, dict[str, Any]] = {
    "contacts": {"forbidden": {"/Contacts"}},
    "leads": {"missing": {"/Leads"}},
    "notes": {"not_allowed": {"/Notes"}},
    "events": {"totals": {"/Events": 70}},
    "emails": {"readable_up_to": {"/Emails": 10}},
    "tasks": {"bodies": {"/Tasks": b"[]"}, "totals": {"/Tasks": 60}},
}
"""Lists that cannot be read, or not whole, though the sync goes on."""

ENDING: dict[str, dict[str, Any]] = {
    "it fails half way": {"statuses": {"/Contacts": [None, None, *[500] * 9]}},
    "it is refused half way": {"statuses": {"/Contacts": [None, None, *[403] * 9]}},
    "it is cut by the quota": {"daily_quota": 3},
    "it is an error": {"bodies": {"/Contacts": bodies.ERROR}},
}
"""Of contacts, what ends the sync."""


def activated(run: Synced) -> list[str]:
    """The streams whose version was activated, in order; each where it belongs."""
    found = []
    kinds = [(one["type"], one.get("stream")) for one in run.messages]
    for place, (kind, stream) in enumerate(kinds):
        if kind == "ACTIVATE_VERSION":
            found.append(str(stream))
            later = kinds[place + 1 :]
            assert ("RECORD", stream) not in later, "after its last record"
            assert ("BATCH", stream) not in later, "and after its last file"
            assert ("STATE", None) in later, "and before a state that counts it as read"
    return found


@pytest.mark.parametrize("is_batch", [False, True], ids=["records", "batches"])
def test_each_whole_list_is_activated_once(
    small: Account, tmp_path: Path, *, is_batch: bool
) -> None:
    storage = {"root": tmp_path.as_uri()}
    batch = {"batch_config": BATCHES | {"storage": storage}} if is_batch else {}
    names = ("contacts", "contact_dates", "links", "note_comments", "pipelines", "tags")
    run = small.sync(*names, method="FULL_TABLE", **VERSIONS, **batch)
    assert run.code == 0, run.stderr
    assert sorted(activated(run)) == sorted(names)


@pytest.mark.parametrize("is_batch", [False, True], ids=["records", "batches"])
def test_a_list_that_was_not_read_whole_is_not_activated(
    small: Account, tmp_path: Path, *, is_batch: bool
) -> None:
    faults: dict[str, Any] = {}
    for fault in REFUSED.values():
        for name, habit in fault.items():
            faults[name] = habit if isinstance(habit, set) else faults.get(name, {}) | habit
    batch = {"batch_config": BATCHES | {"storage": {"root": tmp_path.as_uri()}}} if is_batch else {}
    names = (*REFUSED, "pipelines")
    run = small.sync(*names, method="FULL_TABLE", faults=Faults(**faults), **VERSIONS, **batch)
    assert run.code == 0, run.stderr
    assert activated(run) == ["pipelines"]
    assert all(warnings(run, stream) for stream in REFUSED)


@pytest.mark.parametrize("case", ENDING)
def test_nor_is_one_at_which_a_sync_ends(small: Account, case: str) -> None:
    faults = Faults(**ENDING[case])
    run = small.sync("contacts", "pipelines", method="FULL_TABLE", faults=faults, **VERSIONS)
    assert run.code == (1 if case == "it is refused half way" else 75)
    assert activated(run) == []
    assert "Traceback" not in run.stderr


def test_a_stream_of_several_lists_is_not_activated_if_one_was_refused(small: Account) -> None:
    faults = Faults(
        statuses={"/Tags": [None, 403], "/Notes/{id}/Comments": [None, None, 403]},
        totals={"/Organisations": 1000},
    )
    names = ("tags", "links", "note_comments", "organisations", "leads")
    run = small.sync(*names, method="FULL_TABLE", faults=faults, **VERSIONS)
    assert run.code == 0, run.stderr
    assert activated(run) == ["leads"]
    assert run.records("tags")
    assert run.records("links")
    assert run.records("note_comments")
