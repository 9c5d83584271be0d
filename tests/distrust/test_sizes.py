"""Pages that are too large, or take too long, are asked for in smaller ones; none is lost."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING, Any

import pytest

from tap_insightly.sandbox import Faults
from tests.cli.running import run as insightly

if TYPE_CHECKING:
    from tests.distrust.conftest import Account

NAMES = ("contacts", "leads")


def tops(account: Account) -> Counter[int]:
    """How many records the last run asked for at once, and how often."""
    return Counter(int(one.query["top"]) for one in account.asked if "top" in one.query)


@pytest.mark.parametrize(
    "habits",
    [
        pytest.param({"hang_above_records": 130}, id="of many records"),
        pytest.param(
            {"record_bytes": 5_000, "hang_above_bytes": 700_000},
            id="of many bytes",
            marks=pytest.mark.slow,
        ),
    ],
)
def test_pages_that_take_too_long_are_asked_for_in_smaller_ones(
    large: Account, habits: dict[str, Any]
) -> None:
    faults = Faults(hang_seconds=1.5, **habits)
    run = large.sync("contacts", faults=faults, request_timeout=1)
    assert run.code == 0, run.stderr
    rows = [row["CONTACT_ID"] for row in run.records("contacts")]
    assert rows == sorted(large.records("contacts"))
    assert run.bookmark("contacts") == large.newest("contacts")
    assert max(tops(large)) == 500
    assert len(large.asked) < 40


def test_records_of_any_size_come_whole(large: Account) -> None:
    """Of each that is made so long; the list is held in memory only in parts."""
    size = 100_000
    faults = Faults(record_bytes={"/Organisations": size, "/Organisations/Search": size})
    run = large.sync("organisations", faults=faults)
    assert run.code == 0, run.stderr
    assert large.arrived(run, "organisations") == set(large.records("organisations"))
    texts = [
        max((v for v in row.values() if isinstance(v, str)), key=len)
        for row in run.records("organisations")
    ]
    assert all(len(text) > 0.9 * size for text in texts)
    assert min(tops(large)) < 100, "and not more at once than memory is meant for"


def test_page_size_is_the_most_that_is_ever_asked_for(own: Account) -> None:
    """By lists, searches, arrays, the search for deletions, what came back and a refresh."""
    settings = {"page_size": 70, "detect_deletes": True, "refresh_days": 1}
    names = ("contacts", "leads", "links", "fruit__c", "tags")
    ids = list(own.records("contacts"))
    run = own.sync(*names, **settings)
    assert max(tops(own)) == 70
    for number in ids[200:204]:
        own.sandbox.delete("/Contacts", number)
    run = own.sync(*names, state=run.state, **settings)
    assert max(tops(own)) == 70
    for number in ids[200:204]:
        own.sandbox.restore("/Contacts", number)
    run = own.sync(*names, state=run.state, **settings)
    assert own.arrived(run, "contacts") >= set(ids[200:204])
    assert max(tops(own)) == 70
    paths = {one.path.rpartition("/")[2] for one in own.asked}
    assert {"Contacts", "Search"} <= paths


@pytest.mark.parametrize("page_size", [2, 3])
def test_any_page_size_reads_the_same(small: Account, page_size: int) -> None:
    run = small.sync(*NAMES, page_size=page_size)
    for stream in NAMES:
        assert [row[small.key(stream)] for row in run.records(stream)] == sorted(
            small.records(stream)
        )
    assert set(tops(small)) == {page_size}


@pytest.mark.parametrize("page_size", [0, 1, 501, "many", 2.5])
def test_a_page_size_that_is_none_is_named_before_anything_is_asked(
    small: Account, page_size: Any
) -> None:
    small.sandbox.requests.clear()
    result = insightly(small.sandbox, "plan", page_size=page_size)
    assert result.code == 2
    assert "page_size" in result.stderr
    assert "from 2 to 500" in result.stderr
    assert small.sandbox.requests == []
