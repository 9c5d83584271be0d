"""The ids that a list is known to have: what earlier runs have sent, and what this one sends."""

from __future__ import annotations

from bisect import bisect_right
from dataclasses import dataclass
from itertools import chain
from typing import TYPE_CHECKING, Any

from tap_insightly.api.lists.id_set import IdSet
from tap_insightly.sync.id_codec import decode_ids, encode_ids, pack_ids

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from tap_insightly.sync.partition_read import PartitionRead

KNOWN = "known"
"""The key in a stream's state. What is under it:

- ``ids``: the ids that the list is known to have, as `encode_ids` makes them.
- ``count``: how many they are, for people to read.
- ``bookmark``: the stream's bookmark then. If it is another now, other records were sent since.
- ``is_misled``: true if places in the list prove nothing, so that all ids have to be read.

While a stream is unfinished, the ids that were sent are with its checkpoint (`SentIds`).
"""


@dataclass(frozen=True)
class KnownIds:
    """What the state says under `KNOWN`."""

    ids: Sequence[int] | None
    """In ascending order; None if nothing is known."""
    is_current: bool
    """Whether they are of the bookmark that the stream has now.

    If not, runs that were not to find deletions have sent what is not known.
    """
    is_misled: bool
    """Whether places in the list prove nothing, so that all ids have to be read."""

    @classmethod
    def of_state(cls, state: Mapping[str, Any]) -> KnownIds:
        """Read the state of a stream, which anyone may have edited."""
        saved = state.get(KNOWN)
        saved = saved if isinstance(saved, dict) else {}
        ids = decode_ids(saved.get("ids"))
        is_current = saved.get("bookmark") == state.get("replication_key_value")
        return cls(ids, ids is not None and is_current, saved.get("is_misled") is True)


def keep_known(state: dict[str, Any], ids: Iterable[int], *, is_misled: bool) -> None:
    """Write to the state of a stream what `KnownIds` reads, as of the bookmark in it.

    The ids are in ascending order.
    """
    text, count = pack_ids(ids)
    bookmark = state.get("replication_key_value")
    state[KNOWN] = {"ids": text, "count": count, "bookmark": bookmark}
    if is_misled:
        state[KNOWN]["is_misled"] = True


class SentIds:
    """The ids that this run sends, and that runs before it have sent that were cut off."""

    def __init__(self, partition_read: PartitionRead) -> None:
        """Take up what the checkpoint says of runs that were cut off."""
        self._partition_read = partition_read
        packs = partition_read.checkpoint.sent_ids
        decoded = [decode_ids(pack) for pack in packs or ()]
        self._before = IdSet(chain.from_iterable(ids or () for ids in decoded))
        self.is_complete = packs is not None and None not in decoded
        """Whether all of those runs have kept what they sent."""
        self._kept = self._kept_late = 0

    def all(self) -> IdSet:
        """Return them all, as far as they are known."""
        paginator = self._partition_read.paginator
        return IdSet(chain(self._before, paginator.late_ids), ascending=paginator.passed_ids)

    def update_checkpoint(self) -> None:
        """Keep with the checkpoint what was sent up to it."""
        paginator, checkpoint = self._partition_read.paginator, self._partition_read.checkpoint
        if not self.is_complete or not paginator.ascends or checkpoint.last_id is None:
            return
        sent = bisect_right(paginator.passed_ids, checkpoint.last_id)
        if sent > self._kept:
            checkpoint.add_sent_ids(encode_ids(paginator.passed_ids[self._kept : sent]))
            self._kept = sent
        late = paginator.late_ids[self._kept_late : self._partition_read.entered_sent]
        if late:
            checkpoint.add_sent_ids(encode_ids(sorted(late)))
            self._kept_late += len(late)
