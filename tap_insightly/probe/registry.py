"""The checks that only read, by the assumptions that they are about."""

from __future__ import annotations

from collections.abc import Callable, Iterable

from tap_insightly.probe.account import ProbedAccount
from tap_insightly.probe.verdict import Verdict

Check = Callable[[ProbedAccount], Verdict]

CHECKS: dict[str, Check] = {}
"""The checks, by the id of the assumption."""


_LAST: set[str] = set()


def checks(assumption: str, *, is_last: bool = False) -> Callable[[Check], Check]:
    """Register a function as the check of an assumption.

    Those that are last look at what all others were answered, or matter less.
    """

    def register(check: Check) -> Check:
        CHECKS[assumption] = check
        if is_last:
            _LAST.add(assumption)
        return check

    return register


def in_order(assumptions: Iterable[str]) -> list[tuple[str, Check]]:
    """Give the checks in the order in which they are made."""
    known = [one for one in assumptions if one in CHECKS]
    return [(one, CHECKS[one]) for one in sorted(known, key=lambda one: one in _LAST)]
