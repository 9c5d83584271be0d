"""How this process gets memory from the system."""

from __future__ import annotations

import ctypes
from contextlib import suppress

LARGE = 128 * 1024  # bytes
_MMAP_THRESHOLD = -3  # M_MMAP_THRESHOLD of glibc's malloc.h


def give_back_large_pieces() -> None:
    """Have answers of the API in pieces of memory that are given back when they are not needed.

    glibc does so at first, but once such a piece is free, it keeps the next ones for the thread
    that had them. Of twenty threads that take 30 MB in all.
    """
    with suppress(AttributeError, OSError, TypeError):  # no glibc
        ctypes.CDLL(None).mallopt(_MMAP_THRESHOLD, LARGE)
