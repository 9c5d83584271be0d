"""Comparing an account with what a warehouse holds of it."""

from __future__ import annotations

from tap_insightly.verify.errors import NotComparableError
from tap_insightly.verify.opening import open_file, open_warehouse
from tap_insightly.verify.result import DIFFERS, LEFT_OUT, SAME, UNKNOWN, Compared, Value, Values
from tap_insightly.verify.subject import Subject
from tap_insightly.verify.verifying import Wanted, verify

__all__ = [
    "DIFFERS",
    "LEFT_OUT",
    "SAME",
    "UNKNOWN",
    "Compared",
    "NotComparableError",
    "Subject",
    "Value",
    "Values",
    "Wanted",
    "open_file",
    "open_warehouse",
    "verify",
]
