"""A Singer target that writes to Insightly: records are created, updated and deleted.

``target-insightly`` on the command line, or ``python -m tap_insightly.target``.
"""

from __future__ import annotations

from tap_insightly.target.target import TargetInsightly

__all__ = ["TargetInsightly"]
