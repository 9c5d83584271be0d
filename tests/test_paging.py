"""Reading a list while it changes: nothing that is there all along is lost, or comes twice."""

from __future__ import annotations

import random
import threading
from collections import Counter
from contextlib import suppress
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from tap_insightly.api import (
    IncompleteError,
    InsightlyError,
    PagedRequest,
    Prefetcher,
    RefusedError,
    Response,
)
from tap_insightly.api.lists.paginator import OffsetPaginator
from tap_insightly.api.lists.prefetch import MOST_HELD
from tests.changing import Account

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping

    from tap_insightly.api import RequestStats


def read(
    account: Any, paged_request: PagedRequest, expected: Iterable[PagedRequest] = ()
) -> list[Any]:
    """Read a list to its end, whole or not, with threads; the keys of its records."""
    found: list[Any] = []
    with Prefetcher(account, expected) as prefetcher, suppress(IncompleteError):
        for page in prefetcher.read(paged_request):
            found += [record.get("CONTACT_ID") for record in page.records]
    return found


def contacts(page_size: int = 500, **options: Any) -> PagedRequest:
    paginator = OffsetPaginator(["CONTACT_ID"], page_size=page_size, **options)
    return PagedRequest("/Contacts", paginator=paginator)


def in_order(ids: list[int]) -> list[int]:
    return ids


def shuffled(ids: list[int]) -> list[int]:
    """In some order that is none, but stays the same."""
    return sorted(ids, key=lambda number: random.Random(number).random())


changes = st.lists(
    st.one_of(
        st.tuples(st.just("create")),
        st.tuples(st.just("update"), st.integers(0, 3000)),
        st.tuples(st.just("delete"), st.integers(0, 3000)),
        st.tuples(st.just("delete"), st.integers(0, 3000), st.integers(2, 1600)),
    ),
    max_size=4,
)


def happening(script: Mapping[int, list[tuple[Any, ...]]]) -> dict[int, Callable[[Account], None]]:
    def play(one: list[tuple[Any, ...]]) -> Callable[[Account], None]:
        def happen(account: Account) -> None:
            for name, *arguments in one:
                getattr(account, name)(*arguments)

        return happen

    return {number: play(one) for number, one in script.items()}


@settings(max_examples=300)
@given(
    count=st.one_of(st.integers(0, 3000), st.sampled_from([0, 1, 499, 500, 501, 999, 1000, 1500])),
    page_size=st.one_of(st.just(500), st.integers(2, 60)),
    script=st.dictionaries(st.integers(1, 30), changes, max_size=10),
    total=st.sampled_from(["right", "missing", "too low", "too high"]),
)
@example(count=500, page_size=500, script={2: [("delete", 499)]}, total="right")
@example(count=1500, page_size=500, script={2: [("delete", 0, 500)]}, total="right")
@example(count=1500, page_size=500, script={3: [("delete", 0, 1500)]}, total="right")
def test_what_exists_throughout_comes_exactly_once(
    count: int, page_size: int, script: dict[int, list[tuple[Any, ...]]], total: str
) -> None:
    count = min(count, 40 * page_size)
    says: dict[str, Callable[[int], int | None]] = {
        "right": lambda there: there,
        "missing": lambda _: None,
        "too low": lambda there: there // 2,
        "too high": lambda there: there * 2 + 3,
    }
    account = Account(list(range(1, 3 * count + 1, 3)), happening(script), says[total])
    there = account.watch()
    paged_request = contacts(page_size)
    found = read(account, paged_request)
    assert max(Counter(found).values(), default=0) <= 1
    if paged_request.shortfall is None:
        kept = [one for one in found if one not in account.changed]
        assert kept == sorted(kept)
    assert set(found) >= there - account.changed
    # What is updated stays in a list, so it comes, too.
    assert set(found) >= there & set(account.ids)


class Patient(Account):
    """Answers so many requests, and no more."""

    most = 1000

    def get(self, path: str, *arguments: Any, **options: Any) -> Response:
        assert len(self.requests) < self.most, "the list does not end"
        return super().get(path, *arguments, **options)


@settings(max_examples=300)
@given(
    count=st.integers(0, 40),
    page_size=st.integers(2, 6),
    script=st.dictionaries(st.integers(1, 30), changes, max_size=12),
    threads=st.integers(1, 4),
)
@example(count=12, page_size=4, script={2: [("update", 1), ("update", 3)]}, threads=1)
def test_a_search_ends_whatever_enters_and_leaves_it(
    count: int, page_size: int, script: dict[int, list[tuple[Any, ...]]], threads: int
) -> None:
    """Half of the contacts are found by the search at first, and the rest if they are updated."""
    account = Patient(list(range(count)), happening(script), max_concurrency=threads)
    account.updated |= dict.fromkeys(range(0, count, 2), 1)
    there = account.watch() - set(range(1, count, 2))
    paginator = OffsetPaginator(["CONTACT_ID"], page_size=page_size)
    since = {"updated_after_utc": "2026-01-01T00:00:00Z"}
    found = read(account, PagedRequest("/Contacts/Search", since, paginator=paginator))
    assert max(Counter(found).values(), default=0) <= 1
    assert set(found) >= there - account.changed


