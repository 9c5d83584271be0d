"""The contents of files that are attached to records: fetched once, kept by checksum."""

from tap_insightly.attachments.entries import Attachment, Entry, Index, Status, attachment_of
from tap_insightly.attachments.fetching import Fetcher, FetchResult
from tap_insightly.attachments.store import AddressError, ContentStore, StoreError

__all__ = [
    "AddressError",
    "Attachment",
    "ContentStore",
    "Entry",
    "FetchResult",
    "Fetcher",
    "Index",
    "Status",
    "StoreError",
    "attachment_of",
]
