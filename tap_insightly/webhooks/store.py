"""The store of webhooks for all but the server that receives them: look, prune, replay."""

from __future__ import annotations

from contextlib import contextmanager
from dataclasses import dataclass
from enum import Enum, auto
from typing import TYPE_CHECKING

from typing_extensions import override

from tap_insightly.api.http.closeable import Closeable
from tap_insightly.webhooks.database import connect, store_errors, transaction
from tap_insightly.webhooks.event import COLUMNS, event_of, milliseconds, moment_of

if TYPE_CHECKING:
    import sqlite3
    from collections.abc import Callable, Iterator, Mapping
    from datetime import datetime
    from pathlib import Path

    from tap_insightly.webhooks.event import Event, Understood

_BLOCK = 500  # events that are read, or deleted, at one time: who writes waits no longer than that


@dataclass(frozen=True)
class Standing:
    """How a store stands."""

    store_id: str
    """Its name for good: another store at the same path has another."""

    generation: int
    """Grows whenever a server starts to receive, also after its disk had taken no writes."""

    position: int
    """The newest position that was given to anything."""

    pruned_to: int
    """No event with a position greater than this was ever pruned."""

    alive_at: datetime | None
    """When a server last said that it receives; None if none does."""

    knows_account: bool
    """Whether an event of the account, or of any, was ever understood."""


@dataclass(frozen=True)
class Selection:
    """Which events are meant; by default all."""

    account: str | None = None
    object_names: frozenset[str] | None = None
    is_rejected: bool | None = None
    """Only those that were rejected, or only those that were not."""

    since: datetime | None = None
    """Only those that came, at least once, at this moment or later."""

    after_position: int = 0
    seqs: frozenset[int] | None = None

    def where(self) -> tuple[str, list[object]]:
        """Write it as a condition of SQL, with its values."""
        parts: list[str] = ["position > ?"]
        values: list[object] = [self.after_position]
        if self.account is not None:
            # The plus: with a time, the events are found by that.
            parts.append("account = ?" if self.since is None else "+account = ?")
            values.append(self.account)
        if self.object_names is not None:
            parts.append(f"object IN ({_marks(self.object_names)})")
            values += sorted(self.object_names)
        if self.seqs is not None:
            parts.append(f"seq IN ({_marks(self.seqs)})")
            values += sorted(self.seqs)
        if self.is_rejected is not None:
            parts.append(f"reason IS {'NOT ' if self.is_rejected else ''}NULL")
        if self.since is not None:
            parts.append("latest >= ?")
            values.append(milliseconds(self.since))
        return " AND ".join(parts), values


EVERYTHING = Selection()


@dataclass(frozen=True)
class Replayed:
    """What became of events that were replayed."""

    again: int
    """How many are handed on again."""

    understood: int
    """How many had been rejected, and are understood now."""

    rejected: int
    """How many are still not understood."""


