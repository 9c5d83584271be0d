"""Comparing streams one after the other, each to a verdict."""

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
from tap_insightly.verify.result import DIFFERS, LEFT_OUT, SAME, UNKNOWN, Compared, Values
from tap_insightly.verify.values import compare_values
from tap_insightly.verify.warehouse import Database, NoTableError

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from tap_insightly.api import InsightlySession, PagedRequest
    from tap_insightly.verify.differences import Differences
    from tap_insightly.verify.subject import Subject
    from tap_insightly.verify.warehouse import Warehouse


@dataclass(frozen=True)
class Wanted:
    """What is to be compared."""

    subjects: Sequence[Subject]
    is_required: bool = False
    """Whether all of them have to have a table."""
    bookmarks: Mapping[str, int] = field(default_factory=dict)
    """When streams were last synced, in seconds since 1970."""
    is_each_date: bool = False
    values: int = 0
    """How many whole records to compare."""
    seed: int = 0
    page_size: int = PAGE_SIZE


def verify(
    wanted: Wanted, source: Warehouse, session: InsightlySession
) -> tuple[list[Compared], Values]:
    """Compare an account with a warehouse."""
    comparisons = [
        Comparison(
            subject,
            source,
            session,
            bookmark=wanted.bookmarks.get(subject.name),
            is_each_date=wanted.is_each_date,
            page_size=wanted.page_size,
        )
        for subject in wanted.subjects
    ]
    with Prefetcher(session, _expected(comparisons)) as prefetcher:
        run = _Run(wanted, source, prefetcher)
        results = [one for each in comparisons if (one := run.compare(each)) is not None]
        return results, run.compare_values()


def _expected(comparisons: Sequence[Comparison]) -> Iterator[PagedRequest]:
    for one in comparisons:
        if one.subject.reason_to_leave_out is None:
            yield from one.ahead()


@dataclass
class _Run:
    """Compares stream by stream, and keeps what whole records are taken from."""

    wanted: Wanted
    source: Warehouse
    prefetcher: Prefetcher
    compared: list[Comparison] = field(default_factory=list)
    is_answered: bool = False
    """Whether the account has answered anything."""

    def compare(self, comparison: Comparison) -> Compared | None:
        """Compare a stream; None if the warehouse need not have it, and has not."""
        reason = comparison.subject.reason_to_leave_out
        if reason is not None:
            return self._left_out(comparison, reason)
        try:
            found = comparison.run(self.prefetcher)
        except NoTableError as error:
            is_required = self.wanted.is_required
            return self._without(comparison, UNKNOWN, str(error)) if is_required else None
        except NotAvailableError as error:
            verdict = UNKNOWN if len(comparison.rows) else LEFT_OUT
            return self._without(comparison, verdict, str(error))
        except (InsightlyError, NotComparableError) as error:
            # What is wrong with all streams is said once, and at once.
            is_general = isinstance(error, RetriesExhaustedError) and not self.is_answered
            if is_general or isinstance(error, AuthenticationError):
                raise
            return self._without(comparison, UNKNOWN, str(error))
        self.is_answered = True
        result = _result(comparison, found)
        if self.wanted.values:
            self.compared.append(comparison)
        else:
            comparison.free()
        return result

    def compare_values(self) -> Values:
        """Compare whole records, if that is wanted."""
        wanted = self.wanted
        if not wanted.values or not isinstance(self.source, Database):
            return Values()
        return compare_values(
            self.compared, self.source, self.prefetcher, wanted.values, wanted.seed
        )

    @staticmethod
    def _left_out(comparison: Comparison, reason: str) -> Compared | None:
        """Say why a stream is left out, if the warehouse has it at all."""
        result = Compared(comparison.subject.name, LEFT_OUT, notes=[reason])
        try:
            result.table = str(comparison.table)
        except NoTableError:
            return None
        except NotComparableError:
            pass  # whichever table it is, it is left out
        return result

    @staticmethod
    def _without(comparison: Comparison, verdict: str, reason: str) -> Compared:
        """Say why there is no result, and which table it was, if there is one."""
        result = Compared(comparison.subject.name, verdict, notes=[reason])
        result.requests = comparison.stats.requests
        try:
            result.table = str(comparison.table)
            result.warehouse = len(comparison.rows)
        except NotComparableError:
            pass  # which is what the reason says
        return result


def _result(comparison: Comparison, found: Differences) -> Compared:
    rows = found.rows
    differing = (found.missing, sorted(found.gone), sorted(found.older), sorted(found.newer))
    missing, gone, older, newer = differing
    dates = len(rows) - len(gone) if found.has_dates else 0
    return Compared(
        stream=comparison.subject.name,
        verdict=DIFFERS if any(differing) else SAME,
        table=str(comparison.table),
        account=comparison.total,
        warehouse=len(rows),
        missing=sorted(missing),
        gone=gone,
        older=older,
        newer=newer,
        changed_since=sorted([*found.created_since, *found.updated_since]),
        synced=_text(comparison.synced),
        counted=comparison.counted,
        dates=dates,
        dates_compared=found.dates_compared,
        requests=comparison.stats.requests,
        requests_for_dates=comparison.pages if found.dates_compared < dates else 0,
        notes=list(_notes(comparison, found)),
    )


def _notes(comparison: Comparison, found: Differences) -> Iterator[str]:
    subject, rows = comparison.subject, found.rows
    if subject.since is not None:
        yield "of what was updated since start_date"
    marked = sum(rows.is_marked(key) for key in found.missing)
    if marked:
        yield f"{marked:,} of the missing are marked as deleted in the warehouse"
    if found.newer:
        yield f"{len(found.newer):,} have a later date in the warehouse than in the account"
    if rows.doubles:
        yield f"{rows.doubles:,} rows besides the newest of their keys"
    if subject.updated and not found.has_dates:
        yield f"no dates compared: the table has no {subject.updated}"


def _text(moment: int | None) -> str | None:
    if moment is None:
        return None
    try:
        return utc_text(datetime.fromtimestamp(moment, timezone.utc))
    except (ValueError, OverflowError, OSError):
        return None  # a year that Python does not have
