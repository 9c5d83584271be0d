"""Comparing streams one after the other."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime, timezone
from typing import TYPE_CHECKING

from tap_insightly.api import (
    AuthenticationError,
    InsightlyError,
    NotAvailableError,
    Prefetcher,
    RetriesExhaustedError,
)
from tap_insightly.api.lists.paged_request import PAGE_SIZE
from tap_insightly.values import utc_text
from tap_insightly.verify.comparison import Comparison
from tap_insightly.verify.errors import NotComparableError
from tap_insightly.verify.result import DIFFERS, LEFT_OUT, SAME, UNKNOWN, StreamResult, ValuesResult
from tap_insightly.verify.values import compare_values
from tap_insightly.verify.warehouse import Database, NoTableError

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from tap_insightly.api import InsightlySession, PagedRequest
    from tap_insightly.verify.comparable import ComparableStream
    from tap_insightly.verify.differences import Differences
    from tap_insightly.verify.warehouse import Warehouse


@dataclass(frozen=True)
class VerifyOptions:
    """What to compare."""

    streams: Sequence[ComparableStream]
    is_required: bool = False
    """Whether each of them must have a table."""
    bookmarks: Mapping[str, int] = field(default_factory=dict)
    """When streams were last synced, in seconds since 1970."""
    is_each_date: bool = False
    values: int = 0
    """How many whole records to compare."""
    seed: int = 0
    page_size: int = PAGE_SIZE


def verify(
    options: VerifyOptions, warehouse: Warehouse, session: InsightlySession
) -> tuple[list[StreamResult], ValuesResult]:
    """Compare an account with a warehouse; streams without a table are left out."""
    comparisons = [
        Comparison(
            stream,
            warehouse,
            session,
            bookmark=options.bookmarks.get(stream.name),
            is_each_date=options.is_each_date,
            page_size=options.page_size,
        )
        for stream in options.streams
    ]
    with Prefetcher(session, _first_requests(comparisons)) as prefetcher:
        run = _Run(options, warehouse, prefetcher)
        results = [one for each in comparisons if (one := run.compare(each)) is not None]
        return results, run.compare_values()


def _first_requests(comparisons: Sequence[Comparison]) -> Iterator[PagedRequest]:
    for one in comparisons:
        if one.stream.reason_to_leave_out is None:
            yield from one.first_requests()


@dataclass
class _Run:
    """One comparison of an account, stream by stream."""

    options: VerifyOptions
    warehouse: Warehouse
    prefetcher: Prefetcher
    compared: list[Comparison] = field(default_factory=list)
    """The streams whose whole records are compared in the end."""
    is_answered: bool = False
    """Whether the account has answered anything."""

    def compare(self, comparison: Comparison) -> StreamResult | None:
        """Compare a stream; None if the warehouse has no table of it, and need not have one."""
        reason = comparison.stream.reason_to_leave_out
        if reason is not None:
            return self._left_out(comparison, reason)
        try:
            differences = comparison.run(self.prefetcher)
        except NoTableError as error:
            is_required = self.options.is_required
            return self._not_compared(comparison, UNKNOWN, str(error)) if is_required else None
        except NotAvailableError as error:
            verdict = UNKNOWN if len(comparison.rows) else LEFT_OUT
            return self._not_compared(comparison, verdict, str(error))
        except (InsightlyError, NotComparableError) as error:
            # What is wrong with all streams ends the run, and is said once.
            is_general = isinstance(error, RetriesExhaustedError) and not self.is_answered
            if is_general or isinstance(error, AuthenticationError):
                raise
            return self._not_compared(comparison, UNKNOWN, str(error))
        self.is_answered = True
        result = _result(comparison, differences)
        if self.options.values:
            self.compared.append(comparison)
        else:
            comparison.release_rows()
        return result

    def compare_values(self) -> ValuesResult:
        """Compare whole records, if any are asked for."""
        options = self.options
        if not options.values or not isinstance(self.warehouse, Database):
            return ValuesResult()
        return compare_values(
            self.compared, self.warehouse, self.prefetcher, options.values, options.seed
        )

    @staticmethod
    def _left_out(comparison: Comparison, reason: str) -> StreamResult | None:
        """Say why a stream is left out; None if the warehouse has no table of it."""
        result = StreamResult(comparison.stream.name, LEFT_OUT, notes=[reason])
        try:
            result.table = str(comparison.table)
        except NoTableError:
            return None
        except NotComparableError:
            pass  # whichever table it is, it is left out
        return result

    @staticmethod
    def _not_compared(comparison: Comparison, verdict: str, reason: str) -> StreamResult:
        """Say why a stream could not be compared, and with which table."""
        result = StreamResult(comparison.stream.name, verdict, notes=[reason])
        result.requests = comparison.stats.requests
        try:
            result.table = str(comparison.table)
            result.warehouse = len(comparison.rows)
        except NotComparableError:
            pass  # the reason says so
        return result


def _result(comparison: Comparison, differences: Differences) -> StreamResult:
    rows = differences.rows
    kinds = (differences.missing, differences.gone, differences.older, differences.newer)
    missing, gone, older, newer = map(sorted, kinds)
    dates = len(rows) - len(gone) if differences.has_dates else 0
    return StreamResult(
        stream=comparison.stream.name,
        verdict=DIFFERS if any(kinds) else SAME,
        table=str(comparison.table),
        account=comparison.total,
        warehouse=len(rows),
        missing=missing,
        gone=gone,
        older=older,
        newer=newer,
        changed_since=sorted([*differences.created_since, *differences.updated_since]),
        synced=_text(comparison.synced),
        counted=comparison.counted,
        dates=dates,
        dates_compared=differences.dates_compared,
        requests=comparison.stats.requests,
        requests_for_dates=comparison.pages if differences.dates_compared < dates else 0,
        notes=list(_notes(comparison, differences)),
    )


def _notes(comparison: Comparison, differences: Differences) -> Iterator[str]:
    stream, rows = comparison.stream, differences.rows
    if stream.since is not None:
        yield "of what was updated since start_date"
    marked = sum(rows.is_deleted(key) for key in differences.missing)
    if marked:
        yield f"{marked:,} of the missing are marked as deleted in the warehouse"
    if differences.newer:
        yield f"{len(differences.newer):,} have a later date in the warehouse than in the account"
    if rows.duplicates:
        yield f"{rows.duplicates:,} rows besides the newest of their keys"
    if stream.updated and not differences.has_dates:
        yield f"no dates compared: the table has no {stream.updated}"


def _text(moment: int | None) -> str | None:
    if moment is None:
        return None
    try:
        return utc_text(datetime.fromtimestamp(moment, timezone.utc))
    except (ValueError, OverflowError, OSError):
        return None  # a year that Python does not have
