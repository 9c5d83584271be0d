"""What all streams share: pages become rows, and bookmarks follow the server's clock."""

from __future__ import annotations

from functools import cached_property
from typing import TYPE_CHECKING, Any, ClassVar

from singer_sdk.helpers._state import get_state_if_exists  # no other way to look and not begin one
from singer_sdk.singerlib import Schema
from singer_sdk.singerlib.catalog import REPLICATION_FULL_TABLE, REPLICATION_INCREMENTAL

from tap_insightly.api import InsightlyError
from tap_insightly.conformer import Conformer
from tap_insightly.custom_fields import CustomField, columns_of, with_custom_fields
from tap_insightly.openapi.objects import objects_by_path
from tap_insightly.streams.deleting import DELETED, DELETED_SCHEMA
from tap_insightly.streams.entries import complete
from tap_insightly.streams.reading import StreamSync
from tap_insightly.streams.sending import SendingStream
from tap_insightly.streams.source import Partition

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence

    from singer_sdk.helpers.types import Context, Record
    from singer_sdk.singerlib import Catalog

    from tap_insightly.api import PagedRequest
    from tap_insightly.tap import TapInsightly


class AheadError(InsightlyError):
    """A bookmark that the stream was planned by is later than the server's clock."""


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

    def __init_subclass__(cls, **kwargs: Any) -> None:  # noqa: ANN401 - as Python has them
        """Take over what the OpenAPI document says of the list at the stream's path."""
        super().__init_subclass__(**kwargs)
        obj = objects_by_path().get(vars(cls).get("path", ""))
        if obj is not None:
            cls.custom_fields_for = obj.custom_fields_for
            cls.is_paged = obj.is_paged

    def __init__(
        self,
        tap: TapInsightly,
        schema: dict[str, Any] | None = None,
        custom_fields: Iterable[CustomField] = (),
    ) -> None:
        """Set up the stream, either from a catalog or from what was discovered.

        Args:
            tap: The tap.
            schema: The stream's JSON schema out of a catalog; None at discovery.
            custom_fields: The custom fields of the object, at discovery.
        """
        super().__init__(tap)
        self._insightly = tap
        self.reading: StreamSync | None = None
        """What is read of it; None before that is planned, and after."""
        standard = self.schema
        self._standard_fields = (*standard["properties"], DELETED)
        how, most_bytes = tap.config["custom_fields"], tap.config["max_column_name_bytes"]
        self._standard = with_custom_fields(standard, (), how)
        if schema is None:
            schema = with_custom_fields(standard, custom_fields, how, most_bytes)
            if self.finds_deletions:
                schema["properties"].setdefault(DELETED, dict(DELETED_SCHEMA))
        # An attribute of the instance goes before the class's descriptor, which would build the
        # schema anew for every record.
        vars(self)["schema"] = schema

    def apply_catalog(self, catalog: Catalog) -> None:
        """Take over what a catalog says, and add what it lacks.

        Args:
            catalog: The catalog given to the tap.

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
                properties = {DELETED: Schema.from_dict(dict(DELETED_SCHEMA))}
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

    def saved_state(self, context: Mapping[str, str] | None = None) -> Mapping[str, Any]:
        """Look up a state as it is, where `get_context_state` would begin one.

        Args:
            context: Which part of the stream is meant, if parts have states of their own.

        Returns:
            The state of the stream or of the part; empty if there is none.
        """
        found: Mapping[str, Any] | None = get_state_if_exists(self.tap_state, self.name, context)
        return found or {}

    @property
    def partitions(self) -> None:
        """None for the SDK, which would read a stream once for each part that has a state."""

    def parts(self) -> Iterable[Partition]:
        """Say which lists make up the stream.

        Returns:
            One part: the object's list.
        """
        return [Partition(self.path, is_paged=self.is_paged)]

    def parse(
        self,
        records: Sequence[Mapping[str, Any]],
        part: Partition,  # noqa: ARG002 - for others
    ) -> Iterable[Mapping[str, Any]]:
        """Make the stream's records of what an answer holds.

        Args:
            records: The records of an answer; one object is a list of one.
            part: What was asked.

        Returns:
            The records.
        """
        return records

    def get_records(self, context: Context | None) -> Iterator[Record]:  # noqa: ARG002 - none here
        """Read the stream.

        Args:
            context: Not used: the stream has no partitions.

        Yields:
            Rows that are valid by the stream's schema.

        Raises:
            InsightlyError: If the API ends the sync.
        """
        conform = self.conform
        # A dry run (--test) takes no more than it needs, which is no failure.
        is_whole = self.ABORT_AT_RECORD_COUNT is not None
        try:
            yield from self._rows(conform)
            is_whole = True
        finally:
            if self.reading is not None:
                self.reading.report()
                self.was_whole = self.reading.is_whole
            self.reading = None
            for warning in conform.warnings():
                self.logger.warning("%s: %s", self.name, warning)
            self._insightly.finish(self, is_whole=is_whole)

    def _rows(self, conform: Conformer) -> Iterator[Record]:
        reading = self._read()
        try:
            yield from reading.rows(conform)
        except AheadError:
            for paged_request in reading.paged_requests:  # nobody will read them
                self._insightly.prefetcher.drop(paged_request)
            self.reading = self.new_reading()
            yield from self.reading.rows(conform)

    def check_bookmarks(self) -> None:
        """Take in that an answer has told the server's time, before anything is made of it.

        Raises:
            AheadError: If the stream has to be planned anew, because a bookmark is later.
        """

    @cached_property
    def conform(self) -> Conformer:
        """What makes rows of the stream's records."""
        properties = self.effective_schema["properties"]
        # Whether some parts of a property are selected and others not; a breadcrumb of two is the
        # property itself.
        self._is_selected_inside = not all(self.mask[at] for at in self.mask if len(at) > 2)  # noqa: PLR2004
        return Conformer(
            self.effective_schema,
            key_properties=self.primary_keys,
            custom=columns_of(properties, self._standard_fields),
            is_wanted=lambda name: self.mask["properties", name],
        )

    def ahead(self) -> Iterable[PagedRequest]:
        """Say what will be read, before it is this stream's turn.

        Returns:
            Its lists, as far as they are known without asking.
        """
        try:
            return self._read().paged_requests
        except InsightlyError:
            return []  # it will be told when it is this stream's turn

    def _read(self) -> StreamSync:
        if self.reading is None:
            self.reading = self.new_reading()
        return self.reading

    def new_reading(self) -> StreamSync:
        """Plan to read the stream.

        Returns:
            The plan.

        Raises:
            InsightlyError: If the state holds no usable bookmark.
        """
        return StreamSync(self, self._insightly)

    def finish(self, bookmark: str | None, context: Mapping[str, str] | None = None) -> None:
        """Take in that the stream, or a part of it, has been read to its end.

        Args:
            bookmark: What the next sync may go on from, text; None if there is nothing to go by.
            context: Which part of the stream has been read, if parts have states of their own.
        """

    def announce_tombstones(self) -> None:
        """Take in that what comes now says which records are gone."""


class ListStream(InsightlyStream):
    """An object that can only be read whole: its list takes no date (spec)."""

    def apply_catalog(self, catalog: Catalog) -> None:
        """Take over what a catalog says, but stay with reading the whole list.

        Args:
            catalog: The catalog given to the tap.
        """
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
