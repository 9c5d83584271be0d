"""The server's side of the store: deliveries are on disk before they are answered.

One thread writes. Whatever waits when it comes round goes into one commit, so that the disk decides
how long a delivery takes, and not how many deliveries there are.
"""

from __future__ import annotations

import asyncio
import sqlite3
import threading
import time
from collections import deque
from contextlib import suppress
from dataclasses import dataclass
from enum import Enum
from hashlib import sha256
from typing import TYPE_CHECKING

from typing_extensions import override

from tap_insightly.api.http.closeable import Closeable
from tap_insightly.webhooks.database import (
    Place,
    StoreError,
    create,
    store_errors,
    transaction,
)
from tap_insightly.webhooks.event import Understood
from tap_insightly.webhooks.store import know_account

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from pathlib import Path

ALIVE_SECONDS = 10.0
"""How often a server that receives says so in the store."""

REPEAT_MILLISECONDS = 10 * 60 * 1000
"""For how long the same bytes are a repeated delivery, if they have no date of an update.

Insightly tries two more times (docs). It is assumed to do so within ten minutes; what comes later
is a record that is again as it was."""

_SILENT = 3  # times that it should have said that it is alive, and did not
_MOST_WAITING = 5_000
_MOST_BYTES_WAITING = 64_000_000
_MOST_AT_ONCE = 500  # deliveries of one commit


class QueueFullError(StoreError):
    """More deliveries wait to be written than is sensible."""


class Result(Enum):
    """What became of a delivery."""

    NEW = "new"
    REPEATED = "repeated"
    REJECTED = "rejected"


@dataclass(frozen=True)
class Kept:
    """A delivery that is on disk."""

    seq: int
    """The number of its event."""

    result: Result
    understood: Understood


class _Waiting:
    """A delivery that is not on disk yet; or, without a body, the wish to see that it could be."""

    def __init__(self, account: str, body: bytes | None) -> None:
        self.account = account
        self.body = body
        self.size = len(body or b"")
        self.loop = asyncio.get_running_loop()
        self.future: asyncio.Future[Kept | None] = self.loop.create_future()


