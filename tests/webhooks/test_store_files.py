"""Files that are no store, a store in use elsewhere, one where nothing can be written."""

from __future__ import annotations

import os
import shutil
import sqlite3
import subprocess
import sys
from contextlib import closing
from typing import TYPE_CHECKING

import pytest

from tap_insightly.webhooks.database import StoreError
from tap_insightly.webhooks.events import understand
from tap_insightly.webhooks.store import EventStore
from tap_insightly.webhooks.writer import EventWriter
from tests.webhooks.keeping import bodies, keep, mounted, task, try_to_keep, unmount, writing

if TYPE_CHECKING:
    from pathlib import Path


def other_database(path: Path) -> None:
    with closing(sqlite3.connect(path)) as connection:
        connection.execute("CREATE TABLE mine (one)")


def newer(path: Path) -> None:
    with writing(path) as writer:
        keep(writer, task())
    with closing(sqlite3.connect(path)) as connection:
        connection.execute("PRAGMA user_version = 2")


def damaged(path: Path) -> None:
    with writing(path) as writer:
        keep(writer, *(task(one, title="x" * 1000) for one in range(1, 100)))
    with path.open("r+b") as file:
        file.seek(4096)
        file.write(os.urandom(path.stat().st_size - 4096))


UNUSABLE = {
    "no database": (lambda path: path.write_bytes(b"x" * 5000), "no SQLite database"),
    "a database of something else": (other_database, "a database of something else, or empty"),
    "newer": (newer, "made by a newer version of this program"),
    "damaged": (damaged, "is damaged"),
}


@pytest.mark.parametrize("kind", UNUSABLE)
def test_what_cannot_be_used_is_left_alone_and_said(kind: str, path: Path) -> None:
    make, said = UNUSABLE[kind]
    make(path)
    before = path.read_bytes()
    with pytest.raises(StoreError, match=said) as error:
        bodies(path)
    assert str(path) in str(error.value)
    with pytest.raises(StoreError, match=said):
        EventWriter(path, understand).start()
    assert path.read_bytes() == before


def test_a_store_that_is_not_there_is_not_made_by_looking(path: Path) -> None:
    with pytest.raises(StoreError, match="There is no store of webhooks at"):
        EventStore(path)
    assert not list(path.parent.iterdir())


def test_a_folder_that_is_not_there_is_said(tmp_path: Path) -> None:
    with pytest.raises(StoreError, match="cannot be made: there is no such folder"):
        EventWriter(tmp_path / "missing" / "store.sqlite", understand).start()


def test_a_store_that_another_program_keeps_is_said(
    path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("tap_insightly.webhooks.database.LOCKED_SECONDS", 0.0)
    with writing(path) as writer, closing(sqlite3.connect(path, isolation_level=None)) as other:
        other.execute("BEGIN IMMEDIATE")
        (error,) = try_to_keep(writer, task())
        assert isinstance(error, StoreError)
        assert "is in use" in str(error)
        other.execute("ROLLBACK")
        keep(writer, task(2))
    assert bodies(path) == [task(2)]


@pytest.mark.parametrize("when", ["a server runs", "none runs", "one was killed"])
def test_it_can_be_read_where_nothing_can_be_written(path: Path, when: str) -> None:
    with writing(path) as writer:
        keep(writer, task(1))
        if when == "a server runs":
            check_read_only(path)
        left = path.parent / "left"
        left.mkdir()
        for file in path.parent.glob("store*"):
            shutil.copy(file, left)
    if when == "none runs":
        check_read_only(path)
    if when == "one was killed":
        check_read_only(left / path.name)


READ = """
import sys
from tap_insightly.webhooks.store import EventStore
with EventStore(sys.argv[1]) as store:
    print([event.seq for event in store.events()], store.standing().position)
"""


def check_read_only(path: Path) -> None:
    """In another process: SQLite shares within one what it has opened."""
    before = sorted(path.parent.iterdir())
    if not mounted("bind", path.parent, "ro"):
        pytest.skip("this user may not mount a file system")
    try:
        command = [sys.executable, "-c", READ, str(path)]
        done = subprocess.run(command, capture_output=True, text=True, check=False)  # noqa: S603 - our own
        assert (done.stdout, done.stderr) == ("[1] 1\n", "")
    finally:
        unmount(path.parent)
    assert sorted(path.parent.iterdir()) == before
