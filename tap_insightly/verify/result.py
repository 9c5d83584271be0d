"""What came of comparing a stream."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Sequence

    from tap_insightly.verify.rows import Key

SAME, DIFFERS, UNKNOWN, LEFT_OUT = "same", "differs", "not compared", "left out"


@dataclass
class Compared:
    """What came of comparing one stream."""

    stream: str
    verdict: str
    """One of: same, differs, not compared (it could not be), left out."""
    table: str | None = None
    """Which table of the warehouse it was."""
    account: int | None = None
    """How many records the account has."""
    warehouse: int | None = None
    """How many the warehouse has that are not marked as deleted."""
    missing: Sequence[Key] = ()
    """What the account has, and the warehouse should have."""
    gone: Sequence[Key] = ()
    """What the warehouse has, and the account has not."""
    older: Sequence[Key] = ()
    """What the warehouse has as it was before an update that it should have."""
    newer: Sequence[Key] = ()
    """What the warehouse has with a later date than the account."""
    changed_since: Sequence[Key] = ()
    """What was created or updated in the account after the last sync."""
    synced: str | None = None
    """When the last sync was, as far as is known."""
    counted: bool = False
    """Whether ids were compared by counting, and not each of them."""
    dates: int = 0
    """How many records have dates to compare."""
    dates_compared: int = 0
    """Of how many they were compared."""
    requests: int = 0
    """How many requests it took."""
    requests_for_dates: int = 0
    """How many it would take to compare all dates."""
    notes: list[str] = field(default_factory=list)


@dataclass
class Value:
    """A record that differs in what it says."""

    stream: str
    key: int
    columns: dict[str, Any]
    """What it says in the ``account`` and in the ``warehouse``, by column."""


@dataclass
class Values:
    """What came of comparing whole records."""

    compared: int = 0
    changed_since: int = 0
    """How many were not compared, as they are gone or have another date."""
    failed: int = 0
    """How many could not be compared."""
    differing: list[Value] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)
