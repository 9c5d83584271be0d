"""A file of what is written, and nothing to wait for."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tap_insightly.undo import restorer
from tests.api.conftest import new_client
from tests.undo.writing import Writes

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from tap_insightly.sandbox import Sandbox


@pytest.fixture(scope="package", autouse=True)
def _no_wait() -> Iterator[None]:
    """Take what a run before has sent for answered: here, none was cut off."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(restorer, "ORPHANED_REQUEST_SECONDS", 0.0)
        yield


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "undo.jsonl"


@pytest.fixture
def writes(sandbox: Sandbox, path: Path) -> Iterator[Writes]:
    with new_client(sandbox) as client, Writes(client, path) as writes:
        yield writes
