"""Many threads with one client: nothing is lost, nothing is done twice, and the pace is one."""

from __future__ import annotations

import threading
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING

from tap_insightly.api import ClosedError, RateLimiter
from tests.api.conftest import Clock, asked, new_client
from tests.test_pace import most_in_a_second

if TYPE_CHECKING:
    from tap_insightly.api import InsightlyClient
    from tap_insightly.api.http.rate_limit import Permit
    from tap_insightly.sandbox import RequestLog, Sandbox

THREADS = 20


class Watched(RateLimiter):
    """A pace that remembers when requests started, by a clock that moves by waiting."""

    def __init__(self, per_second: float, width: int) -> None:
        self.clock = Clock()
        self.starts: list[float] = []
        super().__init__(per_second, width, clock=self.clock, wait=self.clock.wait)

    def acquire(self) -> Permit:
        permit = super().acquire()
        self.starts.append(permit.at)
        return permit


def work(client: InsightlyClient, number: int) -> int:
    """Create a contact, change it twice, add a note, and read it all again."""
    made = client.create("contact", FIRST_NAME="T", LAST_NAME=f"thread {number}")
    contact_id = int(made["CONTACT_ID"])
    client.update("contact", contact_id, PHONE=str(number))
    client.update("contact", contact_id, hobby=f"hobby {number}")
    client.add_note("contact", contact_id, f"note {number}")
    (found,) = client.find("contact", "LAST_NAME", f"thread {number}")
    assert found["PHONE"] == str(number)
    return contact_id


def test_what_many_threads_write_is_all_there_exactly_once(
    client: InsightlyClient, sandbox: Sandbox
) -> None:
    with ThreadPoolExecutor(THREADS) as threads:
        ids = list(threads.map(lambda number: work(client, number), range(3 * THREADS)))
    records = [one for one in sandbox.records("/Contacts") if one["FIRST_NAME"] == "T"]
    assert sorted(ids) == [one["CONTACT_ID"] for one in records]
    assert len(set(ids)) == 3 * THREADS
    for record in records:
        number = record["LAST_NAME"].removeprefix("thread ")
        assert record["PHONE"] == number
        hobbies = [
            e["FIELD_VALUE"] for e in record["CUSTOMFIELDS"] if e["FIELD_NAME"] == "Hobby__c"
        ]
        assert hobbies == [f"hobby {number}"]
    titles = Counter(note["TITLE"] for note in sandbox.records("/Notes"))
    assert all(titles[f"note {number}"] == 1 for number in range(3 * THREADS))


def test_definitions_are_asked_for_once_by_all_threads_together(sandbox: Sandbox) -> None:
    barrier = threading.Barrier(THREADS)

    def ask(_: int) -> None:
        barrier.wait(60)
        client.fields("lead")
        client.object("fruit")

    with new_client(sandbox) as client, ThreadPoolExecutor(THREADS) as threads:
        list(threads.map(ask, range(THREADS)))
    assert sorted(asked(sandbox)) == ["GET /CustomFields/Lead", "GET /CustomObjects"]


def test_all_threads_together_keep_the_pace(sandbox: Sandbox) -> None:
    rate_limiter = Watched(per_second=10, width=4)
    most = 0

    def look(_: RequestLog) -> None:
        nonlocal most
        most = max(most, sandbox.faults.in_flight + 1)

    sandbox.on_request = look
    with (
        new_client(sandbox, rate_limiter=rate_limiter) as client,
        ThreadPoolExecutor(THREADS) as threads,
    ):
        list(threads.map(lambda number: work(client, number), range(THREADS)))
        assert list(client.records("contact")) == sandbox.records("/Contacts")
    assert len(rate_limiter.starts) == len(sandbox.requests) > 5 * THREADS
    assert most_in_a_second(rate_limiter.starts) <= 10
    assert most <= 4


def test_what_is_tried_again_keeps_the_pace_too(sandbox: Sandbox) -> None:
    rate_limiter = Watched(per_second=10, width=4)
    sandbox.faults.script = ["429", "503", "ok", "reset", "lost"] * 8
    with (
        new_client(sandbox, rate_limiter=rate_limiter) as client,
        ThreadPoolExecutor(THREADS) as threads,
    ):
        contacts = [one["CONTACT_ID"] for one in sandbox.records("/Contacts")][:THREADS]
        list(threads.map(lambda one: client.update("contact", one, PHONE="1"), contacts))
    assert len(rate_limiter.starts) == len(sandbox.requests) > THREADS
    assert most_in_a_second(rate_limiter.starts) <= 10


def test_closing_ends_what_other_threads_wait_for(sandbox: Sandbox) -> None:
    is_asked = threading.Event()
    with new_client(sandbox, sleep=None) as client:
        client.fields("contact")
        sandbox.on_request = lambda _: is_asked.set()
        sandbox.faults.hang_rate = 1
        with ThreadPoolExecutor(1) as threads:
            created = threads.submit(client.create, "contact", FIRST_NAME="Ada")
            assert is_asked.wait(60)
            client.close()
            assert isinstance(created.exception(10), ClosedError)
