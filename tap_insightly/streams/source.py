"""What a stream is read from: its lists, and how far each has been read."""

from __future__ import annotations

from bisect import bisect_right
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from singer_sdk.singerlib.catalog import REPLICATION_FULL_TABLE

from tap_insightly.api import PagedRequest
from tap_insightly.api.lists.paginator import SMALLEST_PAGE, OffsetPaginator
from tap_insightly.streams.position import UNFINISHED, Checkpoint

if TYPE_CHECKING:
    from collections.abc import Mapping

    from singer_sdk import Stream

    from tap_insightly.api import RequestStats
    from tap_insightly.streams.base import InsightlyStream
    from tap_insightly.streams.related import Parent


@dataclass(frozen=True)
class Partition:
    """One list to read; most streams are read as one, some as several."""

    path: str
    params: Mapping[str, str] = field(default_factory=dict)
    is_paged: bool = True
    extra: Mapping[str, Any] = field(default_factory=dict)
    """What to add to each record, such as the kind of record that a tag belongs to."""
    since: str | None = None
    """The moment that a search is asked for; None if the list is read whole."""
    context: Mapping[str, str] | None = None
    """Which part of the stream's state belongs to it; None if the stream has one state."""
    parent: Parent | None = None
    """What the list consists of, if that is not what the stream consists of."""

    @property
    def owner(self) -> Parent:
        """What the list consists of.

        Raises:
            TypeError: If that is what the stream consists of.
        """
        if self.parent is None:
            msg = f"{self.path} holds the stream's own records."
            raise TypeError(msg)
        return self.parent


class PartitionRead:
    """A part of a stream that is being read: its list, and how far that has been read."""

    def __init__(self, stream: InsightlyStream, part: Partition, stats: RequestStats) -> None:
        """Find out where to go on.

        Args:
            stream: The stream.
            part: The part.
            stats: Where to count the requests.
        """
        self.part = part
        self.key = (part.parent.key,) if part.parent else stream.own_key
        """The names of the fields that identify a record of the list."""
        is_resumable = part.is_paged and len(self.key) == 1 and not is_new_version(stream)
        saved = stream.saved_state(part.context).get(UNFINISHED)
        self.position = Checkpoint(saved, part.since, is_resumable=is_resumable)
        self._before = self.position.passed
        # A dry run (--test) stops at the record after its limit, so it need not ask for more; only
        # of records that hold others, many may hold none.
        limit = stream.ABORT_AT_RECORD_COUNT
        self.page_size: int = stream.config["page_size"]
        """How many records are asked for at once, at most."""
        if limit is not None and not stream.is_embedded:
            self.page_size = max(SMALLEST_PAGE, min(self.page_size, limit + 1))
        paginator = None
        if part.is_paged:
            paginator = OffsetPaginator(
                [name for name in self.key if name not in part.extra],
                page_size=self.page_size,
                after=self.position.after,
                skip=self.position.skip,
                before=self._before,
            )
        self.paged_request = PagedRequest(
            part.path, part.params, paginator=paginator, stats=stats, is_eager=limit is None
        )
        self.paginator = paginator or OffsetPaginator(
            self.key
        )  # of a list without pages, nothing is passed
        """Which records were passed."""
        self.entered_sent = 0
        """How many of those that came late, as `OffsetPaginator.late_ids` has them, were sent."""
        self.is_answered = False
        """Whether anything of it was answered: if so, that it cannot be read is an error."""

    def remember(self) -> None:
        """Keep with the position how many records were passed up to it."""
        after = self.position.after
        if self._before is not None and after is not None and self.paginator.ascends:
            self.position.count(self._before + bisect_right(self.paginator.passed_ids, after))


def is_new_version(stream: Stream) -> bool:
    """Tell whether a stream begins anew in each run, and cannot go on where another was.

    A new version makes targets drop the rows of the version before, among which would be those
    that the run before the cut has sent.

    Args:
        stream: The stream.

    Returns:
        Whether it does.
    """
    return (
        stream.emit_activate_version_messages
        and stream.replication_method == REPLICATION_FULL_TABLE
    )
