"""Whether what this project assumes of the API holds for an account.

`assumed` lists the assumptions. `lists`, `searches`, `addresses`, `shapes`, `custom` and
`writing_checks` check them, `prober` runs the checks, and `report` describes the result.
"""

from __future__ import annotations

from tap_insightly.probe.assumed import ASSUMPTIONS
from tap_insightly.probe.client import MOST_READ, MOST_WRITTEN, ProbeSession
from tap_insightly.probe.prober import Prober, Result
from tap_insightly.probe.report import anonymous, described
from tap_insightly.probe.verdict import Assumption, Outcome, Verdict

__all__ = [
    "ASSUMPTIONS",
    "MOST_READ",
    "MOST_WRITTEN",
    "Assumption",
    "Outcome",
    "ProbeSession",
    "Prober",
    "Result",
    "Verdict",
    "anonymous",
    "described",
]
