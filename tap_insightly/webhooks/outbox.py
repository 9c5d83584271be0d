"""How far events were handed on to one who is told of them, and what waits to be tried again.

Of one record, an event waits for those before it. What was handed on is noted after that, so that a
process that is killed in between hands it on twice, and never not at all.
"""

from __future__ import annotations

import time
from dataclasses import dataclass
from typing import TYPE_CHECKING

from tap_insightly.webhooks.event import COLUMNS, event_of, moment_of
from tap_insightly.webhooks.store import EVERYTHING

if TYPE_CHECKING:
    import sqlite3
    from collections.abc import Callable, Iterator
    from datetime import datetime

    from tap_insightly.webhooks.event import Event
    from tap_insightly.webhooks.store import EventStore, Selection

FIRST_WAIT, LONGEST_WAIT = 5.0, 600.0
"""Seconds before the second try, and the most between two."""

GIVEN_UP_AFTER = 86_400.0
"""Seconds after the first try."""

_LEAST_TRIES = 20  # so that nothing is given up because nobody was there to try, or a clock leapt


@dataclass(frozen=True)
class Due:
    """An event that is to be handed on now."""

    event: Event
    turn: int
    tries: int
    """How often that was tried before."""


@dataclass(frozen=True)
class Failure:
    """An event that could not be handed on, and is not tried any more."""

    forward: str
    event: Event
    tries: int
    given_up: datetime
    error: str


@dataclass(frozen=True)
class ForwardStanding:
    """How one who is told of events stands."""

    name: str
    ahead: int
    """Events that are still to be taken up."""

    waiting: int
    given_up: int


class Outbox:
    """What is to be handed on under one name."""

    def __init__(
        self, store: EventStore, name: str, clock: Callable[[], float] = time.time
    ) -> None:
        """Take up what was left under this name."""
        self._store = store
        self._name = name
        self._clock = clock

    def begin(self, *, is_from_now: bool) -> bool:
        """Begin with all events, or with those to come; tell whether the name is a new one.

        Raises:
            StoreError: If the store cannot be written.
        """
        start = "SELECT ?, CASE WHEN ? THEN position ELSE 0 END FROM store"
        with self._store.writing() as connection:
            done = connection.execute(
                f"INSERT OR IGNORE INTO forwards {start}",
                (self._name, is_from_now),
            )
            return done.rowcount > 0

    def next_due(self) -> Due | None:
        """Find the next event to hand on: one whose wait is over, or else a new one.

        Raises:
            StoreError: If the store cannot be read or written.
        """
        return self._waiting_due() or self._new_due()

    def note_done(self, due: Due) -> None:
        """Note that an event was handed on.

        Raises:
            StoreError: If the store cannot be written.
        """
        with self._store.writing() as connection:
            self._take_up(connection, due.turn)
            connection.execute(
                "DELETE FROM waiting WHERE forward = ? AND seq = ?", (self._name, due.event.seq)
            )
            self._release(connection, due.event)

    def note_failed(self, due: Due, error: str) -> float | None:
        """Note that an event could not be handed on.

        Returns:
            Seconds until it is tried again; None if it is given up.

        Raises:
            StoreError: If the store cannot be written.
        """
        now, tries = self._now(), due.tries + 1
        wait = min(LONGEST_WAIT, FIRST_WAIT * 2.0 ** min(due.tries, 10))
        own = (self._name, due.event.seq)
        with self._store.writing() as connection:
            self._take_up(connection, due.turn)
            connection.execute(
                "INSERT INTO waiting (forward, seq, turn, tries) VALUES (?, ?, ?, 0)"
                " ON CONFLICT DO NOTHING",
                (*own, due.turn),
            )
            connection.execute(
                "UPDATE waiting SET tries = ?, error = ?, since = coalesce(since, ?), next_try = ?"
                " WHERE forward = ? AND seq = ?",
                (tries, error, now, now + int(wait * 1000), *own),
            )
            (since,) = connection.execute(
                "SELECT since FROM waiting WHERE forward = ? AND seq = ?", own
            ).fetchone()
            if tries < _LEAST_TRIES or now - since < GIVEN_UP_AFTER * 1000:
                return wait
            connection.execute(
                "UPDATE waiting SET given_up = ? WHERE forward = ? AND seq = ?", (now, *own)
            )
            self._release(connection, due.event)
            return None

    def count_waiting(self) -> int:
        """Count what was tried in vain and is to be tried again, and what waits for that.

        Raises:
            StoreError: If the store cannot be read.
        """
        with self._store.reading() as connection:
            (count,) = connection.execute(
                "SELECT count(*) FROM waiting WHERE forward = ? AND given_up IS NULL",
                (self._name,),
            ).fetchone()
        return int(count)

    def _now(self) -> int:
        return int(self._clock() * 1000)

    def _waiting_due(self) -> Due | None:
        now = self._now()
        # No wait is longer than the longest: then the clock was put back, and it counts as over.
        latest = now + int(LONGEST_WAIT * 1000)
        with self._store.reading() as connection:
            row = connection.execute(
                f"SELECT w.turn, tries, {COLUMNS} FROM waiting w JOIN events USING (seq)"  # noqa: S608 - parts of ours
                " WHERE forward = ? AND given_up IS NULL"
                " AND (next_try <= ? OR next_try > ?) ORDER BY w.turn LIMIT 1",
                (self._name, now, latest),
            ).fetchone()
        if row is None:
            return None
        return Due(event_of(row[2:]), row[0], row[1])

    def _new_due(self) -> Due | None:
        """Take the next event; what waits for others of its record is put aside."""
        while True:
            with self._store.reading() as connection:
                row = connection.execute(
                    f"SELECT turn, {COLUMNS} FROM events"  # noqa: S608 - as above
                    " WHERE reason IS NULL"
                    " AND turn > (SELECT turn FROM forwards WHERE name = ?)"
                    " ORDER BY turn LIMIT 1",
                    (self._name,),
                ).fetchone()
                if row is None:
                    return None
                due = Due(event_of(row[1:]), row[0], 0)
                if self._first_waiting(connection, due.event) is None:
                    return due
            with self._store.writing() as connection:
                self._take_up(connection, due.turn)
                # If the event itself waits already, it was replayed meanwhile, and once is enough.
                connection.execute(
                    "INSERT OR IGNORE INTO waiting (forward, seq, turn, tries) VALUES (?, ?, ?, 0)",
                    (self._name, due.event.seq, due.turn),
                )

    def _take_up(self, connection: sqlite3.Connection, turn: int) -> None:
        connection.execute(
            "UPDATE forwards SET turn = max(turn, ?) WHERE name = ?", (turn, self._name)
        )

    def _first_waiting(
        self, connection: sqlite3.Connection, event: Event
    ) -> tuple[int, int | None] | None:
        """Find the first event of the same record that waits, and when it is tried next."""
        found: tuple[int, int | None] | None = connection.execute(
            "SELECT w.seq, w.next_try FROM events e JOIN waiting w USING (seq)"
            " WHERE e.account = ? AND e.object = ? AND e.record_id = ?"
            " AND w.forward = ? AND w.given_up IS NULL ORDER BY w.turn LIMIT 1",
            (event.account, event.object_name, event.record_id, self._name),
        ).fetchone()
        return found

    def _release(self, connection: sqlite3.Connection, event: Event) -> None:
        """Let the next event of the same record go."""
        following = self._first_waiting(connection, event)
        if following is not None and following[1] is None:
            connection.execute(
                "UPDATE waiting SET next_try = ? WHERE forward = ? AND seq = ?",
                (self._now(), self._name, following[0]),
            )


