"""The configuration file is read without the SDK, which takes longer to import than all else."""

from __future__ import annotations

import subprocess
import sys


def test_the_configuration_file_is_read_without_the_sdk() -> None:
    code = "import sys, tap_insightly.config_file; print([m for m in sys.modules if 'singer' in m])"
    command = [sys.executable, "-c", code]
    done = subprocess.run(command, capture_output=True, text=True, check=True)  # noqa: S603 - ours
    assert done.stdout.strip() == "[]"
