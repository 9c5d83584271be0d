"""Run the tap with ``python -m tap_insightly``."""

from __future__ import annotations

from tap_insightly.start import tap

tap()
