"""A sandbox and a target that writes into it."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.loader.feeding import Feed

if TYPE_CHECKING:
    from pathlib import Path

    from tap_insightly.sandbox import Sandbox


@pytest.fixture
def feed(tmp_path: Path, sandbox: Sandbox) -> Feed:
    """The target as a process, which writes into the test's own sandbox."""
    return Feed(tmp_path, sandbox)
