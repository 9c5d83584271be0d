"""The Insightly API: address, authentication, pace, retries and pages.

Knows nothing of Singer, so that whatever else talks to Insightly can use it too.
"""

from __future__ import annotations

from tap_insightly.api.auth import ApiKeyAuth, InvalidAddressError, base_url
from tap_insightly.api.errors import (
    AuthenticationError,
    GaveUpError,
    InsightlyError,
    NotAvailableError,
    QuotaExhaustedError,
    RefusedError,
)
from tap_insightly.api.limits import Pace, Quota
from tap_insightly.api.paging import pages
from tap_insightly.api.session import Answer, InsightlySession

__all__ = [
    "Answer",
    "ApiKeyAuth",
    "AuthenticationError",
    "GaveUpError",
    "InsightlyError",
    "InsightlySession",
    "InvalidAddressError",
    "NotAvailableError",
    "Pace",
    "Quota",
    "QuotaExhaustedError",
    "RefusedError",
    "base_url",
    "pages",
]
