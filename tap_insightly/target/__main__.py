"""Run the target with ``python -m tap_insightly.target``."""

from __future__ import annotations

from tap_insightly.target import TargetInsightly

TargetInsightly.cli()
