"""An Insightly that runs on your machine: for the demo, the tests, and your own CI.

``python -m tap_insightly.sandbox`` starts it; `Sandbox` drives it from Python. It answers as
Insightly is known to, and can misbehave on request (`Faults`).
"""

from __future__ import annotations

from tap_insightly.sandbox.faults import Faults
from tap_insightly.sandbox.server import DEFAULT_KEY, Sandbox

__all__ = ["DEFAULT_KEY", "Faults", "Sandbox"]
