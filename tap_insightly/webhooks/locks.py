"""Makes sure that one process at a time does something with a file."""

from __future__ import annotations

import os
import sys
from contextlib import contextmanager
from typing import TYPE_CHECKING

from tap_insightly.webhooks.database import StoreError

if sys.platform != "win32":
    import fcntl

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path


@contextmanager
def locked(path: str | Path, taken: str) -> Iterator[None]:
    """Hold a lock for as long as the context lasts, whatever ends the process.

    Nothing is held on Windows. The file stays: whoever has opened it meanwhile would lock what is
    not there.

    Args:
        path: The file of the lock.
        taken: What to say if another process holds it.

    Raises:
        StoreError: If one does, or the file cannot be written.
    """
    try:
        file = open(path, "ab", opener=_private)  # noqa: SIM115 - with an opener; closed below
    except OSError as error:
        msg = f"{path} cannot be written: {error.strerror or error}."
        raise StoreError(msg) from None
    with file:
        if sys.platform != "win32":
            try:
                fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except OSError:
                raise StoreError(taken) from None
        yield


def _private(path: str, flags: int) -> int:
    return os.open(path, flags, 0o600)
