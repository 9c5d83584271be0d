"""Records as columns: tables of Arrow, typed by the catalog, with the values that rows have.

Whole columns are converted at once where all of their values are of the usual type. Where one is
not, that column goes value by value through the converters that make rows, so that neither values
nor warnings can be others.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from datetime import datetime
from decimal import ROUND_HALF_EVEN, Context, Decimal, InvalidOperation
from typing import TYPE_CHECKING, Any

import pyarrow as pa
import pyarrow.compute as pc
from typing_extensions import override

from tap_insightly.api.http.codec import encode
from tap_insightly.values import EMPTY_DATES, types_of, utc_text

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence

    from tap_insightly.conformer import Conformer

    Record = Mapping[str, Any]

_DIGITS, _DECIMALS = 38, 9
"""Of a number: what every warehouse can hold, such as BigQuery's NUMERIC."""

_INTEGERS = range(-(2**63), 2**63)

_ROUNDING = Context(prec=_DIGITS, rounding=ROUND_HALF_EVEN)
_UNIT = Decimal(1).scaleb(-_DECIMALS)

_MOMENT = pa.timestamp("us", tz="UTC")
_USUAL_LENGTH = len("2025-04-19 00:49:32")
_FIRST = pa.scalar("0001-01-01 00:00:00").cast(pa.timestamp("us"))


_JSON = {"ARROW:extension:name": "arrow.json", "ARROW:extension:metadata": ""}


def arrow_schema(schema: Mapping[str, Any], *, marks_json: bool = False) -> pa.Schema:
    """Find the types of the columns that the properties of a JSON schema become.

    Arrays and objects are JSON, as text; it can be marked as Arrow's extension type for that, which
    readers who do not know it ignore. Names and order are those of the properties.
    """
    return pa.schema(
        pa.field(
            name, _column(prop).kind, metadata=_JSON if marks_json and _is_json(prop) else None
        )
        for name, prop in schema["properties"].items()
    )


class TableMaker:
    """Makes tables of the records of one stream, all of the same schema."""

    def __init__(self, conformer: Conformer, schema: Mapping[str, Any]) -> None:
        """Prepare a column for each property of the schema, which has what `conformer` wants."""
        self.schema = arrow_schema(schema)
        self._conformer = conformer
        self._columns = {name: _column(prop) for name, prop in schema["properties"].items()}
        self._too_long: Counter[str] = Counter()

    def __call__(self, records: Sequence[Record]) -> tuple[pa.Table, Sequence[Record]]:
        """Make a table of records; those without their primary key are left out of both."""
        conformer = self._conformer
        found = conformer.columns(records)
        if found is None:
            return self._of_rows(records)
        columns, arrays = found, []
        for name, column in self._columns.items():
            array = None if name in conformer.keys else column.at_once(columns[name])
            if array is None:
                columns[name] = conformer.converted(name, columns[name], records)
                array = self._one_by_one(name, columns[name])
            arrays.append(array)
        table = pa.table(arrays, schema=self.schema)
        is_complete = conformer.have_key(columns)
        if is_complete is None:
            return table, records
        kept = [record for record, is_kept in zip(records, is_complete, strict=True) if is_kept]
        return table.filter(pa.array(is_complete, pa.bool_())), kept

    def part(self, columns: Mapping[str, Sequence[Any]]) -> pa.Table:
        """Make a table that has only some of the columns, of values as rows have them."""
        arrays = {name: self._columns[name].one_by_one(values) for name, values in columns.items()}
        return pa.table(arrays)

    def newest(self, table: pa.Table, name: str) -> str | None:
        """Return the latest moment of a column, as a row has it; None if there is none."""
        if name not in self._columns:
            return None
        latest = pc.max(table.column(name))
        if not latest.is_valid:
            return None
        value = latest.as_py()
        if isinstance(value, datetime):
            return utc_text(value)
        return value if isinstance(value, str) else None

    def _of_rows(self, records: Sequence[Record]) -> tuple[pa.Table, Sequence[Record]]:
        rows = [self._conformer(dict(record.items())) for record in records]
        kept = [row for row in rows if row is not None]
        arrays = [self._one_by_one(name, [row[name] for row in kept]) for name in self._columns]
        table = pa.table(arrays, schema=self.schema)
        return table, [one for one, row in zip(records, rows, strict=True) if row is not None]

    def _one_by_one(self, name: str, values: Sequence[Any]) -> pa.Array:
        array = self._columns[name].one_by_one(values)
        self._too_long[name] += array.null_count - values.count(None)
        return array

    def warnings(self) -> Iterator[str]:
        """Say what was lost of the records besides what their conformer says, a sentence each."""
        for name, count in (+self._too_long).items():
            yield f"numbers in {name} that are too long for a column, and null in it: {count}."


