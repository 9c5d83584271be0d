"""The file with all deliveries of webhooks: an SQLite database, and how it is opened."""

from __future__ import annotations

import os
import sqlite3
import time
import uuid
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import TYPE_CHECKING

from tap_insightly.api.http.errors import InsightlyError

if TYPE_CHECKING:
    from collections.abc import Iterator

VERSION = 1
"""Of the tables; `PRAGMA user_version` has it."""

LOCKED_SECONDS = 5.0
"""How long to wait for another program that writes to the same file."""

_APPLICATION = 0x494E5357  # "INSW", so that no database of something else is taken for one
_FILE_MODE = 0o600  # records of customers
_MOST_OF_LOG = 16_000_000  # bytes that the write-ahead log keeps on disk once it was emptied

_TABLES = """
CREATE TABLE store (
    id TEXT NOT NULL,
    position INTEGER NOT NULL,    -- the last one that was given to anything
    pruned_to INTEGER NOT NULL,
    generation INTEGER NOT NULL,
    alive_at INTEGER              -- milliseconds, as all times here
);
CREATE TABLE accounts (name TEXT PRIMARY KEY) WITHOUT ROWID;
CREATE TABLE events (
    seq INTEGER PRIMARY KEY,      -- its first position: its name for good
    position INTEGER NOT NULL,    -- of its latest delivery
    turn INTEGER NOT NULL,        -- when it is handed on: its first position, or that of a replay
    account TEXT NOT NULL,
    object TEXT,
    record_id INTEGER,
    updated TEXT,
    received INTEGER NOT NULL,    -- the first delivery
    latest INTEGER NOT NULL,      -- the latest delivery
    deliveries INTEGER NOT NULL,
    reason TEXT,
    digest BLOB NOT NULL,
    body BLOB NOT NULL
);
CREATE UNIQUE INDEX events_by_position ON events (position);
CREATE UNIQUE INDEX events_by_turn ON events (turn);
CREATE INDEX events_by_digest ON events (account, digest);
CREATE INDEX events_by_record ON events (account, object, record_id);
CREATE INDEX events_by_latest ON events (latest);
-- So that a sync, which may start each minute, need not read all bodies.
CREATE INDEX events_by_object ON events (account, object, position, latest, reason);
CREATE INDEX events_rejected ON events (latest) WHERE reason IS NOT NULL;
CREATE TABLE forwards (
    name TEXT PRIMARY KEY,
    turn INTEGER NOT NULL         -- up to which events were taken up
) WITHOUT ROWID;
CREATE TABLE waiting (            -- what was taken up, and is not handed on yet
    forward TEXT NOT NULL,
    turn INTEGER NOT NULL,
    seq INTEGER NOT NULL,
    tries INTEGER NOT NULL,
    since INTEGER,                -- the first try
    next_try INTEGER,             -- null while an earlier event of its record waits
    given_up INTEGER,
    error TEXT,
    PRIMARY KEY (forward, seq)
) WITHOUT ROWID;
CREATE INDEX waiting_by_time ON waiting (forward, next_try) WHERE given_up IS NULL;
"""


class StoreError(InsightlyError):
    """The store of webhooks cannot be used: its text says why, and what to do."""


class StoreFullError(StoreError):
    """The disk takes no more writes at the moment."""


def connect(path: str | Path, *, is_writable: bool) -> sqlite3.Connection:
    """Open a store that exists.

    Raises:
        StoreError: If there is none, or it cannot be used.
    """
    if not Path(path).is_file():
        msg = f"There is no store of webhooks at {path}: insightly serve makes it when it starts."
        raise StoreError(msg)
    with store_errors(path):
        connection = _opened(path, "rw" if is_writable else "ro")
        try:
            _check(path, connection)
        except BaseException:
            connection.close()
            raise
    return connection


def create(path: str | Path) -> sqlite3.Connection:
    """Open a store for writing, and make it if there is none.

    Raises:
        StoreError: If it cannot be made or used.
    """
    try:
        # SQLite gives its other files the mode of this one.
        with suppress(FileExistsError):
            os.close(os.open(path, os.O_CREAT | os.O_EXCL | os.O_RDWR, _FILE_MODE))
    except FileNotFoundError:
        msg = (
            f"The store of webhooks {path} cannot be made: there is no such folder. Make it first."
        )
        raise StoreError(msg) from None
    except OSError as error:
        msg = f"The store of webhooks {path} cannot be made: {error.strerror or error}."
        raise StoreError(msg) from None
    with store_errors(path):
        connection = _opened(path, "rw")
        try:
            _set_up(path, connection)
        except BaseException:
            connection.close()
            raise
    return connection


class Place:
    """Which file of SQLite is open at a path, so that another in its place is noticed."""

    def __init__(self, path: str | Path) -> None:
        """Note what is there; it must be open, and have been read."""
        self._path = path
        self._file = _identity(path)
        self._companions = {f"{path}{end}": _identity(f"{path}{end}") for end in ("-wal", "-shm")}

    @property
    def is_kept(self) -> bool:
        """Whether the file that is open is the one that is there."""
        return self._file is not None and self._file == _identity(self._path)

    def clear(self) -> None:
        """Take away what SQLite leaves of a file that was replaced, once that is closed.

        It would take it for changes to the file that is there now, and bring back the old content.
        """
        for path, known in self._companions.items():
            if known is not None and known == _identity(path):
                Path(path).unlink(missing_ok=True)


