"""Work is done in order where that matters, all of it, and nothing after a failure."""

from __future__ import annotations

import threading
from functools import partial
from itertools import pairwise
from typing import TYPE_CHECKING

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tap_insightly.loader.queue import WriteQueue

if TYPE_CHECKING:
    from collections.abc import Iterator


@pytest.fixture
def work() -> Iterator[WriteQueue]:
    work = WriteQueue(8)
    yield work
    work.close()


@given(st.lists(st.lists(st.integers(0, 3), max_size=2), max_size=40), st.integers(1, 8))
def test_what_has_a_key_in_common_is_done_in_the_order_of_submission(
    keys: list[list[int]], size: int
) -> None:
    work, done, lock = WriteQueue(size, most=10), [], threading.Lock()

    def do(number: int) -> None:
        with lock:
            done.append(number)

    for number, own in enumerate(keys):
        work.submit(partial(do, number), own)
    work.wait()
    work.close()
    assert sorted(done) == list(range(len(keys)))
    at = {number: place for place, number in enumerate(done)}
    for key in range(4):
        same = [number for number, own in enumerate(keys) if key in own]
        assert all(at[one] < at[other] for one, other in pairwise(same))


def test_what_has_no_key_in_common_is_done_at_the_same_time(work: WriteQueue) -> None:
    together = threading.Barrier(8, timeout=60)
    for number in range(8):
        work.submit(together.wait, [number])
    work.wait()


def test_a_mark_is_passed_when_all_before_it_is_done_and_not_for_what_comes_after(
    work: WriteQueue,
) -> None:
    first, passed, pending = threading.Event(), threading.Event(), threading.Event()
    seen: list[str] = []
    work.submit(partial(first.wait, 30), ["a"])
    work.submit(lambda: seen.append("a"), ["a"])
    work.mark(lambda: seen.append("mark"))
    work.mark(passed.set)
    work.submit(partial(pending.wait, 30))
    assert not passed.is_set()
    first.set()
    assert passed.wait(60)
    pending.set()
    work.wait()
    assert seen == ["a"]  # of two marks with nothing in between, the last one


def test_a_mark_with_nothing_before_it_is_passed_at_once(work: WriteQueue) -> None:
    passed = threading.Event()
    work.mark(passed.set)
    assert passed.is_set()


def test_whoever_submits_waits_while_there_is_too_much_to_do() -> None:
    work, go, held = WriteQueue(2, most=5), threading.Event(), []

    def submit() -> None:
        for number in range(50):
            held.append(number)
            work.submit(partial(go.wait, 30), ["one after the other"])

    thread = threading.Thread(target=submit, daemon=True)
    thread.start()
    while len(held) < 6:
        pass
    assert len(held) == 6  # the sixth waits
    go.set()
    thread.join(60)
    work.wait()
    work.close()
    assert len(held) == 50


def test_after_a_failure_nothing_is_begun_and_no_mark_passed() -> None:
    work, done = WriteQueue(1), []
    go = threading.Event()

    def fail() -> None:
        go.wait(60)
        msg = "no"
        raise KeyError(msg)

    work.submit(fail)
    work.submit(lambda: done.append(1))
    work.mark(lambda: done.append(2))
    go.set()
    with pytest.raises(KeyError):
        work.wait()
    with pytest.raises(KeyError):
        work.submit(lambda: done.append(3))
    with pytest.raises(KeyError):
        work.mark(lambda: done.append(4))
    work.close()
    assert not done


def test_what_fails_at_a_mark_is_a_failure(work: WriteQueue) -> None:
    def fail() -> None:
        raise BrokenPipeError

    work.submit(lambda: None)
    work.wait()
    work.mark(fail)
    with pytest.raises(BrokenPipeError):
        work.wait()


def test_to_close_waits_for_what_was_begun_and_begins_nothing() -> None:
    work, done = WriteQueue(1), []
    begun, go = threading.Event(), threading.Event()

    def do() -> None:
        begun.set()
        go.wait(60)
        done.append(1)

    work.submit(do)
    work.submit(lambda: done.append(2))
    begun.wait(60)
    closing = threading.Thread(target=work.close)
    closing.start()
    while not vars(work)["_is_closed"]:
        closing.join(0.01)
    go.set()
    closing.join(60)
    assert done == [1]
