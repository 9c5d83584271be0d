"""What the tests of the command line share."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.conftest import new_sandbox

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tap_insightly.sandbox import Sandbox


@pytest.fixture(scope="session")
def large_sandbox() -> Iterator[Sandbox]:
    """A sandbox with several pages of contacts, which no test changes."""
    with new_sandbox(records=1300).serve() as sandbox:
        yield sandbox


def first(sandbox: Sandbox, path: str = "/Contacts") -> int:
    """The id of the first record of a list."""
    key = sandbox.records(path)[0][sandbox.tables[path].keys[0]]
    assert isinstance(key, int)
    return key
