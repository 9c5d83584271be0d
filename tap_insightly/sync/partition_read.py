"""A list that is being read for a stream."""

from __future__ import annotations

from bisect import bisect_right
from contextlib import suppress
from typing import TYPE_CHECKING, Any

from tap_insightly.api import PagedRequest
from tap_insightly.api.lists.paginator import SMALLEST_PAGE, OffsetPaginator
from tap_insightly.sync.checkpoint import UNFINISHED, Checkpoint
from tap_insightly.values import parse_moment, utc_text

if TYPE_CHECKING:
    from collections.abc import Mapping

    from tap_insightly.api import RequestStats
    from tap_insightly.streams import InsightlyStream
    from tap_insightly.streams.partition import Partition

    Parent = tuple[Mapping[str, Any], int]
    """A record that others belong to, and the offset of its page."""


class PartitionRead:
    """One partition of a stream in one run: its requests, and how far it has been read."""

    def __init__(
        self,
        stream: InsightlyStream,
        partition: Partition,
        stats: RequestStats,
        *,
        in_tables: bool = False,
    ) -> None:
        """Find out where to go on; nothing is sent yet."""
        self.partition = partition
        self.key = (partition.parent.key,) if partition.parent else stream.own_key
        """The names of the fields that identify a record of the list."""
        is_resumable = partition.is_paged and len(self.key) == 1 and not stream.is_new_version
        saved = stream.saved_state(partition.context).get(UNFINISHED)
        self.checkpoint = Checkpoint(saved, partition.since, is_resumable=is_resumable)
        self._passed_before = self.checkpoint.passed
        # A dry run (--test) stops at the record after its limit, so it need not ask for more; only
        # of records that hold others, many may hold none.
        limit = stream.ABORT_AT_RECORD_COUNT
        self.page_size: int = stream.config["page_size"]
        """How many records are asked for at once, at most."""
        if limit is not None and not stream.is_embedded:
            self.page_size = max(SMALLEST_PAGE, min(self.page_size, limit + 1))
        paginator = None
        if partition.is_paged:
            paginator = OffsetPaginator(
                [name for name in self.key if name not in partition.extra],
                page_size=self.page_size,
                after=self.checkpoint.last_id,
                skip=self.checkpoint.skip,
                before=self._passed_before,
            )
        self.paged_request = PagedRequest(
            partition.path,
            partition.params,
            paginator=paginator,
            stats=stats,
            is_eager=not stream.is_dry_run,
        )
        if in_tables and partition.parent is None and not partition.extra:
            self.paged_request.decode = stream.decode_page
        self.paginator = paginator or OffsetPaginator(self.key)
        """Which records were passed; of a list without pages, none is."""
        self.entered_sent = 0
        """How many of those that came late, as `OffsetPaginator.late_ids` has them, were sent."""
        self.is_answered = False
        """Whether anything of it was answered: if so, that it cannot be read is an error."""

    def update_checkpoint(self) -> None:
        """Keep with the checkpoint how many records were passed up to it."""
        last_id = self.checkpoint.last_id
        if self._passed_before is not None and last_id is not None and self.paginator.ascends:
            passed = bisect_right(self.paginator.passed_ids, last_id)
            self.checkpoint.set_passed(self._passed_before + passed)

    def pass_parents(self, parents: list[Parent]) -> None:
        """Note that all that belongs to some records was sent; the list of them is emptied."""
        owner = self.partition.owner
        for record, skip in parents:
            updated = None
            with suppress(KeyError, TypeError, ValueError, AttributeError):
                updated = utc_text(parse_moment(record[owner.updated or ""]))
            self.checkpoint.advance(record.get(owner.key), skip, updated)
        parents.clear()
