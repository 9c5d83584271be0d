"""A webhook store with events of some accounts."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tests.webhooks.keeping import keep, task, writing

if TYPE_CHECKING:
    from pathlib import Path


def store_with(path: Path, *accounts: str) -> Path:
    """Make a store with an event of each account."""
    with writing(path) as writer:
        for account in accounts:
            keep(writer, task(1), account=account)
    return path
