"""The form in which records are handed on: rows, one by one, or tables, a page at once.

All else of a sync is the same for both. Whoever takes the next row or table has written the one
before: only then is it passed, which is what the state tells the next run.
"""

from __future__ import annotations

from itertools import islice
from typing import TYPE_CHECKING, Any, Protocol

from tap_insightly.streams.tombstones import tombstone
from tap_insightly.tombstone import DELETED_AT

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterable, Iterator, Mapping
    from datetime import datetime

    from tap_insightly.streams import InsightlyStream

    Record = Mapping[str, Any]
    Passed = Callable[[Record, object], None]
    """Takes a record that was handed on, and the value of its bookmark, if that is the newest."""
    Piece = Any
    """A row, or a table."""

ROWS_OF_TABLE = 500


class Form(Protocol):
    """Makes what is handed on of the records of one stream."""

    records_at_once: int
    """Of how many records the parts are handed on together."""

    def made_of(self, records: Iterable[Record], extra: Record, passed: Passed) -> Iterator[Piece]:
        """Hand on records with `extra` fields, and then call `passed` for each."""

    def tombstones(
        self, ids: Collection[int], moment: datetime | None, passed: Callable[[int], None]
    ) -> Iterator[Piece]:
        """Hand on tombstones, and then call `passed` with how many they were."""


class Rows:
    """One row at a time."""

    records_at_once = 1

    def __init__(self, stream: InsightlyStream) -> None:
        """Make rows of a stream."""
        self._stream = stream

    def made_of(self, records: Iterable[Record], extra: Record, passed: Passed) -> Iterator[Piece]:
        """Hand on a row for each record that has its primary key."""
        conform, bookmark_key = self._stream.conform, self._stream.replication_key or ""
        for record in records:
            row = conform({**record, **extra} if extra else record)
            if row is not None:
                value = row.get(bookmark_key)  # what is yielded may be changed
                yield row
                passed(record, value)

    def tombstones(
        self, ids: Collection[int], moment: datetime | None, passed: Callable[[int], None]
    ) -> Iterator[Piece]:
        """Hand on one for each id."""
        key = self._stream.own_key[0]
        for record_id in ids:
            yield tombstone(key, record_id, moment)
            passed(1)


class Tables:
    """Some hundred rows at a time, as tables of Arrow."""

    records_at_once = 100  # which at the API's pace take ten seconds, if each has to be asked for

    def __init__(self, stream: InsightlyStream) -> None:
        """Make tables of a stream."""
        self._stream = stream

    def made_of(self, records: Iterable[Record], extra: Record, passed: Passed) -> Iterator[Piece]:
        """Hand on tables of the records that have their primary key."""
        stream, remaining = self._stream, iter(records)
        while chunk := list(islice(remaining, ROWS_OF_TABLE)):
            given = [{**record, **extra} for record in chunk] if extra else chunk
            table, kept = stream.make_table(given)
            if not kept:
                continue
            newest = stream.make_table.newest(table, stream.replication_key or "")
            yield table
            for record in kept[:-1]:
                passed(record, None)
            passed(kept[-1], newest)

    def tombstones(
        self, ids: Collection[int], moment: datetime | None, passed: Callable[[int], None]
    ) -> Iterator[Piece]:
        """Hand on tables of ids."""
        key = self._stream.own_key[0]
        remaining = iter(ids)
        while some := list(islice(remaining, ROWS_OF_TABLE)):
            rows = [tombstone(key, one, moment) for one in some]
            columns = {name: [row[name] for row in rows] for name in (key, DELETED_AT)}
            yield self._stream.make_table.part(columns)
            passed(len(rows))
