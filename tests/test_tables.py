"""A sync in tables: what is handed on, and a state that is never ahead of it."""

from __future__ import annotations

import logging
import sys
from contextlib import suppress
from copy import deepcopy
from typing import TYPE_CHECKING, Any

import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tap_insightly.api import QuotaExhaustedError, RetriesExhaustedError
from tap_insightly.columns import TableMaker
from tap_insightly.conformer import Conformer
from tap_insightly.sandbox import Faults
from tap_insightly.tap import TapInsightly
from tests.changing import Account
from tests.conftest import KEY, SMALL, new_sandbox
from tests.relating import catalog, selected, sync, unserved
from tests.syncing import CATALOG, PAGE, Session, no_log
from tests.test_paging import changes, happening, in_order, shuffled

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from tap_insightly.sandbox import Sandbox

__all__ = ["no_log", "unserved"]  # fixtures

GONE = "_sdc_deleted_at"


class Consumer:
    """Takes tables, and keeps the state as of what it has."""

    def __init__(self, most: int | None = None) -> None:
        self.most = most
        """How many tables to take; the last one of them is lost."""
        self.tables: dict[str, list[pa.Table]] = {}
        self.state: dict[str, Any] = {}

    def __call__(self, tap: TapInsightly) -> None:
        run, taken = tap.run, 0
        try:
            for stream in tap.selected_streams():
                kept = self.tables.setdefault(stream.name, [])
                tables = run.tables(stream)
                for table in tables:
                    assert 0 < table.num_rows <= 500
                    if taken == self.most:
                        tables.close()  # type: ignore[attr-defined]  # a generator
                        return
                    taken += 1
                    kept.append(table)
        finally:
            run.update_state()
            self.state = deepcopy(dict(tap.state))

    def rows(self, stream: str) -> list[dict[str, Any]]:
        return [row for table in self.tables.get(stream, ()) for row in table.to_pylist()]


