"""Counts deletions before the first one is sent: too many at once are most likely a mistake."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from tap_insightly.loader.errors import SettingError, TooManyDeletionsError

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from tap_insightly.api import InsightlyClient, InsightlyObject
    from tap_insightly.loader.report import LoadReport
    from tap_insightly.loader.shares import Share

    Record = Mapping[str, Any]


def check_deletions(
    deletions: Mapping[str, Sequence[Record]],
    count_total: Callable[[str], int],
    max_deletes: Share,
    report: LoadReport,
) -> None:
    """Raise a `TooManyDeletionsError` if any stream would delete more records than allowed.

    `count_total` is only asked, of a stream, where the limit is a percentage.
    """
    over = []
    for stream, records in deletions.items():
        if not records:
            continue
        total = count_total(stream) if max_deletes.percent is not None else 0
        if len(records) <= max_deletes.limit(total):
            continue
        of_total = f" of {total:,}" if total else ""
        over.append(f"{len(records):,}{of_total} records by stream '{stream}'")
        reason = f"It would have been one of {len(records):,} deletions{of_total}; none was done."
        for record in records:
            report.write_reject(stream, record, reason)
    if over:
        msg = (
            f"{' and '.join(over)} would be deleted, which is more than max_deletes allows "
            f"({max_deletes}), so nothing was deleted. {report.rejects_location} Check why these "
            "records are gone at their source; if that is right, raise max_deletes."
        )
        raise TooManyDeletionsError(msg)


def count_records(client: InsightlyClient, obj: InsightlyObject) -> int | None:
    """How many records an object has; None if Insightly does not say."""
    params = {"top": "1", "count_total": "true", "brief": "true"}
    return client.session.get(obj.path, params).total


def require_count(client: InsightlyClient, obj: InsightlyObject) -> int:
    """How many records an object has; an error if Insightly does not say."""
    total = count_records(client, obj)
    if total is None:
        msg = (
            f"{obj.path}: Insightly does not say how many records there are, so max_deletes cannot "
            "be a percentage of them. Set max_deletes to a number."
        )
        raise SettingError(msg)
    return total
