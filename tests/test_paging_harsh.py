"""Reading from servers that hand out less than they are asked for, or count otherwise.

Whatever they do, what a list is called whole for was read.
"""

from __future__ import annotations

import itertools
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from tap_insightly.api import Listing, Reader
from tap_insightly.api.cursor import Cursor
from tests.changing import Account
from tests.test_paging import changes, contacts, happening, read, shuffled

if TYPE_CHECKING:
    from collections.abc import Callable

    from tap_insightly.api import Answer

TOTALS: dict[str, Callable[[int], int | None]] = {
    "right": lambda count: count,
    "missing": lambda _: None,
    "too low": lambda count: count // 2,
    "nothing": lambda _: 0,
    "too high": lambda count: count * 2 + 3,
    "negative": lambda _: -1,
}


class Patient(Account):
    """Answers so many requests, and no more."""

    most = 5000

    def get(self, path: str, *arguments: Any, **options: Any) -> Answer:
        assert len(self.requests) < self.most, "the list does not end"
        return super().get(path, *arguments, **options)


def runs(draw: st.DrawFn, count: int, longest: int) -> set[int]:
    """Ids of which some are hidden, in runs."""
    starts = draw(st.lists(st.integers(0, max(0, count)), max_size=5))
    return {
        start + number
        for start in starts
        for number in range(draw(st.integers(1, max(1, longest))))
    }


def longest_run(ids: set[int]) -> int:
    """How many ids are there in a row, at most."""
    return max((next(n for n in itertools.count() if one + n not in ids) for one in ids), default=0)


@st.composite
def servers(draw: st.DrawFn) -> tuple[int, int, int | None, set[int], bool, str]:
    """A number of contacts, a page size, a cap, hidden ids, whether they count, and totals."""
    page_size = draw(st.one_of(st.integers(2, 12), st.integers(2, 60)))
    count = draw(st.integers(0, 12 * page_size))
    cap = draw(st.one_of(st.none(), st.integers(2, page_size)))
    hidden = draw(st.one_of(st.just(set[int]()), st.sets(st.integers(0, count))))
    hidden |= runs(draw, count, min(page_size, cap or page_size) - 1) if draw(st.booleans()) else set()
    return page_size, count, cap, hidden, draw(st.booleans()), draw(st.sampled_from([*TOTALS]))


@settings(max_examples=400)
@given(
    server=servers(),
    script=st.dictionaries(st.integers(1, 30), changes, max_size=6),
    threads=st.integers(1, 5),
    path=st.sampled_from(["/Contacts", "/Contacts/Search"]),
)
def test_what_a_list_is_called_whole_for_was_read(
    server: tuple[int, int, int | None, set[int], bool, str],
    script: dict[int, list[tuple[Any, ...]]],
    threads: int,
    path: str,
) -> None:
    page_size, count, cap, hidden, counts_hidden, totals = server
    account = Patient(
        list(range(count)),
        happening(script),
        TOTALS[totals],
        max_concurrency=threads,
        cap=cap,
        hidden=hidden.__contains__,
        counts_hidden=counts_hidden,
    )
    there = account.watch()
    params = {}
    if path.endswith("Search"):
        account.updated |= dict.fromkeys(range(0, count, 2), 1)
        there -= set(range(1, count, 2))
        params = {"updated_after_utc": "2026-01-01T00:00:00Z"}
    listing = Listing(path, params, cursor=Cursor(["CONTACT_ID"], page_size=page_size))
    found = read(account, listing)
    assert len(set(found)) == len(found)
    assert not set(found) & hidden
    is_whole = listing.shortfall is None
    # A page that shows but what this user may not see is no other than an empty one.
    is_broken = longest_run(hidden) >= min(page_size, cap or page_size) - 1
    # A total that is too low is believed where a short page just fits it.
    can_be_told = totals not in {"too low", "nothing"} or not (hidden or cap)
    can_be_told &= totals not in {"missing", "negative"} or not is_broken
    if is_whole and can_be_told:
        assert set(found) >= there - account.changed - hidden
    is_told = totals == "right" or (totals == "missing" and not hidden)
    if not script and is_told and not counts_hidden and not is_broken:
        assert is_whole
    if not script and totals == "right" and counts_hidden and there & hidden:
        assert not is_whole, "the total says that there is more"
