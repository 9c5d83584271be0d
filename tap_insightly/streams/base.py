"""What all streams share: what they are read from, and what makes rows of it."""

from __future__ import annotations

from abc import abstractmethod
from functools import cached_property
from typing import TYPE_CHECKING, Any, ClassVar

from singer_sdk import Tap
from singer_sdk.helpers._state import get_state_if_exists  # no other way to look and not begin one
from singer_sdk.singerlib import Schema
from singer_sdk.singerlib.catalog import REPLICATION_FULL_TABLE, REPLICATION_INCREMENTAL
from typing_extensions import override

from tap_insightly.conformer import Conformer
from tap_insightly.custom_fields import CustomField, columns_of, with_custom_fields
from tap_insightly.openapi.objects import objects_by_path
from tap_insightly.streams.entries import complete
from tap_insightly.streams.partition import Partition
from tap_insightly.streams.sending import SendingStream, needing_pyarrow
from tap_insightly.streams.tombstones import DELETED_SCHEMA
from tap_insightly.tombstone import DELETED_AT

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence

    import pyarrow as pa
    from singer_sdk.helpers.types import Context, Record
    from singer_sdk.singerlib import Catalog

    from tap_insightly.columns import TableMaker
    from tap_insightly.page_records import PageDecoder
    from tap_insightly.streams.protocol import Run


class StreamsTap(Tap):
    """A tap as its streams know it: it has a run under way."""

    @property
    @abstractmethod
    def run(self) -> Run[InsightlyStream]:
        """The run under way; another one once that is over."""


