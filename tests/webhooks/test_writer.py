"""The store as the server writes it: durable, of one user, and whole whatever happens."""

from __future__ import annotations

import asyncio
import itertools
import os
import sqlite3
import stat
import threading
from contextlib import closing
from datetime import datetime, timedelta, timezone
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from tap_insightly.webhooks.database import StoreError, StoreFullError, create
from tap_insightly.webhooks.events import understand
from tap_insightly.webhooks.store import EventStore
from tap_insightly.webhooks.writer import EventWriter, QueueFullError, Result
from tests.webhooks.keeping import (
    ACCOUNT,
    DISKS,
    Clock,
    bodies,
    contact,
    keep,
    task,
    try_to_keep,
    writing,
)

if TYPE_CHECKING:
    from collections.abc import Iterable

    from tap_insightly.webhooks.event import Understood
    from tests.webhooks.keeping import Disk


def is_whole(path: Path) -> bool:
    with closing(sqlite3.connect(path)) as connection:
        return connection.execute("PRAGMA integrity_check").fetchone() == ("ok",)


def test_what_was_delivered_is_there_as_it_came(path: Path) -> None:
    given = [task(1), b"", b"\xff\x00 no json", contact(5)]
    with writing(path) as writer:
        kept = keep(writer, *given)
    assert [one.result for one in kept] == [
        Result.NEW,
        Result.REJECTED,
        Result.REJECTED,
        Result.NEW,
    ]
    with EventStore(path) as store:
        events = list(store.events())
    assert [event.body for event in events] == given
    assert [event.seq for event in events] == [one.seq for one in kept] == [1, 2, 3, 4]
    assert [event.object_name for event in events] == ["Task", None, None, "Contact"]
    assert {event.account for event in events} == {ACCOUNT}
    assert {event.received for event in events} == {
        datetime.fromtimestamp(Clock().now, timezone.utc)
    }


def test_nobody_else_can_read_its_files(path: Path) -> None:
    before = os.umask(0)
    try:
        with writing(path) as writer:
            keep(writer, task())
            files = list(path.parent.iterdir())
            assert {file.name for file in files} == {
                f"store.sqlite{end}" for end in ("", "-wal", "-shm")
            }
            assert {stat.S_IMODE(file.stat().st_mode) for file in files} == {0o600}
    finally:
        os.umask(before)


def test_every_commit_is_on_disk_before_it_is_one(path: Path) -> None:
    """No kill shows it: what a process has written outlives the process, but not the machine."""
    with writing(path), closing(create(path)) as connection:
        assert connection.execute("PRAGMA journal_mode").fetchone() == ("wal",)
        assert connection.execute("PRAGMA synchronous").fetchone() == (2,)  # FULL


def test_many_deliveries_at_once_take_few_commits(path: Path) -> None:
    with writing(path) as writer:
        keep(writer, *(task(number) for number in range(1, 2001)))
    with EventStore(path) as store:
        assert len(list(store.events())) == 2000


def test_the_log_does_not_grow_for_ever(path: Path) -> None:
    with writing(path) as writer:
        for start in range(40):
            keep(writer, *(task(start * 100 + one, title="x" * 10_000) for one in range(1, 101)))
        assert Path(f"{path}-wal").stat().st_size < 20_000_000 < path.stat().st_size


def test_one_who_reads_blocks_nobody_who_writes(path: Path) -> None:
    with writing(path) as writer:
        keep(writer, task(1))
        with EventStore(path) as store, store.reading() as connection:
            count = "SELECT count(*) FROM events"
            assert connection.execute(count).fetchone() == (1,)
            keep(writer, task(2))
            assert connection.execute(count).fetchone() == (1,)  # as it was
        assert bodies(path) == [task(1), task(2)]


