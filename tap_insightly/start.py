"""What `tap-insightly` and `target-insightly` start with: a version is told without the SDK.

Importing the SDK takes half a second, and schedulers ask for the version at each of their starts.
"""

from __future__ import annotations

import sys
from importlib import import_module

from tap_insightly.pipes import watched_pipes


def tap() -> None:
    """Run ``tap-insightly``."""
    _start("tap-insightly", "tap_insightly.tap", "TapInsightly")


def target() -> None:
    """Run ``target-insightly``."""
    _start("target-insightly", "tap_insightly.loader", "TargetInsightly")


def _start(name: str, module: str, plugin: str) -> None:
    if sys.argv[1:] == ["--version"] and sys.stdout is not None:
        with watched_pipes():
            sys.stdout.write(f"{_version(name)}\n")
        return
    getattr(import_module(module), plugin).cli()


def _version(name: str) -> str:
    """Say what the SDK says of a plugin's version, in its words."""
    from importlib.metadata import version  # noqa: PLC0415 - not needed otherwise

    from tap_insightly.connection import package_version  # noqa: PLC0415 - as above

    return f"{name} v{package_version()}, Meltano SDK v{version('singer-sdk')}"
