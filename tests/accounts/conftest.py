"""Two accounts, each with a key of its own, and a configuration file that has both."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import pytest

from tests.accounts.writing import ACME_KEY, BETA_KEY, write
from tests.conftest import new_sandbox

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from tap_insightly.sandbox import Sandbox


@dataclass(frozen=True)
class Two:
    """Two accounts that can be asked."""

    acme: Sandbox
    beta: Sandbox

    @property
    def asked(self) -> tuple[bool, bool]:
        """Which of them were asked since this was looked at last."""
        counts = tuple(bool(one.requests) for one in (self.acme, self.beta))
        for one in (self.acme, self.beta):
            one.requests.clear()
        return counts[0], counts[1]

    def text(self, *, acme: str = "", beta: str = "") -> str:
        """A configuration file of both, with further lines for each."""
        return self.one(acme) + (
            f'[accounts.beta]\napi_url = "{self.beta.api_url}"\napi_key_env = "BETA_KEY"\n'
            f"requests_per_second = 100\n{beta}\n"
        )

    def one(self, more: str = "") -> str:
        """A configuration file of the first alone."""
        return (
            f'[accounts.acme]\napi_url = "{self.acme.api_url}"\napi_key = "{ACME_KEY}"\n'
            f"requests_per_second = 100\n{more}\n"
        )


@pytest.fixture(scope="session")
def both() -> Iterator[Two]:
    """Two sandboxes."""
    with (
        new_sandbox(api_key=ACME_KEY).serve() as acme,
        new_sandbox(api_key=BETA_KEY, records=20).serve() as beta,
    ):
        yield Two(acme, beta)


@pytest.fixture
def two(both: Two, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Two:
    """Two accounts that nobody has asked yet, in the configuration file that counts."""
    _ = both.asked
    monkeypatch.setenv("INSIGHTLY_CONFIG", str(write(tmp_path, both.text())))
    monkeypatch.setenv("BETA_KEY", BETA_KEY)
    return both