@settings(max_examples=150)
@given(
    count=st.integers(0, 600),
    page_size=st.integers(2, 60),
    script=st.dictionaries(st.integers(1, 30), changes, max_size=6),
    begin=st.integers(0, 80),
)
def test_a_list_whose_ids_do_not_ascend_loses_nothing_either(
    count: int, page_size: int, script: dict[int, list[tuple[Any, ...]]], begin: int
) -> None:
    """However late it shows that they do not, and in whatever order they are, if it stays."""
    count = min(count, 20 * page_size)
    ids = list(range(1, count + 1))
    account = Account(ids[:begin] + shuffled(ids[begin:]), happening(script))
    there = account.watch()
    found = read(account, contacts(page_size))
    assert max(Counter(found).values(), default=0) <= 1
    assert set(found) >= there - account.changed


@pytest.mark.parametrize(
    "key",
    [str, lambda number: f"tag {number}", lambda number: number or None, lambda number: -number],
)
def test_keys_that_are_no_ids_are_read_one_page_at_a_time(key: Callable[[int], Any]) -> None:
    account = Account(list(range(25)), key=key)
    paged_request = contacts(10)
    assert read(account, paged_request) == [key(number) for number in range(25)]
    # A total is not to be relied on if there is what may be no record.
    more = ["24"] if key(0) is None else []
    assert [query["skip"] for _, query in account.requests] == ["0", "9", "18", *more]
    assert paged_request.paginator is not None
    assert paged_request.paginator.last is None, "nobody can go on from here"


