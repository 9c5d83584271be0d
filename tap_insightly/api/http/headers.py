"""Reading what the headers of a response say."""

from __future__ import annotations

from datetime import datetime, timedelta, timezone
from email.utils import parsedate_to_datetime
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping

PROXY_STATUS = "Proxy-Status"
"""By which one on the way says that an answer is its own (RFC 9209)."""
GATEWAY = "insightly-gateway"
"""What the gateway calls itself there."""


def is_of_gateway(headers: Mapping[str, str]) -> bool:
    """Tell whether the gateway refused a request itself, and did not pass it on to Insightly."""
    return headers.get(PROXY_STATUS, "").partition(";")[0].strip() == GATEWAY


_LARGEST = 2**63 - 1  # that files and other programs take; nothing counts further


def whole_number(text: str | None, otherwise: int | None = None) -> int | None:
    """Read a number; `otherwise` if there is no such header, or it holds none that can be one."""
    try:
        number = None if text is None else int(text)
    except ValueError:
        return otherwise
    return otherwise if number is None or abs(number) > _LARGEST else number


def moment(text: str | None) -> datetime | None:
    """Read a date (RFC 9110), aware; None if there is none, or no time to reckon with."""
    try:
        date = parsedate_to_datetime(text or "")
        aware = date if date.tzinfo else date.replace(tzinfo=timezone.utc)
        _ = aware.astimezone(timezone.utc) + timedelta(days=366)
    except (ValueError, OverflowError):
        return None
    return aware


def seconds_to_wait(text: str | None, now: datetime | None) -> float | None:
    """Read Retry-After: a number of seconds, or a date after `now` by the server's clock."""
    if text is None:
        return None
    if text.strip().isdecimal():
        return float(text)
    date = moment(text)
    return max(0.0, (date - now).total_seconds()) if date and now else None
