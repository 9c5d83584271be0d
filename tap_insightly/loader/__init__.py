"""A Singer target that writes to Insightly: records are created, updated and deleted.

``target-insightly`` on the command line, or ``python -m tap_insightly.loader``.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from tap_insightly.loader.target import TargetInsightly

__all__ = ["TargetInsightly"]


def __getattr__(name: str) -> type[TargetInsightly]:
    """Import the target when it is asked for: its settings are to be had without the SDK."""
    if name != "TargetInsightly":
        msg = f"module {__name__!r} has no attribute {name!r}"
        raise AttributeError(msg)
    from tap_insightly.loader.target import TargetInsightly  # noqa: PLC0415 - see above

    return TargetInsightly
