"""Which check tells of which assumption."""

from __future__ import annotations

from collections.abc import Callable, Iterable

from tap_insightly.probe.account import Account
from tap_insightly.probe.verdict import Verdict

Check = Callable[[Account], Verdict]

CHECKS: dict[str, Check] = {}
"""The checks that only read, by the id of the assumption."""


_LAST: set[str] = set()


def tells(assumption: str, *, is_last: bool = False) -> Callable[[Check], Check]:
    """Say of a function that it tells of an assumption."""

    def register(check: Check) -> Check:
        CHECKS[assumption] = check
        if is_last:
            _LAST.add(assumption)
        return check

    return register


def in_order(assumptions: Iterable[str]) -> list[tuple[str, Check]]:
    """Give the checks in the order in which they are to be made."""
    able = [one for one in assumptions if one in CHECKS]
    return [(one, CHECKS[one]) for one in sorted(able, key=lambda one: one in _LAST)]
