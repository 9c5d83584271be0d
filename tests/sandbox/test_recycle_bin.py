"""What was deleted can come back, and a test can set what no user could."""

from __future__ import annotations

from datetime import datetime, timezone
from typing import TYPE_CHECKING

import pytest

from tests.sandbox.asking import ask, contact_ids, ids
from tests.sandbox.written import status

if TYPE_CHECKING:
    from tap_insightly.sandbox import Sandbox


def test_a_restored_record_is_what_and_where_it_was(sandbox: Sandbox) -> None:
    before, found = sandbox.records("/Contacts"), contact_ids(sandbox)
    for key in (found[5], found[0], found[59]):
        assert status(sandbox, "DELETE", f"/Contacts/{key}") == 202
    assert ids(ask(sandbox)) == [*found[1:5], *found[6:59]]
    for key in (found[0], found[59], found[5]):
        assert sandbox.restore("/Contacts", key)
    assert sandbox.records("/Contacts") == before
    assert ids(ask(sandbox)) == found
    assert ask(sandbox, f"/Contacts/{found[5]}").status_code == 200


def test_what_hung_on_it_comes_back_with_it(sandbox: Sandbox) -> None:
    before = sandbox.children("/Notes", "Comments")
    note = next(iter(before))
    sandbox.delete("/Notes", note)
    assert note not in sandbox.children("/Notes", "Comments")
    sandbox.restore("/Notes", note)
    assert sandbox.children("/Notes", "Comments") == before


def test_restoring_can_count_as_an_update(sandbox: Sandbox) -> None:
    key = contact_ids(sandbox)[3]
    sandbox.clock = lambda: datetime(2027, 3, 1, 12, tzinfo=timezone.utc)
    sandbox.delete("/Contacts", key)
    restored = sandbox.restore("/Contacts", key, touch=True)
    assert restored
    assert restored["DATE_UPDATED_UTC"] == "2027-03-01 12:00:00"
    assert ids(ask(sandbox, "/Contacts/Search", updated_after_utc="2027-02-28")) == [key]


@pytest.mark.parametrize("path", ["/Contacts", "/Fruit__c"])
def test_only_what_was_deleted_can_come_back_and_once(sandbox: Sandbox, path: str) -> None:
    key = sandbox.records(path)[0][sandbox.tables[path].keys[0]]
    assert sandbox.restore(path, key) is None
    sandbox.delete(path, key)
    assert sandbox.restore(path, key)
    assert sandbox.restore(path, key) is None


def test_a_new_record_does_not_get_the_id_of_a_deleted_one(sandbox: Sandbox) -> None:
    last = contact_ids(sandbox)[-1]
    sandbox.delete("/Contacts", last)
    assert sandbox.create("/Contacts")["CONTACT_ID"] == last + 1
    sandbox.restore("/Contacts", last)
    assert contact_ids(sandbox)[-2:] == [last, last + 1]


@pytest.mark.parametrize("date", ["0001-01-01 00:00:00", "9999-12-31 23:59:59", "", None, "soon"])
def test_a_date_can_be_put_as_it_shall_be_and_nothing_else_changes(
    sandbox: Sandbox, date: str | None
) -> None:
    before = sandbox.records("/Contacts")
    key = before[2]["CONTACT_ID"]
    ask(sandbox)  # so that it is written in JSON already
    assert sandbox.put("/Contacts", key, DATE_UPDATED_UTC=date)
    assert ask(sandbox).json()[2]["DATE_UPDATED_UTC"] == date
    before[2]["DATE_UPDATED_UTC"] = date
    assert sandbox.records("/Contacts") == before
    assert sandbox.put("/Contacts", 1, DATE_UPDATED_UTC=date) is None
