"""Dates as webhooks have them: ``/Date(1489116850787-0800)/``."""

from __future__ import annotations

import re
from datetime import timedelta

from tap_insightly.values import EMPTY_DATES, parse_moment, utc_text
from tap_insightly.webhooks.event import EPOCH

# Milliseconds since 1970, UTC; the zone only says how to show them (docs).
_DATE = re.compile(r"\\?/Date\((-?[0-9]{1,18})(?:[+-][0-9]{4})?\)\\?/")


def rewritten(text: str) -> str:
    """Write a text as RFC 3339 with ``Z`` if it is a date of webhooks; leave any other as it is."""
    found = _DATE.fullmatch(text)
    if found is None:
        return text
    try:
        return utc_text(EPOCH + timedelta(milliseconds=int(found[1])))
    except OverflowError:  # in no year from 1 to 9999
        return text


def text_of_date(value: object) -> str | None:
    """Write a date of a webhook, or of the API, as RFC 3339 with ``Z``; None if it is none."""
    if not isinstance(value, str) or value in EMPTY_DATES:
        return None
    text = rewritten(value)
    try:
        return text if text is not value else utc_text(parse_moment(text))
    except ValueError:
        return None
