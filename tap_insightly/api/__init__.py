"""The Insightly API: address, authentication, pace, quota, retries and pages.

Knows nothing of Singer, so that whatever else talks to Insightly can use it too.
"""

from __future__ import annotations

from tap_insightly.api.answer import Answer
from tap_insightly.api.auth import ApiKeyAuth, InvalidAddressError, base_url
from tap_insightly.api.client import InsightlyClient
from tap_insightly.api.errors import (
    AuthenticationError,
    ChangedError,
    ClosedError,
    GaveUpError,
    IncompleteError,
    InsightlyError,
    InvalidError,
    LimitReachedError,
    NotAvailableError,
    PageTooLargeError,
    QuotaExhaustedError,
    RefusedError,
    UndeletableError,
    UnknownOutcomeError,
)
from tap_insightly.api.fields import Field, Fields, InvalidFieldsError
from tap_insightly.api.limits import Pace
from tap_insightly.api.objects import InsightlyObject, NotPossibleError, UnknownObjectError
from tap_insightly.api.paging import Listing
from tap_insightly.api.quota import Quota
from tap_insightly.api.reader import Page, Reader
from tap_insightly.api.request import Request
from tap_insightly.api.session import InsightlySession
from tap_insightly.api.tally import Tally

__all__ = [
    "Answer",
    "ApiKeyAuth",
    "AuthenticationError",
    "ChangedError",
    "ClosedError",
    "Field",
    "Fields",
    "GaveUpError",
    "IncompleteError",
    "InsightlyClient",
    "InsightlyError",
    "InsightlyObject",
    "InsightlySession",
    "InvalidAddressError",
    "InvalidError",
    "InvalidFieldsError",
    "LimitReachedError",
    "Listing",
    "NotAvailableError",
    "NotPossibleError",
    "Pace",
    "Page",
    "PageTooLargeError",
    "Quota",
    "QuotaExhaustedError",
    "Reader",
    "RefusedError",
    "Request",
    "Tally",
    "UndeletableError",
    "UnknownObjectError",
    "UnknownOutcomeError",
    "base_url",
]
