"""The store against a model of it: whatever comes, in whatever order, however often."""

from __future__ import annotations

import re
import shutil
import sqlite3
import tempfile
from contextlib import closing
from dataclasses import dataclass
from datetime import datetime, timedelta, timezone
from pathlib import Path
from typing import TYPE_CHECKING

from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule

from tap_insightly.webhooks.events import understand
from tap_insightly.webhooks.store import EventStore, Selection
from tap_insightly.webhooks.writer import Result
from tests.webhooks.keeping import ACCOUNT, ALIVE, Clock, contact, keep, task, writing

if TYPE_CHECKING:
    from tap_insightly.webhooks.event import Understood

MEMORY = "/dev/shm"  # noqa: S108 - thousands of commits, none of which has to outlive the machine
ACCOUNTS = (ACCOUNT, "other")
BODIES = [
    task(1, "2026-04-09"),
    task(1, "2026-04-10"),
    task(1, "2026-04-10", title="y"),
    task(2),
    task(2, title="y"),
    contact(1),
    contact(1, "Eve"),
    b'{"entity":{"RECORD_ID":1}}',
    b"broken",
    b"",
]


def moment(seconds: float) -> datetime:
    return datetime.fromtimestamp(seconds, timezone.utc)


@dataclass
class Modelled:
    """What the model knows of an event."""

    seq: int
    position: int
    turn: int
    account: str
    body: bytes
    understood: Understood
    received: float
    latest: float
    deliveries: int = 1

    @property
    def about(self) -> tuple[str, str | None, int | None]:
        return self.account, self.understood.object_name, self.understood.record_id


class StoreMachine(RuleBasedStateMachine):
    """Does the same with a store and with a model of it."""

    def __init__(self) -> None:
        super().__init__()
        self.folder = tempfile.mkdtemp(dir=MEMORY if Path(MEMORY).is_dir() else None)
        self.path = Path(self.folder) / "store.sqlite"
        self.clock = Clock()
        self.events: list[Modelled] = []
        self.position = 0
        self.pruned_to = 0
        self.generation = 0
        self.known: set[str] = set()
        self.start()

    def start(self) -> None:
        self.correct_times()
        self.writing = writing(self.path, self.clock)
        self.writer = self.writing.__enter__()
        self.generation += 1
        self.alive = self.clock.now
        self.store = EventStore(self.path, is_writable=True)

    def stop(self) -> None:
        self.store.close()
        self.writing.__exit__(None, None, None)

    def teardown(self) -> None:
        self.stop()
        shutil.rmtree(self.folder)

    @rule(account=st.sampled_from(ACCOUNTS), bodies=st.lists(st.sampled_from(BODIES), max_size=4))
    def add(self, account: str, bodies: list[bytes]) -> None:
        """They come together, in any order; the store says which."""
        if not bodies:
            return
        if abs(self.clock.now - self.alive) > 3 * ALIVE:  # as of a machine that slept
            self.generation += 1
            self.alive = self.clock.now
        kept = keep(self.writer, *bodies, account=account)
        for body, one in zip(bodies, kept, strict=True):
            seq, result = self.added(account, body)
            assert (one.seq, one.result) == (seq, result)

    def added(self, account: str, body: bytes) -> tuple[int, Result]:
        now = self.clock.now
        self.position += 1
        self.correct_times()
        found = understand(body)
        same = [one for one in self.events if (one.account, one.body) == (account, body)]
        if same and self.is_repeated(same[-1], now):
            same[-1].position, same[-1].latest = self.position, now
            same[-1].deliveries += 1
            return same[-1].seq, Result.REPEATED
        new = Modelled(self.position, self.position, self.position, account, body, found, now, now)
        self.events.append(new)
        if found.reason is not None:
            return new.seq, Result.REJECTED
        self.known.add(account)
        return new.seq, Result.NEW

    def correct_times(self) -> None:
        """Whatever is written, nothing was received later than now."""
        now = self.clock.now
        for event in self.events:
            event.received, event.latest = min(event.received, now), min(event.latest, now)

    def is_repeated(self, last: Modelled, now: float) -> bool:
        if last.understood.updated is not None:
            return True
        if now - last.received > 600:
            return False
        if last.understood.reason is not None:
            return True
        return [one for one in self.events if one.about == last.about][-1] is last

    @rule(seconds=st.sampled_from([-3600, -1, 1, 60, 599, 600, 601, 86400]))
    def time_passes(self, seconds: float) -> None:
        self.clock.now += seconds

    @rule()
    def restart(self) -> None:
        self.stop()
        self.start()

    @rule(age=st.sampled_from([0, 1, 600, 86400]), is_with_rejected=st.booleans())
    def prune(self, age: float, is_with_rejected: bool) -> None:  # noqa: FBT001 - of Hypothesis
        before = self.clock.now - age
        gone = [
            one
            for one in self.events
            if one.latest < before and (is_with_rejected or one.understood.reason is None)
        ]
        assert self.store.count_old(moment(before), is_with_rejected=is_with_rejected) == len(gone)
        assert self.store.prune(moment(before), is_with_rejected=is_with_rejected) == len(gone)
        self.events = [one for one in self.events if one not in gone]
        self.pruned_to = max([self.pruned_to, *(one.position for one in gone)])

    @rule(data=st.data())
    def replay(self, data: st.DataObject) -> None:
        seqs = data.draw(st.sets(st.sampled_from([1, *(one.seq for one in self.events)])))
        done = self.store.replay(Selection(seqs=frozenset(seqs)), understand)
        chosen = sorted(
            (one for one in self.events if one.seq in seqs), key=lambda one: one.position
        )
        again = [one for one in chosen if one.understood.reason is None]
        for one in again:
            self.position += 1
            one.position = one.turn = self.position
        assert (done.again, done.rejected) == (len(again), len(chosen) - len(again))

    @invariant()
    def is_as_in_the_model(self) -> None:
        found = [
            (one.seq, one.position, one.account, one.body, one.received, one.latest, one.deliveries)
            for one in self.store.events()
        ]
        expected = [
            (
                *(one.seq, one.position, one.account, one.body),
                *(moment(one.received), moment(one.latest), one.deliveries),
            )
            for one in sorted(self.events, key=lambda one: one.position)
        ]
        assert found == expected

    @invariant()
    def stands_as_in_the_model(self) -> None:
        for account in (None, *ACCOUNTS):
            standing = self.store.standing(account)
            assert standing.position == self.position
            assert standing.pruned_to == self.pruned_to
            assert standing.generation == self.generation
            assert standing.knows_account == (
                bool(self.known) if account is None else account in self.known
            )

    @rule(
        account=st.sampled_from([None, *ACCOUNTS]),
        behind=st.integers(0, 5),
        age=st.sampled_from([None, -1, 0, 1, 600]),
    )
    def ask(self, account: str | None, behind: int, age: float | None) -> None:
        """As the tap does: which objects have news, and up to where all are known."""
        after = max(0, self.position - behind)
        before = None if age is None else self.clock.now - age
        own = [one for one in self.events if account in {None, one.account}]
        expected: dict[str | None, int] = {}
        for one in own:
            is_meant = one.position > after and (before is None or one.latest < before)
            if is_meant and one.understood.reason is None:
                name = one.understood.object_name
                expected[name] = max(expected.get(name, 0), one.position)
        given = None if before is None else moment(before)
        assert self.store.objects_between(account, after, given) == expected
        if before is not None:
            position = self.store.positions_before(account, moment(before))
            assert all(one.latest < before for one in own if one.position <= position)
            assert position == self.position or any(
                one.position == position + 1 and one.latest >= before for one in own
            )


