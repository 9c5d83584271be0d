"""Streams of what belongs to records: asked for record by record, or taken out of the records.

Both list the records changed since their own bookmark and not that of the stream of the records,
which need not be selected. So one bookmark is enough for all, and every row says when its record
was updated (`PARENT_UPDATED_UTC`): rows of one record that say different things were read at
different times, and the older ones are not there any more.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from functools import cached_property
from typing import TYPE_CHECKING, Any, ClassVar, cast

from singer_sdk import StreamSchema
from singer_sdk.singerlib.catalog import REPLICATION_FULL_TABLE

from tap_insightly.openapi.singer import OPENAPI
from tap_insightly.streams.related_reading import ChildStreamSync, EmbeddedStreamSync, EmbeddedSync
from tap_insightly.streams.search import SearchStream
from tap_insightly.streams.source import PartitionRead, is_new_version

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence

    from singer_sdk import Stream
    from singer_sdk.helpers.types import Record
    from singer_sdk.singerlib import Catalog

    from tap_insightly.streams.base import InsightlyStream
    from tap_insightly.streams.reading import StreamSync
    from tap_insightly.streams.source import Partition

    Items = Iterable[Mapping[str, Any]]

UPDATED = "PARENT_UPDATED_UTC"
"""The property that says when the record was updated that a row belongs to."""


@dataclass(frozen=True)
class Parent:
    """A kind of record that others belong to."""

    kind: str
    """Its name, as links have it (seen live): ``Contact``."""
    path: str
    key: str
    updated: str | None
    """The field that says when a record was updated; None if the API cannot search by it."""

    def path_of(self, record: Mapping[str, Any]) -> str:
        """Say where one record is.

        Args:
            record: The record.

        Returns:
            A path, text such as ``/Contacts/301``.
        """
        return f"{self.path}/{record[self.key]}"

    @classmethod
    def of(cls, stream: type[InsightlyStream], custom_object: str | None = None) -> Parent:
        """Take the records of a stream.

        Args:
            stream: The stream's class.
            custom_object: The name of the custom object, if it is the class of those.

        Returns:
            The kind of record that it reads.
        """
        # The API's own documents name objects as links do, and so does ours.
        component: StreamSchema[str] = vars(stream)["schema"]
        (key,) = cast("tuple[str, ...]", stream.primary_keys)
        # Of a class that has none, this is the SDK's property.
        updated = stream.replication_key if isinstance(stream.replication_key, str) else None
        if custom_object:
            return cls(custom_object, f"/{custom_object}", key, updated)
        return cls(component.key or "", stream.path, key, updated)


def id_of(what: str, stream: str) -> Mapping[str, Any]:
    """Describe the property that holds the key of the record that a row belongs to.

    Args:
        what: The kind of record, in words.
        stream: What it joins to.

    Returns:
        A JSON schema.
    """
    return {
        "type": "integer",
        "format": "int64",
        "description": f"Id of the {what} that the row belongs to; joins to {stream}.",
    }


class RelatedSchema(StreamSchema[str]):
    """The schema of what belongs to a record, with the key of that record."""

    def __init__(self, key: str, **parent: Mapping[str, Any]) -> None:
        """Say what to add to a component of the API's description.

        Args:
            key: The name of the component.
            **parent: Properties to add.
        """
        super().__init__(OPENAPI, key=key)
        self._parent = parent

    def get_stream_schema(self, stream: Stream, stream_class: type[Stream]) -> dict[str, Any]:
        """Make the schema.

        Args:
            stream: The stream.
            stream_class: Its class.

        Returns:
            A JSON schema.
        """
        schema: dict[str, Any] = super().get_stream_schema(stream, stream_class)
        schema["properties"] = {**schema["properties"], **self._parent}
        for name in stream.primary_keys:  # which may be none where the API has it inside a record
            own = schema["properties"][name]
            kinds = [kind for kind in own["type"] if kind != "null"]
            if isinstance(own["type"], list):
                schema["properties"][name] = {**own, "type": kinds}
        if stream.replication_key:
            schema["properties"][UPDATED] = {
                "type": ["string", "null"],
                "format": "date-time",
                "description": (
                    "When the record that the row belongs to was last updated, as of when the "
                    "row was read. If the record says otherwise, the row is gone."
                ),
            }
        return schema


class RelatedStream(SearchStream):
    """What belongs to records of one or several kinds."""

    replication_key: str | None = UPDATED
    selected_by_default = False
    may_find_deletions = False

    parents: ClassVar[tuple[type[InsightlyStream], ...]]
    """The streams of the records that the rows belong to."""

    parent_key: ClassVar[str]
    """The property that holds the key of the record."""

    has_kinds: ClassVar[bool] = False
    """Whether rows belong to records of several kinds, and say to which in ``PARENT_TYPE``."""

    brief: ClassVar[Mapping[str, str]] = {}
    """What else to ask of the list of records."""

    cost: ClassVar[str]
    """What it costs to read the stream, in words."""

    def apply_catalog(self, catalog: Catalog) -> None:
        """Take over what a catalog says, within what the API can do.

        Args:
            catalog: The catalog given to the tap.
        """
        super().apply_catalog(catalog)
        if self.replication_key is None:
            self.forced_replication_method = REPLICATION_FULL_TABLE

    def kinds(self) -> Iterable[Parent]:
        """List the kinds of record.

        Returns:
            Those that each account has.
        """
        return map(Parent.of, self.parents)

    def parts(self) -> Iterable[Partition]:
        """Ask for the records of each kind that were changed since the rows of that kind were read.

        Returns:
            One part for each kind of record.

        Raises:
            InsightlyError: If a bookmark is no date.
        """
        for parent in self.kinds():
            kind = {"PARENT_TYPE": parent.kind} if self.has_kinds else None
            yield self.part(parent.path, self.brief, extra=kind or {}, context=kind, parent=parent)

    def items(
        self, found: Items, record: Mapping[str, Any], part: Partition
    ) -> Iterator[dict[str, Any]]:
        """Make the stream's records of what belongs to a record.

        Args:
            found: What belongs to it, as the API sent it.
            record: The record.
            part: The part that the record was read for.

        Yields:
            Records, each with the key of the one that it belongs to.
        """
        parent = part.owner
        more = {**part.extra, self.parent_key: record.get(parent.key)}
        if parent.updated:
            more[UPDATED] = record.get(parent.updated)
        for item in self.identified(found):
            yield {**item, **more}

    def identified(self, found: Items) -> Items:
        """Give each of a record's items what identifies it, and leave out what comes twice.

        Args:
            found: What belongs to a record.

        Returns:
            The items.
        """
        return {tuple(item.get(name) for name in self.own_id): item for item in found}.values()

    @property
    def own_id(self) -> Sequence[str]:
        """What tells the items of one record from each other."""
        return [name for name in self.own_key if name not in {self.parent_key, "PARENT_TYPE"}]


class ChildStream(RelatedStream):
    """What the API tells of a record only when asked for that record."""

    brief: ClassVar[Mapping[str, str]] = {"brief": "true"}  # all that is needed is the id (spec)

    children: ClassVar[str]
    """The last part of the path, such as ``Comments``."""

    has_pages: ClassVar[bool] = True
    """Whether the API takes ``top`` and ``skip`` for it (spec)."""

    cost = "a request for each record changed since, and one for each 500 of these"

    def lookback(self) -> timedelta:
        """Say how far behind its bookmark the stream is read again.

        Returns:
            A duration.
        """
        return super().lookback() + timedelta(days=self.config["child_streams_lookback_days"])

    def new_reading(self) -> StreamSync:
        """Plan to read the stream.

        Returns:
            The plan.
        """
        return ChildStreamSync(self, self._insightly)


class ArrayStream(RelatedStream):
    """What comes inside of records, as a stream of its own."""

    is_embedded = True

    array: ClassVar[str]
    """The field of the records that holds it."""

    cost = (
        "nothing, if the streams of the records are read in the same run; otherwise a request "
        "for each 500 records changed since"
    )

    def new_reading(self) -> StreamSync:
        """Plan to read the stream.

        Returns:
            The plan.
        """
        return EmbeddedStreamSync(self, self._insightly)

    _is_announced = False

    @cached_property
    def along(self) -> dict[str, EmbeddedSync]:
        """What is read together with the streams of the records, by path."""
        return {}

    def parts(self) -> Iterable[Partition]:
        """Ask for the records that are not read for their own streams in this run.

        Returns:
            One part for each kind of record that is left.

        Raises:
            InsightlyError: If a bookmark is no date.
        """
        return [part for part in super().parts() if part.owner.path not in self.along]

    def join(self, reading: StreamSync) -> EmbeddedSync | None:
        """Go along with the reading of another stream, if that reads all that is wanted here.

        Args:
            reading: The reading, of which nothing was asked for yet.

        Returns:
            What makes rows of the records that it reads; None if this stream has to do it alone.

        Raises:
            InsightlyError: If a bookmark is no date.
        """
        path = reading.stream.path
        # A batch has its own files, a dry run its own limit, and a new version its own beginning.
        is_alone = (
            self.get_batch_config(self.config) is not None
            or self.ABORT_AT_RECORD_COUNT is not None
            or is_new_version(self)
        )
        parts = [part for part in super().parts() if part.owner.path == path]
        if is_alone or not parts:
            return None
        (part,), (source,) = parts, reading.sources
        own = PartitionRead(self, part, reading.stats)
        if not source.position.covers(own.position):
            return None
        self.along[path] = EmbeddedSync(self, part)
        return self.along[path]

    def part_company(self) -> None:
        """Take in that the stream was read; another sync finds out anew what to go along with."""
        self.along.clear()
        self._is_announced = False

    def announce(self) -> None:
        """Send the schema, which has to come before the first row."""
        if not self._is_announced:
            self._is_announced = True
            self._write_schema_message()

    def write_row(self, row: Record) -> None:
        """Send a row out of turn.

        Args:
            row: The row.
        """
        self._write_record_message(row)

    def inside(self, record: Mapping[str, Any], part: Partition) -> Iterator[dict[str, Any]]:
        """Take the stream's records out of one that they come in.

        Args:
            record: The record.
            part: The part that the record was read for.

        Returns:
            The records.
        """
        found = record.get(self.array)
        items = [item for item in found or () if isinstance(item, dict)]
        return self.items(items, record, part)
