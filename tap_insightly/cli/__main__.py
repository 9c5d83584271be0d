"""``python -m tap_insightly.cli`` is ``insightly``."""

from __future__ import annotations

from tap_insightly.cli import main

main(prog_name="insightly")
