"""Streams of which only what changed is read again."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any

from singer_sdk.singerlib import SchemaMessage
from singer_sdk.singerlib.catalog import (
    REPLICATION_FULL_TABLE,
    REPLICATION_INCREMENTAL,
    Metadata,
)
from typing_extensions import override

from tap_insightly.api import InsightlyError, UsageError
from tap_insightly.openapi.objects import objects_by_path
from tap_insightly.streams.base import InsightlyStream
from tap_insightly.streams.partition import Partition
from tap_insightly.tombstone import DELETED_AT
from tap_insightly.values import FIRST, before, parse_moment, utc_text

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from singer_sdk.helpers.types import Context
    from singer_sdk.singerlib import Catalog
    from singer_sdk.singerlib.catalog import MetadataMapping

SECOND = timedelta(seconds=1)


class BookmarkInFutureError(InsightlyError):
    """A bookmark that a stream was planned by is later than the server's clock."""


class SearchStream(InsightlyStream):
    """An object whose search takes a date, so that only what changed is read again (spec)."""

    replication_key: str | None = "DATE_UPDATED_UTC"

    may_find_deletions = True

    _unchecked: Sequence[Mapping[str, str] | None] = ()
    """Parts of the state whose bookmarks were used before the server's clock was known."""

    _has_warned_of_key = False

    def __init_subclass__(cls, **kwargs: Any) -> None:  # noqa: ANN401 - as Python has them
        """Go by the date that the search at the stream's path compares."""
        super().__init_subclass__(**kwargs)
        obj = objects_by_path().get(vars(cls).get("path", ""))
        if obj is not None:
            cls.replication_key = obj.searched_by

    @override
    def apply_catalog(self, catalog: Catalog) -> None:
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
    @override
    def metadata(self) -> MetadataMapping:
        """What is selected: if tombstones are to come, so is the property that marks them."""
        found = super().metadata
        if self.finds_deletions:
            found["properties", DELETED_AT] = Metadata(inclusion=Metadata.InclusionType.AUTOMATIC)
        return found

    @override
    def partitions_to_read(self) -> Iterable[Partition]:
        return [self.partition_of(self.path)]

    def partition_of(
        self,
        path: str,
        params: Mapping[str, str] | None = None,
        **more: Any,  # noqa: ANN401 - other fields of a partition
    ) -> Partition:
        """Choose a list, or its search if there is a bookmark for the given `context`.

        Raises:
            UsageError: If the bookmark is no date.
        """
        since = self.since(more.get("context"))
        params = dict(params or {})
        if since is not None:
            path, params["updated_after_utc"] = f"{path}/Search", since
        return Partition(path, params, since=since, **more)

    def since(self, context: Mapping[str, str] | None = None) -> str | None:
        """Say from when on to read, some time before the bookmark; None for everything.

        Raises:
            UsageError: If the bookmark is no date.
        """
        if self.replication_method != REPLICATION_INCREMENTAL:
            return None
        start_date = self.config.get("start_date")
        # Whether the API includes the very moment it is asked for is not known, so a start date
        # is asked for from a second before.
        moments = [before(parse_moment(start_date), SECOND)] if start_date else []
        if not self._correct(context):
            self._unchecked = [*self._unchecked, context]
        if (bookmark := self._bookmark(context)) is not None:
            moments.append(before(bookmark, self.lookback()))
        since = max(moments, default=FIRST)
        return utc_text(since) if since > FIRST else None

    @override
    def check_bookmarks(self) -> None:
        contexts, self._unchecked = self._unchecked, ()
        bookmarks = [self._bookmark(context) for context in contexts]
        for context in contexts:
            self._correct(context)
        if bookmarks != [self._bookmark(context) for context in contexts]:
            raise BookmarkInFutureError

    def _correct(self, context: Mapping[str, str] | None) -> bool:
        """Put back a bookmark that is later than the server's clock, and would find nothing.

        One that is later by less than the look-back does no harm. Returns whether it could be
        compared; if not, the server has told no time yet.
        """
        bookmark = self._bookmark(context)
        if bookmark is None:
            return True
        now, latest = self.run.now(), self.run.shared_now()
        if now is None or latest is None:
            return False
        if before(bookmark, self.lookback()) > now:
            self.logger.warning(
                "%s: the bookmark %s is later than Insightly's clock, which says %s. The stream is "
                "read from there on; what was changed before may be missing. Remove the bookmark "
                "from the state to read the stream from its beginning.",
                self.name,
                utc_text(bookmark),
                utc_text(now.replace(microsecond=0)),
            )
            # The same for all, as streams are read together only if they are read from one
            # moment on.
            state = self.get_context_state(context)
            state["replication_key_value"] = utc_text(latest.replace(microsecond=0))
        return True

    def lookback(self) -> timedelta:
        """Say how far behind its bookmark the stream is read again."""
        return timedelta(seconds=int(self.config["lookback_seconds"]))

    @override
    def set_bookmark(self, bookmark: str | None, context: Mapping[str, str] | None = None) -> None:
        """Set the bookmark, which never goes back."""
        if bookmark is None or self.replication_method != REPLICATION_INCREMENTAL:
            return
        try:
            moments = [parse_moment(bookmark)]
        except ValueError:
            return  # out of a state that somebody has edited
        previous, now = self._bookmark(context), self.run.now()
        if previous is not None and (now is None or previous <= now):
            moments.append(previous)
        state = self.get_context_state(context)
        state["replication_key"] = self.replication_key
        state["replication_key_value"] = utc_text(max(moments))

    @override
    def write_tombstone_schema(self) -> None:
        """Send a schema of what tombstones have, if that is wanted.

        A target that knows the others too would set them all to null.
        """
        if self.config["tombstone_schema"] != "own":
            return
        for message in self._generate_schema_messages():
            keys = list(message.key_properties or ())
            known = message.schema["properties"]
            properties = {name: known[name] for name in (*keys, DELETED_AT) if name in known}
            schema = {**message.schema, "properties": properties}
            self.run.write_message(SchemaMessage(message.stream, schema, keys))

    @override
    def get_replication_key_signpost(self, context: Context | None = None) -> None:
        """Set no limit to the bookmark: its checkpoint does, by the server's clock.

        The SDK would take the local clock, which may be wrong.
        """

    @override
    def compare_start_date(self, value: str, start_date_value: str) -> str:
        """Choose the later one, for the SDK's log.

        Raises:
            UsageError: If the bookmark is no date.
        """
        self._bookmark()
        return max(value, start_date_value, key=parse_moment)

    def _bookmark(self, context: Mapping[str, str] | None = None) -> datetime | None:
        state = self.saved_state(context)
        key = state.get("replication_key", self.replication_key)
        value = state.get("replication_key_value")
        if value is not None and key != self.replication_key:
            self._warn_of_other_key(key)
            return None
        try:
            return None if value is None else parse_moment(value)
        except (TypeError, ValueError, AttributeError) as error:
            msg = (
                f"The state of stream {self.name} holds {value!r} as its bookmark, which is no "
                "date. Remove it from the state to read the stream from its beginning."
            )
            raise UsageError(msg) from error

    def _warn_of_other_key(self, key: object) -> None:
        if not self._has_warned_of_key:
            self._has_warned_of_key = True
            self.logger.warning(
                "%s: the state has a bookmark of %s, but the stream is read by %s; so it is read "
                "from its beginning.",
                self.name,
                key,
                self.replication_key,
            )