class EventWriter(Closeable):
    """Writes deliveries to a store, in a thread of its own.

    Several servers may write to one store, though each takes its turn.
    """

    def __init__(
        self,
        path: str | Path,
        parse: Callable[[bytes], Understood],
        *,
        clock: Callable[[], float] = time.time,
        most_waiting: int = _MOST_WAITING,
        alive_seconds: float = ALIVE_SECONDS,
    ) -> None:
        """Get ready; nothing is opened yet."""
        self.trouble: str | None = None
        """Why the last attempt to write failed, a sentence; None if it did not."""
        self._path = path
        self._parse = parse
        self._clock = clock
        self._most_waiting = most_waiting
        self._alive_seconds = alive_seconds
        self._queue: deque[_Waiting] = deque()
        self._bytes = 0
        self._wake = threading.Condition()
        self._is_open = False
        self._thread = threading.Thread(target=self._run, name="webhooks", daemon=True)
        self._connection: sqlite3.Connection | None = None
        self._place: Place | None = None
        self._is_new_generation = True
        self._next_alive = 0.0
        self._was_alive: float | None = None  # by the clock

    def start(self) -> None:
        """Open the store, make it if there is none, and begin.

        Raises:
            StoreError: If it cannot be made or written.
        """
        self._understand(b'{"entity":{}}')  # so that the first delivery need not wait for it
        self._write([])
        self._is_open = True
        self._thread.start()

    async def add(self, account: str, body: bytes) -> Kept:
        """Keep a delivery; it is on disk when this returns.

        Args:
            account: To whom it was delivered.
            body: As it came.

        Returns:
            What became of it.

        Raises:
            StoreError: If it cannot be kept at the moment. Nothing of it is.
        """
        kept = await self._done(_Waiting(account, body))
        assert kept is not None  # noqa: S101 - for the type checker: it has a body
        return kept

    async def check(self) -> None:
        """Say in the store that the server is alive, as a proof that the disk takes writes.

        Raises:
            StoreError: If it does not.
        """
        await self._done(_Waiting("", None))

    async def _done(self, waiting: _Waiting) -> Kept | None:
        with self._wake:
            if not self._is_open:
                msg = f"The store of webhooks {self._path} is closed."
                raise StoreError(msg)
            if len(self._queue) >= self._most_waiting or self._bytes > _MOST_BYTES_WAITING:
                self._is_new_generation = True  # it may never come again
                msg = f"Too many deliveries wait to be written to {self._path}."
                raise QueueFullError(msg)
            self._queue.append(waiting)
            self._bytes += waiting.size
            self._wake.notify()
        return await waiting.future

    @override
    def close(self) -> None:
        """Write what waits, and end."""
        with self._wake:
            was_open, self._is_open = self._is_open, False
            self._wake.notify()
        if was_open:
            self._thread.join()

    def _run(self) -> None:
        while batch := self._take():
            self._keep(batch[0])
        self._say_goodbye()

    def _take(self) -> tuple[list[_Waiting]] | None:
        """Wait for deliveries, or until it is time to say that all is well; None at the end."""
        with self._wake:
            while self._is_open and not self._queue:
                if not self._wake.wait(max(0.0, self._next_alive - time.monotonic())):
                    break
            batch = [self._queue.popleft() for _ in range(min(len(self._queue), _MOST_AT_ONCE))]
            self._bytes -= sum(one.size for one in batch)
            return (batch,) if batch or self._is_open else None

    def _keep(self, batch: Sequence[_Waiting]) -> None:
        try:
            kept = self._write(batch)
        except Exception as error:  # noqa: BLE001 - whatever it is, those who wait have to know
            self._fail(batch, error)
            return
        self.trouble = None
        _tell(batch, kept)

    def _fail(self, batch: Sequence[_Waiting], error: Exception) -> None:
        kind = type(error) if isinstance(error, StoreError) else StoreError
        text = str(error) if isinstance(error, StoreError) else f"{type(error).__name__}: {error}"
        self.trouble = text
        self._is_new_generation = True  # what is refused now may never come again
        self._next_alive = time.monotonic() + self._alive_seconds
        self._disconnect()
        _tell(batch, [kind(text) for _ in batch])

    def _write(self, batch: Sequence[_Waiting]) -> list[Kept | None]:
        """Put deliveries into the store, all or none."""
        found = [(one, None if one.body is None else self._understand(one.body)) for one in batch]
        connection = self._connect()
        self._is_new_generation |= self._has_slept()
        is_new_generation, self._is_new_generation = self._is_new_generation, False
        is_check = any(one.body is None for one in batch)
        is_time = is_check or is_new_generation or time.monotonic() >= self._next_alive
        try:
            with store_errors(self._path), transaction(connection):
                seconds = self._clock()
                now = int(seconds * 1000)
                _correct_times(connection, now)
                kept = _Batch(connection, now).keep(found)
                if is_time:
                    connection.execute(
                        "UPDATE store SET alive_at = ?, generation = generation + ?",
                        (now, is_new_generation),
                    )
        except BaseException:
            self._is_new_generation |= is_new_generation
            raise
        if is_time:
            self._was_alive = seconds
            self._next_alive = time.monotonic() + self._alive_seconds
        return kept

    def _has_slept(self) -> bool:
        """Tell whether the machine slept, or this process was stopped: what came then is lost."""
        if self._was_alive is None:
            return False
        return abs(self._clock() - self._was_alive) > _SILENT * self._alive_seconds

    def _understand(self, body: bytes) -> Understood:
        try:
            return self._parse(body)
        except Exception as error:  # noqa: BLE001 - nothing that is delivered may be dropped
            return Understood(reason=f"It could not be looked at ({type(error).__name__}).")

    def _connect(self) -> sqlite3.Connection:
        """Open the store, unless it is open; somebody may have put another file in its place."""
        if self._place is not None and not self._place.is_kept:
            with suppress(sqlite3.Error):  # the file that was there, wherever it is now, gets all
                self._connection and self._connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
            self._disconnect()
            with store_errors(self._path):
                self._place.clear()
            self._place = None
            self._is_new_generation = True
        if self._connection is None:
            self._connection = create(self._path)
            self._place = Place(self._path)
        return self._connection

    def _disconnect(self) -> None:
        connection, self._connection = self._connection, None
        if connection is not None:
            with suppress(sqlite3.Error):
                connection.close()

    def _say_goodbye(self) -> None:
        with suppress(sqlite3.Error):
            if self._connection is not None:
                self._connection.execute("UPDATE store SET alive_at = NULL")
        self._disconnect()


