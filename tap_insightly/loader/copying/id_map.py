"""The id map: a file that outlives every run, and says which record of another account is which."""

from __future__ import annotations

import sqlite3
import threading
from contextlib import closing, contextmanager
from typing import TYPE_CHECKING, Any, NamedTuple

from typing_extensions import override

from tap_insightly.api.http.closeable import Closeable
from tap_insightly.api.http.codec import decode, encode
from tap_insightly.loader.errors import SettingError

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

_TABLES = """
create table if not exists facts (name text primary key, value text not null);
-- target is null if there is no such record here, and none can be made.
create table if not exists ids (
    path text, source integer, target integer, digest text, primary key (path, source)
);
create table if not exists waiting (
    path text, source integer, stream text not null, record text not null, digest text not null,
    primary key (path, source)
);
create table if not exists intents (
    path text, source integer, request text not null, body text not null, since text not null,
    primary key (path, source)
);
create table if not exists streams (name text primary key, schema text not null);
"""


class MappedId(NamedTuple):
    """What is known of a record of the other account."""

    target_id: int | None
    """Its id here; None if it is not here, and cannot be."""

    digest: str | None
    """A hash of the record that was written last."""


class WaitingRecord(NamedTuple):
    """A record that is still to be written."""

    source_id: int
    stream: str
    record: dict[str, Any]
    digest: str


class Intent(NamedTuple):
    """A record that was about to be created; without an id, nobody knows whether it was."""

    path: str
    """The path of its list."""

    source_id: int

    request_path: str
    """Where the request went."""

    body: dict[str, Any]

    since: str
    """When, by the server's clock, RFC 3339."""


class IdMap(Closeable):
    """Knows which id of another account (source) is which one here (target), and what is to do.

    Ids are those of a list, which is named by its path.
    """

    def __init__(self, path: str, account: str) -> None:
        """Open or create the file; refuse one that belongs to another account than this."""
        self._lock = threading.RLock()
        try:
            self._db = sqlite3.connect(path, check_same_thread=False, isolation_level=None)
            self._db.execute("pragma journal_mode = wal")
            self._db.executescript(_TABLES)
            with self._transaction():
                self._db.execute("insert or ignore into facts values ('account', ?)", [account])
            (own,) = self._one("select value from facts where name = 'account'", [])
        except sqlite3.Error as error:
            msg = f"Setting 'id_map': {path} cannot be used: {error}."
            raise SettingError(msg) from None
        if own != account:
            self.close()
            msg = f"Setting 'id_map': {path} is about another account ({own}); name another file."
            raise SettingError(msg)

    @override
    def close(self) -> None:
        self._db.close()

    def find(self, path: str, source_id: int) -> MappedId | None:
        """What is known of a record; None if nothing is."""
        query = "select target, digest from ids where path = ? and source = ?"
        row = self._one(query, [path, source_id])
        return None if row is None else MappedId(row[0], row[1])

    def target_of(self, path: str, source_id: int) -> int | None:
        """The id here; None if it is not known, or there is none."""
        found = self.find(path, source_id)
        return None if found is None else found.target_id

    def targets(self, path: str) -> set[int]:
        """All ids of a list that are known here."""
        rows = self._all("select target from ids where path = ? and target is not null", [path])
        return {int(row[0]) for row in rows}

    def put(self, path: str, source_id: int, target_id: int | None) -> None:
        """Note which record is which, or that there can be none; this fulfils its intent."""
        with self._transaction():
            self._db.execute(
                "insert into ids values (?, ?, ?, null) "
                "on conflict (path, source) do update set target = excluded.target",
                [path, source_id, target_id],
            )
            self._db.execute("delete from intents where path = ? and source = ?", [path, source_id])

    def add_intent(
        self, path: str, source_id: int, request_path: str, body: bytes, since: str
    ) -> None:
        """Note that a record is about to be created."""
        with self._transaction():
            self._db.execute(
                "insert or replace into intents values (?, ?, ?, ?, ?)",
                [path, source_id, request_path, body.decode(), since],
            )

    def remove_intent(self, path: str, source_id: int) -> None:
        """Note that a record was not created."""
        with self._transaction():
            self._db.execute("delete from intents where path = ? and source = ?", [path, source_id])

    def intents(self) -> list[Intent]:
        """All intents that a run has left behind."""
        rows = self._all("select path, source, request, body, since from intents", [])
        return [Intent(row[0], row[1], row[2], decode(row[3]), row[4]) for row in rows]

    def add_waiting(
        self, path: str, source_id: int, stream: str, record: Mapping[str, Any], digest: str
    ) -> None:
        """Keep a record that is to be written; it replaces an earlier one with its id."""
        with self._transaction():
            self._db.execute(
                "insert or replace into waiting values (?, ?, ?, ?, ?)",
                [path, source_id, stream, encode(record).decode(), digest],
            )

    def waiting(self, path: str) -> Iterator[WaitingRecord]:
        """The records of a list that are to be written, in ascending order of their ids."""
        after = -1
        while True:
            query = (
                "select source, stream, record, digest from waiting "
                "where path = ? and source > ? order by source limit 200"
            )
            rows = self._all(query, [path, after])
            if not rows:
                return
            for row in rows:
                yield WaitingRecord(row[0], row[1], decode(row[2]), row[3])
            after = rows[-1][0]

    def is_waiting(self, path: str, source_id: int) -> bool:
        """Whether a record is to be written."""
        query = "select 1 from waiting where path = ? and source = ?"
        return self._one(query, [path, source_id]) is not None

    def finish(self, path: str, source_id: int, digest: str | None) -> None:
        """Note that a record is written; without a digest, that it will not be."""
        with self._transaction():
            self._db.execute("delete from waiting where path = ? and source = ?", [path, source_id])
            self._db.execute(
                "update ids set digest = ? where path = ? and source = ?",
                [digest, path, source_id],
            )

    def remove(self, path: str, source_id: int) -> None:
        """Forget a record that was deleted."""
        with self._transaction():
            key = [path, source_id]
            self._db.execute("delete from waiting where path = ? and source = ?", key)
            self._db.execute("delete from ids where path = ? and source = ?", key)

    def put_schema(self, stream: str, schema: Mapping[str, Any]) -> None:
        """Keep the schema of a stream, for records that wait longer than a run."""
        with self._transaction():
            self._db.execute(
                "insert or replace into streams values (?, ?)", [stream, encode(schema).decode()]
            )

    def schemas(self) -> dict[str, dict[str, Any]]:
        """The schemas of the streams that have records waiting."""
        query = "select name, schema from streams where name in (select stream from waiting)"
        return {row[0]: decode(row[1]) for row in self._all(query, [])}

    @contextmanager
    def _transaction(self) -> Iterator[None]:
        with self._lock:
            self._db.execute("begin immediate")
            try:
                yield
            except BaseException:
                self._db.execute("rollback")
                raise
            self._db.execute("commit")

    def _one(self, query: str, values: list[Any]) -> Any:  # noqa: ANN401 - a row, or None
        with self._lock, closing(self._db.execute(query, values)) as cursor:
            return cursor.fetchone()

    def _all(self, query: str, values: list[Any]) -> list[Any]:
        with self._lock, closing(self._db.execute(query, values)) as cursor:
            return cursor.fetchall()
