"""One class for each Insightly object, grouped as Insightly's own menu groups them."""

from __future__ import annotations

from tap_insightly.streams import (
    activity,
    admin,
    catalog,
    crm,
    custom,
    marketing,
    projects,
    sales,
    service,
)
from tap_insightly.streams.base import InsightlyStream, ListStream, SearchStream
from tap_insightly.streams.custom import CustomObjectStream

STREAMS: tuple[type[InsightlyStream], ...] = tuple(
    member
    for module in (crm, sales, catalog, projects, activity, marketing, service, admin, custom)
    for member in vars(module).values()
    if isinstance(member, type)
    and issubclass(member, InsightlyStream)
    and member.__module__ == module.__name__
    and member is not CustomObjectStream  # has no name until an account gives it one
)
"""Every stream that each account has; custom objects come on top."""

__all__ = ["STREAMS", "CustomObjectStream", "InsightlyStream", "ListStream", "SearchStream"]
