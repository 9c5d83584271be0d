"""An Insightly on your own machine: for the demo, the tests, and your own CI.

``insightly-sandbox`` starts it; `Sandbox` drives it from Python, and pytest has the fixture
``insightly_sandbox``. It answers as Insightly is known to, and can misbehave on request (`Faults`).
Needs the extra ``sandbox``: ``pip install 'tap-insightly[sandbox]'``.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from tap_insightly.sandbox.account.account import DEFAULT_KEY
    from tap_insightly.sandbox.account.faults import Faults
    from tap_insightly.sandbox.handlers.replies import RequestLog
    from tap_insightly.sandbox.server import Sandbox

__all__ = ["DEFAULT_KEY", "Faults", "MissingPackagesError", "RequestLog", "Sandbox"]

_MODULES = {
    "DEFAULT_KEY": "account.account",
    "Faults": "account.faults",
    "RequestLog": "handlers.replies",
    "Sandbox": "server",
}


class MissingPackagesError(ImportError):
    """The extra ``sandbox`` is not installed; the text says how to."""


def __getattr__(name: str) -> object:
    """Import on demand: what serves needs packages that may not be installed."""
    if name not in _MODULES:
        msg = f"module {__name__!r} has no attribute {name!r}"
        raise AttributeError(msg)
    try:
        return getattr(import_module(f"{__name__}.{_MODULES[name]}"), name)
    except ModuleNotFoundError as error:
        if str(error.name).partition(".")[0] not in {"h11", "starlette", "uvicorn"}:
            raise
        msg = "The sandbox needs more packages: pip install 'tap-insightly[sandbox]'"
        raise MissingPackagesError(msg) from error
