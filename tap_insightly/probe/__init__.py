"""Whether what this project assumes of the API holds for an account.

`assumed` has all assumptions, `lists`, `searching`, `addresses`, `shapes`, `custom` and `written`
have the checks, `prober` makes them, and `report` says what came of it.
"""

from __future__ import annotations

from tap_insightly.probe.asking import MOST_READ, MOST_WRITTEN, ListeningSession
from tap_insightly.probe.assumed import ASSUMPTIONS
from tap_insightly.probe.prober import Prober, Result
from tap_insightly.probe.report import anonymous, described
from tap_insightly.probe.verdict import Assumption, Verdict, Word

__all__ = [
    "ASSUMPTIONS",
    "MOST_READ",
    "MOST_WRITTEN",
    "Assumption",
    "ListeningSession",
    "Prober",
    "Result",
    "Verdict",
    "Word",
    "anonymous",
    "described",
]
