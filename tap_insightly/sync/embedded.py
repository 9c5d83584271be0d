"""Rows that are made of the records of another stream, while these are read anyway."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from tap_insightly.sync.partition_read import PartitionRead

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from tap_insightly.streams import ArrayStream
    from tap_insightly.streams.partition import Partition
    from tap_insightly.sync.checkpoint import Checkpoint
    from tap_insightly.sync.webhook_events import WebhookEvents


class EmbeddedSyncs:
    """Of one array stream, all that is read within other streams in one run."""

    def __init__(self, stream: ArrayStream) -> None:
        """Begin with nothing: so far the stream has to be read alone."""
        self.stream = stream
        self._by_path: dict[str, EmbeddedSync] = {}
        self._is_announced = False

    @property
    def paths(self) -> Sequence[str]:
        """The lists that are read within other streams."""
        return list(self._by_path)

    @property
    def records(self) -> int:
        """How many rows were sent."""
        return sum(one.records for one in self._by_path.values())

    @property
    def is_available(self) -> bool:
        """Whether any of the lists could be read."""
        return any(one.is_done for one in self._by_path.values())

    def embed(self, path: str, partition_reads: Sequence[PartitionRead]) -> EmbeddedSync | None:
        """Make rows within the sync of the stream at a path, if that reads all that is needed.

        None if this stream has to read the list at the path by itself.

        Raises:
            InsightlyError: If a bookmark is no date.
        """
        self._by_path.pop(path, None)
        stream = self.stream
        partitions = [one for one in stream.partitions_to_read() if one.owner.path == path]
        if stream.is_read_alone or not partitions or not partition_reads:
            return None
        (partition,), (other,) = partitions, partition_reads
        own = PartitionRead(stream, partition, other.paged_request.stats)
        if not other.checkpoint.covers(own.checkpoint):
            return None
        self._by_path[path] = EmbeddedSync(self, partition)
        return self._by_path[path]

    def announce(self) -> None:
        """Send the schema, which has to come before the first row."""
        if not self._is_announced:
            self._is_announced = True
            self.stream.write_schema()


class EmbeddedSync:
    """Makes rows of the records of one list."""

    def __init__(self, syncs: EmbeddedSyncs, partition: Partition) -> None:
        """Get ready to take rows out of the records of a partition."""
        self._syncs = syncs
        self._stream = syncs.stream
        self._partition = partition
        self.records = 0
        """How many rows were sent."""
        self.is_done = False
        """Whether the records were read to their end."""

    def begin(self, checkpoint: Checkpoint) -> None:
        """Note that the records will be read now; the state of this stream keeps how far."""
        checkpoint.keep_in(self._stream.get_context_state(self._partition.context))
        self._syncs.announce()

    def send(self, record: Mapping[str, Any]) -> int:
        """Send the rows that a record holds, and say how many they were."""
        before = self.records
        for item in self._stream.inside(record, self._partition):
            row = self._stream.conform(item)
            if row is not None:
                self._stream.write_row(row)
                self.records += 1
        return self.records - before

    def finish(self, bookmark: str | None, events: WebhookEvents | None = None) -> None:
        """Note that the records were read to their end, and what their bookmark is.

        The webhook events are given if that took in what they told of.
        """
        self._stream.set_bookmark(bookmark, self._partition.context)
        if events is not None:
            events.watch(self._stream).note(self._partition)
        self.is_done = True