def test_a_server_says_that_it_is_alive_until_it_ends(path: Path) -> None:
    clock = Clock()
    with EventStoreOf(path, clock) as (_, store):
        standing = store.standing()
        assert standing.alive_at == datetime.fromtimestamp(clock.now, timezone.utc)
        assert (standing.generation, standing.position, standing.knows_account) == (1, 0, False)
    with EventStore(path) as store:
        assert store.standing().alive_at is None
    with EventStoreOf(path, clock) as (_, store):
        again = store.standing()
        assert (again.store_id, again.generation) == (standing.store_id, 2)


class EventStoreOf:
    """A writer and a store of one file."""

    def __init__(self, path: Path, clock: Clock) -> None:
        self._writing = writing(path, clock)
        self._path = path

    def __enter__(self) -> tuple[EventWriter, EventStore]:
        writer = self._writing.__enter__()
        self._store = EventStore(self._path)
        return writer, self._store

    def __exit__(self, *_: object) -> None:
        self._store.close()
        self._writing.__exit__(None, None, None)


def test_two_servers_may_write_to_one_store(path: Path) -> None:
    """Also when both make it at the same moment."""
    clock = Clock()
    writers = [EventWriter(path, understand, clock=clock) for _ in range(2)]
    failed: list[object] = []

    def run(writer: EventWriter, first: int) -> None:
        try:
            writer.start()
            keep(writer, *(task(first + one) for one in range(200)))
            writer.close()
        except StoreError as error:
            failed.append(error)

    threads = [
        threading.Thread(target=run, args=(one, 1 + 1000 * at)) for at, one in enumerate(writers)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert not failed
    with EventStore(path) as store:
        events = list(store.events())
        assert store.standing().generation == 2
        assert store.standing().position == 400
    assert {event.record_id for event in events} == {*range(1, 201), *range(1001, 1201)}
    assert is_whole(path)


def test_a_delivery_that_cannot_even_be_looked_at_is_kept(path: Path) -> None:
    def broken(body: bytes) -> Understood:
        raise ZeroDivisionError(body)

    with writing(path, parse=broken) as writer:
        (kept,) = keep(writer, b"something")
    assert kept.result is Result.REJECTED
    with EventStore(path) as store:
        (event,) = store.events()
    assert (event.body, event.reason) == (
        b"something",
        "It could not be looked at (ZeroDivisionError).",
    )


def test_too_many_that_wait_are_refused_at_once(path: Path) -> None:
    with writing(path, most_waiting=10) as writer:
        with closing(sqlite3.connect(path, isolation_level=None)) as other:
            other.execute("BEGIN IMMEDIATE")  # nobody else can write
            results = try_to_keep_while_locked(writer, other, [task(one) for one in range(1, 41)])
        refused = [one for one in results if isinstance(one, QueueFullError)]
        assert len(refused) in {29, 30}  # one batch may have been taken
        assert len(bodies(path)) == 40 - len(refused)
        keep(writer, task(99))
        with EventStore(path) as store:
            assert store.standing().generation == 2  # what was refused may never come again


def try_to_keep_while_locked(
    writer: EventWriter, other: sqlite3.Connection, given: Iterable[bytes]
) -> list[object]:
    async def add() -> list[object]:
        tasks = [asyncio.ensure_future(writer.add(ACCOUNT, one)) for one in given]
        refused = itertools.islice(asyncio.as_completed(tasks), 29)
        await asyncio.gather(*refused, return_exceptions=True)
        other.execute("ROLLBACK")
        return list(await asyncio.gather(*tasks, return_exceptions=True))

    return asyncio.run(add())


@DISKS
def test_a_full_disk_keeps_nothing_half_and_recovers_by_itself(disk: Disk) -> None:
    path = disk.folder / "store.sqlite"
    with writing(path) as writer:
        keep(writer, task(1))
        disk.fill()
        large = [task(one, title="x" * 100_000) for one in range(2, 12)]
        failed = try_to_keep(writer, *large)
        assert {type(one) for one in failed} == {StoreFullError}
        assert writer.trouble == str(failed[0])
        assert "disk" in writer.trouble
        assert bodies(path) == [task(1)]
        disk.make_room()
        keep(writer, task(3))
        assert writer.trouble is None
        assert bodies(path) == [task(1), task(3)]
        with EventStore(path) as store:
            assert store.standing().generation == 2  # what was refused may never come again
    assert is_whole(path)


@DISKS
def test_a_store_cannot_be_made_on_a_full_disk_and_can_be_later(disk: Disk) -> None:
    path = disk.folder / "store.sqlite"
    disk.fill()
    writer = EventWriter(path, understand)
    with pytest.raises(StoreError, match=r"disk|cannot be made"):
        writer.start()
    disk.make_room()
    writer.start()
    keep(writer, task(1))
    writer.close()
    assert bodies(path) == [task(1)]


def test_another_file_in_its_place_is_noticed(path: Path) -> None:
    with writing(path) as writer:
        keep(writer, task(1))
        path.rename(path.with_name("moved.sqlite"))
        for end in ("-wal", "-shm"):
            Path(f"{path}{end}").unlink()
        keep(writer, task(2))
        assert bodies(path) == [task(2)]


def test_a_file_that_is_moved_away_keeps_what_it_had(path: Path) -> None:
    moved = path.with_name("moved.sqlite")
    with writing(path) as writer:
        keep(writer, task(1))
        path.rename(moved)
        keep(writer, task(2))
        assert bodies(path) == [task(2)]
        assert bodies(moved) == [task(1)]
    assert is_whole(path)


def test_a_copy_that_is_put_back_holds_what_the_copy_held(path: Path) -> None:
    copy = path.with_name("copy.sqlite")
    with writing(path) as writer, EventStore(path) as store:
        keep(writer, task(1))
        with closing(sqlite3.connect(path)) as old, closing(sqlite3.connect(copy)) as new:
            old.backup(new)
        keep(writer, task(2))
        before = store.standing().generation
        copy.replace(path)
        keep(writer, task(3))
        assert bodies(path) == [task(1), task(3)]
        with EventStore(path) as now:
            assert now.standing().generation > before, "nobody trusts what was taken in before"
    assert is_whole(path)


@pytest.mark.parametrize("seconds", [-7200, -61, 0, 20, 31, 61, 7200, 10**6])
def test_a_server_that_slept_says_so(path: Path, seconds: float) -> None:
    """What was sent to it meanwhile is lost, as if it had been down."""
    clock = Clock()
    with EventWriter(path, understand, clock=clock) as writer:
        writer.start()
        with EventStore(path) as store:
            before = store.standing().generation
            for _ in range(3):
                clock.now += seconds
                keep(writer, task(1))
                keep(writer, task(2))
            slept = 0 if abs(seconds) < 30 else 3
            if seconds == 20:  # it says nothing of each, so they add up
                slept = 1
            assert store.standing().generation == before + slept


def test_whoever_has_gone_harms_nobody(path: Path) -> None:
    with writing(path) as writer:

        async def leave() -> None:
            task_of_it = asyncio.ensure_future(writer.add(ACCOUNT, task(1)))
            await asyncio.sleep(0)
            task_of_it.cancel()

        asyncio.run(leave())
        keep(writer, task(2))
        assert bodies(path) == [task(1), task(2)]


def test_a_closed_one_takes_nothing(path: Path) -> None:
    with writing(path) as writer:
        pass
    (error,) = try_to_keep(writer, task())
    assert isinstance(error, StoreError)
    assert bodies(path) == []


def test_a_clock_that_is_put_back_makes_nothing_newer_than_it_is(path: Path) -> None:
    clock = Clock()
    with EventStoreOf(path, clock) as (writer, store):
        clock.now += 86400 * 365  # wrong for a moment
        keep(writer, task(1))
        clock.now = Clock().now
        keep(writer, task(2))
        now = datetime.fromtimestamp(clock.now, timezone.utc)
        assert [event.latest for event in store.events()] == [now, now]
        assert store.positions_before(ACCOUNT, now) == 0
        assert store.positions_before(ACCOUNT, now + timedelta(seconds=1)) == 2
