"""The tokens of the gateway's clients, in a file of SQLite. Only their hashes are kept.

Needs no extra, so that the command line can change what a server uses that runs already.
"""

from __future__ import annotations

import hashlib
import json
import os
import secrets
import sqlite3
import threading
from contextlib import contextmanager, suppress
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

from typing_extensions import override

from tap_insightly.api.http.closeable import Closeable
from tap_insightly.api.http.errors import InsightlyError
from tap_insightly.server.gateway.clock import utc_now
from tap_insightly.values import utc_text
from tap_insightly.webhooks.database import Place, transaction

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

PREFIX = "ins_"
"""What every token begins with, so that it is recognised where it should not be."""

_VERSION = 1
_SECONDS = 5.0  # to wait for somebody else who writes
_DAYS_KEPT = 40
_SCHEMA = """
CREATE TABLE IF NOT EXISTS tokens (
    id INTEGER PRIMARY KEY,
    hash BLOB NOT NULL UNIQUE,
    name TEXT NOT NULL,
    account TEXT NOT NULL,
    is_read_only INTEGER NOT NULL,
    objects TEXT,
    pace_share REAL NOT NULL,
    quota_share REAL,
    created TEXT NOT NULL,
    last_used TEXT,
    revoked TEXT
);
CREATE UNIQUE INDEX IF NOT EXISTS tokens_by_name ON tokens (name) WHERE revoked IS NULL;
CREATE TABLE IF NOT EXISTS used (
    day TEXT NOT NULL,
    account TEXT NOT NULL,
    name TEXT NOT NULL,
    requests INTEGER NOT NULL,
    PRIMARY KEY (day, account, name)
) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS limits (
    account TEXT PRIMARY KEY,
    requests INTEGER NOT NULL
) WITHOUT ROWID;
"""
_COLUMNS = (
    "name, account, is_read_only, objects, pace_share, quota_share, created, last_used, revoked"
)


class TokenStoreError(InsightlyError):
    """The tokens cannot be read or changed; the text says what to do."""


@dataclass(frozen=True)
class Token:
    """A client of the gateway, and what it may do. The token itself is not in here."""

    name: str
    """What it is called; of all that are not revoked, one has this name."""

    account: str
    """The account that it leads to, by its name in the configuration."""

    is_read_only: bool = False
    """Whether it may read only."""

    objects: frozenset[str] | None = None
    """The names of the objects that it may reach, such as ``Contact``; None for all."""

    pace_share: float = 1.0
    """Its part of the pace, in proportion to those of the others that ask at the same time."""

    quota_share: float | None = None
    """The part of the day's requests that it may use, up to 1; None for what is there."""

    created: str = ""
    """When it was made, such as ``2026-01-31T08:00:00Z``."""

    last_used: str | None = None
    """When it was last used, to within some seconds; None for never."""

    revoked: str | None = None
    """When it was revoked; None if it counts."""


