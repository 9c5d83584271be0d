"""Waiting for what a server that runs does on its own."""

from __future__ import annotations

import time
from typing import Any


def until(condition: Any, what: str) -> None:
    """Wait until something is so."""
    ends = time.monotonic() + 60
    while not condition():
        assert time.monotonic() < ends, what
        time.sleep(0.05)
