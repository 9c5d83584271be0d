"""Lists that end short of their total, have caps and holes, or a total that is wrong.

Everything comes, or it is said with both numbers that it did not, and the bookmark stays.
"""

from __future__ import annotations

from collections import Counter
from contextlib import nullcontext
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import pytest

from tap_insightly.api import IncompleteError, InsightlyClient
from tap_insightly.sandbox import Faults
from tests.cli.running import run as insightly
from tests.conftest import KEY
from tests.distrust.conftest import PATHS, Account, Synced, warnings

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

OLD = "2020-01-01T00:00:00Z"


@dataclass(frozen=True)
class Case:
    """What is wrong with the list of one stream."""

    cap: int | None = None
    hidden: Callable[[int], bool] = field(default=lambda _: False)
    """By the place in the list."""
    is_counted: bool = True
    """Whether totals count what is hidden."""
    total: Any = "right"
    up_to: int | None = None
    is_whole: bool = True

    def ids(self, account: Account, stream: str) -> tuple[list[int], set[int]]:
        """All ids of a stream, and those that can be seen."""
        ids = list(account.records(stream))
        seen = [one for place, one in enumerate(ids) if not self.hidden(place)]
        return ids, set(seen if self.up_to is None else ids[: self.up_to])


ONE = (3).__eq__
EVERY_THIRD: Callable[[int], bool] = lambda place: place % 3 == 1  # noqa: E731 - an entry of a table

CASES = {
    # In two runs, because what is hidden is counted in all totals of a server, or in none.
    "contacts": Case(hidden=ONE, is_whole=False),
    "tasks": Case(cap=200),
    "notes": Case(cap=200, total=None),
    "opportunity_products": Case(total=None),
    "quote_products": Case(total=100),
    "opportunities": Case(total=0),
    "leads": Case(total=-1),
    "emails": Case(total=lambda right: 2 * right, is_whole=False),
    "milestones": Case(up_to=150, is_whole=False),
    "events": Case(hidden=EVERY_THIRD, is_whole=False),
    "organisations": Case(cap=50, hidden=EVERY_THIRD, is_whole=False),
    "fruit__c": Case(hidden=ONE, is_whole=False),
    "site_visit__c": Case(cap=10),
    "quotes": Case(cap=40, total=50),
    "pipeline_stages": Case(cap=3),
    "users": Case(hidden=ONE, is_whole=False),
    "teams": Case(up_to=0, is_whole=False),
    "pipelines": Case(up_to=1, is_whole=False),
}
UNCOUNTED = {
    "contacts": Case(hidden=ONE),
    "tasks": Case(hidden=EVERY_THIRD),
    "notes": Case(cap=200, hidden=EVERY_THIRD),
    "leads": Case(hidden=lambda place: place > 350),
    "events": Case(hidden=lambda place: place < 2),
    "organisations": Case(cap=50, hidden=lambda place: place % 7 == 0),
    "fruit__c": Case(hidden=ONE),
    "pipeline_stages": Case(hidden=ONE),
}


def faults_of(account: Account, cases: dict[str, Case], *, is_counted: bool) -> Faults:
    faults = Faults(page_cap={}, totals_count_hidden=is_counted)
    assert isinstance(faults.page_cap, dict)
    for stream, case in cases.items():
        path = PATHS[stream]
        if case.cap is not None:
            faults.page_cap[path] = case.cap
        if case.total != "right":
            faults.totals[path] = case.total
        if case.up_to is not None:
            faults.readable_up_to[path] = case.up_to
        ids = account.records(stream)
        faults.hidden[path] = {one for place, one in enumerate(ids) if case.hidden(place)}
    return faults


@dataclass
class Runs:
    """A run from a server that cannot be trusted, and the next one after it was repaired."""

    account: Account
    cases: dict[str, Case]
    first: Synced
    second: Synced
    requests: Counter[str]
    before: str | None
    """The bookmark before."""


