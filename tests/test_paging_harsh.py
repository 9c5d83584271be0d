"""Reading from servers that hand out less than they are asked for, or count otherwise.

Whatever they do, what a list is called whole for was read.
"""

from __future__ import annotations

import itertools
from typing import TYPE_CHECKING, Any, NamedTuple

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from tap_insightly.api import IncompleteError, Page, PagedRequest, Prefetcher
from tap_insightly.api.lists.paginator import OffsetPaginator
from tests.changing import Account
from tests.test_paging import changes, contacts, happening, read

if TYPE_CHECKING:
    from collections.abc import Callable

    from tap_insightly.api import Response

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

    def get(self, path: str, *arguments: Any, **options: Any) -> Response:
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
    hidden |= (
        runs(draw, count, min(page_size, cap or page_size) - 1) if draw(st.booleans()) else set()
    )
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
    paged_request = PagedRequest(
        path, params, paginator=OffsetPaginator(["CONTACT_ID"], page_size=page_size)
    )
    found = read(account, paged_request)
    assert len(set(found)) == len(found)
    assert not set(found) & hidden
    is_whole = paged_request.shortfall is None
    # A page that shows but what this user may not see is no other than an empty one.
    run = longest_run(hidden)
    if params:  # of what the search finds: every second one, and what was updated meanwhile
        run = max(run, longest_run({one // 2 for one in hidden if one % 2 == 0}))
    is_broken = run >= min(page_size, cap or page_size) - 1
    # A total that is too low is believed where a short page just fits it.
    can_be_told = totals not in {"too low", "nothing"} or not (hidden or cap)
    can_be_told &= totals not in {"missing", "negative"} or not is_broken
    if is_whole and can_be_told:
        assert set(found) >= there - account.changed - hidden
    is_told = totals == "right" or (totals == "missing" and not hidden)
    # If half a page in a row is hidden, a page may show but one record, and nothing overlaps.
    is_sparse = 2 * run >= min(page_size, cap or page_size) - 1
    if not script and is_told and not counts_hidden and not is_sparse:
        assert is_whole
    if not script and totals == "right" and counts_hidden and there & hidden:
        assert not is_whole, "the total says that there is more"


STRANGERS: dict[str, dict[str, Any]] = {
    "an error": {"message": "An error has occurred."},
    "no key": {"CONTACT_ID": None},
    "a text for a key": {"CONTACT_ID": "5"},
    "the lowest id": {"CONTACT_ID": 0},
    "an id between": {"CONTACT_ID": 777},
    "the highest id": {"CONTACT_ID": 10**6},
}


class Stranger(NamedTuple):
    """What stands on each page, besides its records or for the last of them."""

    name: str
    place: int
    on_empty: bool
    instead: bool

    @property
    def is_keyed(self) -> bool:
        return self.name not in {"an error", "no key"}

    def join(self, records: list[dict[str, Any]]) -> list[Any]:
        if not records and not self.on_empty:
            return records
        there = records[:-1] if self.instead and len(records) > 1 else list(records)
        there.insert(self.place, STRANGERS[self.name])
        return there


@settings(max_examples=400)
@given(
    server=st.tuples(
        st.one_of(st.integers(2, 12), st.integers(2, 60)),
        st.integers(0, 300),
        st.one_of(st.none(), st.integers(1, 60)),
        st.sampled_from([*TOTALS]),
    ),
    stranger=st.builds(
        Stranger,
        st.sampled_from([*STRANGERS]),
        st.sampled_from([0, 1, 2, -2, 1000]),
        st.booleans(),
        st.booleans(),
    ),
    after=st.one_of(st.none(), st.integers(0, 3000)),
    script=st.dictionaries(st.integers(1, 10), changes, max_size=4),
    threads=st.integers(1, 5),
)
@example(  # a page of one record, and one that stands on each, overlaps nothing
    server=(8, 76, 1, "missing"),
    stranger=Stranger("an id between", 1, on_empty=False, instead=False),
    after=750,
    script={},
    threads=1,
)
@example(  # what an earlier reader read last is gone, and each page begins with a lower id
    server=(2, 3, None, "right"),
    stranger=Stranger("the lowest id", 0, on_empty=False, instead=False),
    after=10,
    script={1: [("delete", 0)]},
    threads=1,
)
def test_what_stands_on_each_page_hides_nothing_and_the_list_ends(
    server: tuple[int, int, int | None, str],
    stranger: Stranger,
    after: int | None,
    script: dict[int, list[tuple[Any, ...]]],
    threads: int,
) -> None:
    """An error, an advertisement, one that is pinned."""
    page_size, count, cap, totals = server
    account = Patient(
        list(range(10, 10 * count + 10, 10)),
        happening(script),
        lambda there: TOTALS[totals](there + stranger.is_keyed),
        cap=cap,
        dress=stranger.join,
        max_concurrency=threads,
    )
    there = account.watch()
    account.most = 150 + 6 * max(count, (after or 0) // 10)
    paged_request = contacts(page_size, after=after, skip=(after or 0) // 10)
    found = read(account, paged_request)
    expected = {one for one in there - account.changed if after is None or one > after}
    if totals == "right" and not stranger.instead and cap != 1 and not script:
        assert set(found) >= expected
    # One that stands for another, with a key of its own, looks like any record. Nor is a total
    # that is too low told from one that is right, where a page just fits it; nor, without a total,
    # what is pinned to an empty page from the last record, if others go meanwhile.
    is_hidden = stranger.instead and stranger.is_keyed
    is_hidden |= totals in {"missing", "negative"} and stranger.on_empty and bool(script)
    if paged_request.shortfall is None and not is_hidden and totals not in {"too low", "nothing"}:
        assert set(found) >= expected


@pytest.mark.parametrize(
    ("server", "came", "requests", "is_whole"),
    [
        ({}, 1200, 3, True),
        ({"hidden": {100}}, 1199, 6, True),
        ({"hidden": {100}, "counts_hidden": True}, 1199, 11, False),
        ({"hidden": {499}}, 1199, 6, True),
        ({"hidden": set(range(300, 900))}, 600, 10, False),
        ({"hidden": set(range(300, 900)), "counts_hidden": True}, 600, 16, False),
        ({"cap": 200}, 1200, 7, True),
        ({"cap": 100}, 1200, 13, True),
        ({"cap": 30}, 1200, 45, True),
        ({"cap": 1}, 1200, 1203, False),
        ({"total": "missing"}, 1200, 5, True),
        ({"total": "missing", "cap": 200}, 1200, 9, True),
        ({"total": "too low"}, 1200, 6, True),
        ({"total": "too high"}, 1200, 20, False),
        ({"readable": 700}, 999, 25, False),
        ({"readable": 0}, 0, 16, False),
    ],
)
def test_what_each_kind_of_server_costs(
    server: dict[str, Any],
    came: int,
    requests: int,
    is_whole: bool,  # noqa: FBT001
) -> None:
    """Of 1,200 contacts, asked for by one thread: as the table says, at most."""
    options = dict(server)
    options["total"] = TOTALS[options.get("total", "right")]
    options["hidden"] = options.get("hidden", set()).__contains__
    account = Account(list(range(1200)), max_concurrency=1, **options)
    paged_request = contacts()
    assert len(read(account, paged_request)) == came
    assert len(account.requests) <= requests
    assert (paged_request.shortfall is None) is is_whole


def test_under_a_cap_pages_are_asked_for_ahead_and_at_its_distance() -> None:
    account = Account(list(range(20_000)), max_concurrency=8, cap=200)
    paged_request = contacts()
    with Prefetcher(account) as prefetcher:  # type: ignore[arg-type]
        pages = prefetcher.read(paged_request)
        next(pages)
        assert sorted(paged_request.pending) == [199 * number for number in range(1, 17)]
        assert sum(len(page.records) for page in pages) == 19_800
    assert len(account.requests) <= 20_000 // 199 + 2


def test_who_reads_a_list_is_told_that_it_ended_short_with_both_numbers() -> None:
    account = Account(list(range(1200)), hidden={7}.__contains__, counts_hidden=True)
    pages: list[Page] = []
    said = r"/Contacts ended after 1,199 of 1,200 records\."
    with Prefetcher(account) as prefetcher, pytest.raises(IncompleteError, match=said):  # type: ignore[arg-type]
        pages.extend(prefetcher.read(contacts()))
    assert sum(len(page.records) for page in pages) == 1199
