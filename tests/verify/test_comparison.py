"""Comparing: whatever differs is named, and nothing else; for as few requests as can be."""

from __future__ import annotations

from copy import deepcopy
from dataclasses import dataclass, field
from datetime import timedelta
from itertools import chain
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from tap_insightly.api import Prefetcher
from tap_insightly.api.http.errors import PageTooLargeError
from tap_insightly.tap import TapInsightly
from tap_insightly.verify import ComparableStream, NotComparableError
from tap_insightly.verify.comparison import Comparison
from tap_insightly.verify.rows import WarehouseRow
from tap_insightly.verify.warehouse import Table, Warehouse
from tests.changing import EPOCH, Account
from tests.conftest import KEY
from tests.syncing import CATALOG, Session
from tests.test_paging import changes, happening

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from tap_insightly.api import RequestStats, Response
    from tap_insightly.verify.differences import Differences

START = int(EPOCH.timestamp())
SYNCED = 10_000_000  # seconds after it
KINDS = "same missing gone older newer updated_since created_since revived dead".split()
COLUMNS = {name: (name, "") for name in ("contact_id", "date_updated_utc")}


@dataclass
class Held(Warehouse):
    """A warehouse in memory, of contacts."""

    held: list[WarehouseRow]

    def table(self, stream: str, keys: Sequence[str]) -> Table:  # noqa: ARG002 - of contacts
        return Table("main", stream, COLUMNS)

    def rows(
        self,
        table: Table,  # noqa: ARG002 - there is one
        keys: Sequence[str],  # noqa: ARG002 - as above
        updated: str | None,  # noqa: ARG002 - as above
        *,
        is_numeric: bool,  # noqa: ARG002 - as above
    ) -> Iterator[WarehouseRow]:
        return iter(self.held)


@dataclass
class World:
    """An account and a warehouse of which it is known what differs."""

    kinds: Sequence[str]
    account: Account = field(default_factory=lambda: Account([]))
    rows: list[WarehouseRow] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.account = Account([n for n, kind in self.all if kind not in {"gone", "dead"}])
        self.account.next_id = 3 * len(self.kinds) + 1  # no id comes twice
        for number, kind in self.all:
            date = SYNCED + number if kind.endswith("since") else 10 * number
            if number in self.account.updated:
                self.account.updated[number] = date
            if kind not in {"missing", "created_since"}:
                self.rows.append(self.row(number, kind))

    @property
    def all(self) -> Iterator[tuple[int, str]]:
        return ((3 * place + 1, kind) for place, kind in enumerate(self.kinds))

    @staticmethod
    def row(number: int, kind: str) -> WarehouseRow:
        date = START + 10 * number + {"older": -5, "newer": 5}.get(kind, 0)
        return WarehouseRow(number, date, START if kind in {"revived", "dead"} else None)

    def of(self, *kinds: str) -> set[Any]:
        return {number for number, kind in self.all if kind in kinds}

    def compare(self, **options: Any) -> tuple[Comparison, Differences]:
        return compared(self.account, self.rows, **options)


def compared(
    account: Account, rows: list[WarehouseRow], *, start_date: str | None = None, **options: Any
) -> tuple[Comparison, Differences]:
    config = {"api_key": KEY, "start_date": start_date}
    tap = TapInsightly(config=config, catalog=deepcopy(CATALOG), setup_mapper=False)
    session: Any = Session(account, None)
    options = {"bookmark": START + SYNCED, "page_size": 10, **options}
    comparison = Comparison(
        ComparableStream(tap.streams["contacts"]),  # type: ignore[arg-type]  # it is ours
        Held(rows),
        session,
        **options,
    )
    with Prefetcher(session, comparison.first_requests()) as reader:
        return comparison, comparison.run(reader)


worlds = st.builds(
    World,
    st.one_of(
        st.lists(st.sampled_from(KINDS), max_size=120),
        st.lists(st.sampled_from([*["same"] * 30, *KINDS]), max_size=200),
        st.tuples(
            *[
                st.lists(st.just(kind), max_size=60)
                for kind in ("same", "missing", "same", "gone", "same", "created_since")
            ]
        ).map(lambda parts: list(chain.from_iterable(parts))),
    ),
)
sizes = st.integers(2, 30)