@pytest.fixture(
    scope="module",
    params=[
        pytest.param((True, None), id="list"),
        pytest.param((True, OLD), id="search"),
        pytest.param((False, None), id="list, uncounted", marks=pytest.mark.slow),
        pytest.param((False, OLD), id="search, uncounted"),
    ],
)
def synced(request: pytest.FixtureRequest, large: Account) -> Runs:
    """All cases at once, of lists or of searches; what is hidden is counted or not."""
    is_counted, before = request.param
    cases = CASES if is_counted else UNCOUNTED
    state = large.state(before, *cases) if before else None
    faults = faults_of(large, cases, is_counted=is_counted)
    first = large.sync(*cases, state=state, faults=faults)
    requests = Counter({name: large.requests(PATHS[name]) for name in cases})
    second = large.sync(*cases, state=first.state)
    return Runs(large, cases, first, second, requests, before)


def streams(synced: Runs, *, is_whole: bool) -> Iterator[str]:
    yield from (name for name, case in synced.cases.items() if case.is_whole is is_whole)


def test_all_that_can_be_seen_arrives(synced: Runs) -> None:
    assert synced.first.code == 0, synced.first.stderr
    for stream, case in synced.cases.items():
        _, seen = case.ids(synced.account, stream)
        assert synced.account.arrived(synced.first, stream) == seen, stream


def test_what_ends_short_is_told_with_both_numbers_and_keeps_its_bookmark(synced: Runs) -> None:
    for stream in streams(synced, is_whole=False):
        ids, seen = synced.cases[stream].ids(synced.account, stream)
        total = synced.cases[stream].total
        said = len(ids) if total == "right" else total(len(ids))
        (warning,) = warnings(synced.first, stream)
        assert f"ended after {len(seen):,} of {said:,} records" in warning
        assert "The bookmark stays as it was" in warning
        before = synced.before if synced.account.bookmark_key(stream) else None
        assert synced.first.bookmark(stream) == before, stream


def test_what_is_whole_is_told_no_more_of_and_gets_its_bookmark(synced: Runs) -> None:
    for stream in streams(synced, is_whole=True):
        assert warnings(synced.first, stream) == []
        _, seen = synced.cases[stream].ids(synced.account, stream)
        assert synced.first.bookmark(stream) == synced.account.newest(stream, seen), stream


def test_once_the_server_is_repaired_all_that_was_missing_arrives(synced: Runs) -> None:
    assert synced.second.code == 0, synced.second.stderr
    for stream in streams(synced, is_whole=False):
        ids, _ = synced.cases[stream].ids(synced.account, stream)
        assert synced.account.arrived(synced.second, stream) == set(ids), stream
        assert warnings(synced.second, stream) == []


def test_no_list_costs_requests_without_end(synced: Runs) -> None:
    for stream, number in synced.requests.items():
        assert number < 80, stream


