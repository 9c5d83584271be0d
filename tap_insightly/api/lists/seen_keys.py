"""Which records of a list were passed, and which of a page are new."""

from __future__ import annotations

from array import array
from bisect import bisect_left, bisect_right
from itertools import pairwise
from typing import TYPE_CHECKING, Any

from tap_insightly.api.http.codec import encode_sorted

if TYPE_CHECKING:
    from collections.abc import Hashable, Mapping, Sequence

    Record = Mapping[str, Any]

LARGEST_ID = 2**63 - 1


class SeenKeys:
    """The records that were passed: by their ids if these ascend (seen live), else by all keys."""

    def __init__(self, key: Sequence[str], after: int | None = None) -> None:
        """Start with nothing passed, or where an earlier reader stopped: after this id."""
        self.last = after
        """The last id that was passed; None at the beginning, and if ids do not ascend."""
        self.ids = array("q")
        """The ids that were passed by this reader, in ascending order, if they ascend."""
        self.lacks_keys = False
        """Whether there were records without what identifies them."""
        self._key = tuple(key)
        self.after = after
        """The last id that an earlier reader has read; None if there was none."""
        self.late_ids: dict[int, None] = {}
        """Ids below the last one that came after it, in the order in which they came."""
        self._seen: set[Hashable] | None = None  # instead of `last`, if ids do not ascend

    @property
    def ascends(self) -> bool:
        """Whether ids ascend, as far as was read."""
        return self._seen is None

    @property
    def count(self) -> int:
        """How many records were passed by this reader, with those that it saw but left out."""
        return len(self.ids) + len(self.late_ids) if self._seen is None else len(self._seen)

    def keys_of(self, records: Sequence[Record]) -> list[Any]:
        """Read the keys of a page, and find out whether they still are ids that ascend."""
        if self._seen is None:
            name, *others = self._key
            keys: list[Hashable] = [record.get(name) for record in records]
            if not others and are_ascending_ids(keys):
                return keys
            self._seen, self.last = {(key,) for key in self.ids}, None
        return [self._key_of(record) for record in records]

    def has(self, key: Any) -> bool:  # noqa: ANN401 - anything that `keys_of` returns
        """Tell whether a record was passed, and with it all that comes before it in the list.

        That its id is below the last one would not do: if ids do not ascend, it may stand at a
        place that was not reached yet.
        """
        if self._seen is not None:
            return key in self._seen
        if type(key) is not int:
            return False
        if self.after is not None and key <= self.after:
            return True  # by the earlier reader
        place = bisect_left(self.ids, key)
        is_passed = place < len(self.ids) and self.ids[place] == key
        return is_passed or key in self.late_ids

    def is_after(self, keys: Sequence[Any]) -> bool:
        """Tell whether a page begins behind all that was passed; False if that is not known."""
        return bool(keys) and self.last is not None and keys[0] > self.last

    def add(self, keys: list[Any], records: Sequence[Record]) -> Sequence[Record]:
        """Take the records of a page for passed from now on; return those that were not before."""
        if self._seen is None:
            start = 0 if self.last is None else bisect_right(keys, self.last)
            # What enters a search behind our back, or what one that is pinned to each page, with
            # the highest id, makes look so. Were it not known, a page that begins with it would
            # never be contiguous.
            late = [at for at in range(start) if not self.has(keys[at])]
            self.late_ids.update((keys[at], None) for at in late)
            self.ids.extend(keys[start:])
            self.last = self.ids[-1] if self.ids else self.last
            more = records[start:]
            return [*(records[at] for at in late), *more] if late else more
        new = []
        for key, record in zip(keys, records, strict=True):
            if key not in self._seen:
                self._seen.add(key)
                new.append(record)
        return new

    def _key_of(self, record: Record) -> Hashable:
        values = tuple(record.get(name) for name in self._key)
        if all(isinstance(value, int | str) for value in values):
            return values
        self.lacks_keys |= any(self._key)  # of what is read by a path, no key is known
        return encode_sorted(record)  # without a key, the content says which one it is


def are_ascending_ids(keys: Sequence[object]) -> bool:
    """Tell whether the keys of a page are numbers that can be ids, each larger than the last."""
    return all(type(key) is int and 0 <= key <= LARGEST_ID for key in keys) and all(
        one < next_one  # type: ignore[operator]  # they are numbers
        for one, next_one in pairwise(keys)
    )