@settings(max_examples=300)
@given(world=worlds, page_size=sizes)
def test_where_all_dates_are_compared_every_difference_is_named_and_no_other(
    world: World, page_size: int
) -> None:
    comparison, found = world.compare(is_each_date=True, page_size=page_size)
    exact(world, found)
    assert found.dates_compared == len(found.rows) - len(found.gone)
    assert comparison.total == len(world.account.ids)


def exact(world: World, found: Differences) -> None:
    assert sorted(found.missing) == sorted(world.of("missing", "revived"))
    assert found.gone == world.of("gone")
    assert found.older == world.of("older")
    assert found.newer == world.of("newer")
    assert found.updated_since == world.of("updated_since")
    assert sorted(found.created_since) == sorted(world.of("created_since"))


@settings(max_examples=500)
@given(world=worlds, page_size=sizes)
def test_where_ids_are_counted_nothing_is_named_that_does_not_differ(
    world: World, page_size: int
) -> None:
    _, found = world.compare(page_size=page_size)
    unknown, gone = world.of("missing", "revived", "created_since"), world.of("gone")
    assert found.gone <= gone
    assert set(found.not_in_warehouse) <= unknown
    # As many of both side by side cancel out, but numbers that differ never do.
    assert len(unknown) - len(gone) == len(found.not_in_warehouse) - len(found.gone)
    if not gone or not unknown:
        assert (found.gone, set(found.not_in_warehouse)) == (gone, unknown)
    assert set(found.missing) <= world.of("missing", "revived")
    for kind in ("older", "newer", "updated_since"):
        assert getattr(found, kind) <= world.of(kind)


