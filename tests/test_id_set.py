"""Sets of ids against Python's, and what ids take of the memory."""

from __future__ import annotations

import tracemalloc
from array import array
from itertools import chain
from typing import TYPE_CHECKING

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tap_insightly.api.lists.id_set import IdSet, has_id, union
from tap_insightly.api.lists.seen_keys import LARGEST_ID
from tap_insightly.sync.id_codec import decode_ids, pack_ids

if TYPE_CHECKING:
    from collections.abc import Callable

MANY = 50_000

one_id = st.one_of(st.integers(0, 60), st.integers(0, LARGEST_ID))
steps = st.lists(st.tuples(st.sampled_from(["add", "discard", "update", "minus"]), st.sets(one_id)))


@given(first=st.sets(one_id), begun=st.lists(one_id), steps=steps)
def test_a_set_of_ids_is_as_one_of_python(
    first: set[int], begun: list[int], steps: list[tuple[str, set[int]]]
) -> None:
    given_ids = array("q", sorted(first))
    ours, plain = IdSet(begun, ascending=given_ids), first.union(begun)
    for what, ids in steps:
        if what == "update":
            ours.update(ids)
            plain |= ids
        elif what == "minus":
            ours -= ids
            plain -= ids
        else:
            for one in ids:
                getattr(ours, what)(one)
                getattr(plain, what)(one)
        assert list(ours) == sorted(plain)
        assert len(ours) == len(plain)
        assert all(one in ours for one in plain)
    assert not any(one in ours for one in {*range(60), LARGEST_ID + 1, "1", None} - plain)
    assert list(given_ids) == sorted(first), "it is still whose it was"


@given(several=st.lists(st.sets(one_id), max_size=4))
def test_what_is_joined_ascends_and_has_each_once(several: list[set[int]]) -> None:
    assert list(union(*map(sorted, several))) == sorted(set().union(*several))


@given(ids=st.sets(one_id), one=one_id)
def test_an_id_is_found_where_it_is(ids: set[int], one: int) -> None:
    assert has_id(sorted(ids), one) is (one in ids)


def backwards() -> IdSet:
    return IdSet(range(MANY, 0, -1))


def ascending() -> IdSet:
    return IdSet(range(MANY))


def from_half_on() -> IdSet:
    """As when a list is read round and round."""
    return IdSet(chain(range(MANY // 2, MANY), range(MANY // 2)))


def to_text_and_back() -> array[int]:
    return decode_ids(pack_ids(range(0, MANY * 1000, 1000)).text) or array("q")


@pytest.mark.parametrize("make", [ascending, backwards, from_half_on, to_text_and_back])
def test_an_id_takes_no_more_than_a_few_numbers(make: Callable[[], IdSet | array[int]]) -> None:
    """At any time, also while runs are joined; in a set of Python it is 90 bytes."""
    decode_ids(pack_ids([1]).text)  # makes tables
    tracemalloc.start()
    try:
        made = make()
        kept, most = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert len(made) == MANY
    assert kept <= 12 * MANY
    assert most <= 40 * MANY
