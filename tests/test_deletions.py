"""Finding deletions: cheaply, all of them, and never one that did not happen."""

from __future__ import annotations

import json
import logging
from array import array
from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tap_insightly.api import NotAvailableError
from tap_insightly.api.lists.deletion_search import DeletionSearch
from tap_insightly.sync.id_codec import decode_ids, encode_ids
from tap_insightly.values import utc_text
from tests.changing import EPOCH, Account
from tests.syncing import PAGE, Target, no_log, sync
from tests.test_paging import changes, happening, in_order, shuffled

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from tap_insightly.api import RequestStats, Response

__all__ = ["no_log"]  # a fixture

numbers = st.sets(st.integers(0, 2**62), max_size=300).map(sorted)


def look(known: Sequence[int], listed: Sequence[int], page_size: int) -> tuple[DeletionSearch, int]:
    """Search a list that does not change; what was found, and the requests that it took."""
    search, requests = DeletionSearch(known, page_size=page_size), 0
    while search.wanted:
        for skip in search.wanted:
            requests += 1
            search.add_page(skip, listed[skip : skip + page_size], len(listed))
    return search, requests


@settings(max_examples=500)
@given(
    known=numbers,
    gone=st.sets(st.integers(0, 300)),
    blocks=st.lists(st.tuples(st.integers(0, 300), st.integers(0, 300)), max_size=2),
    created=st.integers(0, 200),
    page_size=st.integers(2, 40),
)
def test_in_a_list_that_rests_all_that_is_gone_is_found_and_nothing_else(
    known: list[int],
    gone: set[int],
    blocks: list[tuple[int, int]],
    created: int,
    page_size: int,
) -> None:
    for first, many in blocks:
        gone |= set(range(first, first + many))
    listed = [one for place, one in enumerate(known) if place not in gone]
    last = known[-1] if known else 0
    listed += range(last + 1, last + 1 + created)
    search, requests = look(array("q", known), listed, page_size)
    assert search.gone == set(known) - set(listed)
    assert not search.found
    # Never much more than to read it, even if there is something in every place.
    assert requests <= 2 * (len(listed) // page_size + 1) + 12


@settings(max_examples=300)
@given(
    known=numbers,
    gone=st.sets(st.integers(0, 300), max_size=20),
    back=st.sets(st.integers(0, 2**62), max_size=20),
    page_size=st.integers(2, 40),
)
def test_records_that_came_back_are_found_over_time(
    known: list[int], gone: set[int], back: set[int], page_size: int
) -> None:
    """As when this user may see them now. They may hide what is gone, but not invent it."""
    back = {one for one in back if known and one < known[-1]}
    listed = sorted(back | {one for place, one in enumerate(known) if place not in gone})
    for _ in range(10):
        search, _ = look(known, listed, page_size)
        assert search.gone <= set(known) - set(listed)
        assert search.found <= set(listed) - set(known)
        known = sorted((set(known) | search.found) - search.gone)
    if not gone:
        assert known == listed


@settings(max_examples=500)
@given(
    count=st.integers(0, 400),
    script=st.dictionaries(st.integers(0, 12), changes, max_size=6),
    page_size=st.integers(2, 40),
    says=st.sampled_from([None, 0, 1.0, 0.5, 2.0]),
)
def test_while_a_list_changes_nothing_that_is_there_is_called_gone(
    count: int, script: dict[int, list[tuple[Any, ...]]], page_size: int, says: float | None
) -> None:
    account = Account(list(range(1, count + 1)))
    known = list(account.ids)
    events = happening(script)
    events.get(0, lambda _: None)(account)  # before the search
    search, request = DeletionSearch(known, page_size=page_size), 0
    while search.wanted:
        for skip in search.wanted:
            request += 1
            events.get(request, lambda _: None)(account)
            total = None if says is None else int(says * len(account.ids))
            search.add_page(skip, account.ids[skip : skip + page_size], total)
    assert not search.gone & set(account.ids)
    left = [one for one in known if one not in search.gone]
    assert look(left, account.ids, page_size)[0].gone == set(left) - set(account.ids)


def test_a_range_that_has_fewer_than_no_records_is_given_up() -> None:
    """Its ends were seen at different times, with deletions in between; the next sync finds it."""
    known = list(range(1, 61))
    account = Account([one for one in known if one not in range(56, 59)])
    search, asked = DeletionSearch(known, page_size=4), list[int]()
    while search.wanted:
        for skip in search.wanted:
            asked.append(skip)
            if len(asked) == 4:
                account.delete(25, 10)
            search.add_page(skip, account.ids[skip : skip + 4], len(account.ids))
    assert not search.gone & set(account.ids)
    assert len(asked) == 7, "each of them once"
    assert look(known, account.ids, 4)[0].gone == set(known) - set(account.ids)


@pytest.mark.parametrize("ids", [[3, 2, 1], ["1", "2"], [1, 1], [None], [True]])
def test_where_ids_do_not_ascend_nothing_is_told(ids: list[Any]) -> None:
    search = DeletionSearch([1, 2, 3], page_size=10)
    search.add_page(2, ids, 3)
    assert not search.is_possible
    assert not search.wanted


def test_a_server_that_hands_out_less_than_it_was_asked_for_loses_no_record() -> None:
    """Its short pages are not the end of the list."""
    known = list(range(1000))
    listed = known[:-1]
    search = DeletionSearch(known, page_size=500)
    while search.wanted:
        for skip in search.wanted:
            search.add_page(skip, listed[skip : skip + 100], len(listed))
    assert search.gone <= {999}


ways_to_end = st.one_of(
    st.just(("whole", 0)),
    st.tuples(st.just("without"), st.integers(0, 12)),
    st.tuples(st.just("cut"), st.integers(1, 12)),
    st.tuples(st.just("killed"), st.integers(0, 10_000)),
)


@settings(max_examples=200)
@given(
    count=st.integers(0, 150),
    runs=st.lists(
        st.tuples(st.dictionaries(st.integers(1, 12), changes, max_size=4), ways_to_end),
        min_size=1,
        max_size=5,
    ),
    concurrency=st.integers(1, 5),
    method=st.sampled_from(["INCREMENTAL", "INCREMENTAL", "FULL_TABLE"]),
)
def test_whatever_changes_and_whatever_is_cut_the_warehouse_ends_up_right(
    count: int,
    runs: list[tuple[dict[int, Any], tuple[str, int]]],
    concurrency: int,
    method: str,
) -> None:
    """What was sent by runs that do not look for deletions may have gone before one that does."""
    account = Account(list(range(1, count + 1)), max_concurrency=concurrency)
    target = Target()

    def run(**options: Any) -> list[dict[str, Any]]:
        own = {"detect_deletes": True, "max_deletes_percent": 100, "method": method}
        options = {**own, **options}
        messages, _ = sync(account, target.state, **options)
        for message in messages:
            record = message.get("record", {})
            if record.get("_sdc_deleted_at"):
                assert record["CONTACT_ID"] not in account.ids, "called gone while it is there"
        return messages

    # Deletions before the first sync that looks for them cannot be known.
    target.load(run())
    for script, (end, moment) in runs:
        account.happens = happening(script)
        cut_at = moment if end in {"cut", "without"} and moment else None
        messages = run(cut_at=cut_at, detect_deletes=end != "without")
        if end == "killed":
            messages = messages[: moment % (len(messages) + 1)]
        target.load(messages)
    account.happens = {}
    for _ in range(2):  # one to finish what was cut off, one for what changed meanwhile
        target.load(run())
    expected = {number: str(account.version[number]) for number in account.ids}
    if any(end == "without" for _, (end, _) in runs):
        assert target.rows.items() >= expected.items()
    else:
        assert target.rows == expected


def tombstones(messages: list[dict[str, Any]]) -> list[int]:
    records = [message["record"] for message in messages if message["type"] == "RECORD"]
    return [record["CONTACT_ID"] for record in records if record.get("_sdc_deleted_at")]


def test_a_tombstone_is_the_key_and_the_moment_by_the_clock_of_the_server() -> None:
    account = Account(list(range(1, 50)))
    state = sync(account, {}, detect_deletes=True)[0][-1]["value"]
    account.delete(6)
    messages, _ = sync(account, state, detect_deletes=True)
    (stone,) = [m for m in messages if m.get("record", {}).get("_sdc_deleted_at")]
    assert set(stone["record"]) == {"CONTACT_ID", "_sdc_deleted_at"}
    assert stone["record"]["CONTACT_ID"] == 7
    assert stone["record"]["_sdc_deleted_at"] == utc_text(EPOCH + timedelta(seconds=account.now))
    schema, own = (m for m in messages if m["type"] == "SCHEMA")
    assert schema["schema"]["properties"]["_sdc_deleted_at"]["format"] == "date-time"
    assert list(own["schema"]["properties"]) == own["key_properties"] + ["_sdc_deleted_at"]
    assert own["key_properties"] == schema["key_properties"] == ["CONTACT_ID"]
    assert messages.index(stone) == messages.index(own) + 1
    assert all("_sdc_deleted_at" in m["record"] for m in messages if m["type"] == "RECORD")
    assert not tombstones(sync(account, messages[-1]["value"], detect_deletes=True)[0]), "once"


def test_tombstones_come_under_the_schema_of_the_stream_if_that_is_wanted() -> None:
    account = Account(list(range(1, 50)))
    options: dict[str, Any] = {"detect_deletes": True, "tombstone_schema": "stream"}
    state = sync(account, {}, **options)[0][-1]["value"]
    account.delete(6)
    messages, _ = sync(account, state, **options)
    assert tombstones(messages) == [7]
    assert sum(message["type"] == "SCHEMA" for message in messages) == 1


def test_tombstones_pass_stream_maps() -> None:
    account = Account(list(range(1, 50)))
    maps = {
        "contacts": {
            "id": "CONTACT_ID",
            "name": "FIRST_NAME.upper() if FIRST_NAME else None",
            "_sdc_deleted_at": "_sdc_deleted_at",
            "__key_properties__": ["id"],
            "__alias__": "people",
            "__else__": None,
        }
    }
    options: dict[str, Any] = {"detect_deletes": True, "stream_maps": maps}
    state = sync(account, {}, **options)[0][-1]["value"]
    account.delete(6)
    messages, _ = sync(account, state, **options)
    own, stone = [m for m in messages if m["type"] in {"SCHEMA", "RECORD"}][-2:]
    assert (own["stream"], own["key_properties"]) == ("people", ["id"])
    assert set(own["schema"]["properties"]) == set(stone["record"]) == {"id", "_sdc_deleted_at"}
    assert stone["record"]["id"] == 7


def test_ids_that_do_not_ascend_are_said_and_nothing_is_done(
    caplog: pytest.LogCaptureFixture,
) -> None:
    account = Account(shuffled(list(range(1, 90))))
    logging.disable(logging.NOTSET)
    try:
        state = sync(account, {}, detect_deletes=True)[0][-1]["value"]
        assert "known" not in state["bookmarks"]["contacts"]
        account.delete(5, 30)
        messages, is_whole = sync(account, state, detect_deletes=True)
    finally:
        logging.disable(logging.CRITICAL)
    assert is_whole
    assert not tombstones(messages)
    said = "contacts: deletions cannot be found, because ids do not ascend in its list."
    assert caplog.text.count(said) == 2


@dataclass
class Refusing(Account):
    """An account that lets nobody list what it lets everybody search."""

    is_refusing: bool = False

    def get(
        self,
        path: str,
        params: Mapping[str, str] | None = None,
        stats: RequestStats | None = None,
        **_: Any,
    ) -> Response:
        if self.is_refusing and not path.endswith("/Search"):
            raise NotAvailableError(path, 403)
        return super().get(path, params, stats)


def test_what_is_known_stays_known_if_the_list_cannot_be_read_for_once() -> None:
    account = Refusing(list(range(1, 10 * PAGE)))
    state = sync(account, {}, detect_deletes=True)[0][-1]["value"]
    account.is_refusing = True
    account.delete(6)
    account.create()
    messages, is_whole = sync(account, state, detect_deletes=True)
    assert is_whole
    assert not tombstones(messages)
    account.is_refusing = False
    messages, _ = sync(account, messages[-1]["value"], detect_deletes=True)
    assert tombstones(messages) == [7]
    known = messages[-1]["value"]["bookmarks"]["contacts"]["known"]
    assert list(decode_ids(known["ids"]) or ()) == account.ids


def test_a_state_from_before_the_setting_is_accepted() -> None:
    account = Account(in_order(list(range(1, 10 * PAGE + 1))))
    state = sync(account, {})[0][-1]["value"]
    account.create()
    messages, _ = sync(account, state, detect_deletes=True)
    assert not tombstones(messages)
    assert messages[-1]["value"]["bookmarks"]["contacts"]["known"]["count"] == 10 * PAGE + 1
    account.delete(3)
    account.delete(100, 4)
    messages, _ = sync(account, messages[-1]["value"], detect_deletes=True)
    assert tombstones(messages) == [4, 102, 103, 104, 105]


def test_what_was_sent_while_nobody_looked_for_deletions_is_learned() -> None:
    account = Account(list(range(1, 5 * PAGE)))
    state = sync(account, {}, detect_deletes=True)[0][-1]["value"]
    account.create()
    account.create()
    state = sync(account, state)[0][-1]["value"]
    account.create()
    messages, _ = sync(account, state, detect_deletes=True)
    known = messages[-1]["value"]["bookmarks"]["contacts"]["known"]
    assert list(decode_ids(known["ids"]) or ()) == account.ids


def test_what_was_sent_by_runs_that_were_cut_off_while_nobody_looked_is_learned() -> None:
    account = Account(list(range(1, 10 * PAGE)), max_concurrency=1)
    state: dict[str, Any] = {}
    for cut_at, detect_deletes in ((3, True), (4, False), (None, True)):
        messages, _ = sync(account, state, cut_at=cut_at, detect_deletes=detect_deletes)
        state = messages[-1]["value"]
    assert list(decode_ids(state["bookmarks"]["contacts"]["known"]["ids"]) or ()) == account.ids


@pytest.mark.parametrize("ids", ["nonsense", 7, None, encode_ids([5, 4]), "c-jL100001"])
def test_ids_that_somebody_has_edited_are_learned_anew(ids: Any) -> None:
    account = Account(list(range(1, 50)))
    state = sync(account, {}, detect_deletes=True)[0][-1]["value"]
    state["bookmarks"]["contacts"]["known"]["ids"] = ids
    messages, is_whole = sync(account, state, detect_deletes=True)
    assert is_whole
    assert not tombstones(messages)
    known = messages[-1]["value"]["bookmarks"]["contacts"]["known"]
    assert list(decode_ids(known["ids"]) or ()) == account.ids


@given(ids=numbers)
def test_ids_in_a_state_come_out_as_they_went_in(ids: list[int]) -> None:
    text = encode_ids(ids)
    assert list(decode_ids(text) or ()) == ids
    assert json.dumps(text) == f'"{text}"', "nothing to be escaped"
