"""What ends a load, and which errors are about one record only.

- `RejectedError`: a record was refused, and `on_error` or `max_rejects` says that this is the end.

  - `TooManyDeletionsError`: `max_deletes` does not allow so many.
- `MappingError`: a stream does not fit the settings and the account.
- `SettingError`: a setting names what does not exist.
- `IncompleteStreamError`: a stream is to be mirrored, and perhaps not all of it came.
- `ChangedKeyError`: the account changes the values by which records are found.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from tap_insightly.api import (
    InsightlyError,
    InvalidFieldsError,
    NotAvailableError,
    RefusedError,
    UnsupportedOperationError,
    UsageError,
)

if TYPE_CHECKING:
    from collections.abc import Iterable


class RejectedError(InsightlyError):
    """A record was refused, and that ends the run."""


class TooManyDeletionsError(RejectedError):
    """More records would be deleted than max_deletes allows."""


class MappingError(UsageError):
    """A stream cannot be written as the settings say."""

    def __init__(self, stream: str, problems: Iterable[str]) -> None:
        """Take the problems, a sentence each."""
        super().__init__(f"Stream '{stream}' cannot be written: {' '.join(problems)}")


class SettingError(UsageError):
    """A setting names what does not exist, or cannot be used as it is."""


class IncompleteStreamError(InsightlyError):
    """A stream is to be mirrored, and nobody knows whether all of it came."""


class ChangedKeyError(InsightlyError):
    """The account changes the values that records are matched on."""


def is_refusal(error: InsightlyError) -> bool:
    """Whether an error is about one record only, so that the run can go on with the others."""
    if isinstance(error, RefusedError):
        return error.status is not None and error.status >= 400  # noqa: PLR2004 - not a redirect
    return isinstance(error, InvalidFieldsError | NotAvailableError | UnsupportedOperationError)
