"""What the tests of habits share: an account that each may give habits to."""

from __future__ import annotations

from datetime import datetime, timezone
from typing import TYPE_CHECKING

import pytest

from tap_insightly.sandbox import Faults
from tests.conftest import new_sandbox

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tap_insightly.sandbox import Sandbox


_NOON = datetime(2027, 3, 1, 12, tzinfo=timezone.utc)


@pytest.fixture(scope="module")
def account() -> Iterator[Sandbox]:
    """A sandbox into which many tests write, each something of its own."""
    with new_sandbox().serve() as sandbox:
        yield sandbox


@pytest.fixture
def habits(account: Sandbox) -> Faults:
    """The habits of the account: none yet."""
    account.faults = Faults()
    account.clock = lambda: _NOON
    return account.faults
