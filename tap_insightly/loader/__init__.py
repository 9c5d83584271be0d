"""A Singer target that writes to Insightly: records are created, updated and deleted.

``target-insightly`` on the command line, or ``python -m tap_insightly.loader``.
"""

from __future__ import annotations

from tap_insightly.loader.target import TargetInsightly

__all__ = ["TargetInsightly"]
