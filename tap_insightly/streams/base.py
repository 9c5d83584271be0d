"""What all streams share: pages become rows, and bookmarks follow the server's clock."""

from __future__ import annotations

import logging
import sys
from datetime import datetime, timezone
from functools import cached_property
from typing import TYPE_CHECKING, Any, ClassVar, cast

from singer_sdk import Stream
from singer_sdk.exceptions import SyncLifecycleSignal
from singer_sdk.helpers._state import get_state_if_exists  # no other way to look and not begin one
from singer_sdk.helpers.conform import TypeConformanceLevel
from singer_sdk.singerlib import RecordMessage, Schema
from singer_sdk.singerlib.catalog import REPLICATION_FULL_TABLE

from tap_insightly.api import InsightlyError
from tap_insightly.conformer import Conformer
from tap_insightly.custom_fields import CustomField, columns_of, with_custom_fields
from tap_insightly.streams.deleting import DELETED, DELETED_SCHEMA
from tap_insightly.streams.entries import complete
from tap_insightly.streams.reading import Reading
from tap_insightly.streams.source import Part, is_new_version

if TYPE_CHECKING:
    from collections.abc import Generator, Iterable, Iterator, Mapping, Sequence

    from singer_sdk.helpers._batch import BaseBatchFileEncoding, BatchConfig
    from singer_sdk.helpers.types import Context, Record
    from singer_sdk.singerlib import Catalog

    from tap_insightly.api import Listing
    from tap_insightly.tap import TapInsightly


class AheadError(InsightlyError):
    """A bookmark that the stream was planned by is later than the server's clock."""


