"""Comparing whole records: what the tap would send of each, against its row."""

from __future__ import annotations

import json
import random
from datetime import date, datetime, timezone
from decimal import Decimal
from typing import TYPE_CHECKING, Any

from tap_insightly.api import InsightlyError, NotAvailableError
from tap_insightly.verify.errors import NotComparableError
from tap_insightly.verify.result import Value, Values
from tap_insightly.verify.rows import seconds

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence

    from tap_insightly.api import Prefetcher
    from tap_insightly.verify.comparison import Comparison
    from tap_insightly.verify.warehouse import Database

_BOOLEANS = {"true": True, "t": True, "1": True, "false": False, "f": False, "0": False}
_NO_CHARACTER = "\x00"  # which Postgres cannot hold, so that targets write something else


def compare_values(
    comparisons: Sequence[Comparison],
    source: Database,
    prefetcher: Prefetcher,
    number: int,
    seed: int,
) -> Values:
    """Compare some whole records at random, each for one request."""
    found = Values()
    for comparison, ids in _chosen(comparisons, number, seed):
        before = found.compared + found.changed_since
        try:
            _compare_stream(comparison, ids, source, prefetcher, found)
        except (InsightlyError, NotComparableError) as error:
            found.failed += before + len(ids) - found.compared - found.changed_since
            found.notes.append(f"{comparison.subject.name}: {error}")
    return found


def is_same(ours: Any, theirs: Any) -> bool:  # noqa: ANN401 - whatever JSON and databases have
    """Tell whether a warehouse holds a value as its type allows."""
    if ours in (None, "") or theirs in (None, ""):
        return ours in (None, "") and theirs in (None, "")
    if isinstance(theirs, date):
        return seconds(ours) == _moment(theirs)
    if isinstance(ours, bool):
        text = str(theirs).lower()
        return _BOOLEANS.get(text) is ours
    if isinstance(ours, int | float | Decimal):
        return _is_same_number(Decimal(str(ours)), theirs)
    if isinstance(ours, dict | list):
        return _is_same_inside(ours, _loaded(theirs))
    return _is_same_text(str(ours), theirs)


def _chosen(
    comparisons: Sequence[Comparison], number: int, seed: int
) -> Iterator[tuple[Comparison, list[int]]]:
    """Choose among all rows, each as likely as the other."""
    able = [one for one in comparisons if one.subject.has_single_records]
    total = sum(len(one.rows) for one in able)
    places = sorted(random.Random(seed).sample(range(total), min(number, total)))  # noqa: S311 - no secret
    start = 0
    for one in able:
        keys, stop = one.rows.keys, start + len(one.rows)
        ids = [int(keys[place - start]) for place in places if start <= place < stop]  # type: ignore[arg-type]  # numbers
        if ids:
            yield one, ids
        start = stop


def _compare_stream(
    comparison: Comparison,
    ids: Sequence[int],
    source: Database,
    prefetcher: Prefetcher,
    found: Values,
) -> None:
    subject, table = comparison.subject, comparison.table
    rows = dict(source.records(table, subject.keys[0], subject.updated, ids))
    asked = {one: prefetcher.ask(f"{subject.stream.path}/{one}") for one in ids}
    for one, response in asked.items():
        try:
            (record,) = response.result().records
        except NotAvailableError as error:
            if not error.is_missing:
                raise
            found.changed_since += 1  # it is gone
            continue
        if one in rows:
            _compare(comparison, record, rows[one], found)
        else:
            found.changed_since += 1  # the row is
    absent = [one for one in _selected(comparison) if not table.has([one])]
    if absent:
        found.notes.append(f"{table} has no {', '.join(absent)}.")


def _selected(comparison: Comparison) -> Iterable[str]:
    stream = comparison.subject.stream
    return [name for name in stream.schema["properties"] if stream.mask["properties", name]]


def _compare(
    comparison: Comparison, record: Mapping[str, Any], row: Mapping[str, Any], found: Values
) -> None:
    subject = comparison.subject
    ours = subject.stream.conform(record) if isinstance(record, dict) else None
    if ours is None:
        msg = f"what Insightly answers for one of {subject.name} is no record of it."
        raise NotComparableError(msg)
    key, updated = ours[subject.keys[0]], subject.updated
    place = comparison.rows.place(key)
    stored = None if place is None else comparison.rows.date(place)
    if comparison.has_dates and updated and seconds(record.get(updated)) != stored:
        found.changed_since += 1  # which its date has told already
        return
    found.compared += 1
    columns = {
        name: {"account": value, "warehouse": _shown(row[name.casefold()])}
        for name, value in ours.items()
        if name.casefold() in row and not is_same(value, row[name.casefold()])
    }
    if columns:
        found.differing.append(Value(subject.name, key, columns))


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
    if isinstance(theirs, str) and _NO_CHARACTER in ours:
        parts = ours.split(_NO_CHARACTER)
        return theirs in {"\ufffd".join(parts), "".join(parts), ours}
    return ours == theirs or (seconds(ours) is not None and seconds(ours) == seconds(theirs))


def _is_same_inside(ours: Any, theirs: Any) -> bool:  # noqa: ANN401 - as above
    if isinstance(ours, dict) and isinstance(theirs, dict):
        names = ours.keys() | theirs.keys()
        return all(_is_same_inside(ours.get(name), theirs.get(name)) for name in names)
    if isinstance(ours, list):
        theirs = [] if theirs is None else theirs
        is_list = isinstance(theirs, list) and len(ours) == len(theirs)
        return is_list and all(map(_is_same_inside, ours, map(_loaded, theirs)))
    return is_same(ours, theirs)


def _loaded(value: Any) -> Any:  # noqa: ANN401 - as above
    """Read JSON that a database has as text."""
    try:
        return json.loads(value, parse_float=Decimal) if isinstance(value, str) else value
    except ValueError:
        return value


def _moment(value: date) -> int:
    if not isinstance(value, datetime):
        value = datetime(value.year, value.month, value.day, tzinfo=timezone.utc)
    aware = value if value.tzinfo else value.replace(tzinfo=timezone.utc)
    return int(aware.timestamp() // 1)


def _shown(value: Any) -> Any:  # noqa: ANN401 - as above
    """Make something of a value of a database that JSON can hold."""
    is_plain = value is None or isinstance(value, str | int | float | Decimal | list | dict)
    return value if is_plain else str(value)
