"""The fixtures of the sandbox for pytest, which loads this wherever the package is installed.

So nothing is imported here but pytest, before a test asks for a sandbox.
"""

from __future__ import annotations

from contextlib import ExitStack
from typing import TYPE_CHECKING, Any, Protocol

import pytest

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from tap_insightly.sandbox import Sandbox

MARKER = "insightly_sandbox"
_RECORDS = 100


class MakeSandbox(Protocol):
    """Starts a sandbox; takes what `Sandbox` takes, and values of `Faults` by name."""

    def __call__(self, *, faults: Mapping[str, Any] | None = None, **options: Any) -> Sandbox:  # noqa: ANN401 - as `Sandbox` has them
        """Start it, with 100 contacts unless there are to be more."""


def pytest_configure(config: pytest.Config) -> None:
    """Tell pytest of the marker."""
    config.addinivalue_line(
        "markers",
        f"{MARKER}(faults=None, **options): what the fixture insightly_sandbox is made with: "
        "options as Sandbox takes them, such as records and plan, and values of Faults by name.",
    )


@pytest.fixture
def make_insightly_sandbox() -> Iterator[MakeSandbox]:
    """Starts Insightly sandboxes, which stop when the test is over."""
    with ExitStack() as stack:

        def make(*, faults: Mapping[str, Any] | None = None, **options: Any) -> Sandbox:  # noqa: ANN401 - as above
            return stack.enter_context(_new(faults or {}, options).serve())

        yield make


@pytest.fixture
def insightly_sandbox(
    request: pytest.FixtureRequest, make_insightly_sandbox: MakeSandbox
) -> Sandbox:
    """An Insightly on this machine, for this test alone; the marker of this name chooses which."""
    marker = request.node.get_closest_marker(MARKER)
    return make_insightly_sandbox(**(marker.kwargs if marker else {}))


def _new(faults: Mapping[str, Any], options: Mapping[str, Any]) -> Sandbox:
    from tap_insightly.sandbox import (  # noqa: PLC0415 - see above
        Faults,
        MissingPackagesError,
    )

    try:
        from tap_insightly.sandbox import Sandbox  # noqa: PLC0415 - as above
    except MissingPackagesError as error:
        pytest.fail(str(error), pytrace=False)
    sandbox = Sandbox(**{"records": _RECORDS, **options})
    sandbox.faults = Faults(**faults)
    return sandbox
