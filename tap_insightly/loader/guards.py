"""How many records may be deleted: too many at once are most likely a mistake."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from tap_insightly.api import InsightlyError
from tap_insightly.loader.report import RejectedError

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from tap_insightly.api import InsightlyClient, InsightlyObject
    from tap_insightly.loader.report import LoadReport
    from tap_insightly.loader.shares import Share

    Record = Mapping[str, Any]


class TooManyError(RejectedError):
    """More records would be deleted than may be."""


def check_deletions(
    deletions: Mapping[str, Sequence[Record]],
    total_by: Callable[[str], int],
    most: Share,
    report: LoadReport,
) -> None:
    """End the run if more would be deleted than may be, by any stream.

    Args:
        deletions: What is to be deleted, by stream.
        total_by: Says of a stream of how many records; asked if that matters.
        most: How many may be.
        report: What keeps the list of what would have been deleted.

    Raises:
        TooManyError: If it is more than may be.
        InsightlyError: If nobody tells of how many.
    """
    over = []
    for stream, records in deletions.items():
        if not records:
            continue
        total = total_by(stream) if most.percent is not None else 0
        if len(records) <= most.most(total):
            continue
        obj = f" of {total:,}" if total else ""
        over.append(f"{len(records):,}{obj} records by stream '{stream}'")
        reason = f"It would have been one of {len(records):,} deletions{obj}; none was done."
        for record in records:
            report.keep(stream, record, reason)
    if over:
        msg = (
            f"What would be deleted, {' and '.join(over)}, is more than max_deletes allows "
            f"({most}), so nothing was. {report.where} Look why they are gone at their source; if "
            "that is right, allow more."
        )
        raise TooManyError(msg)


def count_of(client: InsightlyClient, obj: InsightlyObject) -> int | None:
    """Ask how many records an object has.

    Args:
        client: The account.
        obj: The object.

    Returns:
        A number; None if Insightly does not tell.

    Raises:
        InsightlyError: If the list cannot be read.
    """
    params = {"top": "1", "count_total": "true", "brief": "true"}
    return client.session.get(obj.path, params).total


def total_of(client: InsightlyClient, obj: InsightlyObject) -> int:
    """Ask how many records an object has, where that has to be known.

    Args:
        client: The account.
        obj: The object.

    Returns:
        A number.

    Raises:
        InsightlyError: If Insightly does not tell.
    """
    total = count_of(client, obj)
    if total is None:
        msg = (
            f"{obj.path}: Insightly does not tell how many there are, of which max_deletes is a "
            "share. Set max_deletes to a number."
        )
        raise InsightlyError(msg)
    return total
