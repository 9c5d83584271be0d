"""Moments as Insightly writes and reads them."""

from __future__ import annotations

import re
from datetime import datetime, timezone


def timestamp(moment: datetime) -> str:
    """Write a moment as records carry it, such as ``2025-04-19 00:49:32`` in UTC (seen live)."""
    return moment.astimezone(timezone.utc).strftime("%Y-%m-%d %H:%M:%S")


def read_moment(text: str) -> datetime:
    """Read a moment as records carry it, or as ISO 8601 has it; without a zone it is in UTC.

    Raises:
        ValueError: If it is neither, or in no year that can be written.
    """
    text = re.sub(r"[Zz]$", "+00:00", text.strip())
    # Python 3.10 reads fractions of three or six digits only.
    text = re.sub(r"\.(\d{1,6})\d*", lambda match: f".{match[1]:0<6}", text)
    moment = datetime.fromisoformat(text)
    try:
        return moment.replace(tzinfo=moment.tzinfo or timezone.utc).astimezone(timezone.utc)
    except OverflowError as error:
        raise ValueError from error
