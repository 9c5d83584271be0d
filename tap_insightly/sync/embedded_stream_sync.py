"""The sync of a stream whose rows come inside of records, as far as nothing else reads these."""

from __future__ import annotations

from itertools import chain
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
    from tap_insightly.sync.form import Piece
    from tap_insightly.sync.partition_read import PartitionRead


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
    def read(self) -> Iterator[Piece]:
        self.is_available = self.embedded_syncs.is_available
        self.records = self.embedded_syncs.records
        with self.stream.get_record_counter() as counter:
            counter.increment(self.records)
        yield from super().read()

    @override
    def _rows_of_page(self, page: Page, partition_read: PartitionRead) -> Iterator[Piece]:
        step, records = self._form.records_at_once, page.records
        for at in range(0, len(records), step):
            parents = records[at : at + step]
            items = chain.from_iterable(
                self.stream.inside(record, partition_read.partition) for record in parents
            )
            yield from self._form.made_of(items, {}, self._pass_item)
            partition_read.pass_parents([(record, page.skip) for record in parents])
            self._heartbeat()
