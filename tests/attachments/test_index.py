"""The index says the same in whatever order its lines are read, and leaves lines that are none."""

from __future__ import annotations

from datetime import date, datetime, timezone
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tap_insightly.attachments import Attachment, Entry, Index, Status, attachment_of
from tap_insightly.attachments.entries import encode

if TYPE_CHECKING:
    from random import Random

DATES = st.sampled_from(["", "2026-01-01T00:00:00Z", "2026-01-02T00:00:00Z"])
ENTRIES = st.builds(
    Entry,
    file_id=st.integers(0, 3),
    status=st.sampled_from(Status),
    date_updated_utc=DATES,
    sha256=st.sampled_from([None, "aa", "bb"]),
)


@given(st.lists(ENTRIES), st.randoms(use_true_random=False))
def test_neither_order_nor_repetition_of_lines_matters(
    entries: list[Entry], random: Random
) -> None:
    lines = [encode(entry) for entry in entries]
    again = [*lines, *random.choices(lines, k=len(lines))] if lines else []
    random.shuffle(again)
    assert Index(again).entries == Index(lines).entries
    assert Index(Index(lines).lines()).entries == Index(lines).entries


@given(st.lists(ENTRIES), ENTRIES)
def test_what_is_stored_is_never_wanted_again_unless_it_is_newer(
    entries: list[Entry], wanted: Entry
) -> None:
    index = Index(map(encode, entries))
    stored = {
        one.file_id: one.date_updated_utc
        for one in index.entries.values()
        if one.status is Status.STORED
    }
    index.add(Entry.of(wanted.attachment, Status.WANTED))
    pending = {one.file_id for one in index.pending()}
    if wanted.file_id in stored:
        assert (wanted.file_id in pending) == (wanted.date_updated_utc > stored[wanted.file_id])


@pytest.mark.parametrize(
    "line",
    [b'{"FILE_ID": 1, "STATUS": "sto', b"\xff\xfe", b"[]", b"{}", b'{"FILE_ID": 1, "STATUS": "x"}'],
)
def test_a_line_that_is_none_is_counted_and_left(line: bytes) -> None:
    good = encode(Entry(file_id=7, status=Status.STORED))
    index = Index([line, b"", good])
    assert (index.unreadable, list(index.entries)) == (1, [7])


@pytest.mark.parametrize(
    ("row", "expected"),
    [
        ({"FILE_ID": 5}, Attachment(5)),
        ({"file_id": "5", "file_size": "12"}, Attachment(5, file_size=12)),
        ({"FILE_ID": 5, "FILE_SIZE": None, "FILE_NAME": ""}, Attachment(5)),
        (
            {"FILE_ID": 5, "DATE_UPDATED_UTC": "2026-02-03 04:05:06"},
            Attachment(5, date_updated_utc="2026-02-03T04:05:06Z"),
        ),
        (
            {"FILE_ID": 5, "DATE_UPDATED_UTC": datetime(2026, 2, 3, 4, 5, 6, tzinfo=timezone.utc)},
            Attachment(5, date_updated_utc="2026-02-03T04:05:06Z"),
        ),
        (
            {"FILE_ID": 5, "DATE_UPDATED_UTC": date(2026, 2, 3)},
            Attachment(5, date_updated_utc="2026-02-03T00:00:00Z"),
        ),
        ({"FILE_ID": 5, "DATE_UPDATED_UTC": "0000-00-00 00:00:00"}, Attachment(5)),
        ({"FILE_ID": None}, None),
        ({"FILE_ID": True}, None),
        ({"FILE_ID": -1}, None),
        ({"FILE_ID": "5; drop"}, None),
        ({"FILE_ID": "../../5"}, None),
        ({}, None),
    ],
)
def test_rows_come_as_apis_targets_and_files_have_them(
    row: dict[str, Any], expected: Attachment | None
) -> None:
    assert attachment_of(row) == expected