@pytest.mark.parametrize("count", [0, 1, 499, 500, 501, 999, 1000, 50_000])
def test_a_quiet_list_costs_no_more_than_its_pages(count: int) -> None:
    account = Account(list(range(count)), max_concurrency=20)
    assert read(account, contacts()) == list(range(count))
    assert len(account.requests) <= -(-count // 500) * 1.01 + 2


@pytest.mark.parametrize(("many", "more"), [(1, 1), (400, 1), (10_000, 20)])
def test_deletions_cost_a_few_requests_more(many: int, more: int) -> None:
    account = Account(
        list(range(50_000)), happening({60: [("delete", 3, many)]}), max_concurrency=1
    )
    assert len(read(account, contacts())) >= 50_000 - many
    assert len(account.requests) <= 101 + more


def test_only_the_first_and_the_last_request_ask_for_the_count() -> None:
    account = Account(list(range(95)))
    read(account, contacts(10))
    pending = [query.get("count_total") for _, query in account.requests]
    assert pending == ["true"] + [None] * (len(pending) - 2) + ["true"]


@settings(max_examples=100)
@given(
    count=st.integers(0, 400),
    after=st.integers(0, 500),
    skip=st.integers(0, 500),
    script=st.dictionaries(st.integers(1, 10), changes, max_size=3),
)
def test_reading_goes_on_after_an_id_wherever_it_is_now(
    count: int, after: int, skip: int, script: dict[int, list[tuple[Any, ...]]]
) -> None:
    account = Account(list(range(count)), happening(script))
    there = account.watch()
    found = read(account, contacts(20, after=after, skip=skip))
    assert max(Counter(found).values(), default=0) <= 1
    assert all(number > after for number in found)
    assert set(found) >= {number for number in there - account.changed if number > after}


def test_going_on_where_it_was_costs_one_page() -> None:
    account = Account(list(range(50_000)))
    read(account, contacts(after=49_700, skip=49_401))
    assert len(account.requests) == 2


class Same:
    """A server that does not care for ``skip``."""

    max_concurrency = 2
    size = 500

    def __init__(self, size: int) -> None:
        self.records = [{"CONTACT_ID": number} for number in range(size)]
        self.requests = 0

    def get(self, *_: Any, **__: Any) -> Response:
        self.requests += 1
        return Response(str(self.records).replace("'", '"').encode())


def test_a_server_that_does_not_page_does_not_keep_us_for_ever() -> None:
    with pytest.raises(RefusedError, match="does not end"):
        read(Same(500), contacts())
    assert read(Same(501), contacts()) == list(range(501))


@pytest.mark.parametrize("size", [0, 1, 2, 499, 501])
def test_nor_does_a_short_list_that_is_answered_everywhere_cost_much(size: int) -> None:
    server = Same(size)
    assert read(server, contacts()) == list(range(size))
    assert server.requests <= 3


def test_pages_have_to_overlap() -> None:
    with pytest.raises(ValueError, match="two at least"):
        OffsetPaginator(["CONTACT_ID"], page_size=1)


class Counting(Account):
    """Counts what is held: asked for, and not read yet."""

    def __post_init__(self) -> None:
        super().__post_init__()
        self.read = 0
        self.most = 0
        self.threads = 0

    def get(
        self,
        path: str,
        params: Mapping[str, str] | None = None,
        stats: RequestStats | None = None,
        **_: Any,
    ) -> Response:
        answer = super().get(path, params, stats)
        self.most = max(self.most, len(self.requests) - self.read)
        self.threads = max(self.threads, threading.active_count())
        return answer


def test_a_slow_reader_holds_a_bounded_number_of_pages() -> None:
    account = Counting(list(range(10_000)), max_concurrency=3)
    before = threading.active_count()
    with Prefetcher(account, [contacts(10) for _ in range(20)]) as prefetcher:  # type: ignore[arg-type]
        for _ in prefetcher.read(contacts(10)):
            account.read += 1
    assert account.most <= 12 + 1
    assert account.threads <= before + 3
    assert threading.active_count() == before, "no thread is left"


def test_large_pages_are_held_in_smaller_numbers() -> None:
    """And records of two megabytes are asked for two at a time."""

    class Large(Counting):
        def get(self, *arguments: Any, **options: Any) -> Response:
            answer = super().get(*arguments, **options)
            body = answer.body + b" " * answer.count * 2 * 2**20
            return Response(body, answer.date, answer.total)

    account = Large(list(range(40)), max_concurrency=20)
    with Prefetcher(account) as prefetcher:  # type: ignore[arg-type]
        for _ in prefetcher.read(contacts(10)):
            account.read += 1
    assert account.most <= MOST_HELD // (4 * 2**20) + 2
    assert {query["top"] for _, query in account.requests[1:]} == {"2"}


@pytest.mark.parametrize("count", [0, 5, 200, 499])
def test_first_pages_of_the_lists_to_come_are_fetched_ahead(count: int) -> None:
    account = Account(list(range(count)), max_concurrency=20)
    lists = [
        PagedRequest(f"/{number}", paginator=OffsetPaginator(["CONTACT_ID"]))
        for number in range(30)
    ]
    with Prefetcher(account, lists) as prefetcher:  # type: ignore[arg-type]
        first = next(iter(prefetcher.read(lists[0])))
        assert len(first.records) == count
        for paged_request in lists[1:]:
            paged_request.pending[0].response.result(60)
        assert len(account.requests) == 30
        for paged_request in lists[1:]:
            assert [len(page.records) for page in prefetcher.read(paged_request)] == [count]
    assert len(account.requests) == 30, "each was asked for once"


def test_what_the_first_page_of_a_list_to_come_tells_is_enough_to_fetch_the_others() -> None:
    account = Account(list(range(120)), max_concurrency=20)
    now, later = contacts(10), contacts(40)
    with Prefetcher(account, [now, later]) as prefetcher:  # type: ignore[arg-type]
        pages = prefetcher.read(now)
        next(pages)
        later.pending[0].response.result(10)
        next(pages)
        assert sorted(later.pending) == [0, 39, 78, 117]
        before = list(later.pending_offsets())
        assert list(later.pending_offsets()) == before, "to ask what is needed changes nothing"


def test_what_is_held_for_later_takes_no_room_from_what_is_read_now() -> None:
    account = Account(list(range(1000)), max_concurrency=2)
    lists = [
        PagedRequest(f"/{number}", paginator=OffsetPaginator(["CONTACT_ID"]))
        for number in range(30)
    ]
    big = contacts(10)
    with Prefetcher(account, [big, *lists]) as prefetcher:  # type: ignore[arg-type]
        pages = prefetcher.read(big)
        next(pages)
        assert len(big.pending) == 4, "as many as there is room for"
        list(pages)


def test_an_error_in_a_thread_reaches_the_reader_as_itself() -> None:
    class Failing(Account):
        def get(self, path: str, *arguments: Any, **options: Any) -> Response:
            if len(self.requests) == 3:
                raise error
            return super().get(path, *arguments, **options)

    error = InsightlyError("the very one")
    before = threading.active_count()
    with pytest.raises(InsightlyError) as raised:
        read(Failing(list(range(500))), contacts(10))
    assert raised.value is error
    assert threading.active_count() == before


def test_while_waiting_something_else_can_be_done() -> None:
    waited, go = threading.Event(), threading.Event()

    class Slow(Account):
        def get(self, *arguments: Any, **options: Any) -> Response:
            assert go.wait(60)
            return super().get(*arguments, **options)

    def while_waiting() -> None:
        waited.set()
        go.set()

    with Prefetcher(Slow([1])) as prefetcher:  # type: ignore[arg-type]
        assert len(list(prefetcher.read(contacts(), while_waiting))) == 1
    assert waited.is_set()
