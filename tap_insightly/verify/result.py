"""What comparing an account with a warehouse has found."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Sequence

    from tap_insightly.verify.rows import Key

SAME, DIFFERS, UNKNOWN, LEFT_OUT = "same", "differs", "not compared", "left out"


@dataclass
class StreamResult:
    """What comparing one stream has found."""

    stream: str
    verdict: str
    """One of: same, differs, not compared (it could not be), left out."""
    table: str | None = None
    """The table of the warehouse."""
    account: int | None = None
    """How many records the account has."""
    warehouse: int | None = None
    """How many the warehouse has that are not marked as deleted."""
    missing: Sequence[Key] = ()
    """What the warehouse should have, and has not."""
    gone: Sequence[Key] = ()
    """What only the warehouse has."""
    older: Sequence[Key] = ()
    """What the warehouse has without an update that it should have."""
    newer: Sequence[Key] = ()
    """What the warehouse has with a later date than the account."""
    changed_since: Sequence[Key] = ()
    """What was created or updated in the account after the last sync."""
    synced: str | None = None
    """When the last sync was; None if that is not known."""
    counted: bool = False
    """Whether ids were counted, and not compared one by one."""
    dates: int = 0
    """How many records have dates to compare."""
    dates_compared: int = 0
    """How many of these were compared."""
    requests: int = 0
    """How many requests it took."""
    requests_for_dates: int = 0
    """How many it would take to compare all dates."""
    notes: list[str] = field(default_factory=list)


@dataclass
class RecordDifference:
    """A record with other values in the warehouse."""

    stream: str
    key: int
    columns: dict[str, Any]
    """The values in the ``account`` and in the ``warehouse``, by column."""


@dataclass
class ValuesResult:
    """What comparing whole records has found."""

    compared: int = 0
    changed_since: int = 0
    """How many were not compared, as they are gone or have another date."""
    failed: int = 0
    """How many could not be compared."""
    differing: list[RecordDifference] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)
