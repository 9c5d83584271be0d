"""A rolling refresh over the real reader: what it asks for, what it hands out, what it keeps."""

from __future__ import annotations

from contextlib import closing
from datetime import timedelta
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tap_insightly.api import Page, Prefetcher, RetriesExhaustedError
from tap_insightly.api.http.response import Response
from tap_insightly.sync.refresh import REFRESH, Refresh, gone_in
from tests.changing import EPOCH, Account
from tests.refreshing import contacts

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from tap_insightly.api import PagedRequest

DAY = timedelta(days=1)


class Cut(Account):
    """Answers so many requests, and no more."""

    most: int | None = None

    def get(self, path: str, *arguments: Any, **options: Any) -> Response:
        if self.most is not None and len(self.requests) >= self.most:
            raise RetriesExhaustedError
        return super().get(path, *arguments, **options)


def refresh_of(saved: object = None, *, days: float = 7, page_size: int = 10) -> Refresh:
    return Refresh("/Contacts", "CONTACT_ID", days=days, saved=saved, page_size=page_size)


def begun(account: Account) -> dict[str, Any]:
    """The state after the stream was read whole."""
    state: dict[str, Any] = {}
    refresh = refresh_of()
    refresh.keep_in(state)
    refresh.begin(EPOCH, len(account.ids))
    return state


def pages(refresh: Refresh, account: Account, days: float) -> Iterator[Page]:
    """Read what is due so many days after the beginning."""
    account.requests.clear()
    with closing(Prefetcher(account)) as reader:  # type: ignore[arg-type]  # it stands in for one

        def read(paged_requests: Sequence[PagedRequest]) -> Iterator[Page]:
            for paged_request in paged_requests:
                yield from reader.read(paged_request)

        yield from refresh.pages(read, EPOCH + days * DAY)


def ids(found: Page) -> list[int]:
    return [record["CONTACT_ID"] for record in found.records]


def run(state: dict[str, Any], account: Account, days: float) -> list[int]:
    """Read what is due, and keep it in the state; the ids that were handed out."""
    refresh = refresh_of(state.get(REFRESH))
    refresh.keep_in(state)
    return [number for page in pages(refresh, account, days) for number in ids(page)]


def test_a_slice_asks_for_whole_records_and_for_as_many_pages_as_are_planned() -> None:
    """Pages are asked for ahead of time, but none that is not due."""
    account = contacts(500)
    state = begun(account)
    for day in range(1, 30):
        planned = refresh_of(state[REFRESH]).planned(EPOCH + day * DAY)
        run(state, account, day)
        assert len(account.requests) == planned
        assert planned <= 500 / 9 / 7 + 2
        assert {path for path, _ in account.requests} == {"/Contacts"}
        assert not any("brief" in query for _, query in account.requests)


def test_slices_follow_each_other_through_the_list_and_begin_again_at_its_end() -> None:
    account = contacts(500)
    state = begun(account)
    found = [run(state, account, day) for day in range(1, 15)]
    first, second = ([one for slice_ in week for one in slice_] for week in (found[:7], found[7:]))
    assert first == second == account.ids


def test_the_first_run_asks_for_one_page_if_nobody_knows_how_long_the_list_is() -> None:
    account, state = contacts(500), dict[str, Any]()
    assert refresh_of().planned(EPOCH) == 1
    assert run(state, account, 0) == account.ids[:10]
    assert len(account.requests) == 1
    found = [run(state, account, day) for day in range(1, 8)]
    assert [one for slice_ in found for one in slice_] == [*account.ids[10:], *account.ids[:10]]


def test_a_server_that_tells_no_totals_costs_one_reading_more() -> None:
    account = Account(list(range(1, 101)), total=lambda _: None)
    state: dict[str, Any] = {}
    assert run(state, account, 0) == account.ids
    assert run(state, account, 1) == []
    assert run(state, account, 7) == account.ids


