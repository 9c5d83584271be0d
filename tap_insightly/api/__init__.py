"""The Insightly API for programs; knows nothing of Singer.

`InsightlyClient` is the client. Below it, `InsightlySession` sends requests within the rate limit
and the quota, and `Prefetcher` reads lists as fast as that allows. Whatever goes wrong is an
`InsightlyError`: `tap_insightly.api.http.errors` shows the tree.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from tap_insightly.api.client import InsightlyClient
    from tap_insightly.api.http.address import InvalidAddressError, base_url
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

# Where each name is, as above. A module is imported when a name of it is asked for: the client
# needs requests, which takes longer than all else, and is not needed to list fields.
_NAMES = {
    "client": ("InsightlyClient",),
    "http.address": ("InvalidAddressError", "base_url"),
    "http.errors": (
        *("AuthenticationError", "ClosedError", "ConflictError", "IncompleteError"),
        *("InsightlyError", "InvalidError", "LimitReachedError", "NotAvailableError"),
        *("PageTooLargeError", "QuotaExhaustedError", "RefusedError", "RetriesExhaustedError"),
        *("UndeletableError", "UnknownOutcomeError", "UnreachableError", "UsageError"),
    ),
    "http.quota": ("Quota",),
    "http.rate_limit": ("RateLimiter",),
    "http.request": ("Request",),
    "http.response": ("Response",),
    "http.session": ("InsightlySession",),
    "http.stats": ("RequestStats",),
    "lists.paged_request": ("PagedRequest",),
    "lists.paginator": ("OffsetPaginator",),
    "lists.prefetch": ("Page", "Prefetcher"),
    "records.fields": ("Field", "Fields", "InvalidFieldsError"),
    "records.objects": ("InsightlyObject", "UnknownObjectError", "UnsupportedOperationError"),
}
_MODULES = {name: module for module, names in _NAMES.items() for name in names}

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


def __getattr__(name: str) -> Any:  # noqa: ANN401 - classes and a function
    if name not in _MODULES:
        msg = f"module {__name__!r} has no attribute {name!r}"
        raise AttributeError(msg)
    return getattr(import_module(f"{__name__}.{_MODULES[name]}"), name)


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
