"""Finding deletions where pages are capped or have holes, and totals are wrong."""

from __future__ import annotations

from typing import Any

from hypothesis import example, given, settings
from hypothesis import strategies as st

from tap_insightly.api.lists.deletion_search import DeletionSearch
from tests.changing import Account
from tests.test_paging import changes, happening
from tests.test_paging_harsh import TOTALS


def search_in(account: Account, known: list[int], page_size: int) -> DeletionSearch:
    """Search an account, which may change between two requests."""
    search = DeletionSearch(known, page_size=page_size)
    while search.wanted:
        for skip in search.wanted:
            query = {"top": str(page_size), "skip": str(skip), "count_total": "true"}
            answer = account.get("/Contacts", query)
            ids = [record["CONTACT_ID"] for record in answer.records]
            search.add_page(skip, ids, answer.total)
    return search


@settings(max_examples=600)
@given(
    count=st.integers(1, 300),
    gone=st.sets(st.integers(0, 300), max_size=40),
    block=st.tuples(st.integers(0, 300), st.integers(0, 300)),
    created=st.integers(0, 60),
    hidden=st.sets(st.integers(0, 400), max_size=40),
    counts_hidden=st.booleans(),
    cap=st.one_of(st.none(), st.integers(2, 40)),
    page_size=st.integers(2, 40),
    totals=st.sampled_from([*TOTALS]),
    script=st.dictionaries(st.integers(2, 12), changes, max_size=4),
)
def test_nothing_that_is_there_is_called_gone_whatever_the_server_does(  # noqa: PLR0913, PLR0917
    count: int,
    gone: set[int],
    block: tuple[int, int],
    created: int,
    hidden: set[int],
    counts_hidden: bool,  # noqa: FBT001
    cap: int | None,
    page_size: int,
    totals: str,
    script: dict[int, list[tuple[Any, ...]]],
) -> None:
    gone = gone | set(range(block[0], block[0] + block[1] // 2))
    listed = [one for one in range(count + created) if one >= count or one not in gone]
    account = Account(
        listed,
        happening(script),
        TOTALS[totals],
        cap=cap,
        hidden=hidden.__contains__,
        counts_hidden=counts_hidden,
    )
    # What is hidden now may have been there to be seen before, or not.
    known = [one for one in range(count) if one not in hidden or one % 2]
    search = search_in(account, known, page_size)
    assert not (search.gone & set(account.ids)) - hidden


@settings(max_examples=300)
@given(
    count=st.integers(1, 300),
    gone=st.sets(st.integers(0, 300), max_size=40),
    block=st.tuples(st.integers(0, 300), st.integers(0, 300)),
    created=st.integers(0, 60),
    cap=st.integers(2, 40),
    page_size=st.integers(2, 40),
)
@example(count=280, gone={0}, block=(278, 2), created=0, cap=2, page_size=5)
def test_under_a_cap_all_that_is_gone_is_found(
    count: int, gone: set[int], block: tuple[int, int], created: int, cap: int, page_size: int
) -> None:
    gone = gone | set(range(block[0], block[0] + block[1]))
    known = list(range(count))
    account = Account([one for one in range(count + created) if one >= count or one not in gone])
    account.cap = cap
    search = search_in(account, known, page_size)
    assert not search.is_misled
    assert search.gone == set(known) & gone
