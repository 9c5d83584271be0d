"""What says that a record is gone at its source, and what only looks like it."""

from __future__ import annotations

from datetime import datetime, timedelta, timezone

from tap_insightly.values import EMPTY_DATES, parse_moment

DELETED = "_sdc_deleted_at"
"""The property of a record that is gone at its source."""

ACCEPTED = "the date of the deletion, true, or nothing for a record that is not deleted"
_FIRST = datetime(2000, 1, 1, tzinfo=timezone.utc)  # no record of Insightly is as old as that


def is_deletion(value: object) -> bool:
    """Tell whether a record is gone at its source.

    Only what can mean nothing else does: what programs write for an empty cell, such as pandas'
    ``NaT``, must not delete anything, nor must the dates that stand for never.

    Args:
        value: What the property says.

    Returns:
        True for a date or true; False for what is empty, or false.

    Raises:
        ValueError: If it is anything else; the text says what is wrong with it.
    """
    if value is None or isinstance(value, bool):
        return bool(value)
    if isinstance(value, str):
        text = value.strip()
        if not text or text in EMPTY_DATES:
            return False
        if text.lower() == "true":
            return True
        if _is_past(text):
            return True
    msg = f"got {str(value)[:60]!r}; accepted is {ACCEPTED}"
    raise ValueError(msg)


def _is_past(text: str) -> bool:
    try:
        moment = parse_moment(text)
    except (ValueError, OverflowError):
        return False
    # The clock of this machine may be wrong by some hours.
    return _FIRST <= moment <= datetime.now(timezone.utc) + timedelta(days=1)