def _identity(path: str | Path) -> tuple[int, int] | None:
    with suppress(OSError):
        found = Path(path).stat()
        return found.st_dev, found.st_ino
    return None


@contextmanager
def transaction(connection: sqlite3.Connection) -> Iterator[None]:
    """Write all of it or nothing; others that write wait meanwhile, those that read do not."""
    connection.execute("BEGIN IMMEDIATE")
    try:
        yield
        connection.execute("COMMIT")
    except BaseException:
        with suppress(sqlite3.Error):  # SQLite has done it itself if the disk was full
            connection.execute("ROLLBACK")
        raise


@contextmanager
def store_errors(path: str | Path) -> Iterator[None]:
    """Turn the errors of SQLite into sentences."""
    try:
        yield
    except sqlite3.Error as error:
        text = str(error)
        kind = StoreFullError if any(one in text for one in _FULL) else StoreError
        raise kind(_sentence(path, text)) from None


# Texts, because codes are known from Python 3.11 on only.
_FULL = ("disk is full", "disk I/O error")
_SENTENCES = {
    "locked": (
        "is in use: another program has kept it from being written for "
        f"{LOCKED_SECONDS:.0f} seconds. Try again, or end that program."
    ),
    "disk is full": "cannot be written: its disk is full. Make room.",
    "disk I/O error": "cannot be read or written: its disk fails, or is full.",
    "malformed": (
        "is damaged. Put back a copy of it, or move it away: insightly serve makes a new one, "
        "and the next sync then asks for everything."
    ),
    "not a database": "is something else: no SQLite database.",
    "readonly": "may not be written by this user.",
    "unable to open": "cannot be opened: check who may read and write it, and its folder.",
}


def _sentence(path: str | Path, text: str) -> str:
    found = next((said for part, said in _SENTENCES.items() if part in text), None)
    return f"The store of webhooks {path} {found or f'cannot be used: {text}.'}"


def _opened(path: str | Path, mode: str) -> sqlite3.Connection:
    address = f"{Path(path).absolute().as_uri()}?mode={mode}"
    if mode == "ro" and _is_at_rest(path):
        # Nothing can be written here, and nobody does: SQLite need not, either.
        address += "&immutable=1"
    connection = sqlite3.connect(
        address, uri=True, timeout=LOCKED_SECONDS, isolation_level=None, check_same_thread=False
    )
    if mode == "rw":
        connection.execute("PRAGMA synchronous = FULL")
        connection.execute(f"PRAGMA journal_size_limit = {_MOST_OF_LOG}")
    return connection


def _is_at_rest(path: str | Path) -> bool:
    """Tell whether a file is where nothing can be written, and nobody has it open or left a log."""
    is_open = any(Path(f"{path}{end}").exists() for end in ("-wal", "-shm"))
    return not is_open and not os.access(Path(path).absolute().parent, os.W_OK)


def _pragma(connection: sqlite3.Connection, name: str) -> int:
    return int(connection.execute(f"PRAGMA {name}").fetchone()[0])


def _check(path: str | Path, connection: sqlite3.Connection) -> None:
    application, version = (_pragma(connection, one) for one in ("application_id", "user_version"))
    if application != _APPLICATION:
        msg = f"{path} is no store of webhooks: it is a database of something else, or empty."
        raise StoreError(msg)
    if version > VERSION:
        msg = (
            f"The store of webhooks {path} was made by a newer version of this program "
            f"(its tables have the number {version}, this one knows {VERSION}). Upgrade."
        )
        raise StoreError(msg)


def _set_up(path: str | Path, connection: sqlite3.Connection) -> None:
    """Make the tables if there is nothing at all; others may be about to do the same."""
    tables = "SELECT count(*) FROM sqlite_master"
    if connection.execute(tables).fetchone()[0]:
        _check(path, connection)
    _keep_log(path, connection)
    with transaction(connection):
        if connection.execute(tables).fetchone()[0]:
            _check(path, connection)
            return
        for statement in _TABLES.split(";"):
            connection.execute(statement)
        connection.execute("INSERT INTO store VALUES (?, 0, 0, 0, NULL)", (uuid.uuid4().hex,))
        connection.execute(f"PRAGMA application_id = {_APPLICATION}")
        connection.execute(f"PRAGMA user_version = {VERSION}")


def _keep_log(path: str | Path, connection: sqlite3.Connection) -> None:
    """Have SQLite write to a log first, so that nobody who reads waits for one who writes."""
    until = time.monotonic() + LOCKED_SECONDS
    while True:
        try:
            mode = connection.execute("PRAGMA journal_mode = WAL").fetchone()[0]
            break
        except sqlite3.OperationalError as error:
            # Here SQLite does not wait if another does the same.
            if "locked" not in str(error) or time.monotonic() > until:
                raise
            time.sleep(0.01)
    if mode != "wal":
        msg = f"The store of webhooks {path} must be on a disk of this machine, and no network's."
        raise StoreError(msg)
