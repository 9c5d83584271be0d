"""The Insightly API for programs; knows nothing of Singer.

`InsightlyClient` is the client. Below it, `InsightlySession` sends requests within the rate limit
and the quota, and `Prefetcher` reads lists as fast as that allows. Whatever goes wrong is an
`InsightlyError`: `tap_insightly.api.http.errors` shows the tree.
"""

from __future__ import annotations

from tap_insightly.api.client import InsightlyClient
from tap_insightly.api.http.auth import InvalidAddressError, base_url
from tap_insightly.api.http.errors import (
    AuthenticationError,
    ClosedError,
    ConflictError,
    IncompleteError,
    InsightlyError,
    InvalidError,
    LimitReachedError,
    NotAvailableError,
    PageTooLargeError,
    QuotaExhaustedError,
    RefusedError,
    RetriesExhaustedError,
    UndeletableError,
    UnknownOutcomeError,
    UnreachableError,
    UsageError,
)
from tap_insightly.api.http.quota import Quota
from tap_insightly.api.http.rate_limit import RateLimiter
from tap_insightly.api.http.request import Request
from tap_insightly.api.http.response import Response
from tap_insightly.api.http.session import InsightlySession
from tap_insightly.api.http.stats import RequestStats
from tap_insightly.api.lists.paged_request import PagedRequest
from tap_insightly.api.lists.paginator import OffsetPaginator
from tap_insightly.api.lists.prefetch import Page, Prefetcher
from tap_insightly.api.records.fields import Field, Fields, InvalidFieldsError
from tap_insightly.api.records.objects import (
    InsightlyObject,
    UnknownObjectError,
    UnsupportedOperationError,
)

__all__ = [
    "AuthenticationError",
    "ClosedError",
    "ConflictError",
    "Field",
    "Fields",
    "IncompleteError",
    "InsightlyClient",
    "InsightlyError",
    "InsightlyObject",
    "InsightlySession",
    "InvalidAddressError",
    "InvalidError",
    "InvalidFieldsError",
    "LimitReachedError",
    "NotAvailableError",
    "OffsetPaginator",
    "Page",
    "PageTooLargeError",
    "PagedRequest",
    "Prefetcher",
    "Quota",
    "QuotaExhaustedError",
    "RateLimiter",
    "RefusedError",
    "Request",
    "RequestStats",
    "Response",
    "RetriesExhaustedError",
    "UndeletableError",
    "UnknownObjectError",
    "UnknownOutcomeError",
    "UnreachableError",
    "UnsupportedOperationError",
    "UsageError",
    "base_url",
]
