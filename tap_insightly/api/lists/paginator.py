"""How far a list was read, and where to read on, with no record lost while others work on it.

Offsets shift while a list is read: what is deleted moves all that comes after it one place up,
what is updated enters a search and moves it down. So each page overlaps the one before it by one
record, and counts only if it is *contiguous*: if it starts at the beginning, or with a record
that has been passed already. Then nothing that existed all along can lie between what was passed
before and what the page holds, whenever it was fetched. If it is not, an earlier one is asked for.

Nothing promises that a page holds as many records as were asked for (assumed: that any may hold
fewer). The server may hand out fewer at once, and then the next page begins where this one ended;
or it may leave out what this user may not see after it has counted the page, and then the next one
begins before that. Either way it may be asked for from the last record that came, so a short page
is no more than a page. A list that ends before its total, whatever is tried, was not read whole;
and it has ended only

- where the total that came with a page says that it holds the last record, or
- at a page with nothing new, if there is no total, or one that more than so many records refute.
"""

from __future__ import annotations

from bisect import bisect_right
from typing import TYPE_CHECKING, Any

from tap_insightly.api.lists.overlap import SAME_PAGES, OverlapCheck, RepeatDetector, StallDetector
from tap_insightly.api.lists.page_sizes import FEW, PageSizes
from tap_insightly.api.lists.seen_keys import SeenKeys

if TYPE_CHECKING:
    from array import array
    from collections.abc import Iterator, Mapping, Sequence

    Record = Mapping[str, Any]

PAGE_SIZE = 500  # the most that the API hands out at once (docs, seen live)
SMALLEST_PAGE = 2  # one record for the overlap, one to go on
MOST_TIMES_BACK = 5  # times to come back to a place without anything new, before it is given up


