"""How rows and versions leave, in place of the SDK where it has no place to say so."""

from __future__ import annotations

import logging
import sys
from abc import abstractmethod
from contextlib import contextmanager
from datetime import datetime, timezone
from functools import cached_property
from typing import TYPE_CHECKING, Any, cast

from singer_sdk import Stream
from singer_sdk.exceptions import SyncLifecycleSignal
from singer_sdk.helpers.conform import TypeConformanceLevel
from singer_sdk.singerlib import RecordMessage
from singer_sdk.singerlib.catalog import REPLICATION_FULL_TABLE
from typing_extensions import override

from tap_insightly.api import InsightlyError
from tap_insightly.tombstone import DELETED_AT

if TYPE_CHECKING:
    from collections.abc import Generator, Iterable, Iterator

    import pyarrow as pa
    from singer_sdk.helpers._batch import BaseBatchFileEncoding, BatchConfig
    from singer_sdk.helpers.types import Context, Record

_PROPERTY = 2  # parts of the breadcrumb of a property; what is inside of it has more


@contextmanager
def needing_pyarrow() -> Iterator[None]:
    """Import what needs pyarrow.

    Raises:
        InsightlyError: If it is not there.
    """
    try:
        yield
    except ModuleNotFoundError as error:
        msg = (
            f"Tables and files of Parquet or Arrow need a package that is not there ({error}): "
            "install tap-insightly[arrow]."
        )
        raise InsightlyError(msg) from error


class SendingStream(Stream):
    """What a stream does with its rows, once they are made."""

    # Values are conformed by `Conformer`, which also counts what it could not convert.
    TYPE_CONFORMANCE_LEVEL = TypeConformanceLevel.NONE

    STATE_MSG_FREQUENCY = sys.maxsize
    """Never: the sync of a stream writes the state, when it covers all records that were sent."""

    was_read_whole = False
    """Whether the last run that read it got all that there is; set by the run."""

    @property
    def own_key(self) -> tuple[str, ...]:
        """What identifies a record to the API, whatever key a catalog asks for."""
        return cast("tuple[str, ...]", type(self).primary_keys)

    @property
    def is_new_version(self) -> bool:
        """Whether each run begins anew, and cannot go on where another was cut off.

        A new version makes targets drop the rows of the version before, among which would be
        those that the run before the cut has sent.
        """
        return (
            self.emit_activate_version_messages
            and self.replication_method == REPLICATION_FULL_TABLE
        )

    @override
    def get_batches(
        self, batch_config: BatchConfig, context: Context | None = None
    ) -> Iterable[tuple[BaseBatchFileEncoding, list[str]]]:
        """Write Parquet and Arrow with the types of the catalog, where the SDK would guess them."""
        kind = batch_config.encoding.format
        if kind not in {"parquet", "arrow"}:
            yield from super().get_batches(batch_config, context)
            return
        with needing_pyarrow():
            from tap_insightly.batch_files import TableBatcher  # noqa: PLC0415 - few need it
            from tap_insightly.columns import arrow_schema  # noqa: PLC0415 - as above

        schema = arrow_schema(self.selected_schema, marks_json=kind == "arrow")
        batcher = TableBatcher(self.tap_name, self.name, batch_config, schema)
        for files in batcher.get_batches(self._tables(context)):
            yield batch_config.encoding, files

    def _tables(self, context: Context | None) -> Iterator[pa.Table]:
        """Read the stream as the SDK does, with its counters and limits, but in tables."""
        self._write_starting_replication_value(context)
        number = 0
        with self.get_record_counter() as counter, self.get_sync_timer():
            for table in self.get_tables():
                number += table.num_rows
                self._check_max_record_limit(current_record_index=number - 1)
                counter.increment(table.num_rows)
                yield table
        self._finalize_state(self.stream_state)

    @property
    @abstractmethod
    def selected_schema(self) -> dict[str, Any]:
        """The schema of what is selected."""

    @abstractmethod
    def get_tables(self) -> Iterator[pa.Table]:
        """Read it in tables."""

    def activate_version(self) -> None:
        """Have targets drop the rows of older versions, now that this one was read whole."""
        if self.is_new_version and self._stream_version is not None:
            super()._write_activate_version_message(self._stream_version)

    @override
    def _write_activate_version_message(self, full_table_version: int) -> None:
        """Wait with that until all was read: `activate_version` does it.

        The SDK would do it before anything was read, so that a list that cannot be read empties
        the table.
        """

    @override
    def _sync_batches(self, batch_config: BatchConfig, context: Context | None = None) -> None:
        """Send files, and then say that the version is complete: only here the last one is sent."""
        super()._sync_batches(batch_config, context)
        if self.was_read_whole:
            self.activate_version()

    @override
    def _increment_stream_state(
        self,
        latest_record: Record,
        *,
        context: Context | None = None,
    ) -> None:
        """Leave the state alone, which the sync of the stream keeps.

        The SDK would take the stream for one that cannot be resumed, warn of that, and set the
        bookmark by itself.
        """

    @override
    def _generate_record_messages(self, record: Record) -> Generator[RecordMessage, None, None]:
        """Make the messages of a row, which has only what is selected.

        The SDK would look for what is not selected in each row anew, which takes a third of all
        the time of a row.
        """
        is_tombstone = bool(record.get(DELETED_AT))
        if self._is_selected_in_part and not is_tombstone:
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
                kept = {*keys, DELETED_AT}
                mapped = {name: value for name, value in mapped.items() if name in kept}
            yield RecordMessage(
                stream=stream_map.stream_alias,
                record=mapped,
                version=self._stream_version,
                time_extracted=datetime.now(timezone.utc),
            )

    @cached_property
    def _is_selected_in_part(self) -> bool:
        """Whether some parts of a property are selected and others not."""
        return not all(self.mask[at] for at in self.mask if len(at) > _PROPERTY)

    @override
    def log(
        self,
        message: str,
        *args: Any,
        level: int = logging.INFO,
        **kwargs: Any,
    ) -> None:
        """Log a message, but call nothing an unhandled error that is none.

        The SDK does so for the end of a dry run, for a target that is gone, and for errors that
        `TapCommand` reports.
        """
        expected = SyncLifecycleSignal | InsightlyError | BrokenPipeError
        if isinstance(sys.exc_info()[1], expected):
            level = min(level, logging.DEBUG)
        super().log(message, *args, level=level, **kwargs)
