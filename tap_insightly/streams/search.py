"""Streams of which only what changed is read again."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any

from singer_sdk.singerlib import Schema, SchemaMessage
from singer_sdk.singerlib.catalog import (
    REPLICATION_FULL_TABLE,
    REPLICATION_INCREMENTAL,
    Metadata,
)

from tap_insightly.api import InsightlyError
from tap_insightly.streams.base import InsightlyStream
from tap_insightly.streams.deleting import DELETED, DELETED_SCHEMA
from tap_insightly.streams.source import Part
from tap_insightly.values import parse_moment, utc_text

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from singer_sdk.helpers.types import Context
    from singer_sdk.singerlib import Catalog
    from singer_sdk.singerlib.catalog import MetadataMapping


class SearchStream(InsightlyStream):
    """An object whose search takes a date, so that only what changed is read again (spec)."""

    replication_key: str | None = "DATE_UPDATED_UTC"

    may_find_deletions = True

    def apply_catalog(self, catalog: Catalog) -> None:
        """Take over what a catalog says, within what the API can do.

        Args:
            catalog: The catalog given to the tap.
        """
        entry = catalog.get_stream(self.name)
        if self.finds_deletions and entry is not None:
            # The catalog may be from before the setting was made.
            entry.schema.properties = {
                DELETED: Schema.from_dict(dict(DELETED_SCHEMA)),
                **(entry.schema.properties or {}),
            }
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

    @property
    def metadata(self) -> MetadataMapping:
        """What is selected: if tombstones are to come, so is the property that marks them."""
        found = super().metadata
        if self.finds_deletions:
            found["properties", DELETED] = Metadata(Metadata.InclusionType.AUTOMATIC)
        return found

    def parts(self) -> Iterable[Part]:
        """Say which list to read: all records, or those updated since the bookmark.

        Returns:
            One part: the object's list, or its search.

        Raises:
            InsightlyError: If the bookmark is no date.
        """
        return [self.part(self.path)]

    def part(self, path: str, params: Mapping[str, str] | None = None, **more: Any) -> Part:  # noqa: ANN401 - as `Part` has them
        """Make a part of a list, or of its search if there is a bookmark.

        Args:
            path: The path of the list, text.
            params: What else to ask it for.
            **more: Other fields of the part; with a `context` it has a bookmark of its own.

        Returns:
            The part.

        Raises:
            InsightlyError: If the bookmark is no date.
        """
        since = self.since(more.get("context"))
        params = dict(params or {})
        if since is not None:
            path, params["updated_after_utc"] = f"{path}/Search", since
        return Part(path, params, since=since, **more)

    def since(self, context: Mapping[str, str] | None = None) -> str | None:
        """Say from when on to read: from some time before the bookmark.

        Args:
            context: Which part of the stream is meant, if parts have bookmarks of their own.

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
        bookmark = self._bookmark(context)
        if bookmark is not None:
            moments.append(bookmark - self.lookback())
        return utc_text(max(moments)) if moments else None

    def lookback(self) -> timedelta:
        """Say how far behind its bookmark the stream is read again.

        Returns:
            A duration.
        """
        return timedelta(seconds=int(self.config["lookback_seconds"]))

    def finish(self, bookmark: str | None, context: Mapping[str, str] | None = None) -> None:
        """Set the bookmark, which never goes back.

        Args:
            bookmark: What the next sync may go on from, text; None if there is nothing to go by.
            context: Which part of the stream has been read, if parts have bookmarks of their own.
        """
        if bookmark is None or self.replication_method != REPLICATION_INCREMENTAL:
            return
        before = self._bookmark(context)
        state = self.get_context_state(context)
        state["replication_key"] = self.replication_key
        state["replication_key_value"] = max(bookmark, utc_text(before) if before else "")

    def announce_tombstones(self) -> None:
        """Send a schema of what tombstones have, if that is wanted.

        A target that knows the others too would set them all to null.
        """
        if self.config["tombstone_schema"] != "own":
            return
        for message in self._generate_schema_messages():
            keys = list(message.key_properties or ())
            known = message.schema["properties"]
            properties = {name: known[name] for name in (*keys, DELETED) if name in known}
            schema = {**message.schema, "properties": properties}
            self._insightly.write_message(SchemaMessage(message.stream, schema, keys))

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

    def _bookmark(self, context: Mapping[str, str] | None = None) -> datetime | None:
        state = self.saved_state(context)
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