class OffsetPaginator:
    """How far a list has been read, and where to read on; made for a `PagedRequest`."""

    def __init__(
        self,
        key: Sequence[str],
        *,
        page_size: int = PAGE_SIZE,
        after: int | None = None,
        skip: int = 0,
        before: int | None = None,
    ) -> None:
        """Start at the beginning, or where an earlier reader was cut off.

        Args:
            key: The names of the fields that identify a record.
            page_size: The most records to ask for at once, from 2 to 500.
            after: The last id that the earlier reader passed; None for the beginning.
            skip: Where that was, as far as is known: the offset of a page.
            before: How many records the earlier reader passed; None if that is not known.
        """
        if page_size < SMALLEST_PAGE:
            msg = "Pages overlap by one record, so they have to have two at least."
            raise ValueError(msg)
        self.page_size = page_size
        self.top = page_size
        """How many records to ask for at once: fewer than `page_size` where they are large."""
        self.skip = 0 if after is None else skip
        """The offset of the page that is needed next."""
        self.is_done = False
        """Whether the list has come to its end."""
        self.total: int | None = None
        """How many records there are, as far as the server said last."""
        self._before = 0 if after is None else before
        self._seen = SeenKeys(key, after)
        self._overlap = OverlapCheck(self._seen)
        self._sizes = PageSizes()
        self._is_cut = False  # it ended, and more was said to be there
        self._is_irregular = False  # something was not as it should be: ask for totals
        self._is_gapped = False  # it was gone on without an overlap
        self._put_back: set[Any] = set()  # keys on pages that were not contiguous, and not since
        self._last_key: Any = None  # the key of the last record passed
        self._last_offset = self.skip  # its place, if there are no holes
        self._reach = page_size  # how far apart pages with holes can be, as far as it seems
        self._page_begin = self.skip  # where the page before began
        self._next_offset = -1  # the place that is next, if nothing but holes is before it
        self._was_contiguous = True  # the page before
        self._times_back = 0  # without anything new since
        self._records_back = self._pages_back = 1  # how far to go back the next time
        self._repeats_of_last = 0  # pages that ended with the last record passed
        self._probes: Iterator[int] | None = None  # places to look for more
        self._probed_total: int | None = None
        self._gap_end: int | None = None  # a place behind a gap at which there is something
        self._repeat = RepeatDetector(self.skip)
        self._stall = StallDetector(self.skip)

    @property
    def ascends(self) -> bool:
        """Whether ids ascend, as far as was read."""
        return self._seen.ascends

    @property
    def lacks_keys(self) -> bool:
        """Whether there were records without a key, such as errors, which may stand for others."""
        return self._seen.lacks_keys

    @property
    def last(self) -> int | None:
        """The last id that was passed; None at the beginning, and if ids do not ascend."""
        return self._seen.last

    @property
    def passed_ids(self) -> array[int]:
        """The ids that were passed by this reader, in ascending order, if they ascend."""
        return self._seen.ids

    @property
    def late_ids(self) -> Sequence[int]:
        """Ids below the last one that came after it, in the order in which they came."""
        return tuple(self._seen.late_ids)

    @property
    def count(self) -> int | None:
        """How many records were passed by all readers; None if that is not known."""
        return None if self._before is None else self._before + self._seen.count

    @property
    def is_whole(self) -> bool:
        """Whether all was read that there is, by what the server says."""
        count, total = self.count, self.total
        is_short = count is not None and total is not None and count < total
        is_doubtful = self._is_cut or not self.is_contiguous or self.lacks_keys
        if total is None and self.ascends:  # what was seen, and not read, may be gone or not
            is_doubtful |= not all(map(self._seen.has, self._put_back))
        return self.is_done and not is_short and not is_doubtful

    @property
    def has_holes(self) -> bool:
        """Whether pages lack records that they were counted with, so that places tell little."""
        return self._sizes.has_holes

    @property
    def is_contiguous(self) -> bool:
        """Whether nothing can be missing up to the last record that was passed."""
        return not self._is_gapped and not self._overlap.was_misread

    @property
    def size(self) -> int:
        """How many records a page can be expected to hold."""
        return self._sizes.expected(self.top)

    def pending_offsets(self, pending: Sequence[int] = ()) -> Iterator[int]:
        """Say which pages will be needed if nothing changes.

        Args:
            pending: Offsets of pages that were asked for already, in ascending order.

        Yields:
            Offsets in ascending order, of which the first is `skip`. Only that one if the server
            did not say how many records there are, or if ids do not ascend.
        """
        if self.is_done:
            return
        at, step = self.skip, max(1, self.size - 1)
        yield at
        is_regular = self._sizes.can_be_planned(self.top) and self.ascends
        is_searching = self._probes is not None or self._gap_end is not None
        is_lost = self._times_back or self._repeats_of_last or is_searching
        if self.total is None or is_lost or not is_regular:
            return
        # A full page shows nothing of what follows it; one that is not ends the list.
        reach = step if self.size >= self.top else self.size
        while at + reach < self.total:
            # A page that is on its way will do, if it is not much nearer than it has to be.
            near = pending[bisect_right(pending, at + step // 2) : bisect_right(pending, at + step)]
            at = near[-1] if near else at + step
            yield at

    def expect_first_page(self, count: int, total: int | None) -> None:
        """Note how many records the first page has, before it is its turn to be read.

        Args:
            count: How many it has.
            total: How many records the list has; None if the server did not say.
        """
        self._sizes.expect(count)
        self.total = total if total is None or total >= 0 else None

    def wants_total(self, skip: int) -> bool:
        """Say whether to ask for the total with a page: if it is not known, or about to matter.

        Args:
            skip: The offset of the page.

        Returns:
            Whether to send ``count_total``.
        """
        return self._is_irregular or self.total is None or skip + self.size >= self.total

    def advance(
        self,
        records: Sequence[Record],
        *,
        top: int | None = None,
        total: int | None = None,
        is_fresh: bool = True,
    ) -> Sequence[Record]:
        """Move on from the page at `skip`, or back if it is not contiguous.

        Args:
            records: The records of the page, which may have been fetched long ago.
            top: How many were asked for; None for `top` as it is now.
            total: How many records the list had then, if the server said so with this page.
            is_fresh: Whether it was not put back when it was read before.

        Returns:
            Those that were not passed before.

        Raises:
            RefusedError: If every page of the list holds the same records.
        """
        total = None if total is None or total < 0 else total
        self.total = self.total if total is None else total
        keys = self._seen.keys_of(records)
        if self._is_pinned(keys):
            keys = []
        new: Sequence[Record] = []
        if self._overlap.accepts(keys, self.skip) or self._is_across_gap(keys):
            self._repeat.add(keys, self.skip, top or self.top, is_fresh=is_fresh)
            new = self._seen.add(keys, records)
            self._go_on(keys, top or self.top, total, has_new=bool(new))
        else:
            self._is_irregular = True
            self._repeat.reset()
            self._put_back.update(keys)
            self._look_elsewhere(keys)
        self._stall.add(self.skip, has_new=bool(new))
        if not self.is_done and self._stall.is_stalled(self.total, self._sizes.most):
            self._is_cut = self.is_done = True
        return new

    def resize(self, top: int) -> None:
        """Ask for so many records at once from now on, but 2 at least and `page_size` at most.

        Args:
            top: How many.
        """
        self.top = max(SMALLEST_PAGE, min(top, self.page_size))

    def _go_on(self, keys: list[Any], top: int, total: int | None, *, has_new: bool) -> None:
        """Move on from a contiguous page."""
        number, end = len(keys), self.skip + len(keys)
        beyond = self.skip - self._last_offset if self._was_contiguous else None
        self._sizes.learn(keys, top, last_key=self._last_key, beyond=beyond, has_new=has_new)
        self._is_irregular |= has_new and number < top
        if beyond is None and self.has_holes:
            self._reach = max(number, self.skip - self._page_begin)
        self._page_begin = self.skip
        self._records_back = self._pages_back = 1
        self._was_contiguous = True
        # If there are more than were asked for, those beyond are not at their places.
        self._last_offset = max(self.skip, self.skip + min(number, top) - 1)
        if has_new:
            self._put_back = {key for key in self._put_back if not self._seen.has(key)}
            self._last_key, self._probes, self._gap_end = keys[-1], None, None
            self._times_back = self._repeats_of_last = 0
        is_all = self._repeat.is_whole_list(number, self.skip, top) and not self._says_more(end)
        if is_all or self._is_last(end, number, top, total):
            self.is_done = True
        elif has_new:
            self.skip = self._next(number, top)
        elif self._is_behind(keys) and (number > 1 or (self.ascends and not self._times_back)):
            self._probes, self.skip = None, max(self._last_offset, self.skip + 1)
        elif number > 1 and self._may_go_on(end, is_short=number < top):
            self.skip = self._last_offset
        else:
            self._end_or_probe(end)

    def _is_pinned(self, keys: list[Any]) -> bool:
        """Tell whether all of a page is one record that it has no reason to begin or end with."""
        is_alone = len(keys) == 1 and self.skip > 0 and self._last_key is not None
        return is_alone and keys[0] != self._last_key and self._seen.has(keys[0])

    def _is_behind(self, keys: list[Any]) -> bool:
        """Tell whether more that was passed must follow a page with nothing new."""
        last = self._seen.last
        return bool(keys) and (self._last_key not in keys if last is None else keys[-1] < last)

    def _may_go_on(self, end: int, *, is_short: bool) -> bool:
        """Tell whether something may follow a page with the last record that was passed."""
        if self._repeat.count and is_short and not self._says_more(end):
            return False  # most likely the whole list, wherever one begins to read
        self._repeats_of_last += 1
        return self._repeats_of_last <= SAME_PAGES

    def _is_last(self, end: int, number: int, top: int, total: int | None) -> bool:
        """Tell from the total that came with it whether a page holds the last record."""
        if self.lacks_keys:
            return False  # what has no key is no record, but counted with the page
        # Where pages have holes, places may be further on than there are records.
        return number != top and end == total and not self.has_holes

    def _next(self, number: int, top: int) -> int:
        """Say where the page after one with something new begins."""
        if number == 1:
            self._next_offset = self.skip + 1
            return self._next_offset  # if only one record comes at once, there can be no overlap
        if self.has_holes and number * FEW < self._reach:
            # The last place of what was looked at, and not only the last one that shows something.
            return max(self._last_offset, self.skip + min(top - 1, self._reach * 5 // 4))
        return self._last_offset

    def _end_or_probe(self, end: int) -> None:
        """At a page with nothing new, end, or look whether there is something further on."""
        if self._probes is None:
            self._probes, self._probed_total = self._places_to_probe(end), self.total
        self._probe(end)

    def _says_more(self, end: int) -> bool:
        """Tell whether the total says that there is more, and can be right."""
        if self.total is None:
            return False
        # Where pages have holes, places may be further on than there are records.
        reached = self.count if self.has_holes and self.count is not None else end
        return reached < self.total

    def _places_to_probe(self, end: int) -> Iterator[int]:
        """Say where to look for more: where it should be, again, and ever further on."""
        last, far, total = self._last_offset, self._sizes.most, self.total or 0
        if self._repeat.count:
            yield self._repeat.begin + self.top  # too far off for what is there to be on the page
        if not self._says_more(end):
            # Nothing says so: then an empty page shows that it is the end. Where pages have holes,
            # the last record may stand anywhere up to the end of the last page.
            if total == 0 or self.has_holes:
                self._next_offset = self._page_begin + far
                yield self._next_offset
            while self.has_holes and total == 0 and far < self.top:
                far *= 2
                yield last + far
            return
        yield last
        # Behind the total too: places are counted with what this user may not see.
        while far <= total * 2:
            yield last + far
            far *= 2
        yield max(last, total - 1)

    def _probe(self, end: int) -> None:
        place = next(self._probes or iter(()), None)
        if place is None:
            # Where a total has changed meanwhile, places have, too.
            has_changed = self.total != self._probed_total
            self.is_done, self._is_cut = True, has_changed or self._says_more(end)
        else:
            self.skip = place

    def _is_across_gap(self, keys: list[Any]) -> bool:
        """Tell whether a page begins where there is nothing else between it and what was passed.

        Nothing overlaps there, so nothing proves that it was so all the time.
        """
        is_across = self.skip == self._next_offset and self._seen.is_after(keys)
        self._is_gapped |= is_across
        return is_across

    def _look_elsewhere(self, keys: list[Any]) -> None:
        """Move to where the next page may be contiguous."""
        last, total = self._last_offset, self.total or 0
        if self._gap_end is not None:
            self._cross(keys)
        elif self._probes is not None and self.skip != last and self._seen.is_after(keys):
            # There is more: to get there, look at each place between.
            self._gap_end, self._probes = self.skip, None
            self._next_offset = self.skip = min(self._page_begin + self._sizes.most, self.skip)
        elif self._probes is not None and not keys and self.skip != last:
            self._probe(last + 1)
        elif not keys and self._times_back and self._was_contiguous and self.skip < total:
            self._end_or_probe(last + 1)  # it was empty the last time, too, and should not be
        else:
            self._probes = None
            self._go_back()

    def _cross(self, keys: list[Any]) -> None:
        if keys or self.skip >= (self._gap_end or 0):
            self._is_cut = self.is_done = True  # what was there is not there any more
        else:
            self._next_offset = self.skip = self.skip + self._sizes.most

    def _go_back(self) -> None:
        """Go back to a page that is contiguous: by records if there is more, else by pages."""
        self._times_back += self._was_contiguous
        self._was_contiguous = False
        if self._times_back > MOST_TIMES_BACK:
            self._is_cut = self.is_done = True
        elif self.skip > self._last_offset or self._times_back > 1:
            least = self._last_offset if self.skip > self._last_offset else 0
            self.skip = max(least, self.skip - self._records_back)
            self._records_back *= 2
        else:
            self.skip = max(0, self.skip - max(1, self.size - 1) * self._pages_back)
            self._pages_back *= 2
