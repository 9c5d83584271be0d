"""What a program ends with, so that whoever has started it knows what to do next.

The two codes above 2 are those of ``sysexits.h``: EX_TEMPFAIL and EX_NOPERM. After a signal it is
128 and the number of the signal, as shells have it.
"""

from __future__ import annotations

from tap_insightly.api import (
    AuthenticationError,
    QuotaExhaustedError,
    RetriesExhaustedError,
    UnreachableError,
    UsageError,
)

FAILED = 1
"""Refused, or failed: look at the message."""
USAGE = 2
"""Wrong usage or settings: the same will fail again until somebody puts them right."""
TRY_AGAIN = 75
"""Neither quota, nor rate limit, network or server allow it now: the same may do well later."""
KEY_REFUSED = 77
"""The key is not accepted: the same will fail again until somebody gives another one."""

SUMMARY = (
    "Exit codes: 0 done, 1 failed, 2 wrong usage or settings, 75 try again later (quota, rate "
    "limit, network), 77 the key is not accepted."
)
"""A sentence for ``--help``."""

# The first that fits counts.
_CODES: tuple[tuple[type[Exception], int], ...] = (
    (AuthenticationError, KEY_REFUSED),
    (UsageError, USAGE),
    (UnreachableError, USAGE),
    (QuotaExhaustedError, TRY_AGAIN),
    (RetriesExhaustedError, TRY_AGAIN),
)


def beside_findings(code: int) -> int:
    """Say what a program ends with if 1 says that it has found something, as with ``diff``."""
    return USAGE if code == FAILED else code


def exit_code(error: Exception) -> int:
    """Say what a program ends with that was ended by an error."""
    return next((code for kind, code in _CODES if isinstance(error, kind)), FAILED)
