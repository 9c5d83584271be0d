"""Comparing an account with what a warehouse holds of it."""

from __future__ import annotations

from tap_insightly.verify.comparable import ComparableStream
from tap_insightly.verify.errors import NotComparableError
from tap_insightly.verify.opening import open_file, open_warehouse
from tap_insightly.verify.result import (
    DIFFERS,
    LEFT_OUT,
    SAME,
    UNKNOWN,
    RecordDifference,
    StreamResult,
    ValuesResult,
)
from tap_insightly.verify.verifying import VerifyOptions, verify

__all__ = [
    "DIFFERS",
    "LEFT_OUT",
    "SAME",
    "UNKNOWN",
    "ComparableStream",
    "NotComparableError",
    "RecordDifference",
    "StreamResult",
    "ValuesResult",
    "VerifyOptions",
    "open_file",
    "open_warehouse",
    "verify",
]