def given_up(store: EventStore, selection: Selection = EVERYTHING) -> Iterator[Failure]:
    """List what was given up.

    Raises:
        StoreError: If the store cannot be read.
    """
    where, values = selection.where()
    with store.reading() as connection:
        rows = connection.execute(
            f"SELECT forward, tries, given_up, error, {COLUMNS}"  # noqa: S608 - as above
            f" FROM waiting JOIN events USING (seq) WHERE given_up IS NOT NULL AND {where}"
            " ORDER BY forward, given_up",
            values,
        ).fetchall()
    for forward, tries, moment, error, *event in rows:
        yield Failure(forward, event_of(tuple(event)), tries, moment_of(moment), error)


def forward_standings(store: EventStore) -> list[ForwardStanding]:
    """List all who are told of events.

    Raises:
        StoreError: If the store cannot be read.
    """
    with store.reading() as connection:
        rows = connection.execute(
            "SELECT name,"
            " (SELECT count(*) FROM events e WHERE e.turn > f.turn AND e.reason IS NULL),"
            " (SELECT count(*) FROM waiting w WHERE w.forward = name AND given_up IS NULL),"
            " (SELECT count(*) FROM waiting w WHERE w.forward = name AND given_up IS NOT NULL)"
            " FROM forwards f ORDER BY name"
        ).fetchall()
    return [ForwardStanding(*row) for row in rows]


def forget_forward(store: EventStore, name: str) -> bool:
    """Forget one who was told of events, and what waits for it; tell whether there was one.

    Raises:
        StoreError: If the store cannot be written.
    """
    with store.writing() as connection:
        connection.execute("DELETE FROM waiting WHERE forward = ?", (name,))
        return connection.execute("DELETE FROM forwards WHERE name = ?", (name,)).rowcount > 0