def as_table(stream_catalog: Mapping[str, Any], rows: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """What tables have for the rows of messages."""
    schema = stream_catalog["schema"]
    table, _ = TableMaker(Conformer(schema), schema)(rows)
    found: list[dict[str, Any]] = table.to_pylist()
    return found


def test_all_streams_have_the_same_in_tables_as_in_messages(
    capsys: pytest.CaptureFixture[str],
) -> None:
    sandbox = new_sandbox(**SMALL)
    everything = selected(*(one["tap_stream_id"] for one in catalog()["streams"]))
    messages, tables = sync(sandbox, everything, detect_deletes=True), Consumer()
    done = sync(sandbox, everything, run=tables, detect_deletes=True)
    assert messages.error is done.error is None
    assert not done.messages
    assert not capsys.readouterr().out
    for stream in everything["streams"]:
        name = stream["tap_stream_id"]
        expected = [str(row) for row in as_table(stream, messages.rows(name))]
        found = [str({n: v for n, v in row.items() if n != GONE}) for row in tables.rows(name)]
        # What comes inside of records is read with them as messages, and by itself as tables.
        assert sorted(found) == sorted(expected), name
    bookmarks = messages.state["bookmarks"]
    for name, own in tables.state["bookmarks"].items():
        if "partitions" not in own:
            assert own == bookmarks[name], name


ways_to_end = st.sampled_from([None, *range(12)])
runs = st.lists(
    st.tuples(
        st.dictionaries(st.integers(1, 12), changes, max_size=4),
        st.sampled_from(["whole", "cut", "killed"]),
        st.integers(0, 12),
    ),
    max_size=5,
)


def read(
    account: Account, state: dict[str, Any], *, cut_at: int | None = None, most: int | None = None
) -> Consumer:
    tap = TapInsightly(
        config={"api_key": KEY, "lookback_seconds": 1, "page_size": PAGE},
        catalog=deepcopy(CATALOG),
        state=deepcopy(state),
    )
    session, consumer = Session(account, cut_at), Consumer(most)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("tap_insightly.tap.open_session", lambda *_: session)
        with suppress(RetriesExhaustedError):
            consumer(tap)
    assert session.is_closed
    return consumer


@settings(max_examples=80)
@given(
    count=st.integers(0, 150),
    runs=runs,
    concurrency=st.integers(1, 5),
    order=st.sampled_from([in_order, shuffled]),
)
def test_whatever_changes_and_whatever_is_cut_all_arrives(
    count: int,
    runs: list[tuple[dict[int, Any], str, int]],
    concurrency: int,
    order: Callable[[list[int]], list[int]],
) -> None:
    """The table that was handed on last is lost if the consumer is killed: nobody took the next."""
    account = Account(order(list(range(1, count + 1))), max_concurrency=concurrency)
    state: dict[str, Any] = {}
    loaded: dict[int, str] = {}

    def load(consumer: Consumer) -> dict[str, Any]:
        loaded.update({row["CONTACT_ID"]: row["FIRST_NAME"] for row in consumer.rows("contacts")})
        return consumer.state

    for script, end, moment in runs:
        account.happens = happening(script)
        cut_at = moment + 1 if end == "cut" else None
        state = load(read(account, state, cut_at=cut_at, most=moment if end == "killed" else None))
    account.happens = {}
    for _ in range(2):  # one to finish what was cut off, one for what changed meanwhile
        state = load(read(account, state))
    expected = {number: str(account.version[number]) for number in account.ids}
    assert {number: loaded.get(number) for number in account.ids} == expected


def test_the_state_is_as_of_the_table_before_the_last() -> None:
    account = Account(list(range(1, 101)))
    for most in range(5):
        consumer = read(account, {}, most=most)
        last = max((row["CONTACT_ID"] for row in consumer.rows("contacts")), default=None)
        own = consumer.state.get("bookmarks", {}).get("contacts", {}).get("unfinished", {})
        assert own.get("last_id") == last
        rest = read(account, consumer.state)
        assert [row["CONTACT_ID"] for row in rest.rows("contacts")] == [
            *range((last or 0) + 1, 101)
        ]


def test_what_is_gone_comes_last_as_a_table_of_its_own(unserved: Sandbox) -> None:
    settings = {"detect_deletes": True}
    first = Consumer()
    sync(unserved, selected("contacts"), run=first, **settings)
    key = unserved.records("/Contacts")[2]["CONTACT_ID"]
    unserved.delete("/Contacts", key)
    second = Consumer()
    sync(unserved, selected("contacts"), first.state, run=second, **settings)
    *_, gone = second.tables["contacts"]
    assert gone.schema == pa.schema({"CONTACT_ID": pa.int64(), GONE: pa.timestamp("us", tz="UTC")})
    assert gone["CONTACT_ID"].to_pylist() == [key]
    assert all(row[GONE] is None for row in first.rows("contacts"))
    third = Consumer()
    sync(unserved, selected("contacts"), second.state, run=third, **settings)
    assert not [row for row in third.rows("contacts") if row[GONE]]


@pytest.mark.parametrize("quota", [3, 12, 30])
def test_children_that_were_read_before_the_quota_ended_are_handed_on(
    sandbox: Sandbox, quota: int
) -> None:
    sandbox.faults = Faults(daily_quota=quota)
    first, second = Consumer(), Consumer()
    done = sync(sandbox, selected("note_comments"), run=first, max_concurrency=4)
    assert isinstance(done.error, QuotaExhaustedError)
    sandbox.faults = Faults()
    then = sync(sandbox, selected("note_comments"), first.state, run=second, max_concurrency=4)
    messages = sync(sandbox, selected("note_comments"))
    found = [
        row["COMMENT_ID"] for row in first.rows("note_comments") + second.rows("note_comments")
    ]
    assert sorted(found) == sorted(row["COMMENT_ID"] for row in messages.rows("note_comments"))
    assert len(done.asked) + len(then.asked) <= len(messages.asked) + 2 + 4


def test_children_come_many_to_a_table(sandbox: Sandbox) -> None:
    consumer = Consumer()
    sync(sandbox, selected("note_comments"), run=consumer)
    notes = len(sandbox.records("/Notes"))
    assert len(consumer.tables["note_comments"]) <= notes // 100 + 1


@settings(max_examples=15)
@given(most=st.integers(0, 6))
def test_children_are_gone_on_with_from_any_table(most: int) -> None:
    sandbox = new_sandbox(**SMALL)
    streams = selected("links", "note_comments")
    first, second, whole = Consumer(most), Consumer(), Consumer()
    sync(sandbox, streams, run=whole)
    sync(sandbox, streams, run=first)
    sync(sandbox, streams, first.state, run=second)
    for name in ("links", "note_comments"):
        found = {str(row) for row in first.rows(name) + second.rows(name)}
        assert found == {str(row) for row in whole.rows(name)}


def test_a_run_that_was_planned_in_rows_can_be_read_in_tables(unserved: Sandbox) -> None:
    """The plan has links made of contacts, which tables do not."""

    def planned(tap: TapInsightly) -> None:
        list(tap.run.plan())
        consumer(tap)

    consumer = Consumer()
    streams = selected("contacts", "links")
    done = sync(unserved, streams, run=planned)
    assert not done.messages
    messages = sync(unserved, streams)
    assert len(consumer.rows("links")) == len(messages.rows("links")) > 0


def test_without_pyarrow_the_error_says_what_to_install(
    unserved: Sandbox, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delitem(sys.modules, "tap_insightly.columns")
    monkeypatch.setitem(sys.modules, "pyarrow", None)
    done = sync(unserved, selected("contacts"), run=Consumer())
    assert "install tap-insightly[arrow]" in str(done.error)


def test_warnings_come_at_the_end_of_a_stream(
    unserved: Sandbox, caplog: pytest.LogCaptureFixture
) -> None:
    logging.disable(logging.NOTSET)  # until the end of the module, where it is so by itself
    unserved.create("/Contacts", CUSTOMFIELDS=[{"FIELD_NAME": "New__c", "FIELD_VALUE": 1}], ODD=1)
    sync(unserved, selected("contacts"), run=Consumer())
    found = [one.getMessage() for one in caplog.records if one.levelname == "WARNING"]
    assert any(one.startswith("contacts: ") and "New__c" in one for one in found)
