"""Stores to keep deliveries in, and disks that are full or may not be written."""

from __future__ import annotations

import asyncio
import os
import resource
import subprocess
from contextlib import contextmanager
from typing import TYPE_CHECKING

import pytest

from tap_insightly.webhooks.events import understand
from tap_insightly.webhooks.store import EventStore
from tap_insightly.webhooks.writer import EventWriter, Kept

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence
    from pathlib import Path

    from tap_insightly.webhooks.event import Understood

ACCOUNT = "acme"
ALIVE = 3600.0
"""How often the writer of `writing` says that it is alive, in seconds."""


def task(number: int = 1, updated: str | None = None, title: str = "x") -> bytes:
    """A delivery of a task; the day of an update is a text such as ``2026-04-09``."""
    date = f',"DATE_UPDATED_UTC":"{updated} 10:00:00"' if updated else ""
    return f'{{"entity":{{"TASK_ID":{number},"TITLE":"{title}"{date}}}}}'.encode()


def contact(number: int = 1, name: str = "Ada") -> bytes:
    return f'{{"entity":{{"CONTACT_ID":{number},"FIRST_NAME":"{name}"}}}}'.encode()


class Clock:
    """A clock that a test sets."""

    def __init__(self) -> None:
        self.now = 1_800_000_000.0

    def __call__(self) -> float:
        return self.now


@contextmanager
def writing(
    path: Path,
    clock: Callable[[], float] | None = None,
    parse: Callable[[bytes], Understood] = understand,
    **options: int,
) -> Iterator[EventWriter]:
    """A server's writer, for as long as the context lasts."""
    given = EventWriter(path, parse, clock=clock or Clock(), alive_seconds=ALIVE, **options)
    given.start()
    try:
        yield given
    finally:
        given.close()


def keep(writer: EventWriter, *bodies: bytes, account: str = ACCOUNT) -> list[Kept]:
    """Have deliveries kept, all at once."""
    results = try_to_keep(writer, *bodies, account=account)
    for one in results:
        if isinstance(one, BaseException):
            raise one
    return [one for one in results if isinstance(one, Kept)]


def try_to_keep(
    writer: EventWriter, *bodies: bytes, account: str = ACCOUNT
) -> Sequence[Kept | BaseException]:
    async def add() -> Sequence[Kept | BaseException]:
        given = (writer.add(account, one) for one in bodies)
        return await asyncio.gather(*given, return_exceptions=True)

    return asyncio.run(add())


def bodies(path: Path) -> list[bytes]:
    """What is in a store, in the order of the positions."""
    with EventStore(path) as store:
        return [event.body for event in store.events()]


def documented_store(folder: Path) -> str:
    """A store with the events that the help of commands tells of; where it is."""
    path = folder / "webhooks.sqlite"
    with writing(path) as writer:
        keep(writer, task(1), task(2), b"broken")
    return str(path)


class Disk:
    """A folder whose disk can be full."""

    def __init__(
        self, folder: Path, fill: Callable[[], object], make_room: Callable[[], object]
    ) -> None:
        self.folder = folder
        self.fill = fill
        self.make_room = make_room


@contextmanager
def small_disk(folder: Path) -> Iterator[Disk]:
    """A file system of its own, as far as this user may have one."""
    if not mounted("tmpfs", folder, "size=2m"):
        pytest.skip("this user may not mount a file system")
    ballast = folder / "ballast"

    def fill() -> None:
        # Unbuffered, so that nothing is left to be written when it is closed.
        with ballast.open("wb", buffering=0) as file:
            try:
                while file.write(b"x" * 4096):
                    pass
            except OSError:
                return

    try:
        yield Disk(folder, fill, ballast.unlink)
    finally:
        unmount(folder)


@contextmanager
def limited_files(folder: Path) -> Iterator[Disk]:
    """No file of this process may grow beyond a limit, while the disk is to be full."""
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)

    def limit(size: int) -> None:
        resource.setrlimit(resource.RLIMIT_FSIZE, (size, hard))

    def fill() -> None:
        log = folder / "store.sqlite-wal"
        limit(log.stat().st_size if log.exists() else 4096)

    try:
        yield Disk(folder, fill, lambda: limit(soft))
    finally:
        limit(soft)


DISKS = pytest.mark.parametrize("disk", [small_disk, limited_files], indirect=True)


def mounted(kind: str, folder: Path, options: str) -> bool:
    """Mount something, or say that this is not allowed."""
    if os.geteuid() != 0:
        return False
    command = ["mount", "-t", kind, "-o", options, "none", str(folder)]
    if kind == "bind":
        command = ["mount", "--bind", str(folder), str(folder)]
    done = subprocess.run(command, capture_output=True, check=False)  # noqa: S603 - our own
    if done.returncode == 0 and kind == "bind":
        again = ["mount", "-o", f"remount,bind,{options}", str(folder)]
        subprocess.run(again, capture_output=True, check=True)  # noqa: S603 - as above
    return done.returncode == 0


def unmount(folder: Path) -> None:
    subprocess.run(["umount", "--lazy", str(folder)], check=True)  # noqa: S603, S607 - as above
