"""Which record of the other account is which one here: a file that outlives every run."""

from __future__ import annotations

import sqlite3
import threading
from contextlib import closing, contextmanager
from typing import TYPE_CHECKING, Any

from tap_insightly.api import InsightlyError
from tap_insightly.api.http.closeable import Closeable
from tap_insightly.api.http.codec import decode, encode

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


class IdMap(Closeable):
    """A file that says which id there is which one here, and what is still to be done."""

    def __init__(self, path: str, account: str) -> None:
        """Open the file, or make it.

        Args:
            path: Its path, text.
            account: Which account is written to, text.

        Raises:
            InsightlyError: If it cannot be used, or belongs to another account.
        """
        self._path = path
        self._lock = threading.RLock()
        try:
            self._db = sqlite3.connect(path, check_same_thread=False, isolation_level=None)
            self._db.execute("pragma journal_mode = wal")
            self._db.executescript(_TABLES)
            with self._writing():
                self._db.execute("insert or ignore into facts values ('account', ?)", [account])
            (own,) = self._one("select value from facts where name = 'account'", [])
        except sqlite3.Error as error:
            msg = f"Setting 'id_map': {path} cannot be used: {error}."
            raise InsightlyError(msg) from None
        if own != account:
            self.close()
            msg = f"Setting 'id_map': {path} is about another account ({own}); name another file."
            raise InsightlyError(msg)

    def close(self) -> None:
        """Close the file."""
        self._db.close()

    def find(self, path: str, source: int) -> tuple[int | None, str | None] | None:
        """Look a record up.

        Args:
            path: The path of its list.
            source: Its id in the other account.

        Returns:
            Its id here, None for one that cannot be, and the digest of what was written last;
            None if nothing is known of it.
        """
        query = "select target, digest from ids where path = ? and source = ?"
        row = self._one(query, [path, source])
        return None if row is None else (row[0], row[1])

    def targets(self, path: str) -> set[int]:
        """List the ids here that are known.

        Args:
            path: The path of the list.

        Returns:
            The ids.
        """
        rows = self._all("select target from ids where path = ? and target is not null", [path])
        return {int(row[0]) for row in rows}

    def put(self, path: str, source: int, target: int | None) -> None:
        """Take down which record is which; what was to be made is made then.

        Args:
            path: The path of the list.
            source: The id there.
            target: The id here; None if there is none and cannot be.
        """
        with self._writing():
            self._db.execute(
                "insert into ids values (?, ?, ?, null) "
                "on conflict (path, source) do update set target = excluded.target",
                [path, source, target],
            )
            self._db.execute("delete from intents where path = ? and source = ?", [path, source])

    def intend(self, path: str, source: int, request: str, body: bytes, since: str) -> None:
        """Take down that a record is about to be made.

        Args:
            path: The path of its list.
            source: The id there.
            request: The path that the request goes to.
            body: What is sent.
            since: When, by the server's clock, ISO 8601.
        """
        with self._writing():
            self._db.execute(
                "insert or replace into intents values (?, ?, ?, ?, ?)",
                [path, source, request, body.decode(), since],
            )

    def forget_intent(self, path: str, source: int) -> None:
        """Take down that a record was not made.

        Args:
            path: The path of its list.
            source: The id there.
        """
        with self._writing():
            self._db.execute("delete from intents where path = ? and source = ?", [path, source])

    def intents(self) -> list[tuple[str, int, str, dict[str, Any], str]]:
        """List what was about to be made, and of which it is not known whether it was.

        Returns:
            Path of the list, id there, path of the request, body, and when.
        """
        rows = self._all("select path, source, request, body, since from intents", [])
        return [(row[0], row[1], row[2], decode(row[3]), row[4]) for row in rows]

    def wait_for(
        self, path: str, source: int, stream: str, record: Mapping[str, Any], digest: str
    ) -> None:
        """Keep a record that is to be written; a later one of the same id takes its place.

        Args:
            path: The path of its list.
            source: Its id there.
            stream: The stream's name.
            record: The record as it came.
            digest: What tells it from others.
        """
        with self._writing():
            self._db.execute(
                "insert or replace into waiting values (?, ?, ?, ?, ?)",
                [path, source, stream, encode(record).decode(), digest],
            )

    def waiting(self, path: str) -> Iterator[tuple[int, str, dict[str, Any], str]]:
        """Go through the records of a list that are to be written.

        Args:
            path: The path of the list.

        Yields:
            Id there, stream, record and digest, in ascending order of the id.
        """
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
                yield row[0], row[1], decode(row[2]), row[3]
            after = rows[-1][0]

    def is_waiting(self, path: str, source: int) -> bool:
        """Tell whether a record is to be written.

        Args:
            path: The path of its list.
            source: Its id there.

        Returns:
            Whether it is.
        """
        query = "select 1 from waiting where path = ? and source = ?"
        return self._one(query, [path, source]) is not None

    def done(self, path: str, source: int, digest: str | None) -> None:
        """Take down that a record is written, or will not be.

        Args:
            path: The path of its list.
            source: Its id there.
            digest: What tells it from others; None if it was not written.
        """
        with self._writing():
            self._db.execute("delete from waiting where path = ? and source = ?", [path, source])
            self._db.execute(
                "update ids set digest = ? where path = ? and source = ?", [digest, path, source]
            )

    def forget(self, path: str, source: int) -> None:
        """Forget a record that was deleted.

        Args:
            path: The path of its list.
            source: Its id there.
        """
        with self._writing():
            key = [path, source]
            self._db.execute("delete from waiting where path = ? and source = ?", key)
            self._db.execute("delete from ids where path = ? and source = ?", key)

    def keep_schema(self, stream: str, schema: Mapping[str, Any]) -> None:
        """Keep the schema of a stream, for records that wait longer than a run.

        Args:
            stream: The stream's name.
            schema: The schema.
        """
        with self._writing():
            self._db.execute(
                "insert or replace into streams values (?, ?)", [stream, encode(schema).decode()]
            )

    def schemas(self) -> dict[str, dict[str, Any]]:
        """List the schemas of the streams that have records that wait.

        Returns:
            Schemas by stream.
        """
        query = "select name, schema from streams where name in (select stream from waiting)"
        return {row[0]: decode(row[1]) for row in self._all(query, [])}

    @contextmanager
    def _writing(self) -> Iterator[None]:
        with self._lock:
            self._db.execute("begin immediate")
            try:
                yield
            except BaseException:
                self._db.execute("rollback")
                raise
            self._db.execute("commit")

    def _one(self, query: str, values: list[Any]) -> Any:  # noqa: ANN401 - a row, or None
        with self._lock, closing(self._db.execute(query, values)) as paginator:
            return paginator.fetchone()

    def _all(self, query: str, values: list[Any]) -> list[Any]:
        with self._lock, closing(self._db.execute(query, values)) as paginator:
            return paginator.fetchall()
