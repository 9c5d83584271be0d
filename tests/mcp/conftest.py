"""What the tests of tools share."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.conftest import new_sandbox
from tests.mcp.calling import Assistant

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from tap_insightly.sandbox import Sandbox


@pytest.fixture(scope="session")
def wide() -> Iterator[Sandbox]:
    """A sandbox with several pages of contacts, which no test changes."""
    with new_sandbox(records=1300).serve() as sandbox:
        yield sandbox


@pytest.fixture(scope="session")
def reader(shared_sandbox: Sandbox) -> Assistant:
    """Tools over a sandbox that no test changes."""
    return Assistant(shared_sandbox)


@pytest.fixture
def writer(sandbox: Sandbox, tmp_path: Path) -> Assistant:
    """Tools that may write, over a sandbox of the test's own."""
    return Assistant(sandbox, undo_folder=tmp_path / "undo")
