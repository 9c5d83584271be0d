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
def queue() -> Iterator[WriteQueue]:
    queue = WriteQueue(8)
    yield queue
    queue.close()


@given(st.lists(st.lists(st.integers(0, 3), max_size=2), max_size=40), st.integers(1, 8))
def test_what_has_a_key_in_common_is_done_in_the_order_of_submission(
    keys: list[list[int]], size: int
) -> None:
    queue, done, lock = WriteQueue(size, max_tasks=10), [], threading.Lock()

    def do(number: int) -> None:
        with lock:
            done.append(number)

    for number, own in enumerate(keys):
        queue.submit(partial(do, number), own)
    queue.wait()
    queue.close()
    assert sorted(done) == list(range(len(keys)))
    at = {number: place for place, number in enumerate(done)}
    for key in range(4):
        same = [number for number, own in enumerate(keys) if key in own]
        assert all(at[one] < at[other] for one, other in pairwise(same))


def test_what_has_no_key_in_common_is_done_at_the_same_time(queue: WriteQueue) -> None:
    together = threading.Barrier(8, timeout=60)
    for number in range(8):
        queue.submit(together.wait, [number])
    queue.wait()


def test_a_callback_is_called_when_all_before_it_is_done_and_not_for_what_comes_after(
    queue: WriteQueue,
) -> None:
    first, passed, pending = threading.Event(), threading.Event(), threading.Event()
    seen: list[str] = []
    queue.submit(partial(first.wait, 60), ["a"])
    queue.submit(lambda: seen.append("a"), ["a"])
    queue.add_callback(lambda: seen.append("callback"))
    queue.add_callback(passed.set)
    queue.submit(partial(pending.wait, 60))
    assert not passed.is_set()
    first.set()
    assert passed.wait(60)
    pending.set()
    queue.wait()
    assert seen == ["a"]  # of two callbacks with nothing in between, the last one


def test_a_callback_with_nothing_before_it_is_called_at_once(queue: WriteQueue) -> None:
    passed = threading.Event()
    queue.add_callback(passed.set)
    assert passed.is_set()


def test_whoever_submits_waits_while_there_is_too_much_to_do() -> None:
    queue, go, held = WriteQueue(2, max_tasks=5), threading.Event(), []

    def submit() -> None:
        for number in range(50):
            held.append(number)
            queue.submit(partial(go.wait, 60), ["one after the other"])

    thread = threading.Thread(target=submit, daemon=True)
    thread.start()
    while len(held) < 6:
        pass
    assert len(held) == 6  # the sixth waits
    go.set()
    thread.join(60)
    queue.wait()
    queue.close()
    assert len(held) == 50


def test_after_a_failure_nothing_is_begun_and_no_callback_called() -> None:
    queue, done = WriteQueue(1), []
    go = threading.Event()

    def fail() -> None:
        go.wait(60)
        msg = "no"
        raise KeyError(msg)

    queue.submit(fail)
    queue.submit(lambda: done.append(1))
    queue.add_callback(lambda: done.append(2))
    go.set()
    with pytest.raises(KeyError):
        queue.wait()
    with pytest.raises(KeyError):
        queue.submit(lambda: done.append(3))
    with pytest.raises(KeyError):
        queue.add_callback(lambda: done.append(4))
    queue.close()
    assert not done


def test_what_fails_in_a_callback_is_a_failure(queue: WriteQueue) -> None:
    def fail() -> None:
        raise BrokenPipeError

    queue.submit(lambda: None)
    queue.wait()
    queue.add_callback(fail)
    with pytest.raises(BrokenPipeError):
        queue.wait()


def test_to_close_waits_for_what_was_begun_and_begins_nothing() -> None:
    queue, done = WriteQueue(1), []
    begun, go = threading.Event(), threading.Event()

    def do() -> None:
        begun.set()
        go.wait(60)
        done.append(1)

    queue.submit(do)
    queue.submit(lambda: done.append(2))
    begun.wait(60)
    closing = threading.Thread(target=queue.close)
    closing.start()
    while not vars(queue)["_is_closed"]:
        closing.join(0.01)
    go.set()
    closing.join(60)
    assert done == [1]
