"""The sync of a stream whose rows come inside of records, as far as nothing else reads these."""

from __future__ import annotations

from typing import TYPE_CHECKING

from typing_extensions import override

from tap_insightly.sync.stream_sync import StreamSync

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from tap_insightly.api import Page
    from tap_insightly.streams import ArrayStream
    from tap_insightly.streams.partition import Partition
    from tap_insightly.sync.context import RunContext
    from tap_insightly.sync.embedded import EmbeddedSyncs
    from tap_insightly.sync.partition_read import PartitionRead
    from tap_insightly.sync.stream_sync import Row


class EmbeddedStreamSync(StreamSync):
    """Reads records only for what is in them."""

    stream: ArrayStream

    def __init__(
        self, stream: ArrayStream, context: RunContext, embedded_syncs: EmbeddedSyncs
    ) -> None:
        """Leave out what other syncs read anyway."""
        self.embedded_syncs = embedded_syncs
        super().__init__(stream, context)

    @override
    def _partitions(self) -> Iterable[Partition]:
        paths = self.embedded_syncs.paths
        return [one for one in super()._partitions() if one.owner.path not in paths]

    @property
    @override
    def is_skipped(self) -> bool:
        return super().is_skipped and not self.embedded_syncs.paths

    @override
    def rows(self) -> Iterator[Row]:
        self.is_available = self.embedded_syncs.is_available
        self.records = self.embedded_syncs.records
        with self.stream.get_record_counter() as counter:
            counter.increment(self.records)
        yield from super().rows()

    @override
    def _rows_of_page(self, page: Page, partition_read: PartitionRead) -> Iterator[Row]:
        for record in page.records:
            for item in self.stream.inside(record, partition_read.partition):
                row = self.stream.conform(item)
                if row is not None:
                    yield row
                    self._count()
            partition_read.pass_parents([(record, page.skip)])
            self._heartbeat()
