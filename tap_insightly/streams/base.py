"""What all streams share: pages become rows, and bookmarks follow the server's clock."""

from __future__ import annotations

import logging
import sys
from datetime import datetime, timedelta, timezone
from typing import TYPE_CHECKING, Any, ClassVar, cast

from singer_sdk import Stream
from singer_sdk.exceptions import SyncLifecycleSignal
from singer_sdk.helpers.conform import TypeConformanceLevel
from singer_sdk.singerlib import RecordMessage
from singer_sdk.singerlib.catalog import REPLICATION_FULL_TABLE, REPLICATION_INCREMENTAL

from tap_insightly.api import InsightlyError
from tap_insightly.conformer import Conformer
from tap_insightly.custom_fields import CustomField, columns_of, with_custom_fields
from tap_insightly.streams.reading import Part, Reading
from tap_insightly.values import parse_moment, utc_text

if TYPE_CHECKING:
    from collections.abc import Generator, Iterable, Iterator, Mapping, Sequence

    from singer_sdk.helpers.types import Context, Record
    from singer_sdk.singerlib import Catalog

    from tap_insightly.api import Listing
    from tap_insightly.tap import TapInsightly


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
        self._is_selected_inside = False
        standard = self.schema
        self._standard_fields = tuple(standard["properties"])
        if schema is None:
            schema = with_custom_fields(standard, custom_fields, tap.config["custom_fields"])
        # An attribute of the instance goes before the class's descriptor, which would build the
        # schema anew for every record.
        vars(self)["schema"] = schema

    @property
    def own_key(self) -> tuple[str, ...]:
        """What identifies a record to the API, whatever key a catalog asks for."""
        return cast("tuple[str, ...]", type(self).primary_keys)

    @property
    def saved_state(self) -> Mapping[str, Any]:
        """The stream's state as it is, where `stream_state` would begin one."""
        state: Mapping[str, Any] = self.tap_state.get("bookmarks", {}).get(self.name, {})
        return state

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
        properties = self.effective_schema["properties"]
        # Whether some parts of a property are selected and others not; a breadcrumb of two is the
        # property itself.
        self._is_selected_inside = not all(self.mask[at] for at in self.mask if len(at) > 2)  # noqa: PLR2004
        conform = Conformer(
            self.effective_schema,
            key_properties=self.primary_keys,
            custom=columns_of(properties, self._standard_fields),
            is_wanted=lambda name: self.mask["properties", name],
        )
        # A dry run (--test) takes no more than it needs, which is no failure.
        is_whole = self.ABORT_AT_RECORD_COUNT is not None
        try:
            yield from self._read().rows(conform)
            is_whole = True
        finally:
            if self.reading is not None:
                self.reading.report()
            self.reading = None
            for warning in conform.warnings():
                self.logger.warning("%s: %s", self.name, warning)
            self._insightly.finish(self, is_whole=is_whole)

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
            self.reading = Reading(self, self._insightly)
        return self.reading

    def since(self) -> str | None:
        """Say from when on to read.

        Returns:
            A moment as the API takes it; None to read everything.
        """
        return None

    def finish(self, bookmark: str | None) -> None:
        """Take in that the stream has been read to its end.

        Args:
            bookmark: What the next sync may go on from, text; None if there is nothing to go by.
        """

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
        if self._is_selected_inside:
            yield from super()._generate_record_messages(record)
            return
        for stream_map in self.stream_maps:
            mapped = stream_map.transform(record)
            if mapped is not None:
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


class SearchStream(InsightlyStream):
    """An object whose search takes a date, so that only what changed is read again (spec)."""

    replication_key = "DATE_UPDATED_UTC"

    def apply_catalog(self, catalog: Catalog) -> None:
        """Take over what a catalog says, within what the API can do.

        Args:
            catalog: The catalog given to the tap.
        """
        super().apply_catalog(catalog)
        own = type(self).replication_key
        if self.replication_method not in {REPLICATION_FULL_TABLE, REPLICATION_INCREMENTAL}:
            self.logger.warning(
                "%s: replication method %s is not known; INCREMENTAL is used.",
                self.name,
                self.replication_method,
            )
            self.forced_replication_method = REPLICATION_INCREMENTAL
        if self.replication_key not in {own, None}:
            self.logger.warning(
                "%s: the API can only filter by %s, not by replication key %s.",
                self.name,
                own,
                self.replication_key,
            )
        self.replication_key = own

    def parts(self) -> Iterable[Part]:
        """Say which list to read: all records, or those updated since the bookmark.

        Returns:
            One part: the object's list, or its search.

        Raises:
            InsightlyError: If the bookmark is no date.
        """
        since = self.since()
        if since is None:
            return [Part(self.path)]
        return [Part(f"{self.path}/Search", {"updated_after_utc": since})]

    def since(self) -> str | None:
        """Say from when on to read: from some time before the bookmark.

        Returns:
            A moment as the API takes it; None to read everything.

        Raises:
            InsightlyError: If the bookmark is no date.
        """
        if self.replication_method != REPLICATION_INCREMENTAL:
            return None
        start_date = self.config.get("start_date")
        # Whether the API includes the very moment it is asked for is not known, so a start date
        # is asked for from a second before.
        moments = [parse_moment(start_date) - timedelta(seconds=1)] if start_date else []
        bookmark = self._bookmark()
        if bookmark is not None:
            moments.append(bookmark - timedelta(seconds=int(self.config["lookback_seconds"])))
        return utc_text(max(moments)) if moments else None

    def finish(self, bookmark: str | None) -> None:
        """Set the bookmark, which never goes back.

        Args:
            bookmark: What the next sync may go on from, text; None if there is nothing to go by.
        """
        if bookmark is None or self.replication_method != REPLICATION_INCREMENTAL:
            return
        before = self._bookmark()
        state = self.stream_state
        state["replication_key"] = self.replication_key
        state["replication_key_value"] = max(bookmark, utc_text(before) if before else "")

    def get_replication_key_signpost(self, context: Context | None = None) -> None:
        """Set no limit to the bookmark: `Position` does, by the server's clock.

        The SDK would take the local clock, which may be wrong.

        Args:
            context: Not used: the stream has no partitions.
        """

    def compare_start_date(self, value: str, start_date_value: str) -> str:
        """Choose the later one, for the SDK's log.

        Args:
            value: The bookmark.
            start_date_value: The start date.

        Returns:
            One of them.

        Raises:
            InsightlyError: If the bookmark is no date.
        """
        self._bookmark()
        return max(value, start_date_value, key=parse_moment)

    def _bookmark(self) -> datetime | None:
        state = self.saved_state
        if state.get("replication_key") != self.replication_key:
            return None
        value = state.get("replication_key_value")
        try:
            return None if value is None else parse_moment(value)
        except (TypeError, ValueError, AttributeError) as error:
            msg = (
                f"The state of stream {self.name} holds {value!r} as its bookmark, which is no "
                "date. Remove it from the state to read the stream from its beginning."
            )
            raise InsightlyError(msg) from error
