"""The Insightly API: address, authentication, pace, quota, retries and pages.

Knows nothing of Singer, so that whatever else talks to Insightly can use it too.
"""

from __future__ import annotations

from tap_insightly.api.answer import Answer
from tap_insightly.api.auth import ApiKeyAuth, InvalidAddressError, base_url
from tap_insightly.api.errors import (
    AuthenticationError,
    ClosedError,
    GaveUpError,
    InsightlyError,
    NotAvailableError,
    QuotaExhaustedError,
    RefusedError,
)
from tap_insightly.api.limits import Pace
from tap_insightly.api.paging import Listing
from tap_insightly.api.quota import Quota
from tap_insightly.api.reader import Page, Reader
from tap_insightly.api.session import InsightlySession
from tap_insightly.api.tally import Tally

__all__ = [
    "Answer",
    "ApiKeyAuth",
    "AuthenticationError",
    "ClosedError",
    "GaveUpError",
    "InsightlyError",
    "InsightlySession",
    "InvalidAddressError",
    "Listing",
    "NotAvailableError",
    "Pace",
    "Page",
    "Quota",
    "QuotaExhaustedError",
    "Reader",
    "RefusedError",
    "Tally",
    "base_url",
]