def _correct_times(connection: sqlite3.Connection, now: int) -> None:
    """If the clock was put back, what seems to come from the future came just now at the latest.

    So times never fall as positions grow, and nothing counts as received long before it was.
    """
    (newest,) = connection.execute("SELECT max(latest) FROM events").fetchone()
    if newest is not None and newest > now:
        connection.execute(
            "UPDATE events SET latest = ?1, received = min(received, ?1) WHERE latest > ?1", (now,)
        )


class _Batch:
    """Deliveries of one commit."""

    def __init__(self, connection: sqlite3.Connection, now: int) -> None:
        self._connection = connection
        self._now = now
        self._known: set[str] = set()
        (self._position,) = connection.execute("SELECT position FROM store").fetchone()

    def keep(self, deliveries: Sequence[tuple[_Waiting, Understood | None]]) -> list[Kept | None]:
        kept = [
            None if found is None else self._keep_one(one.account, one.body or b"", found)
            for one, found in deliveries
        ]
        if any(kept):
            self._connection.execute("UPDATE store SET position = ?", (self._position,))
        return kept

    def _keep_one(self, account: str, body: bytes, found: Understood) -> Kept:
        connection, now = self._connection, self._now
        digest = sha256(body).digest()
        self._position = position = self._position + 1
        seq = _repeated(connection, account, digest, found, now)
        if seq is not None:
            connection.execute(
                "UPDATE events SET position = ?, latest = ?, deliveries = deliveries + 1"
                " WHERE seq = ?",
                (position, now, seq),
            )
            return Kept(seq, Result.REPEATED, found)
        connection.execute(
            "INSERT INTO events (seq, position, turn, account, object, record_id, updated,"
            " received, latest, deliveries, reason, digest, body)"
            " VALUES (?1, ?1, ?1, ?2, ?3, ?4, ?5, ?6, ?6, 1, ?7, ?8, ?9)",
            (
                *(position, account, found.object_name, found.record_id, found.updated),
                *(now, found.reason, digest, body),
            ),
        )
        if found.reason is not None:
            return Kept(position, Result.REJECTED, found)
        if account not in self._known:
            know_account(connection, account)
            self._known.add(account)
        return Kept(position, Result.NEW, found)


def _repeated(
    connection: sqlite3.Connection, account: str, digest: bytes, found: Understood, now: int
) -> int | None:
    """Find the event that a delivery repeats."""
    known = connection.execute(
        "SELECT seq, received FROM events WHERE account = ? AND digest = ?"
        " AND (reason IS NULL) = ? ORDER BY seq DESC LIMIT 1",
        (account, digest, found.reason is None),
    ).fetchone()
    if known is None:
        return None
    seq, received = known
    if found.updated is not None:
        return int(seq)
    if now - received > REPEAT_MILLISECONDS:
        return None
    if found.reason is None:
        # With another event of the record in between, it is again as it was before that.
        (newest,) = connection.execute(
            "SELECT max(seq) FROM events WHERE account = ? AND object = ? AND record_id = ?",
            (account, found.object_name, found.record_id),
        ).fetchone()
        if newest != seq:
            return None
    return int(seq)


def _tell(batch: Sequence[_Waiting], results: Sequence[Kept | StoreError | None]) -> None:
    """Tell those who wait, with one call for each event loop."""
    by_loop: dict[asyncio.AbstractEventLoop, list[tuple[_Waiting, Kept | StoreError | None]]] = {}
    for one, result in zip(batch, results, strict=True):
        by_loop.setdefault(one.loop, []).append((one, result))
    for loop, told in by_loop.items():
        with suppress(RuntimeError):  # the loop has ended meanwhile, and nobody waits
            loop.call_soon_threadsafe(_resolve, told)


def _resolve(told: Sequence[tuple[_Waiting, Kept | StoreError | None]]) -> None:
    for one, result in told:
        if one.future.done():  # who waited has gone
            continue
        if isinstance(result, StoreError):
            one.future.set_exception(result)
        else:
            one.future.set_result(result)
