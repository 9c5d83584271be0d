"""Tombstones: rows of a key and a moment, for records that are gone."""

from __future__ import annotations

from datetime import datetime, timezone
from typing import TYPE_CHECKING, Any

from tap_insightly.tombstone import DELETED_AT
from tap_insightly.values import utc_text

if TYPE_CHECKING:
    from collections.abc import Mapping

DELETED_SCHEMA: Mapping[str, Any] = {
    "type": ["string", "null"],
    "format": "date-time",
    "description": "When the record was found to be gone; null while it is there.",
}


def tombstone(key: str, record_id: int, noticed_at: datetime | None) -> dict[str, Any]:
    """Make the row; if the server told no time, this machine's has to do."""
    return {key: record_id, DELETED_AT: utc_text(noticed_at or datetime.now(timezone.utc))}
