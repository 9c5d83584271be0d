"""How rows and versions leave, in place of the SDK where it has no place to say so."""

from __future__ import annotations

import logging
import sys
from datetime import datetime, timezone
from typing import TYPE_CHECKING, Any, cast

from singer_sdk import Stream
from singer_sdk.exceptions import SyncLifecycleSignal
from singer_sdk.helpers.conform import TypeConformanceLevel
from singer_sdk.singerlib import RecordMessage

from tap_insightly.api import InsightlyError
from tap_insightly.streams.deleting import DELETED
from tap_insightly.streams.source import is_new_version

if TYPE_CHECKING:
    from collections.abc import Generator, Iterable

    from singer_sdk.helpers._batch import BaseBatchFileEncoding, BatchConfig
    from singer_sdk.helpers.types import Context, Record


class SendingStream(Stream):
    """What a stream does with its rows, once they are made."""

    # Values are conformed by `Conformer`, which also counts what it could not convert.
    TYPE_CONFORMANCE_LEVEL = TypeConformanceLevel.NONE

    STATE_MSG_FREQUENCY = sys.maxsize
    """Never: `StreamSync` writes the state, when it covers all records that were sent."""

    was_whole = False
    """Whether all was read that there is, the last time."""

    _is_selected_inside = False
    """Whether some parts of a property are selected and others not."""

    @property
    def own_key(self) -> tuple[str, ...]:
        """What identifies a record to the API, whatever key a catalog asks for."""
        return cast("tuple[str, ...]", type(self).primary_keys)

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

    def _increment_stream_state(
        self,
        latest_record: Record,
        *,
        context: Context | None = None,
    ) -> None:
        """Leave the state alone: `StreamSync` keeps it.

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