class TokenStore(Closeable):
    """The tokens, and what each used of the day's requests. For any number of threads."""

    def __init__(self, path: str | Path, *, must_exist: bool = False) -> None:
        """Open the file, or make it, readable by its owner alone.

        Args:
            path: Where it is.
            must_exist: Whether it is an error if there is none.

        Raises:
            TokenStoreError: If it cannot be opened, or others may read it.
        """
        self.path = Path(path)
        self._lock = threading.RLock()
        with self._saying("opened"):
            if must_exist and not self.path.exists():
                msg = (
                    f"There is no store of tokens at {self.path}. "
                    "Make a token with: insightly tokens create. If it is elsewhere, name it by "
                    "INSIGHTLY_TOKEN_STORE, or the configuration file of the server by "
                    "INSIGHTLY_CONFIG."
                )
                raise TokenStoreError(msg)
            self._open()
        self._seen: int | None = None
        self._by_hash: Mapping[bytes, Token] = {}
        self._valid: frozenset[Token] = frozenset()

    @override
    def close(self) -> None:
        """Close the file."""
        with self._lock:
            self._db.close()

    def create(self, token: Token) -> str:
        """Make a token.

        Args:
            token: Its name and what it may do.

        Returns:
            The token, which can never be had again.

        Raises:
            TokenStoreError: If there is one of that name already.
        """
        text = PREFIX + secrets.token_urlsafe(32)
        objects = None if token.objects is None else json.dumps(sorted(token.objects))
        row = (
            *(_hash(text), token.name, token.account, token.is_read_only, objects),
            *(token.pace_share, token.quota_share, _now()),
        )
        with self._saying("changed"):
            try:
                self._db.execute(
                    "INSERT INTO tokens (hash, name, account, is_read_only, objects, pace_share,"
                    " quota_share, created) VALUES (?, ?, ?, ?, ?, ?, ?, ?)",
                    row,
                )
            except sqlite3.IntegrityError:
                msg = (
                    f"There is a token named '{token.name}' already. Choose another name, or "
                    f"revoke it first: insightly tokens revoke {token.name}."
                )
                raise TokenStoreError(msg) from None
        self._seen = None
        return text

    def revoke(self, name: str) -> Token:
        """Let a token count no more.

        Args:
            name: Its name.

        Returns:
            What it was.

        Raises:
            TokenStoreError: If there is none of that name.
        """
        named = [one for one in self.list() if one.name == name]
        found = next((one for one in named if not one.revoked), None)
        if found is None:
            msg = f"There is no token named '{name}'. List them with: insightly tokens list."
            if named:
                msg = f"The token '{name}' was revoked already, at {named[-1].revoked}."
            raise TokenStoreError(msg)
        with self._saying("changed"):
            self._db.execute(
                "UPDATE tokens SET revoked = ? WHERE name = ? AND revoked IS NULL", (_now(), name)
            )
        self._seen = None
        return found

    def list(self) -> Sequence[Token]:
        """List all tokens, the revoked ones too, as they were made."""
        with self._saying("read"):
            rows = self._db.execute(f"SELECT {_COLUMNS} FROM tokens ORDER BY id").fetchall()  # noqa: S608 - names of ours
        return [_token(row) for row in rows]

    def find(self, text: str) -> Token | None:
        """Find the client of a token; None if there is none, or it was revoked."""
        found = self._by_hash.get(_hash(text))
        if found is None and text.startswith(PREFIX):  # it may have been made just now
            with suppress(TokenStoreError):
                self.refresh()
            found = self._by_hash.get(_hash(text))
        return found

    def refresh(self) -> None:
        """Read the tokens again, if anything was changed since."""
        with self._saying("read"):
            self._follow()
            (version,) = self._db.execute("PRAGMA data_version").fetchone()
            if version == self._seen:
                return
            rows = self._db.execute(
                f"SELECT hash, {_COLUMNS} FROM tokens WHERE revoked IS NULL"  # noqa: S608 - names of ours
            ).fetchall()
            self._by_hash = {row[0]: _token(row[1:]) for row in rows}
            self._valid = frozenset(map(_unused, self._by_hash.values()))
            self._seen = version

    def is_valid(self, token: Token) -> bool:
        """Tell whether a token that was found counts still, as far as `refresh` has read."""
        return _unused(token) in self._valid

    def used(self, day: str) -> dict[tuple[str, str], int]:
        """Say how many requests were used on a day, by account and name of the client."""
        with self._saying("read"):
            rows = self._db.execute(
                "SELECT account, name, requests FROM used WHERE day = ?", (day,)
            ).fetchall()
        return {(account, name): requests for account, name, requests in rows}

    def limits(self) -> dict[str, int]:
        """Say how many requests a day has, by account, as Insightly said last."""
        with self._saying("read"):
            return dict(self._db.execute("SELECT account, requests FROM limits").fetchall())

    def note_use(
        self,
        day: str,
        used: Mapping[tuple[str, str], int],
        limits: Mapping[str, int],
    ) -> None:
        """Add what was used on a day, by account and name of the client, and note limits.

        Args:
            day: Such as ``2026-01-31``.
            used: How many requests more, by account and name.
            limits: How many requests a day has, by account.
        """
        now = _now()
        with self._saying("changed"), transaction(self._db):
            self._db.executemany(
                "INSERT INTO used VALUES (?, ?, ?, ?)"
                " ON CONFLICT DO UPDATE SET requests = requests + excluded.requests",
                [(day, account, name, requests) for (account, name), requests in used.items()],
            )
            self._db.executemany(
                "UPDATE tokens SET last_used = ?"
                " WHERE account = ? AND name = ? AND revoked IS NULL",
                [(now, *client) for client in used],
            )
            self._db.executemany(
                "INSERT INTO limits VALUES (?, ?)"
                " ON CONFLICT DO UPDATE SET requests = excluded.requests",
                list(limits.items()),
            )
            self._db.execute(
                "DELETE FROM used WHERE day < date(?, ?)", (day, f"-{_DAYS_KEPT} days")
            )

    def _open(self) -> None:
        _make_private(self.path)
        self._db = sqlite3.connect(
            self.path, timeout=_SECONDS, isolation_level=None, check_same_thread=False
        )
        try:
            self._prepare()
        except BaseException:
            self._db.close()
            raise
        self._place: Place | None = Place(self.path)

    def _follow(self) -> None:
        """Open the file anew if another was put in its place, in which tokens may be revoked."""
        if self._place is not None and self._place.is_kept:
            return
        if not self.path.exists():
            msg = f"The store of tokens, {self.path}, is gone. Put it back, or make a token."
            raise TokenStoreError(msg)
        self._db.close()
        if self._place is not None:
            self._place.clear()
        self._seen, self._place = None, None  # to be tried again if it cannot be opened
        self._open()

    def _prepare(self) -> None:
        (version,) = self._db.execute("PRAGMA user_version").fetchone()
        if version > _VERSION:
            msg = f"{self.path} was made by a newer version of this program: use that one."
            raise TokenStoreError(msg)
        self._db.execute("PRAGMA journal_mode = WAL")
        self._db.execute("PRAGMA synchronous = NORMAL")
        self._db.executescript(_SCHEMA)
        self._db.execute(f"PRAGMA user_version = {_VERSION}")

    @contextmanager
    def _saying(self, what: str) -> Iterator[None]:
        """Say in a sentence what goes wrong."""
        try:
            with self._lock:
                yield
        except (sqlite3.Error, OSError) as error:
            reason = error.strerror if isinstance(error, OSError) else str(error)
            if isinstance(error, FileNotFoundError):
                reason = "there is no such folder. Make it first"
            msg = f"The store of tokens, {self.path}, cannot be {what}: {reason}."
            raise TokenStoreError(msg) from error


def _make_private(path: Path) -> None:
    """Make the file if there is none, and refuse one that others may read."""
    if not path.exists():
        os.close(os.open(path, os.O_CREAT | os.O_RDWR, 0o600))
    elif os.name == "posix" and path.stat().st_mode & 0o077:
        msg = f"{path} can be read by others than its owner. Run: chmod 600 {path}"
        raise TokenStoreError(msg)


def _hash(text: str) -> bytes:
    # Of 256 random bits: there is nothing to guess, so a slow hash would protect nothing.
    return hashlib.sha256(text.encode(errors="replace")).digest()


def _unused(token: Token) -> Token:
    return replace(token, last_used=None)


def _now() -> str:
    return utc_text(utc_now().replace(microsecond=0))


def _token(row: Sequence[object]) -> Token:
    name, account, is_read_only, objects, pace, quota, created, last_used, revoked = row
    return Token(
        name=str(name),
        account=str(account),
        is_read_only=bool(is_read_only),
        objects=None if objects is None else frozenset(json.loads(str(objects))),
        pace_share=float(str(pace)),
        quota_share=None if quota is None else float(str(quota)),
        created=str(created),
        last_used=None if last_used is None else str(last_used),
        revoked=None if revoked is None else str(revoked),
    )
