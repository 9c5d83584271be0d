"""Run the target with ``python -m tap_insightly.loader``."""

from __future__ import annotations

from tap_insightly.loader import TargetInsightly

TargetInsightly.cli()
