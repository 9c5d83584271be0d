"""An Insightly on your own machine: for the demo, the tests, and your own CI.

``python -m tap_insightly.sandbox`` starts it; `Sandbox` drives it from Python. It answers as
Insightly is known to, and can misbehave on request (`Faults`). Needs the extra ``sandbox``:
``pip install 'tap-insightly[sandbox]'``.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from tap_insightly.sandbox.faults import Faults
    from tap_insightly.sandbox.server import DEFAULT_KEY, Sandbox

__all__ = ["DEFAULT_KEY", "Faults", "Sandbox"]


def __getattr__(name: str) -> object:
    """Import on demand, so that ``python -m`` gets far enough to say what is not installed."""
    if name not in __all__:
        msg = f"module {__name__!r} has no attribute {name!r}"
        raise AttributeError(msg)
    from tap_insightly.sandbox import faults, server  # noqa: PLC0415 - what this function is for

    return getattr(faults if name == "Faults" else server, name)
