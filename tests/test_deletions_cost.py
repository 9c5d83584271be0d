"""What it costs to find deletions among a hundred thousand contacts, in pages of 500."""

from __future__ import annotations

import json
import random
from copy import deepcopy
from typing import TYPE_CHECKING, Any

import pytest

from tests.changing import Account
from tests.syncing import no_log, sync
from tests.test_deletions import tombstones

if TYPE_CHECKING:
    from collections.abc import Callable

__all__ = ["no_log"]  # a fixture

MANY = 100_000


@pytest.fixture(scope="module")
def ids() -> list[int]:
    """As far apart as in a large account."""
    chance = random.Random(1)
    return sorted(chance.sample(range(300_000_000, 1_300_000_000), MANY))


@pytest.fixture(scope="module")
def state(ids: list[int]) -> dict[str, Any]:
    """The state after a first sync."""
    messages, _ = sync(large(ids), {}, every=MANY, detect_deletes=True, page_size=500)
    state = messages[-1]["value"]
    assert isinstance(state, dict)
    return state


def large(ids: list[int]) -> Account:
    """An account in which little has changed lately."""
    account = Account(list(ids))
    account.updated = dict.fromkeys(ids, -1000) | {ids[0]: 0}
    return account


def cost_of(
    ids: list[int], state: dict[str, Any], change: Callable[[Account], None]
) -> tuple[int, list[int]]:
    """How many requests more it takes to find what is gone, and what that is."""
    requests, gone = [], []
    for detect_deletes in (False, True):
        account = large(ids)
        account.now = 1000
        change(account)
        options: dict[str, Any] = {"detect_deletes": detect_deletes, "page_size": 500}
        messages, _ = sync(account, deepcopy(state), **options)
        requests.append(len(account.requests))
        gone = tombstones(messages)
    return requests[1] - requests[0], gone


def test_the_state_is_small(state: dict[str, Any]) -> None:
    assert len(json.dumps(state)) <= 250_000


def test_none_deleted_costs_one_request(ids: list[int], state: dict[str, Any]) -> None:
    assert cost_of(ids, state, lambda _: None) == (1, [])

    def work(account: Account) -> None:
        for place in range(700):
            account.create()
            account.update(place)

    assert cost_of(ids, state, work) == (1, [])


@pytest.mark.parametrize("place", [0, 1, 499, 25_000, 50_123, 99_498, 99_998, 99_999])
@pytest.mark.parametrize("created", [0, 3, 800])
def test_one_deleted_costs_twelve_at_most(
    ids: list[int], state: dict[str, Any], place: int, created: int
) -> None:
    def change(account: Account) -> None:
        account.delete(place)
        for _ in range(created):
            account.create()

    cost, gone = cost_of(ids, state, change)
    assert gone == [ids[place]]
    assert cost <= 12


def test_a_hundred_in_a_hundred_places_cost_four_hundred_at_most(
    ids: list[int], state: dict[str, Any]
) -> None:
    places = sorted(random.Random(2).sample(range(MANY), 100))

    def change(account: Account) -> None:
        for place in reversed(places):
            account.delete(place)

    cost, gone = cost_of(ids, state, change)
    assert gone == [ids[place] for place in places]
    assert cost <= 400


@pytest.mark.parametrize("first", [0, 43_210, 90_000])
def test_a_block_of_ten_thousand_costs_fifty_at_most(
    ids: list[int], state: dict[str, Any], first: int
) -> None:
    cost, gone = cost_of(ids, state, lambda account: account.delete(first, 10_000))
    assert gone == ids[first : first + 10_000]
    assert cost <= 50
