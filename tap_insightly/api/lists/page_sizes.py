"""How many records pages really hold, and whether they lack some that they were counted with."""

from __future__ import annotations

from typing import Any

FEW = 5  # a page with less than a fifth of what was asked for is more likely full of holes


class PageSizes:
    """What the pages of a list have told so far.

    If a server hands out no more at once than it did, the next page begins with the last record of
    the one before, and has as many. Otherwise that one had holes.
    """

    def __init__(self) -> None:
        """Start with nothing known."""
        self.most = 1
        """The most records that a page had."""
        self.has_holes = False
        """Whether pages lack records that they were counted with, so that places tell little."""
        self._cap: int | None = None  # the most that comes at once, as far as it seems
        self._is_sure = False  # that it is a cap
        self._is_suspect = False  # the page before has a hole, unless it was the last one
        self._expected: int | None = None  # how many records the first page has, before it is read

    def expect(self, count: int) -> None:
        """Note how many records the first page has, before it is read."""
        self._expected = count or None

    def expected(self, top: int) -> int:
        """Say how many records a page can be expected to hold, if `top` are asked for."""
        return min(top, self._cap or self._expected or top)

    def can_be_planned(self, top: int) -> bool:
        """Tell whether that is certain enough to ask for pages ahead."""
        return self._is_sure or self.expected(top) * FEW >= top

    def learn(
        self, keys: list[Any], top: int, *, last_key: object, beyond: int | None, has_new: bool
    ) -> None:
        """Learn from a page that is contiguous.

        Args:
            keys: The keys of its records.
            top: How many were asked for.
            last_key: The key of the last record of the page before.
            beyond: How far behind the place of that record it begins, if there are no holes; None
                if it was not asked for right after that page.
            has_new: Whether anything in it is new.
        """
        self._expected = None
        number, cap = len(keys), self._cap
        self.most = max(self.most, number)
        follows = cap is not None and beyond == 0
        if cap is not None:
            is_further = beyond is not None and beyond > 0
            is_other = follows and keys[:1] != [last_key]
            is_late = self._is_suspect and has_new
            self.has_holes |= is_further or is_other or is_late or number > cap
        if not has_new:
            return
        self._is_suspect = cap is not None and number < cap
        self._is_sure = follows and number == cap and not self.has_holes
        if number < top:
            self._cap = number
        elif cap is not None and number > cap:
            self._cap = None
