"""What comes back, and what cannot be gone all at once, over HTTP."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from tap_insightly.sandbox import Faults

if TYPE_CHECKING:
    from tests.distrust.conftest import Account, Synced

DELETES: dict[str, Any] = {"detect_deletes": True}
MARK = "_sdc_deleted_at"


def gone(run: Synced, stream: str = "contacts") -> set[int]:
    """The ids of what a run has called gone."""
    key = "CONTACT_ID" if stream == "contacts" else "ORGANISATION_ID"
    return {row[key] for row in run.records(stream) if row.get(MARK)}


def whole(run: Synced) -> dict[int, dict[str, Any]]:
    """The contacts that came whole."""
    return {row["CONTACT_ID"]: row for row in run.records("contacts") if not row.get(MARK)}


def test_what_is_restored_comes_whole_and_without_the_mark(own: Account) -> None:
    """With its old date, or as changed now; the first and the last of a list, and between."""
    sandbox, ids = own.sandbox, list(own.records("contacts"))
    first = own.sync("contacts", **DELETES)
    sent = whole(first)
    lost = [ids[0], ids[1], ids[250], ids[499], ids[598], ids[599]]
    for number in lost:
        sandbox.delete("/Contacts", number)
    run = own.sync("contacts", state=first.state, **DELETES)
    assert gone(run) == set(lost)
    for place, number in enumerate(lost):
        sandbox.restore("/Contacts", number, touch=place % 2 == 1)
    run = own.sync("contacts", state=run.state, **DELETES)
    assert run.code == 0, run.stderr
    assert gone(run) == set()
    back = whole(run)
    assert set(back) >= set(lost)
    for place, number in enumerate(lost):
        old, new = sent[number], back[number]
        changed = {name for name, value in old.items() if value != new[name]}
        assert changed == ({"DATE_UPDATED_UTC"} if place % 2 else set())
        assert new[MARK] is None
    run = own.sync("contacts", state=run.state, **DELETES)
    assert not gone(run)
    assert not set(whole(run)) & set(lost[::2]), "once"


@pytest.mark.slow
def test_what_could_not_be_seen_for_a_while_comes_back(own: Account) -> None:
    """In a list that counts it all the time, which is warned of, and in one that does not."""
    ids = list(own.records("contacts"))
    hidden = {"/Contacts": {ids[3], ids[300]}}
    run = own.sync("contacts", **DELETES)
    faults = Faults(hidden=hidden, totals_count_hidden=False)
    run = own.sync("contacts", state=run.state, faults=faults, **DELETES)
    assert gone(run) == hidden["/Contacts"]
    run = own.sync("contacts", state=run.state, **DELETES)
    assert hidden["/Contacts"] <= set(whole(run))
    assert gone(run) == set()


def test_too_many_at_once_are_not_called_gone_and_the_others_go_on(own: Account) -> None:
    names = ("contacts", "organisations")
    sandbox, ids = own.sandbox, list(own.records("contacts"))
    first = own.sync(*names, **DELETES)
    for number in ids[100:300]:
        sandbox.delete("/Contacts", number)
    (organisation, *_) = own.records("organisations")
    sandbox.delete("/Organisations", organisation)
    sandbox.update("/Contacts", ids[0], FIRST_NAME="Changed")
    run = own.sync(*names, state=first.state, **DELETES)
    for _ in range(2):
        assert run.code == 1
        assert "200 of the 600 records" in run.stderr
        assert "max_deletes_percent (20)" in run.stderr
        assert "Not finished" in run.stderr
        assert "Traceback" not in run.stderr
        assert gone(run) == set()
        before, after = (one.state["bookmarks"]["contacts"] for one in (first, run))
        assert after["known"] == before["known"]
        assert after["replication_key_value"] == before["replication_key_value"]
        last, run = run, own.sync(*names, state=run.state, **DELETES)
    assert own.arrived(run, "organisations")
    run = own.sync(*names, state=last.state, max_deletes_percent=100, **DELETES)
    assert run.code == 0, run.stderr
    assert gone(run) == set(ids[100:300])
    assert run.bookmark("contacts") > (first.bookmark("contacts") or "")
    run = own.sync(*names, state=run.state, **DELETES)
    assert (run.code, gone(run)) == (0, set())


def test_an_empty_list_that_says_so_is_not_believed_either(own: Account) -> None:
    """As when the user of the key may see nothing any more."""
    first = own.sync("contacts", **DELETES)
    faults = Faults(bodies={"/Contacts": b"[]"}, totals={"/Contacts": 0})
    for method in ("INCREMENTAL", "FULL_TABLE"):
        run = own.sync("contacts", state=first.state, faults=faults, method=method, **DELETES)
        assert run.code == 1, run.stderr
        assert gone(run) == set()
        assert "600 of the 600 records" in run.stderr
        known = run.state["bookmarks"]["contacts"]["known"]
        assert known == first.state["bookmarks"]["contacts"]["known"]