class InsightlyStream(Stream):
    """One Insightly object, read from one path."""

    name: str
    """The name of the stream, such as ``contacts``."""

    path: str
    """The path of its list, such as ``/Contacts``."""

    custom_fields_for: ClassVar[str | None] = None
    """The object's name for custom fields, such as ``CONTACT``; None if it cannot have any."""

    is_paged: ClassVar[bool] = True
    """Whether the list takes ``top`` and ``skip``; a few short ones do not (spec)."""

    is_inside: ClassVar[bool] = False
    """Whether its records come inside of others, of which many may hold none."""

    may_find_deletions: ClassVar[bool] = False
    """Whether it can be found out which records are gone."""

    is_refreshable = False
    """Whether it is read by date, so that what changes without one has to be read again."""

    # Values are conformed by `Conformer`, which also counts what it could not convert.
    TYPE_CONFORMANCE_LEVEL = TypeConformanceLevel.NONE

    STATE_MSG_FREQUENCY = sys.maxsize
    """Never: `Reading` writes the state, when it covers all records that were sent."""

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
        self.reading: Reading | None = None
        """What is read of it; None before that is planned, and after."""
        self.was_whole = False
        """Whether all was read that there is, the last time."""
        self._is_selected_inside = False
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
    def own_key(self) -> tuple[str, ...]:
        """What identifies a record to the API, whatever key a catalog asks for."""
        return cast("tuple[str, ...]", type(self).primary_keys)

    @property
    def finds_deletions(self) -> bool:
        """Whether it is to be found out which records are gone.

        A tombstone has only the id; a target that goes by another key could not tell whose it is.
        """
        is_by_id = not self.primary_keys or set(self.primary_keys) == set(self.own_key)
        return self.may_find_deletions and is_by_id and bool(self.config["detect_deletes"])

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

    def parts(self) -> Iterable[Part]:
        """Say which lists make up the stream.

        Returns:
            One part: the object's list.
        """
        return [Part(self.path, is_paged=self.is_paged)]

    def parse(
        self,
        records: Sequence[Mapping[str, Any]],
        part: Part,  # noqa: ARG002 - for others
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
            for listing in reading.listings:  # nobody will read them
                self._insightly.reader.drop(listing)
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

    def ahead(self) -> Iterable[Listing]:
        """Say what will be read, before it is this stream's turn.

        Returns:
            Its lists, as far as they are known without asking.
        """
        try:
            return self._read().listings
        except InsightlyError:
            return []  # it will be told when it is this stream's turn

    def _read(self) -> Reading:
        if self.reading is None:
            self.reading = self.new_reading()
        return self.reading

    def new_reading(self) -> Reading:
        """Plan to read the stream.

        Returns:
            The plan.

        Raises:
            InsightlyError: If the state holds no usable bookmark.
        """
        return Reading(self, self._insightly)

    def finish(self, bookmark: str | None, context: Mapping[str, str] | None = None) -> None:
        """Take in that the stream, or a part of it, has been read to its end.

        Args:
            bookmark: What the next sync may go on from, text; None if there is nothing to go by.
            context: Which part of the stream has been read, if parts have states of their own.
        """

    def get_batches(
        self, batch_config: BatchConfig, context: Context | None = None
    ) -> Iterable[tuple[BaseBatchFileEncoding, list[str]]]:
        """Write files; Parquet with the types of the catalog, where the SDK would guess them.

        Args:
            batch_config: The setting `batch_config`.
            context: Not used: the stream has no partitions.

        Yields:
            The encoding and the files of each batch.
        """
        if batch_config.encoding.format != "parquet":
            yield from super().get_batches(batch_config, context)
            return
        from tap_insightly.parquet import ParquetBatcher  # noqa: PLC0415 - few need it

        schema = self.effective_schema
        wanted = {
            name: prop
            for name, prop in schema["properties"].items()
            if self.mask["properties", name]
        }
        schema = {**schema, "properties": wanted}
        batcher = ParquetBatcher(self.tap_name, self.name, batch_config, schema)
        for files in batcher.get_batches(self._sync_records(context, write_messages=False)):
            yield batch_config.encoding, files

    def activate_version(self) -> None:
        """Have targets drop the rows of older versions, now that this one was read whole."""
        if is_new_version(self) and self._stream_version is not None:
            super()._write_activate_version_message(self._stream_version)

    def _write_activate_version_message(self, full_table_version: int) -> None:
        """Wait with that until all was read: `activate_version` does it.

        A private method of the SDK, because it has no other place to say so: it would do it before
        anything was read, so that a list that cannot be read empties the table.

        Args:
            full_table_version: The version.
        """

    def _sync_batches(self, batch_config: BatchConfig, context: Context | None = None) -> None:
        """Send files, and then say that the version is complete.

        A private method of the SDK, because only it knows when the last file was sent.

        Args:
            batch_config: The setting `batch_config`.
            context: Not used: the stream has no partitions.
        """
        super()._sync_batches(batch_config, context)
        if self.was_whole:
            self.activate_version()

    def announce_tombstones(self) -> None:
        """Take in that what comes now says which records are gone."""

    def _increment_stream_state(
        self,
        latest_record: Record,
        *,
        context: Context | None = None,
    ) -> None:
        """Leave the state alone: `Reading` keeps it.

        A private method of the SDK, because it has no other place to say so: it would take the
        stream for one that cannot be resumed, warn of that, and set the bookmark by itself.

        Args:
            latest_record: The record that was sent.
            context: Not used: the stream has no partitions.
        """

    def _generate_record_messages(self, record: Record) -> Generator[RecordMessage, None, None]:
        """Make the messages of a row, which has only what is selected.

        A private method of the SDK, because it has no other place to say so: it would look for
        what is not selected in each row anew, which takes a third of all the time of a row.

        Args:
            record: The row.

        Yields:
            A message for each stream map that keeps the row.
        """
        is_tombstone = bool(record.get(DELETED))
        if self._is_selected_inside and not is_tombstone:
            yield from super()._generate_record_messages(record)
            return
        if is_tombstone:  # stream maps may name any property
            record = dict.fromkeys(self.effective_schema["properties"]) | record
        for stream_map in self.stream_maps:
            mapped = stream_map.transform(record)
            if mapped is None:
                continue
            if is_tombstone:
                keys = stream_map.transformed_key_properties or self.own_key
                kept = {*keys, DELETED}
                mapped = {name: value for name, value in mapped.items() if name in kept}
            yield RecordMessage(
                stream=stream_map.stream_alias,
                record=mapped,
                version=self._stream_version,
                time_extracted=datetime.now(timezone.utc),
            )

    def log(
        self,
        message: str,
        *args: Any,  # noqa: ANN401 - whatever the message is about
        level: int = logging.INFO,
        **kwargs: Any,  # noqa: ANN401 - as the SDK has it
    ) -> None:
        """Log a message, but call nothing an unhandled error that is none.

        The SDK does so for the end of a dry run, for a target that is gone, and for errors that
        `TapCommand` reports.

        Args:
            message: The message.
            *args: What to put into it.
            level: How important it is, as the standard library's logging has it.
            **kwargs: As the standard library's logging has them.
        """
        expected = SyncLifecycleSignal | InsightlyError | BrokenPipeError
        if isinstance(sys.exc_info()[1], expected):
            level = min(level, logging.DEBUG)
        super().log(message, *args, level=level, **kwargs)


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
