"""What of a stream can be compared, and how."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from itertools import chain
from typing import TYPE_CHECKING, Any

from tap_insightly.streams import ArrayStream, ChildStream
from tap_insightly.verify.rows import seconds

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence

    from tap_insightly.streams import InsightlyStream
    from tap_insightly.streams.partition import Partition
    from tap_insightly.verify.rows import Key

_UPDATED = "DATE_UPDATED_UTC"


@dataclass(frozen=True)
class ComparableStream:
    """A stream, with what it takes to compare it."""

    stream: InsightlyStream
    """The stream, without a state: it is read from its beginning."""

    @property
    def name(self) -> str:
        """The name of the stream."""
        return self.stream.name

    @property
    def keys(self) -> Sequence[str]:
        """The fields that identify a record."""
        return self.stream.own_key

    @property
    def properties(self) -> Mapping[str, Any]:
        """The properties of the stream, by name."""
        found: Mapping[str, Any] = self.stream.schema["properties"]
        return found

    @cached_property
    def is_numeric(self) -> bool:
        """Whether records are identified by a number."""
        kinds = self.properties.get(self.keys[0], {}).get("type", ())
        return len(self.keys) == 1 and "integer" in ([kinds] if isinstance(kinds, str) else kinds)

    @property
    def updated(self) -> str | None:
        """The field with the date of the last update; None if there is none."""
        own = type(self.stream).replication_key
        if isinstance(own, str):
            return own
        return _UPDATED if _UPDATED in self.properties else None

    @cached_property
    def partitions(self) -> Sequence[Partition]:
        """The lists that make up the stream."""
        return list(self.stream.partitions_to_read())

    @property
    def is_countable(self) -> bool:
        """Whether one list of ascending ids makes up the stream."""
        return self.is_numeric and len(self.partitions) == 1 and self.partitions[0].is_paged

    @property
    def can_be_read_by_id(self) -> bool:
        """Whether one record can be read by its id (spec: where there is a search)."""
        return self.is_countable and self.stream.may_find_deletions

    @property
    def since(self) -> int | None:
        """From when on the stream is read, by `start_date`; None for all of it."""
        return seconds(self.partitions[0].since)

    @property
    def reason_to_leave_out(self) -> str | None:
        """Why the stream is not compared, in words; None if it is."""
        if isinstance(self.stream, ChildStream):
            return "left out: it takes a request for each record"
        if isinstance(self.stream, ArrayStream) and type(self.stream).replication_key is not None:
            return "left out: it comes inside of other records, all of which would have to be read"
        is_searched = self.stream.may_find_deletions
        if is_searched and self.updated != _UPDATED and self.partitions[0].since is not None:
            return "left out: what start_date leaves out of it cannot be told from its records"
        return None

    def params(self, partition: Partition) -> Mapping[str, str]:
        """Say which parameters ask a list for no more than is compared."""
        # Lists that can be searched take it (spec); others are short.
        is_brief = self.stream.may_find_deletions
        return {**partition.params, **({"brief": "true"} if is_brief else {})}

    def entries(
        self, records: Iterable[Mapping[str, Any]], partition: Partition
    ) -> Iterator[tuple[Key, int | None]]:
        """Take keys and dates out of records. A record without a key is left out, as in a sync."""
        rows: Iterable[Mapping[str, Any]]
        if isinstance(self.stream, ArrayStream):
            stream = self.stream
            rows = chain.from_iterable(stream.inside(one, partition) for one in records)
        else:
            rows = self.stream.parse(list(records), partition)
        for row in rows:
            key = self._key({**row, **partition.extra})
            if key is not None:
                yield key, seconds(row.get(self.updated)) if self.updated else None

    def _key(self, row: Mapping[str, Any]) -> Key | None:
        values = [row.get(name) for name in self.keys]
        if None in values:
            return None
        texts = tuple(map(str, values))
        if not self.is_numeric:
            return texts
        return int(texts[0]) if texts[0].isdecimal() else None
