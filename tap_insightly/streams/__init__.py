"""One class for each Insightly object, grouped as Insightly's own menu groups them."""

from __future__ import annotations

from tap_insightly.streams import (
    activity,
    admin,
    crm,
    custom,
    details,
    marketing,
    products,
    projects,
    sales,
    service,
)
from tap_insightly.streams.base import InsightlyStream, ListStream, StreamsTap
from tap_insightly.streams.custom import CustomObjectStream
from tap_insightly.streams.related import ArrayStream, ChildStream, RelatedStream
from tap_insightly.streams.search import SearchStream

_MODULES = (crm, sales, products, projects, activity, marketing, service, admin, custom, details)

STREAMS: tuple[type[InsightlyStream], ...] = tuple(
    member
    for module in _MODULES
    for member in vars(module).values()
    if isinstance(member, type)
    and issubclass(member, InsightlyStream)
    and member.__module__ == module.__name__
    and member is not CustomObjectStream  # has no name until an account gives it one
)
"""Every stream that each account has; custom objects come on top."""

__all__ = [
    "STREAMS",
    "ArrayStream",
    "ChildStream",
    "CustomObjectStream",
    "InsightlyStream",
    "ListStream",
    "RelatedStream",
    "SearchStream",
    "StreamsTap",
]
