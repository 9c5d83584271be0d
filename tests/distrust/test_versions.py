"""ACTIVATE_VERSION, at which a target drops all other rows: after a list was read whole, only."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from tap_insightly.sandbox import Faults, bodies

if TYPE_CHECKING:
    from pathlib import Path

    from tests.distrust.conftest import Account, Synced

VERSIONS = {"emit_activate_version_messages": True, "page_size": 20, "max_retries": 0}
BATCHES = {"encoding": {"format": "jsonl", "compression": "gzip"}}

BAD: dict[str, dict[str, Any]] = {
    "it is forbidden": {"forbidden": {"/Contacts"}},
    "it is not there": {"missing": {"/Contacts"}},
    "it cannot be asked for": {"not_allowed": {"/Contacts"}},
    "it fails": {"statuses": {"/Contacts": 500}},
    "it fails half way": {"statuses": {"/Contacts": [None, None, *[500] * 9]}},
    "it is refused half way": {"statuses": {"/Contacts": [None, None, *[403] * 9]}},
    "it ends short": {"totals": {"/Contacts": 70}},
    "it cannot be read on": {"readable_up_to": {"/Contacts": 30}},
    "it is cut by the quota": {"daily_quota": 3},
    "it is an error": {"bodies": {"/Contacts": bodies.ERROR}},
    "it is empty, and says that it is not": {"bodies": {"/Contacts": b"[]"}},
}


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


@pytest.mark.parametrize("case", BAD)
def test_a_list_that_was_not_read_whole_is_not_activated(small: Account, case: str) -> None:
    faults = Faults(**BAD[case])
    run = small.sync("contacts", "pipelines", method="FULL_TABLE", faults=faults, **VERSIONS)
    assert activated(run) == ([] if run.code else ["pipelines"])
    assert "Traceback" not in run.stderr


@pytest.mark.parametrize("case", ["it is forbidden", "it ends short", "it fails half way"])
def test_nor_is_it_in_files(small: Account, case: str, tmp_path: Path) -> None:
    run = small.sync(
        *("contacts", "pipelines"),
        method="FULL_TABLE",
        faults=Faults(**BAD[case]),
        batch_config=BATCHES | {"storage": {"root": tmp_path.as_uri()}},
        **VERSIONS,
    )
    assert activated(run) == ([] if run.code else ["pipelines"])


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