TestStore = StoreMachine.TestCase


def test_the_newest_are_listed_with_the_newest_last(tmp_path: Path) -> None:
    path = tmp_path / "store.sqlite"
    clock = Clock()
    with writing(path, clock) as writer:
        keep(writer, *(task(one) for one in range(1, 1202)))
        clock.now += 60
        keep(writer, b"broken", contact(7), task(5, title="y"))
    with EventStore(path) as store:
        assert [one.seq for one in store.newest_events(2)] == [1203, 1204]
        assert [one.seq for one in store.events()] == list(range(1, 1205))
        late = Selection(since=moment(clock.now) - timedelta(seconds=1))
        assert [one.seq for one in store.events(late)] == [1202, 1203, 1204]
        rejected = Selection(is_rejected=True)
        assert [one.body for one in store.events(rejected)] == [b"broken"]
        contacts = Selection(object_names=frozenset({"Contact", "Lead"}))
        assert [one.record_id for one in store.events(contacts)] == [7]
        assert [one.seq for one in store.events(Selection(account="nobody"))] == []


def test_what_was_rejected_is_understood_after_an_upgrade(tmp_path: Path) -> None:
    path = tmp_path / "store.sqlite"
    with writing(path) as writer:
        keep(writer, b"broken", task(1))
    with EventStore(path, is_writable=True) as store:
        rejected = Selection(is_rejected=True)
        assert store.replay(rejected, understand).rejected == 1
        done = store.replay(rejected, lambda _: understand(task(9)))
        assert (done.again, done.understood, done.rejected) == (1, 1, 0)
        assert [(one.seq, one.position, one.record_id) for one in store.events()] == [
            (2, 2, 1),
            (1, 3, 9),
        ]
        assert store.objects_between(ACCOUNT, 2) == {"Task": 3}


def test_many_are_replayed_once_each(tmp_path: Path) -> None:
    path = tmp_path / "store.sqlite"
    with writing(path) as writer:
        keep(writer, *(task(one) for one in range(1, 1202)))
    with EventStore(path, is_writable=True) as store:
        assert store.replay(Selection(), understand).again == 1201
        assert store.standing().position == 2402
        assert [one.seq for one in store.events()] == list(range(1, 1202))


def test_what_a_sync_asks_reads_no_bodies(tmp_path: Path) -> None:
    """It may do so once a minute, of a store with a million events."""
    path, now = tmp_path / "store.sqlite", moment(Clock().now)
    with writing(path) as writer:
        keep(writer, task(1))
    for account in (None, ACCOUNT):
        asked: list[str] = []
        with EventStore(path) as store:
            store._connection.set_trace_callback(asked.append)  # noqa: SLF001 - there is no other way to see it
            store.standing(account)
            store.positions_before(account, now)
            store.objects_between(account, 0)
            store.count(Selection(account, is_rejected=True, since=now))
        with closing(sqlite3.connect(path)) as connection:
            plans = [
                detail
                for one in asked
                if "FROM events" in one
                for *_, detail in connection.execute(f"EXPLAIN QUERY PLAN {one}")
                if "events" in detail
            ]
        assert len(plans) == 3
        for plan in plans:
            assert re.search(r"COVERING INDEX|INDEX events_(by_latest|rejected) \(latest>", plan), (
                plan
            )
