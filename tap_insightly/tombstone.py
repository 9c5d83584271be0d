"""The Singer column that says that a record is deleted at its source."""

from __future__ import annotations

from datetime import datetime, timedelta, timezone

from tap_insightly.values import EMPTY_DATES, parse_moment

DELETED_AT = "_sdc_deleted_at"

ACCEPTED = "the date of the deletion, true, or nothing for a record that is not deleted"
_EARLIEST = datetime(2000, 1, 1, tzinfo=timezone.utc)  # no record of Insightly is as old as that


def is_deletion(value: object) -> bool:
    """Whether a value of the column says that the record is deleted; a `ValueError` if unclear.

    What programs write for an empty cell, such as pandas' ``NaT``, must not delete anything, nor
    must dates that mean never.
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
    return _EARLIEST <= moment <= datetime.now(timezone.utc) + timedelta(days=1)
