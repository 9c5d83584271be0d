"""Comparing whole records: what the tap would send of each, with its row."""

from __future__ import annotations

import json
import random
from datetime import date, datetime, timezone
from decimal import Decimal
from typing import TYPE_CHECKING, Any

from tap_insightly.api import InsightlyError, NotAvailableError
from tap_insightly.verify.errors import NotComparableError
from tap_insightly.verify.result import RecordDifference, ValuesResult
from tap_insightly.verify.rows import seconds

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence

    from tap_insightly.api import Prefetcher
    from tap_insightly.verify.comparison import Comparison
    from tap_insightly.verify.warehouse import Database

_BOOLEANS = {"true": True, "t": True, "1": True, "false": False, "f": False, "0": False}
_NUL = "\x00"  # Postgres cannot hold it, so targets write something else


def compare_values(
    comparisons: Sequence[Comparison],
    warehouse: Database,
    prefetcher: Prefetcher,
    count: int,
    seed: int,
) -> ValuesResult:
    """Compare whole records chosen at random, for one request each."""
    result = ValuesResult()
    for comparison, ids in _chosen(comparisons, count, seed):
        before = result.compared + result.changed_since
        try:
            _compare_stream(comparison, ids, warehouse, prefetcher, result)
        except (InsightlyError, NotComparableError) as error:
            result.failed += before + len(ids) - result.compared - result.changed_since
            result.notes.append(f"{comparison.stream.name}: {error}")
    return result


def is_same(ours: Any, theirs: Any) -> bool:  # noqa: ANN401 - whatever JSON and databases have
    """Tell whether a warehouse holds a value, as far as its types allow.

    Some targets make null of an empty text; others cannot hold every character or digit. That is
    no difference.
    """
    if ours in (None, "") or theirs in (None, ""):
        return ours in (None, "") and theirs in (None, "")
    if isinstance(theirs, date):
        return seconds(ours) == _seconds_of(theirs)
    if isinstance(ours, bool):
        text = str(theirs).lower()
        return _BOOLEANS.get(text) is ours
    if isinstance(ours, int | float | Decimal):
        return _is_same_number(Decimal(str(ours)), theirs)
    if isinstance(ours, dict | list):
        return _is_same_inside(ours, _parsed(theirs))
    return _is_same_text(str(ours), theirs)


def _chosen(
    comparisons: Sequence[Comparison], count: int, seed: int
) -> Iterator[tuple[Comparison, list[int]]]:
    """Choose among all rows; each is equally likely."""
    readable = [one for one in comparisons if one.stream.can_be_read_by_id]
    total = sum(len(one.rows) for one in readable)
    places = sorted(random.Random(seed).sample(range(total), min(count, total)))  # noqa: S311 - no secret
    start = 0
    for one in readable:
        keys, stop = one.rows.keys, start + len(one.rows)
        ids = [int(keys[place - start]) for place in places if start <= place < stop]  # type: ignore[arg-type]  # numbers
        if ids:
            yield one, ids
        start = stop


def _compare_stream(
    comparison: Comparison,
    ids: Sequence[int],
    warehouse: Database,
    prefetcher: Prefetcher,
    result: ValuesResult,
) -> None:
    stream, table = comparison.stream, comparison.table
    rows = dict(warehouse.records(table, stream.keys[0], stream.updated, ids))
    asked = {one: prefetcher.ask(f"{stream.stream.path}/{one}") for one in ids}
    for one, response in asked.items():
        try:
            (record,) = response.result().records
        except NotAvailableError as error:
            if not error.is_missing:
                raise
            result.changed_since += 1  # it is gone
            continue
        if one in rows:
            _compare(comparison, record, rows[one], result)
        else:
            result.changed_since += 1  # its row is gone
    absent = [one for one in _selected(comparison) if not table.has([one])]
    if absent:
        result.notes.append(f"{table} has no {', '.join(absent)}.")


def _selected(comparison: Comparison) -> Iterable[str]:
    stream = comparison.stream.stream
    return [name for name in stream.schema["properties"] if stream.mask["properties", name]]


def _compare(
    comparison: Comparison, record: Mapping[str, Any], row: Mapping[str, Any], result: ValuesResult
) -> None:
    stream = comparison.stream
    ours = stream.stream.conform(record) if isinstance(record, dict) else None
    if ours is None:
        msg = f"what Insightly answers for one of {stream.name} is no record of it."
        raise NotComparableError(msg)
    key, updated = ours[stream.keys[0]], stream.updated
    place = comparison.rows.index_of(key)
    stored = None if place is None else comparison.rows.date_at(place)
    if comparison.has_dates and updated and seconds(record.get(updated)) != stored:
        result.changed_since += 1  # comparing dates has shown that already
        return
    result.compared += 1
    columns = {
        name: {"account": value, "warehouse": _as_json(row[name.casefold()])}
        for name, value in ours.items()
        if name.casefold() in row and not is_same(value, row[name.casefold()])
    }
    if columns:
        result.differing.append(RecordDifference(stream.name, key, columns))


def _is_same_number(ours: Decimal, theirs: Any) -> bool:  # noqa: ANN401 - as above
    if isinstance(theirs, float):
        return float(ours) == theirs  # it keeps 15 digits
    try:
        return ours == Decimal(str(theirs))
    except ArithmeticError:
        return False


def _is_same_text(ours: str, theirs: Any) -> bool:  # noqa: ANN401 - as above
    if isinstance(theirs, int | float | Decimal) and not isinstance(theirs, bool):
        try:
            return _is_same_number(Decimal(ours), theirs)
        except ArithmeticError:
            return False
    if isinstance(theirs, str) and _NUL in ours:
        parts = ours.split(_NUL)
        return theirs in {"\ufffd".join(parts), "".join(parts), ours}
    return ours == theirs or (seconds(ours) is not None and seconds(ours) == seconds(theirs))


def _is_same_inside(ours: Any, theirs: Any) -> bool:  # noqa: ANN401 - as above
    if isinstance(ours, dict) and isinstance(theirs, dict):
        names = ours.keys() | theirs.keys()
        return all(_is_same_inside(ours.get(name), theirs.get(name)) for name in names)
    if isinstance(ours, list):
        theirs = [] if theirs is None else theirs
        is_list = isinstance(theirs, list) and len(ours) == len(theirs)
        return is_list and all(map(_is_same_inside, ours, map(_parsed, theirs)))
    return is_same(ours, theirs)


def _parsed(value: Any) -> Any:  # noqa: ANN401 - as above
    """Parse JSON that a database holds as text."""
    try:
        return json.loads(value, parse_float=Decimal) if isinstance(value, str) else value
    except ValueError:
        return value


def _seconds_of(value: date) -> int:
    if not isinstance(value, datetime):
        value = datetime(value.year, value.month, value.day, tzinfo=timezone.utc)
    aware = value if value.tzinfo else value.replace(tzinfo=timezone.utc)
    return int(aware.timestamp() // 1)


def _as_json(value: Any) -> Any:  # noqa: ANN401 - as above
    """Write a value of a database as JSON can hold it."""
    is_plain = value is None or isinstance(value, str | int | float | Decimal | list | dict)
    return value if is_plain else str(value)