@settings(max_examples=100)
@given(
    count=st.integers(1, 120),
    cuts=st.lists(st.integers(0, 4), max_size=12),
    takes=st.lists(st.integers(0, 3), max_size=12),
)
def test_a_cut_after_any_page_loses_nothing(count: int, cuts: list[int], takes: list[int]) -> None:
    """Neither one of the API's, nor one of the process before all that was read was sent."""
    account = Cut(list(range(1, count + 1)))
    state, sent = begun(account), list[int]()
    for most, takes_only in zip(cuts, takes, strict=False):
        account.most = most
        refresh = refresh_of(state[REFRESH])
        refresh.keep_in(state)
        found = pages(refresh, account, 7)
        try:
            for _ in range(takes_only):
                sent.extend(ids(next(found)))
        except (RetriesExhaustedError, StopIteration):
            pass
        finally:
            found.close()  # type: ignore[attr-defined]  # it is a generator
    account.most = None
    sent.extend(run(state, account, 7))
    assert set(sent) == set(account.ids)
    assert run(state, account, 7) == []


@pytest.mark.parametrize("count", [0, 1, 2, 9, 10, 11, 19, 20])
def test_a_list_of_any_length_is_read_once_in_so_many_days(count: int) -> None:
    account = contacts(count)
    state = begun(account)
    found = [run(state, account, day) for day in range(1, 8)]
    assert [one for slice_ in found for one in slice_] == account.ids


@pytest.mark.parametrize("threads", [1, 4, 20])
def test_records_that_are_gone_meanwhile_do_not_lose_others(threads: int) -> None:
    account = contacts(500)
    account.max_concurrency = threads
    state = begun(account)
    account.delete(0, 3)
    read = set(run(state, account, 1))
    account.delete(10, 40)
    account.happens = {2: lambda world: world.delete(60, 25)}
    for day in range(2, 8):
        read |= set(run(state, account, day))
        account.happens = {}
    assert read >= set(account.ids)


def test_a_list_without_ascending_ids_is_left_out_and_said_to_be() -> None:
    account = Account(list(range(1, 101)), key=lambda number: number ^ 1)
    state = begun(account)
    refresh = refresh_of(state[REFRESH])
    refresh.keep_in(state)
    assert len(list(pages(refresh, account, 7))) == 1
    assert refresh.trouble == "/Contacts is not refreshed, because ids do not ascend in it."
    assert state[REFRESH]["ahead"] == []


def test_a_list_that_ends_before_its_total_is_tried_again_and_then_left_where_it_ends() -> None:
    account = Account(list(range(1, 101)), readable=50)
    state = begun(account)
    refresh = refresh_of(state[REFRESH])
    refresh.keep_in(state)
    found = [one for page in pages(refresh, account, 7) for one in ids(page)]
    assert len(found) < 100
    assert "of 100 records" in (refresh.trouble or "")
    assert state[REFRESH]["after"] == found[-1], "the next run tries from here"

    again = refresh_of(state[REFRESH])
    again.keep_in(state)
    assert [one for page in pages(again, account, 8) for one in ids(page)] == []
    assert again.trouble
    assert state[REFRESH]["after"] is None, "the rest is not kept waiting"
    account.readable = None
    assert run(state, account, 15) == account.ids


def page_of(*numbers: int, new: int = 1) -> Page:
    records: list[Mapping[str, Any]] = [{"CONTACT_ID": one} for one in numbers]
    body = str(records).replace("'", '"').encode()
    return Page(Response(body), 0, records[len(records) - new :] if new else [])


@pytest.mark.parametrize(
    ("page", "gone"),
    [
        (page_of(3, 4, 7), [5, 6]),
        (page_of(3, 7), [4, 5, 6]),
        (page_of(5), []),
        (page_of(), []),
        (page_of(3, 7, new=0), []),  # it does not follow what was read before
        (page_of(7, 3), []),
    ],
)
def test_a_page_shows_what_is_gone_between_its_first_and_its_last_record(
    page: Page, gone: list[int]
) -> None:
    assert gone_in(page, "CONTACT_ID", [1, 2, 3, 4, 5, 6, 7, 8]) == gone


def test_what_is_gone_is_found_on_the_way_through_the_list() -> None:
    account = contacts(100)
    known, state = list(account.ids), begun(account)
    account.delete(30, 5)
    found = pages(refresh_of(state[REFRESH]), account, 7)
    gone = [one for page in found for one in gone_in(page, "CONTACT_ID", known)]
    assert gone == [31, 32, 33, 34, 35]