class InsightlyStream(SendingStream):
    """One Insightly object, read from one path."""

    name: str
    """The name of the stream, such as ``contacts``."""

    path: str
    """The path of its list, such as ``/Contacts``."""

    custom_fields_for: ClassVar[str | None] = None
    """The object's name for custom fields, such as ``CONTACT``; None if it cannot have any. This,
    `is_paged` and the replication key of a search are as the OpenAPI document has them."""

    is_paged: ClassVar[bool] = True
    """Whether the list takes ``top`` and ``skip``; a few short ones do not (spec)."""

    is_embedded: ClassVar[bool] = False
    """Whether its records come inside of others, of which many may hold none."""

    may_find_deletions: ClassVar[bool] = False
    """Whether it can be found out which records are gone."""

    needs_custom_objects: ClassVar[bool] = False
    """Whether it depends on the account's custom objects what is read."""

    def __init_subclass__(cls, **kwargs: Any) -> None:  # noqa: ANN401 - as Python has them
        """Take over what the OpenAPI document says of the list at the stream's path."""
        super().__init_subclass__(**kwargs)
        obj = objects_by_path().get(vars(cls).get("path", ""))
        if obj is not None:
            cls.custom_fields_for = obj.custom_fields_for
            cls.is_paged = obj.is_paged

    def __init__(
        self,
        tap: StreamsTap,
        schema: dict[str, Any] | None = None,
        custom_fields: Iterable[CustomField] = (),
    ) -> None:
        """Take the schema from a catalog, or without one from the object and its custom fields."""
        super().__init__(tap)
        self._owner = tap
        standard = self.schema
        self._standard_fields = (*standard["properties"], DELETED_AT)
        how, most_bytes = tap.config["custom_fields"], tap.config["max_column_name_bytes"]
        self._standard = with_custom_fields(standard, (), how)
        if schema is None:
            schema = with_custom_fields(standard, custom_fields, how, most_bytes)
            if self.finds_deletions:
                schema["properties"].setdefault(DELETED_AT, dict(DELETED_SCHEMA))
        # An attribute of the instance goes before the class's descriptor, which would build the
        # schema anew for every record.
        vars(self)["schema"] = schema

    @property
    def run(self) -> Run[InsightlyStream]:
        """The run that reads it."""
        return self._owner.run

    @override
    def apply_catalog(self, catalog: Catalog) -> None:
        """Take over what a catalog says, and add what it lacks.

        Raises:
            InsightlyError: If it asks for a key that the stream does not have.
        """
        entry = catalog.get_stream(self.name)
        if entry is not None:
            replication_key = type(self).replication_key
            by = replication_key if isinstance(replication_key, str) else None
            for warning in complete(entry, self._standard, self.own_key, by):
                self.logger.warning("%s: %s", self.name, warning)
            if self.finds_deletions:  # the catalog may be from before the setting was made
                properties = {DELETED_AT: Schema.from_dict(dict(DELETED_SCHEMA))}
                entry.schema.properties = {**properties, **(entry.schema.properties or {})}
            vars(self)["schema"] = entry.schema.to_dict()
        could_find_deletions = self.finds_deletions
        super().apply_catalog(catalog)
        if could_find_deletions and not self.finds_deletions:
            self.logger.warning(
                "%s: deletions are not looked for, because its key is not %s in the catalog.",
                self.name,
                self.own_key[0],
            )

    @property
    def finds_deletions(self) -> bool:
        """Whether it is to be found out which records are gone.

        A tombstone has only the id; a target that goes by another key could not tell whose it is.
        """
        is_by_id = not self.primary_keys or set(self.primary_keys) == set(self.own_key)
        return self.may_find_deletions and is_by_id and bool(self.config["detect_deletes"])

    @property
    def is_refreshable(self) -> bool:
        """Whether it is read by date, so that what changes without one has to be read again."""
        # What can be compared with its whole list can be read again from it.
        return self.may_find_deletions and self.replication_method == REPLICATION_INCREMENTAL

    @property
    def is_dry_run(self) -> bool:
        """Whether only a few records are wanted (``--test``)."""
        return self.ABORT_AT_RECORD_COUNT is not None

    def saved_state(self, context: Mapping[str, str] | None = None) -> Mapping[str, Any]:
        """Look up a state as it is, where `get_context_state` would begin one; empty for none."""
        found: Mapping[str, Any] | None = get_state_if_exists(self.tap_state, self.name, context)
        return found or {}

    @property
    @override
    def partitions(self) -> None:
        """None for the SDK, which would read a stream once for each partition with a state."""

    def partitions_to_read(self) -> Iterable[Partition]:
        """Say which lists make up the stream.

        Raises:
            InsightlyError: If a bookmark in the state cannot be used.
        """
        return [Partition(self.path, is_paged=self.is_paged)]

    def parse(
        self,
        records: Sequence[Mapping[str, Any]],
        partition: Partition,  # noqa: ARG002 - for others
    ) -> Iterable[Mapping[str, Any]]:
        """Make the stream's records of those of an answer; one object is a list of one."""
        return records

    @override
    def get_records(self, context: Context | None) -> Iterator[Record]:
        return self.run.rows(self)

    @cached_property
    def conform(self) -> Conformer:
        """What makes rows of the stream's records."""
        schema = self.effective_schema
        return Conformer(
            schema,
            key_properties=self.primary_keys,
            custom=columns_of(schema["properties"], self._standard_fields),
            identity=self.own_key,
            is_wanted=lambda name: self.mask["properties", name],
        )

    @cached_property
    def make_table(self) -> TableMaker:
        """What makes tables of the stream's records.

        Raises:
            InsightlyError: If pyarrow is not there.
        """
        with needing_pyarrow():
            from tap_insightly.columns import TableMaker  # noqa: PLC0415 - few need it

        return TableMaker(self.conform, self.selected_schema)

    @property
    def decode_page(self) -> PageDecoder | None:
        """What reads the pages that tables are made of; None if they have other records."""
        is_as_it_comes = type(self).parse is InsightlyStream.parse
        return self.conform.decode_page if is_as_it_comes else None

    @property
    def selected_schema(self) -> dict[str, Any]:
        """The schema of what is selected."""
        properties = self.effective_schema["properties"]
        wanted = {name: one for name, one in properties.items() if self.mask["properties", name]}
        return {**self.effective_schema, "properties": wanted}

    @property
    def arrow_schema(self) -> pa.Schema:
        """The columns of its tables."""
        return self.make_table.schema

    @override
    def get_tables(self) -> Iterator[pa.Table]:
        return self.run.tables(self)

    def check_bookmarks(self) -> None:
        """Compare what it was planned by with the server's clock, once an answer has told that.

        Raises:
            BookmarkInFutureError: If the stream has to be planned anew.
        """

    def set_bookmark(self, bookmark: str | None, context: Mapping[str, str] | None = None) -> None:
        """Note that a list was read to its end; the next sync may go on from the bookmark."""

    def write_tombstone_schema(self) -> None:
        """Prepare targets for tombstones, which come now."""


class ListStream(InsightlyStream):
    """An object that can only be read whole: its list takes no date (spec)."""

    @override
    def apply_catalog(self, catalog: Catalog) -> None:
        super().apply_catalog(catalog)
        if self.replication_method != REPLICATION_FULL_TABLE:
            self.logger.warning(
                "%s: replication method %s is not possible, because the API cannot filter this "
                "list by date. The whole list is read (FULL_TABLE).",
                self.name,
                self.replication_method,
            )
            self.forced_replication_method = REPLICATION_FULL_TABLE
        self.replication_key = None
