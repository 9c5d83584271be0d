"""The file of what writes replace: each line says what it said, and a cut one harms no other."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from decimal import Decimal
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tap_insightly.api.http.codec import encode
from tap_insightly.undo_file.journal import JournalError, JournalWriter
from tap_insightly.undo_file.lines import (
    AccountLine,
    CreatedLine,
    CreatingLine,
    DeletedLine,
    LinkedLine,
    MovedLine,
    UpdatedLine,
    WriteLine,
    decode_line,
    read_account,
)
from tap_insightly.undo_file.recorder import Recorder, read_undo_file
from tap_insightly.values import utc_text
from tests.api.conftest import new_client

if TYPE_CHECKING:
    from pathlib import Path

    from tap_insightly.sandbox import Sandbox

OURS = AccountLine(url="https://api.na1.insightly.com/v3.1", instance="acme")
texts = st.text(st.characters(codec="utf-8"), max_size=8)
ids = st.integers(1, 2**53)
numbers = st.integers(-(2**63), 2**63 - 1) | st.decimals(
    -(10**12), 10**12, places=2, allow_nan=False
)
scalars = st.none() | st.booleans() | texts | numbers
values = st.dictionaries(texts, scalars | st.lists(st.dictionaries(texts, scalars)), max_size=4)
moments = st.datetimes().map(utc_text)
common = {"object_name": texts, "stream": texts, "time": texts}
places = st.fixed_dictionaries(dict.fromkeys(("PIPELINE_ID", "STAGE_ID"), st.none() | ids))
lines: st.SearchStrategy[WriteLine] = st.one_of(
    st.builds(CreatingLine, **common, path=texts, values=values, since=moments),
    st.builds(CreatedLine, **common, record_id=ids, values=values),
    st.builds(UpdatedLine, **common, record_id=ids, before=values, after=values),
    st.builds(MovedLine, **common, record_id=ids, before=places, after=places),
    st.builds(LinkedLine, **common, record_id=ids, link=values),
    st.builds(DeletedLine, **common, record_id=ids, before=values),
)


def creating(**values: Any) -> CreatingLine:
    return CreatingLine(object_name="Contact", path="/Contacts", values=values, since="2026-01-01")


def created(record_id: int, **values: Any) -> CreatedLine:
    return CreatedLine(object_name="Contact", record_id=record_id, values=values)


@given(line=lines)
def test_a_line_says_what_it_said(line: WriteLine) -> None:
    text = encode(line)
    assert b"\n" not in text
    assert decode_line(text) == line
    assert encode(decode_line(text)) == text, "to the last digit"


@settings(max_examples=30)
@given(written=st.lists(lines, max_size=5), cut=st.integers(1), more=st.lists(lines, max_size=2))
def test_wherever_it_is_cut_off_the_lines_before_are_there_and_others_follow(
    tmp_path_factory: pytest.TempPathFactory,
    written: list[WriteLine],
    cut: int,
    more: list[WriteLine],
) -> None:
    path = tmp_path_factory.mktemp("cut") / "undo.jsonl"
    with Recorder(path, OURS) as recorder:
        for line in written:
            recorder.add(line)
    whole = path.read_bytes()
    size = 1 + cut % len(whole)
    path.write_bytes(whole[:size])
    # A line that lacks nothing but its end is whole.
    left = whole[: size + 1].count(b"\n")
    with Recorder(path, OURS) as recorder:
        for line in more:
            recorder.add(line)
    found = [decode_line(line) for line in path.read_bytes().splitlines()]
    assert [one for one in found if not isinstance(one, AccountLine)] == [
        *written[: max(0, left - 1)],
        *more,
    ]
    assert not read_undo_file(path).was_cut_off


def test_many_threads_write_whole_lines(tmp_path: Path) -> None:
    path = tmp_path / "undo.jsonl"
    with Recorder(path, OURS) as recorder, ThreadPoolExecutor(8) as pool:
        list(pool.map(lambda n: recorder.add(created(n, NAME="x" * 5000)), range(200)))
    assert {entry.record_id for entry in read_undo_file(path).entries} == set(range(200))


def test_an_intention_is_left_out_once_it_is_done(tmp_path: Path) -> None:
    path = tmp_path / "undo.jsonl"
    with Recorder(path, OURS) as recorder:
        recorder.add(creating(A=1, B=Decimal("1.50")))  # cut off
        recorder.add(creating(A=2))
        recorder.add(creating(B=Decimal("1.50"), A=1))
        recorder.add(created(7, A=1, B=Decimal("1.50")))
        recorder.add(created(8, A=2))
        recorder.add(creating(A=2))  # cut off
    found = [
        (one.position.number, one.action, one.record_id) for one in read_undo_file(path).entries
    ]
    assert found == [
        (2, "creating", None),
        (5, "created", 7),
        (6, "created", 8),
        (7, "creating", None),
    ]


@pytest.mark.parametrize(
    "other",
    [
        AccountLine(url="https://api.eu1.insightly.com/v3.1", instance="acme"),
        AccountLine(url=OURS.url, instance="other"),
    ],
)
def test_a_file_is_about_one_account(tmp_path: Path, other: AccountLine) -> None:
    path = tmp_path / "undo.jsonl"
    for same in (OURS, OURS, AccountLine(url=f"{OURS.url.upper()}/"), OURS):
        Recorder(path, same).close()
    before = path.read_bytes()
    with pytest.raises(JournalError, match="about another account"):
        Recorder(path, other)
    assert path.read_bytes() == before


@pytest.mark.parametrize("content", [b'{"a": 1}\n', b"id,name\n1,x\n", encode(created(1)) + b"\n"])
def test_another_file_is_not_added_to(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "people.csv"
    path.write_bytes(content)
    with pytest.raises(JournalError, match="line 1"):
        Recorder(path, OURS)
    assert path.read_bytes() == content


def test_a_file_that_cannot_be_used_is_named(tmp_path: Path) -> None:
    with pytest.raises(JournalError, match="cannot be written: Is a directory"):
        JournalWriter(tmp_path)
    with pytest.raises(JournalError, match="cannot be read: No such file"):
        read_undo_file(tmp_path / "none.jsonl")


def test_the_account_is_told_as_far_as_this_user_may_see_it(sandbox: Sandbox) -> None:
    with new_client(sandbox) as client:
        told = read_account(client)
        assert (told.url, told.instance) == (sandbox.api_url, "sandbox")
        sandbox.faults.forbidden = {"/Instance"}
        assert read_account(client).instance is None
