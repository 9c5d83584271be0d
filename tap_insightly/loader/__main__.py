"""Run the target with ``python -m tap_insightly.loader``."""

from __future__ import annotations

from tap_insightly.start import target

target()
