"""An event: a delivery of Insightly, as often as it came, and what was understood of it."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta, timezone
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import sqlite3

ANY_CUSTOM_OBJECT_RECORD = "*custom*"
"""The object of a record of a custom object, if nothing tells of which."""

EPOCH = datetime(1970, 1, 1, tzinfo=timezone.utc)
_MILLISECOND = timedelta(milliseconds=1)


@dataclass(frozen=True)
class Understood:
    """What is known from the body of a delivery. If there is a reason, nothing else is."""

    object_name: str | None = None
    """As links have it, such as ``Task``, ``Fruit__c``, or `ANY_CUSTOM_OBJECT_RECORD`."""

    record_id: int | None = None

    updated: str | None = None
    """When the record was last changed, RFC 3339 with ``Z``; None if it does not say."""

    reason: str | None = None
    """Why it was rejected, a sentence; None if it was not."""


@dataclass(frozen=True)
class Event:
    """An event in the store."""

    seq: int
    """Its number for good."""

    position: int
    """A number that grows with each delivery, and is that of the latest one."""

    account: str
    object_name: str | None
    record_id: int | None
    updated: str | None
    received: datetime
    """When it came first, by the clock of the store."""

    latest: datetime
    """When it came last."""

    deliveries: int
    """How often it came."""

    reason: str | None
    """Why it was rejected; None if it was not."""

    body: bytes
    """As it came."""


COLUMNS = (
    "seq, position, account, object, record_id, updated, received, latest, deliveries, reason, body"
)
"""Of the table of events, as `event_of` reads them."""


def event_of(row: sqlite3.Row | tuple[Any, ...]) -> Event:
    """Make an event of a row with `COLUMNS`."""
    seq, position, account, name, record_id, updated, received, latest, count, reason, body = row
    return Event(
        seq=seq,
        position=position,
        account=account,
        object_name=name,
        record_id=record_id,
        updated=updated,
        received=moment_of(received),
        latest=moment_of(latest),
        deliveries=count,
        reason=reason,
        body=body,
    )


def milliseconds(moment: datetime) -> int:
    """Count the whole milliseconds since 1970; without a zone, it is UTC."""
    aware = moment if moment.tzinfo else moment.replace(tzinfo=timezone.utc)
    return (aware - EPOCH) // _MILLISECOND


def moment_of(milliseconds_since: int) -> datetime:
    """Make a moment of what `milliseconds` counted."""
    return EPOCH + milliseconds_since * _MILLISECOND
