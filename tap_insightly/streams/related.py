"""Streams of what belongs to records: asked for record by record, or taken out of the records.

Both list the records changed since their own bookmark and not that of the stream of the records,
which need not be selected. So one bookmark is enough for all, and every row says when its record
was updated (`PARENT_UPDATED_UTC`): rows of one record that say different things were read at
different times, and the older ones are not there any more.
"""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING, Any, ClassVar, cast

from singer_sdk import StreamSchema
from singer_sdk.singerlib.catalog import REPLICATION_FULL_TABLE
from typing_extensions import override

from tap_insightly.openapi.singer import OPENAPI
from tap_insightly.streams.partition import Parent
from tap_insightly.streams.search import SearchStream

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence

    from singer_sdk import Stream
    from singer_sdk.helpers.types import Record
    from singer_sdk.singerlib import Catalog

    from tap_insightly.streams.base import InsightlyStream
    from tap_insightly.streams.partition import Partition

    Items = Iterable[Mapping[str, Any]]

UPDATED = "PARENT_UPDATED_UTC"
"""The property that says when the record was updated that a row belongs to."""


def parent_of(stream: type[InsightlyStream], custom_object: str | None = None) -> Parent:
    """Take the records of a stream, or those of a custom object if it is the class of these."""
    # The API's own documents name objects as links do, and so does ours.
    component: StreamSchema[str] = vars(stream)["schema"]
    (key,) = cast("tuple[str, ...]", stream.primary_keys)
    # Of a class that has none, this is the SDK's property.
    updated = stream.replication_key if isinstance(stream.replication_key, str) else None
    if custom_object:
        return Parent(custom_object, f"/{custom_object}", key, updated)
    return Parent(component.key or "", stream.path, key, updated)


def parent_id(what: str, stream: str) -> Mapping[str, Any]:
    """Describe the property that holds the key of the record, of `what` kind, in another stream."""
    return {
        "type": "integer",
        "format": "int64",
        "description": f"Id of the {what} that the row belongs to; joins to {stream}.",
    }


class RelatedSchema(StreamSchema[str]):
    """The schema of what belongs to a record, with the key of that record."""

    def __init__(self, key: str, **parent: Mapping[str, Any]) -> None:
        """Add the properties of the parent to a component of the API's description."""
        super().__init__(OPENAPI, key=key)
        self._parent = parent

    @override
    def get_stream_schema(self, stream: Stream, stream_class: type[Stream]) -> dict[str, Any]:
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

    @override
    def apply_catalog(self, catalog: Catalog) -> None:
        super().apply_catalog(catalog)
        if self.replication_key is None:
            self.forced_replication_method = REPLICATION_FULL_TABLE

    def kinds(self) -> Iterable[Parent]:
        """List the kinds of record that the rows belong to."""
        return map(parent_of, self.parents)

    @override
    def partitions_to_read(self) -> Iterable[Partition]:
        """Ask for the records of each kind that were changed since its rows were read."""
        for parent in self.kinds():
            kind = {"PARENT_TYPE": parent.kind} if self.has_kinds else None
            yield self.partition_of(
                parent.path, self.brief, extra=kind or {}, context=kind, parent=parent
            )

    def items(
        self, found: Items, record: Mapping[str, Any], partition: Partition
    ) -> Iterator[dict[str, Any]]:
        """Make the stream's records of what belongs to a record, each with the key of that."""
        parent = partition.owner
        more = {**partition.extra, self.parent_key: record.get(parent.key)}
        if parent.updated:
            more[UPDATED] = record.get(parent.updated)
        for item in self.identified(found):
            yield {**item, **more}

    def identified(self, found: Items) -> Items:
        """Give each of a record's items what identifies it, and leave out what comes twice."""
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

    @override
    def lookback(self) -> timedelta:
        return super().lookback() + timedelta(days=self.config["child_streams_lookback_days"])


class ArrayStream(RelatedStream):
    """What comes inside of records, as a stream of its own."""

    is_embedded = True

    array: ClassVar[str]
    """The field of the records that holds it."""

    cost = (
        "nothing, if the streams of the records are read in the same run; otherwise a request "
        "for each 500 records changed since"
    )

    @property
    def is_read_alone(self) -> bool:
        """Whether it cannot be made of records that are read for streams of their own."""
        # A batch has its own files, a dry run its own limit, and a new version its own beginning.
        is_batch = self.get_batch_config(self.config) is not None
        return is_batch or self.is_dry_run or self.is_new_version

    def write_schema(self) -> None:
        """Send the schema out of turn."""
        self._write_schema_message()

    def write_row(self, row: Record) -> None:
        """Send a row out of turn."""
        self._write_record_message(row)

    def inside(self, record: Mapping[str, Any], partition: Partition) -> Iterator[dict[str, Any]]:
        """Take the stream's records out of one that they come in."""
        found = record.get(self.array)
        items = [item for item in found or () if isinstance(item, dict)]
        return self.items(items, record, partition)
