"""What was gone and is there again, and what cannot be gone all at once."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.changing import Account
from tests.syncing import PAGE, Target, no_log, sync
from tests.test_deletions import tombstones

__all__ = ["no_log"]  # a fixture

DELETES: dict[str, Any] = {"detect_deletes": True, "max_deletes_percent": 100}


def rows(messages: list[dict[str, Any]]) -> list[int]:
    """The ids of the records that came whole, and not as tombstones."""
    records = [message["record"] for message in messages if message["type"] == "RECORD"]
    return [one["CONTACT_ID"] for one in records if not one.get("_sdc_deleted_at")]


def whole(messages: list[dict[str, Any]], number: int) -> dict[str, Any]:
    (found,) = [
        message["record"]
        for message in messages
        if message["type"] == "RECORD" and message["record"]["CONTACT_ID"] == number
    ]
    return dict(found)


@pytest.mark.parametrize("place", [0, 6, PAGE, 5 * PAGE, 10 * PAGE - 2])
def test_a_record_that_is_restored_with_its_old_date_comes_again(place: int) -> None:
    """Also the last one, of which no place says that it was there."""
    account = Account(list(range(1, 10 * PAGE)))
    number = account.ids[place]
    state = sync(account, {}, **DELETES)[0][-1]["value"]
    account.delete(place)
    for _ in range(2):
        account.create()
    messages, _ = sync(account, state, **DELETES)
    assert tombstones(messages) == [number]
    account.restore(number)
    account.create()
    messages, is_whole = sync(account, messages[-1]["value"], **DELETES)
    assert is_whole
    assert number in rows(messages)
    record = whole(messages, number)
    assert record["FIRST_NAME"] == "0"
    assert record["_sdc_deleted_at"] is None
    messages, _ = sync(account, messages[-1]["value"], **DELETES)
    assert number not in rows(messages), "once"
    assert not tombstones(messages)


def test_many_that_come_back_cost_a_request_for_each_page_of_them() -> None:
    account = Account(list(range(1, 20 * PAGE)), max_concurrency=1)
    state = sync(account, {}, **DELETES)[0][-1]["value"]
    there = account.ids[3 * PAGE : 9 * PAGE]
    account.delete(3 * PAGE, 6 * PAGE)
    messages, _ = sync(account, state, **DELETES)
    assert tombstones(messages) == there
    for number in there:
        account.restore(number)
    messages, _ = sync(account, messages[-1]["value"], **DELETES)
    assert set(rows(messages)) >= set(there)
    read_whole = [
        q for path, q in account.requests if not path.endswith("Search") and "brief" not in q
    ]
    assert len(read_whole) <= 7


@settings(max_examples=150)
@given(
    count=st.integers(1, 150),
    gone=st.sets(st.integers(1, 150), min_size=1, max_size=30),
    back=st.sets(st.integers(1, 150), max_size=30),
    more=st.sets(st.integers(1, 150), max_size=5),
    created=st.integers(0, 2 * PAGE),
    cap=st.one_of(st.none(), st.integers(3, PAGE)),
)
def test_the_warehouse_ends_up_right_whatever_goes_and_comes_back(
    count: int, gone: set[int], back: set[int], more: set[int], created: int, cap: int | None
) -> None:
    """Unless one goes and another comes in the same place: then no place tells of it."""
    account = Account(list(range(1, count + 1)), cap=cap)
    target = Target()
    target.load(sync(account, {}, **DELETES)[0])
    for number in gone & set(account.ids):
        account.delete(account.ids.index(number))
    target.load(sync(account, target.state, **DELETES)[0])
    assert set(target.rows) == set(account.ids)
    for number in back:
        account.restore(number)
    if not back & gone:
        for number in more & set(account.ids):
            account.delete(account.ids.index(number))
    for _ in range(created):
        account.create()
    for _ in range(2):
        target.load(sync(account, target.state, **DELETES)[0])
    assert target.rows == {number: str(account.version[number]) for number in account.ids}


@pytest.mark.parametrize("method", ["INCREMENTAL", "FULL_TABLE"])
def test_too_many_at_once_are_not_called_gone(method: str) -> None:
    account = Account(list(range(1, 1001)))
    options: dict[str, Any] = {"detect_deletes": True, "method": method}
    messages, _ = sync(account, {}, **options)
    state = messages[-1]["value"]
    gone = account.ids[100:301]
    account.delete(100, 201)
    account.update(3)
    messages, is_whole = sync(account, state, **options)
    assert not is_whole, "and the run says so"
    assert not tombstones(messages)
    assert 4 in rows(messages), "what has changed comes all the same"
    contacts = messages[-1]["value"]["bookmarks"]["contacts"]
    before = state["bookmarks"]["contacts"]
    assert contacts["known"] == before["known"]
    assert contacts.get("replication_key_value") == before.get("replication_key_value")
    again, is_whole = sync(account, messages[-1]["value"], **options)
    assert not is_whole
    assert not tombstones(again), "however often it is tried"
    again, is_whole = sync(account, again[-1]["value"], **options, max_deletes_percent=100)
    assert is_whole
    assert tombstones(again) == gone


@pytest.mark.parametrize(
    ("known", "gone", "percent", "is_too_much"),
    [
        (1000, 200, 20, False),
        (1000, 201, 20, True),
        (120, 100, 20, False),
        (120, 101, 20, True),
        (1000, 101, 0, True),
        (1000, 100, 0, False),
        (1000, 1000, 100, False),
        (1000, 501, 50, True),
    ],
)
def test_how_many_are_too_many(known: int, gone: int, percent: int, is_too_much: bool) -> None:  # noqa: FBT001
    account = Account(list(range(1, known + 1)))
    options: dict[str, Any] = {"detect_deletes": True, "max_deletes_percent": percent}
    messages, _ = sync(account, {}, **options)
    account.delete(0, gone)
    messages, is_whole = sync(account, messages[-1]["value"], **options)
    assert is_whole is not is_too_much
    assert len(tombstones(messages)) == (0 if is_too_much else gone)


def test_where_pages_have_holes_all_ids_are_read_to_find_what_is_gone() -> None:
    """And what this user may not see is not called gone for it."""
    account = Account(list(range(1, 10 * PAGE)), hidden=lambda number: number % 7 == 0)
    account.max_concurrency = 1
    state = sync(account, {}, **DELETES)[0][-1]["value"]
    assert state["bookmarks"]["contacts"]["known"]["is_misled"] is True
    account.delete(account.ids.index(50))
    messages, is_whole = sync(account, state, **DELETES)
    assert is_whole
    assert tombstones(messages) == [50]
    account.hidden = lambda _: False
    messages, _ = sync(account, messages[-1]["value"], **DELETES)
    assert set(rows(messages)) >= set(range(7, 10 * PAGE, 7)), "now it may"
    assert not tombstones(messages)
    assert "is_misled" not in messages[-1]["value"]["bookmarks"]["contacts"]["known"]