@dataclass(frozen=True)
class _Column:
    """A column of one type."""

    kind: pa.DataType
    usual: frozenset[type]
    """The types of values that pyarrow takes as they are."""
    convert: Callable[[Any], Any] | None = None
    """What brings a value of a row to what pyarrow takes; None if nothing has to."""

    def at_once(self, values: Sequence[Any]) -> pa.Array | None:
        """Convert values as the API sent them; None if any is not as usual."""
        if not self.usual.issuperset(map(type, values)):
            return None
        try:
            return pa.array(values, self.kind)
        except (pa.ArrowInvalid, OverflowError):  # a number with too many digits
            return None

    def one_by_one(self, values: Sequence[Any]) -> pa.Array:
        """Convert values as rows have them."""
        if self.convert is not None:
            values = [None if value is None else self.convert(value) for value in values]
        return pa.array(values, self.kind)


class _MomentColumn(_Column):
    @override
    def at_once(self, values: Sequence[Any]) -> pa.Array | None:
        if not self.usual.issuperset(map(type, values)):
            return None
        given = [None if value in EMPTY_DATES else value for value in values]
        # What is as long as this, and a moment without a zone, can be written in no other way.
        if not {len(value) for value in given if value is not None} <= {_USUAL_LENGTH}:
            return None
        try:
            moments = pa.array(given, pa.string()).cast(pa.timestamp("us"))
        except pa.ArrowInvalid:
            return None
        if pc.any(pc.less(moments, _FIRST)).as_py():  # Arrow has a year 0
            return None
        return moments.cast(self.kind)

    @override
    def one_by_one(self, values: Sequence[Any]) -> pa.Array:
        return pa.array(values, pa.string()).cast(self.kind)


def _column(prop: Mapping[str, Any]) -> _Column:
    kinds, none = types_of(prop), type(None)
    if kinds == {"string"}:
        if prop.get("format") == "date-time":
            return _MomentColumn(_MOMENT, frozenset({str, none}))
        return _Column(pa.string(), frozenset({str, none}))
    if kinds == {"number"}:
        number = pa.decimal128(_DIGITS, _DECIMALS)
        return _Column(number, frozenset({Decimal, int, none}), _number)
    if kinds == {"integer"}:
        return _Column(pa.int64(), frozenset({int, none}), _integer)
    if kinds == {"boolean"}:
        return _Column(pa.bool_(), frozenset({bool, none}))
    is_scalar = bool(kinds) and not kinds & {"array", "object"}
    return _Column(pa.string(), frozenset({str, none} if is_scalar else {none}), _text)


def _is_json(prop: Mapping[str, Any]) -> bool:
    """Tell whether all that a column can have is JSON, and not also text as it is."""
    kinds = types_of(prop)
    return kinds == {"array"} or (kinds == {"object"} and "properties" in prop)


def _number(value: Decimal | int) -> Decimal | None:
    """Bring a number to nine decimals; null if it has more than 29 digits before them."""
    try:
        return Decimal(value).quantize(_UNIT, context=_ROUNDING)
    except InvalidOperation:
        return None


def _integer(value: int) -> int | None:
    return value if value in _INTEGERS else None


def _text(value: Any) -> str:  # noqa: ANN401 - anything that JSON has
    """Write text as it is, and all other values as JSON."""
    return value if isinstance(value, str) else encode(value).decode()