@settings(max_examples=200)
@given(count=st.integers(0, 200), page_size=st.integers(2, 600))
def test_where_nothing_differs_one_request_tells(count: int, page_size: int) -> None:
    world = World(["same"] * count)
    comparison, found = world.compare(page_size=page_size)
    exact(world, found)
    assert len(world.account.requests) == comparison.stats.requests
    assert len(world.account.requests) == 1
    assert found.dates_compared >= min(count, page_size // 2)


def test_new_records_cost_nothing_if_they_are_on_the_same_page() -> None:
    world = World(["same"] * 2000 + ["created_since"] * 249)
    comparison, found = world.compare(page_size=500)
    exact(world, found)
    assert comparison.counted
    assert len(world.account.requests) == 1


def test_few_requests_find_one_missing_record_among_many() -> None:
    kinds = ["same"] * 50_000
    kinds[12_345] = "missing"
    world = World(kinds)
    _, found = world.compare(page_size=500)
    exact(world, found)
    assert len(world.account.requests) <= 12


def test_more_missing_than_a_page_holds_are_all_found() -> None:
    """As when another tap took short pages for the end of the list."""
    world = World((["same"] * 200 + ["missing"] * 300) * 5)
    _, found = world.compare(page_size=500)
    exact(world, found)


@settings(max_examples=300)
@given(
    world=worlds,
    script=st.dictionaries(st.integers(1, 12), changes, max_size=4),
    page_size=sizes,
    is_each_date=st.booleans(),
)
def test_while_the_account_changes_nothing_is_named_that_did_not_differ_or_change(
    world: World, script: dict[int, Any], page_size: int, *, is_each_date: bool
) -> None:
    account = world.account
    account.watch()
    account.happens = happening(script)
    try:
        _, found = world.compare(page_size=page_size, is_each_date=is_each_date)
    except NotComparableError:
        assert account.changed
        return
    assert not found.gone & set(account.ids)
    assert found.gone <= world.of("gone") | account.changed
    known = world.of("missing", "revived", "created_since")
    assert set(found.not_in_warehouse) <= known | account.changed
    for kind in ("older", "newer"):
        assert getattr(found, kind) <= world.of(kind) | account.changed
    if is_each_date:
        assert found.gone >= world.of("gone")
        assert set(found.not_in_warehouse) >= known - account.changed


@pytest.mark.parametrize("place", [5, 95])
def test_a_deletion_while_a_list_is_read_is_no_reason_to_give_up(place: int) -> None:
    world = World(["same"] * 100)
    world.account.max_concurrency = 1
    world.account.happens = {5: lambda account: account.delete(place)}
    _, found = world.compare(is_each_date=True)
    assert found.gone <= world.account.changed
    assert not found.not_in_warehouse


def test_pages_that_are_too_large_are_asked_for_in_smaller_ones() -> None:
    world = World(["same"] * 50)
    world.account.happens = {1: too_large}
    comparison, found = world.compare()
    exact(world, found)
    assert comparison.counted
    assert len(world.account.requests) > 1


def too_large(_: Account) -> None:
    msg = "too large"
    raise PageTooLargeError(msg)


@dataclass
class Strange(Account):
    """An account whose pages hold less than they should."""

    cap: int = 1000

    def get(
        self, path: str, params: Mapping[str, str] | None = None, stats: RequestStats | None = None
    ) -> Response:
        query = dict(params or {})
        query["top"] = str(min(self.cap, int(query["top"])))
        return super().get(path, query, stats)


@settings(max_examples=300)
@given(
    world=worlds,
    page_size=sizes,
    cap=st.one_of(st.just(1000), st.integers(1, 30)),
    says=st.sampled_from([None, 0, 0.5, 0.9, 1, 1.1, 2]),
    is_each_date=st.booleans(),
)
@example(
    world=World("same same missing same".split()),
    page_size=3,
    cap=1000,
    says=0.9,
    is_each_date=False,
)
def test_a_server_that_caps_its_pages_or_miscounts_is_never_taken_at_its_word(
    world: World, page_size: int, cap: int, says: float | None, *, is_each_date: bool
) -> None:
    account = Strange(list(world.account.ids), cap=cap)
    account.updated = world.account.updated
    account.total = lambda count: None if says is None else int(count * says)
    world.account = account
    try:
        _, found = world.compare(page_size=page_size, is_each_date=is_each_date)
    except NotComparableError:
        assert says != 1 or cap < page_size
        return
    if cap < page_size and says in {None, 0, 0.5, 0.9}:
        return  # nothing is known then but what the pages say
    assert found.gone <= world.of("gone")
    assert set(found.not_in_warehouse) <= world.of("missing", "revived", "created_since")


def test_a_bookmark_goes_before_the_newest_date_of_the_warehouse() -> None:
    world = World(["same", "created_since", "missing", "same"])
    for bookmark, missing in ((START + SYNCED, {7}), (None, {7}), (START, set()), (0, set())):
        _, found = world.compare(bookmark=bookmark)
        assert set(found.missing) == missing, bookmark
        assert set(found.created_since) == {4, 7} - missing


def test_an_empty_table_misses_everything() -> None:
    _, found = compared(Account(list(range(1, 40))), [], bookmark=None)
    assert found.missing == list(range(1, 40))


def test_an_empty_account_has_lost_everything() -> None:
    rows = [WarehouseRow(number, START) for number in range(1, 60)]
    account = Account([])
    _, found = compared(account, rows)
    assert found.gone == set(range(1, 60))
    assert len(account.requests) <= 8


def test_ids_that_do_not_ascend_are_compared_one_by_one() -> None:
    ids = [*range(50, 100), *range(1, 50)]
    account = Account(ids)
    account.updated = dict.fromkeys(ids, 0)
    rows = [WarehouseRow(number, START) for number in range(2, 101)]
    comparison, found = compared(account, rows)
    assert not comparison.counted
    assert (found.missing, found.gone) == ([1], {100})


@pytest.mark.parametrize("order", [1, -1])
def test_of_several_rows_of_a_key_the_newest_counts_in_any_order(order: int) -> None:
    rows = [
        WarehouseRow(1, START - 9),
        WarehouseRow(1, START),  # updated
        WarehouseRow(2, START),
        WarehouseRow(2, None, START + 9),  # deleted
        WarehouseRow(3, START - 9),
        WarehouseRow(3, None, START - 5),  # deleted, and come back
        WarehouseRow(3, START),
    ]
    account = Account([1, 3])
    _, found = compared(account, rows[::order])
    assert not found.missing
    assert not found.gone
    assert not found.older
    assert found.rows.duplicates == 4
    assert found.rows.is_deleted(2)


def test_what_start_date_leaves_out_is_not_compared() -> None:
    account = Account(list(range(1, 60)))
    account.updated = {number: number for number in account.ids}
    since = EPOCH + timedelta(seconds=30)
    rows = [WarehouseRow(number, START + number) for number in range(20, 59)]
    _, found = compared(account, rows, start_date=since.isoformat())
    assert (found.missing, found.gone) == ([59], set())
    assert len(found.rows) == 29
