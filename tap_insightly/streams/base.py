"""What all streams share: pages become rows, and bookmarks follow the server's clock."""

from __future__ import annotations

import logging
import sys
from contextlib import suppress
from copy import deepcopy
from dataclasses import dataclass, field
from datetime import timedelta
from itertools import chain
from typing import TYPE_CHECKING, Any, ClassVar

from singer_sdk import Stream, metrics
from singer_sdk.exceptions import SyncLifecycleSignal
from singer_sdk.helpers.conform import TypeConformanceLevel
from singer_sdk.singerlib.catalog import REPLICATION_FULL_TABLE, REPLICATION_INCREMENTAL

from tap_insightly.api import InsightlyError, NotAvailableError, pages
from tap_insightly.api.paging import PAGE_SIZE
from tap_insightly.conformer import Conformer
from tap_insightly.custom_fields import RAW, CustomField, add_columns, columns_of
from tap_insightly.values import parse_moment, utc_text

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping
    from datetime import datetime

    from singer_sdk.helpers.types import Context, Record
    from singer_sdk.singerlib import Catalog

    from tap_insightly.api import Answer
    from tap_insightly.tap import TapInsightly


@dataclass(frozen=True)
class Part:
    """One list to read; most streams are read as one, some as several."""

    path: str
    params: Mapping[str, str] = field(default_factory=dict)
    is_paged: bool = True
    extra: Mapping[str, Any] = field(default_factory=dict)
    """What to add to each record, such as the kind of record that a tag belongs to."""


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
        standard = self.schema
        self._standard_fields = tuple(standard["properties"])
        if schema is None:
            schema = _with_custom_fields(standard, custom_fields, tap.config["custom_fields"])
        # An attribute of the instance goes before the class's descriptor, which would build the
        # schema anew for every record.
        vars(self)["schema"] = schema

    def parts(self) -> Iterable[Part]:
        """Say which lists make up the stream.

        Returns:
            One part: the object's list.
        """
        return [Part(self.path, is_paged=self.is_paged)]

    def parse(self, answer: Answer, part: Part) -> Iterable[dict[str, Any]]:  # noqa: ARG002 - for others
        """Take the records out of an answer.

        Args:
            answer: What the API answered.
            part: What was asked.

        Returns:
            The records.
        """
        return answer.records

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
        conform = Conformer(
            self.effective_schema,
            key_properties=self.primary_keys,
            custom=columns_of(properties, self._standard_fields),
        )
        try:
            for record in self._api_records():
                row = conform(record)
                if row is not None:
                    yield row
        finally:
            for warning in conform.warnings():
                self.logger.warning("%s: %s", self.name, warning)

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

    def on_first_answer(self, answer: Answer) -> None:
        """Take note of the first answer of a part, as incremental streams do.

        Args:
            answer: What the API answered.
        """

    def _api_records(self) -> Iterator[dict[str, Any]]:
        parts = list(self.parts())
        missing = 0
        for part in parts:
            answers = self._answers(part)
            try:
                first = next(answers)
            except NotAvailableError as error:
                self.logger.warning("%s: %s The sync goes on without it.", self.name, error)
                missing += 1
                continue
            self.on_first_answer(first)
            for answer in chain([first], answers):
                for record in self.parse(answer, part):
                    yield {**record, **part.extra}
        if missing == len(parts):
            self._insightly.skip(self.name)

    def _answers(self, part: Part) -> Iterator[Answer]:
        session = self._insightly.session
        with metrics.http_request_counter(self.name, part.path) as requests:
            if not part.is_paged:
                requests.increment()
                yield session.get(part.path, part.params)
                return
            # A dry run (--test) stops at the record after its limit, so it need not ask for more.
            limit = self.ABORT_AT_RECORD_COUNT
            size = PAGE_SIZE if limit is None else min(PAGE_SIZE, limit + 1)
            for answer in pages(session, part.path, part.params, page_size=size):
                requests.increment()
                yield answer


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
        since = self._since()
        if since is None:
            return [Part(self.path)]
        return [Part(f"{self.path}/Search", {"updated_after_utc": utc_text(since)})]

    def get_replication_key_signpost(self, context: Context | None = None) -> None:
        """Set no limit to the bookmark before the server has told its time.

        The SDK would take the local clock, which may be wrong. `on_first_answer` sets the limit.

        Args:
            context: Not used: the stream has no partitions.
        """

    def on_first_answer(self, answer: Answer) -> None:
        """Limit the bookmark to the moment at which the first request was answered.

        What is updated later, while the stream is still being read, may be missed by this sync,
        so the next one must ask for it.

        Args:
            answer: What the API answered.
        """
        if self.replication_method == REPLICATION_INCREMENTAL:
            moment = answer.date or _newest(answer.records, self.replication_key)
            if moment:
                self.state_manager.write_replication_key_signpost(utc_text(moment))

    def _since(self) -> datetime | None:
        try:
            bookmark = self.get_starting_timestamp(None)
        except (TypeError, ValueError) as error:
            value = self.get_starting_replication_key_value(None)
            msg = (
                f"The state of stream {self.name} holds {value!r} as its bookmark, which is no "
                "date. Remove it from the state to read the stream from its beginning."
            )
            raise InsightlyError(msg) from error
        if bookmark is None:
            return None
        since = bookmark - timedelta(seconds=int(self.config["lookback_seconds"]))
        start_date = self.config.get("start_date")
        # Whether the API includes the very moment it is asked for is not known, so a start date
        # is asked for from a second before.
        first = parse_moment(start_date) - timedelta(seconds=1) if start_date else since
        return max(since, first)


def _newest(records: Iterable[Mapping[str, Any]], key: str) -> datetime | None:
    """Find a moment that the server's clock had certainly reached when it answered.

    Args:
        records: The records of an answer that has no date of its own.
        key: The field that holds the moment of a record's last update.

    Returns:
        The newest update among the records; None if there is none.
    """
    moments = []
    for record in records:
        with suppress(KeyError, TypeError, ValueError, AttributeError):
            moments.append(parse_moment(record[key]))
    return max(moments, default=None)


def _with_custom_fields(
    standard: Mapping[str, Any], fields: Iterable[CustomField], how: str
) -> dict[str, Any]:
    """Add the custom fields of an object to its schema.

    Args:
        standard: The schema of the standard fields, with the raw array.
        fields: The object's custom fields.
        how: The setting `custom_fields`: ``columns``, ``array`` or ``both``.

    Returns:
        A new schema.
    """
    schema = deepcopy(dict(standard))
    properties = schema["properties"]
    raw = properties.pop(RAW, None)
    if how != "array":
        add_columns(properties, fields)
    if how != "columns" and raw is not None:
        properties[RAW] = raw
    return schema