class EventStore(Closeable):
    """A store that exists; nobody who writes to it waits for one who reads it."""

    def __init__(self, path: str | Path, *, is_writable: bool = False) -> None:
        """Open it.

        Raises:
            StoreError: If there is none, or it cannot be used.
        """
        self.path = path
        self._connection = connect(path, is_writable=is_writable)

    @override
    def close(self) -> None:
        self._connection.close()

    @contextmanager
    def reading(self) -> Iterator[sqlite3.Connection]:
        """See one and the same state of the store for as long as the context lasts."""
        with store_errors(self.path):
            self._connection.execute("BEGIN")
            try:
                yield self._connection
            finally:
                self._connection.execute("COMMIT")

    @contextmanager
    def writing(self) -> Iterator[sqlite3.Connection]:
        """Write all of it or nothing."""
        with store_errors(self.path), transaction(self._connection):
            yield self._connection

    def standing(self, account: str | None = None) -> Standing:
        """Tell how the store stands, for one account or for all.

        Raises:
            StoreError: If the store cannot be read.
        """
        with self.reading() as connection:
            store_id, generation, position, pruned_to, alive_at = connection.execute(
                "SELECT id, generation, position, pruned_to, alive_at FROM store"
            ).fetchone()
            known = connection.execute(
                "SELECT 1 FROM accounts WHERE ?1 IS NULL OR name = ?1", (account,)
            ).fetchone()
        return Standing(
            store_id=store_id,
            generation=generation,
            position=position,
            pruned_to=pruned_to,
            alive_at=None if alive_at is None else moment_of(alive_at),
            knows_account=known is not None,
        )

    def objects_between(
        self, account: str | None, after_position: int, before: datetime | None = None
    ) -> Mapping[str, int]:
        """Tell which objects have events with a greater position, and the newest of each.

        Only events that were received before a moment count, if there is one.

        Raises:
            StoreError: If the store cannot be read.
        """
        until = None if before is None else milliseconds(before)
        with self.reading() as connection:
            return dict(
                connection.execute(
                    "SELECT object, max(position) FROM events INDEXED BY events_by_object"
                    " WHERE position > ?1"
                    " AND reason IS NULL AND (?2 IS NULL OR account = ?2)"
                    " AND (?3 IS NULL OR latest < ?3) GROUP BY object",
                    (after_position, account, until),
                ).fetchall()
            )

    def positions_before(self, account: str | None, moment: datetime) -> int:
        """Tell the newest position up to which all events were received before a moment.

        Raises:
            StoreError: If the store cannot be read.
        """
        with self.reading() as connection:
            (first,) = connection.execute(  # the plus: by their times, of which few are so late
                "SELECT min(+position) FROM events WHERE latest >= ?1"
                " AND (?2 IS NULL OR account = ?2)",
                (milliseconds(moment), account),
            ).fetchone()
            (newest,) = connection.execute("SELECT position FROM store").fetchone()
        return int(newest if first is None else first - 1)

    def count(self, selection: Selection = EVERYTHING) -> int:
        """Count events.

        Raises:
            StoreError: If the store cannot be read.
        """
        where, values = selection.where()
        with self.reading() as connection:
            (number,) = connection.execute(
                f"SELECT count(*) FROM events WHERE {where}",  # noqa: S608 - parts of ours
                values,
            ).fetchone()
        return int(number)

    def events(self, selection: Selection = EVERYTHING) -> Iterator[Event]:
        """Go through events in the order of their positions, as the store is at each moment.

        Raises:
            StoreError: If the store cannot be read.
        """
        where, values = selection.where()
        after = selection.after_position
        while True:
            with self.reading() as connection:
                rows = connection.execute(
                    f"SELECT {COLUMNS} FROM events WHERE {where} AND position > ?"  # noqa: S608 - parts of ours
                    f" ORDER BY position LIMIT {_BLOCK}",
                    (*values, after),
                ).fetchall()
            yield from map(event_of, rows)
            if len(rows) < _BLOCK:
                return
            after = rows[-1][1]

    def newest_events(self, count: int, selection: Selection = EVERYTHING) -> list[Event]:
        """List the newest events, the newest last.

        Raises:
            StoreError: If the store cannot be read.
        """
        where, values = selection.where()
        with self.reading() as connection:
            rows = connection.execute(
                f"SELECT {COLUMNS} FROM events WHERE {where}"  # noqa: S608 - as above
                " ORDER BY position DESC LIMIT ?",
                (*values, count),
            ).fetchall()
        return [event_of(row) for row in reversed(rows)]

    def count_old(self, before: datetime, *, is_with_rejected: bool = False) -> int:
        """Count what `prune` would delete.

        Raises:
            StoreError: If the store cannot be read.
        """
        with self.reading() as connection:
            (count,) = connection.execute(
                f"SELECT count(*) FROM events WHERE {_old(is_with_rejected)}",  # noqa: S608 - as above
                (milliseconds(before),),
            ).fetchone()
        return int(count)

    def prune(self, before: datetime, *, is_with_rejected: bool = False) -> int:
        """Delete the events whose last delivery was before a moment, and count them.

        What a forward still has to hand on stays, and so does what was rejected unless it is meant
        as well.

        Raises:
            StoreError: If the store cannot be written.
        """
        deleted = 0
        while True:
            with self.writing() as connection:
                rows = connection.execute(
                    f"SELECT seq, position FROM events WHERE {_old(is_with_rejected)}"  # noqa: S608 - as above
                    f" LIMIT {_BLOCK}",
                    (milliseconds(before),),
                ).fetchall()
                if rows:
                    connection.execute(
                        "UPDATE store SET pruned_to = max(pruned_to, ?)",
                        (max(position for _, position in rows),),
                    )
                for table in ("waiting", "events"):
                    connection.executemany(
                        f"DELETE FROM {table} WHERE seq = ?",  # noqa: S608 - as above
                        [(seq,) for seq, _ in rows],
                    )
            deleted += len(rows)
            if len(rows) < _BLOCK:
                return deleted

    def replay(self, selection: Selection, parse: Callable[[bytes], Understood]) -> Replayed:
        """Have events handed on again; what was rejected is parsed again first.

        Those who look for new events find them again, too.

        Raises:
            StoreError: If the store cannot be written.
        """
        where, values = selection.where()
        with self.reading() as connection:
            rows = connection.execute(
                f"SELECT seq FROM events WHERE {where} ORDER BY position",  # noqa: S608 - as above
                values,
            ).fetchall()
        # All are known before the first gets another position.
        done = [self._replay_one(seq, parse) for (seq,) in rows]
        return Replayed(
            again=done.count(_Replay.AGAIN) + done.count(_Replay.UNDERSTOOD),
            understood=done.count(_Replay.UNDERSTOOD),
            rejected=done.count(_Replay.REJECTED),
        )

    def _replay_one(self, seq: int, parse: Callable[[bytes], Understood]) -> _Replay:
        with self.writing() as connection:
            row = connection.execute(
                "SELECT account, reason, body FROM events WHERE seq = ?", (seq,)
            ).fetchone()
            if row is None:  # pruned just now
                return _Replay.GONE
            account, reason, body = row
            found = parse(body)
            if found.reason is not None:
                return _Replay.REJECTED
            connection.execute(
                "UPDATE events SET turn = ?1, position = ?1, object = ?2, record_id = ?3,"
                " updated = ?4, reason = NULL WHERE seq = ?5",
                (
                    *(next_position(connection), found.object_name, found.record_id),
                    *(found.updated, seq),
                ),
            )
            connection.execute("DELETE FROM waiting WHERE seq = ? AND given_up IS NOT NULL", (seq,))
            know_account(connection, account)
        return _Replay.AGAIN if reason is None else _Replay.UNDERSTOOD


class _Replay(Enum):
    AGAIN = auto()
    UNDERSTOOD = auto()
    REJECTED = auto()
    GONE = auto()


def _old(is_with_rejected: bool) -> str:  # noqa: FBT001 - said where it is called
    """Write the condition of what may be deleted, but for the moment."""
    which = (
        "latest < ? AND turn <= coalesce((SELECT min(turn) FROM forwards), turn)"
        " AND seq NOT IN (SELECT seq FROM waiting WHERE given_up IS NULL)"
    )
    return which if is_with_rejected else f"{which} AND reason IS NULL"


def next_position(connection: sqlite3.Connection) -> int:
    """Take the next position, within a transaction."""
    connection.execute("UPDATE store SET position = position + 1")
    (position,) = connection.execute("SELECT position FROM store").fetchone()
    return int(position)


def know_account(connection: sqlite3.Connection, name: str) -> None:
    """Note that an event of an account was understood."""
    connection.execute("INSERT OR IGNORE INTO accounts VALUES (?)", (name,))


def _marks(values: frozenset[object] | frozenset[str] | frozenset[int]) -> str:
    return ", ".join("?" * len(values))
