"""Servers of the standard library that run in a thread of a test."""

from __future__ import annotations

import threading
from contextlib import contextmanager
from typing import TYPE_CHECKING, TypeVar

if TYPE_CHECKING:
    from collections.abc import Iterator
    from socketserver import BaseServer

ServerT = TypeVar("ServerT", bound="BaseServer")


@contextmanager
def running(server: ServerT) -> Iterator[ServerT]:
    """Serve for as long as the context lasts, and close."""
    with server:
        thread = threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True)
        thread.start()
        try:
            yield server
        finally:
            server.shutdown()
            thread.join()