def test_a_server_that_behaves_costs_as_many_requests_as_before(large: Account) -> None:
    """One for each small list, even if it was asked for ahead; three for 1,200 records."""
    embedded = {"tags", "custom_fields", "custom_objects", "countries", "currencies"}
    names = [one["tap_stream_id"] for one in large.catalog["streams"]]
    lists = [one for one in names if one in PATHS and one not in embedded and "{" not in PATHS[one]]
    run = large.sync(*lists)
    assert run.code == 0, run.stderr
    expected = Counter(
        {
            PATHS[name]: max(1, -(-(large.sandbox.count(PATHS[name]) - 1) // 499))
            for name in lists
            if PATHS[name] in large.sandbox.paths
        }
    )
    asked = Counter(one.path.removeprefix("/v3.1") for one in large.asked)
    asked -= Counter({"/CustomObjects": 1})  # the run looks whether there are new ones
    assert len(expected) > 40
    assert expected["/Contacts"] == 3
    assert asked == expected


def test_under_a_cap_pages_are_asked_for_at_its_distance_and_at_once(large: Account) -> None:
    at_once: list[int] = []
    large.sandbox.on_request = lambda _: at_once.append(large.sandbox.faults.in_flight)
    try:
        run = large.sync("contacts", faults=Faults(page_cap=200, latency=0.2))
    finally:
        large.sandbox.on_request = None
    assert len(large.arrived(run, "contacts")) == 1200
    assert sorted(int(one.query["skip"]) for one in large.asked) == list(range(0, 1200, 199))
    assert max(at_once) > 1


def test_what_comes_one_at_a_time_arrives_but_is_not_called_whole(large: Account) -> None:
    """Such pages cannot overlap, so that nothing shows what others have done between two."""
    faults = Faults(page_cap={PATHS["pricebook_entries"]: 1})
    run = large.sync("pricebook_entries", faults=faults)
    assert run.code == 0, run.stderr
    assert large.arrived(run, "pricebook_entries") == set(large.records("pricebook_entries"))
    (warning,) = warnings(run, "pricebook_entries")
    assert "pages that do not overlap" in warning
    assert run.bookmark("pricebook_entries") is None
    assert len(large.asked) < 80


def test_a_cap_may_change_while_a_list_is_read(large: Account) -> None:
    caps = iter([200, 200, 70, 70, 150, 150, 3])

    def change(_: object) -> None:
        large.sandbox.faults.page_cap = next(caps, None)

    large.sandbox.on_request = change
    try:
        run = large.sync("contacts", "tasks", max_concurrency=3)
    finally:
        large.sandbox.on_request = None
    for stream in ("contacts", "tasks"):
        assert large.arrived(run, stream) == set(large.records(stream))
        assert run.bookmark(stream) == large.newest(stream)
    assert len(large.asked) < 80


COMMANDS = {
    "get": ["get", "contact", "--jsonl"],
    "get a custom object": ["get", "fruit", "--jsonl"],
    "search": ["get", "contacts", "--updated-after", "2020-01-01", "--jsonl"],
    "paginate": ["api", "GET", "/Contacts", "--paginate", "--jsonl"],
    "paginate a search": [
        *("api", "GET", "/Contacts/Search?updated_after_utc=2020-01-01", "--paginate", "--jsonl")
    ],
}


@pytest.mark.parametrize("command", COMMANDS.values(), ids=COMMANDS)
@pytest.mark.parametrize("cases", [CASES, UNCOUNTED], ids=["counted", "uncounted"])
def test_the_command_line_writes_all_or_says_that_it_did_not(
    large: Account, command: list[str], cases: dict[str, Case]
) -> None:
    large.sandbox.faults = faults_of(large, cases, is_counted=cases is CASES)
    result = insightly(large.sandbox, *command)
    large.sandbox.faults = Faults()
    stream = "fruit__c" if "fruit" in command else "contacts"
    ids, seen = cases[stream].ids(large, stream)
    assert len(result.lines) == len(seen)
    if cases[stream].is_whole:
        assert (result.code, result.stderr) == (0, "")
    else:
        assert result.code == 1
        assert f"ended after {len(seen):,} of {len(ids):,} records" in result.stderr


@pytest.mark.parametrize("stream", CASES)
def test_the_client_hands_out_all_or_says_that_it_did_not(large: Account, stream: str) -> None:
    case = CASES[stream]
    large.sandbox.faults = faults_of(large, {stream: case}, is_counted=True)
    large.sandbox.requests.clear()
    found: list[dict[str, Any]] = []
    options: dict[str, Any] = {"api_url": large.sandbox.api_url, "requests_per_second": 100}
    is_told = nullcontext() if case.is_whole else pytest.raises(IncompleteError, match=" of ")
    with InsightlyClient(KEY, **options) as client, is_told:
        found.extend(client.records(PATHS[stream][1:]))
    large.sandbox.faults = Faults()
    _, seen = case.ids(large, stream)
    assert [one[large.key(stream)] for one in found] == sorted(seen)
    assert len(large.sandbox.requests) < 80
