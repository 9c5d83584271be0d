"""Parquet files of BATCH messages, typed by the catalog.

The SDK's own encoder lets pyarrow guess the types of each file from its records. It fails on
numbers with and without decimals in one column, and on columns of several types; and a column that
is empty in one file gets another type than in the next.
"""

from __future__ import annotations

import logging
from collections import Counter
from decimal import ROUND_HALF_EVEN, Context, Decimal, InvalidOperation
from typing import TYPE_CHECKING, Any
from uuid import uuid4

from singer_sdk.batch import BaseBatcher, lazy_chunked_generator
from typing_extensions import override

from tap_insightly.api.http.codec import encode
from tap_insightly.values import parse_moment

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping
    from datetime import datetime

    import pyarrow as pa
    from singer_sdk.helpers._batch import BatchConfig

logger = logging.getLogger("tap-insightly")
_DIGITS, _DECIMALS = 38, 9
"""Of a number: what every warehouse can hold, such as BigQuery's NUMERIC."""

_TOO_LONG = "%s: numbers in %s that are too long for a Parquet file, and null in it: %d."
_INTEGERS = range(-(2**63), 2**63)

_ROUNDING = Context(prec=_DIGITS, rounding=ROUND_HALF_EVEN)
_UNIT = Decimal(1).scaleb(-_DECIMALS)


class ParquetBatcher(BaseBatcher):
    """Writes the records of a stream to Parquet files, all of the same schema."""

    def __init__(
        self,
        tap_name: str,
        stream_name: str,
        batch_config: BatchConfig,
        schema: Mapping[str, Any],
    ) -> None:
        """Prepare the types of the columns."""
        super().__init__(tap_name, stream_name, batch_config)
        self._too_long: Counter[str] = Counter()
        import pyarrow as pa  # noqa: PLC0415 - only those have it who want Parquet

        columns = {name: _column(pa, prop) for name, prop in schema["properties"].items()}
        self._converters = {name: convert for name, (_, convert) in columns.items()}
        self._schema = pa.schema([(name, kind) for name, (kind, _) in columns.items()])

    @override
    def get_batches(self, records: Iterator[dict[str, Any]]) -> Iterator[list[str]]:
        """Write a file for each batch, and yield its URL."""
        import pyarrow as pa  # noqa: PLC0415 - as above
        from pyarrow import parquet  # noqa: PLC0415 - as above

        config, storage = self.batch_config, self.batch_config.storage
        sync = f"{storage.prefix or ''}{self.tap_name}--{self.stream_name}-{uuid4()}"
        compression = "gzip" if config.encoding.compression == "gzip" else "snappy"
        try:
            for number, chunk in enumerate(lazy_chunked_generator(records, config.batch_size), 1):
                rows = list(chunk)
                columns = [
                    pa.array(self._column(name, rows), kind)
                    for name, kind in zip(self._schema.names, self._schema.types, strict=True)
                ]
                table = pa.table(columns, schema=self._schema)
                name = f"{sync}-{number}.parquet"
                with storage.open(name, "wb") as file:
                    parquet.write_table(table, file, compression=compression)
                yield [storage.get_url(name)]
        finally:
            for name, count in (+self._too_long).items():
                logger.warning(_TOO_LONG, self.stream_name, name, count)

    def _column(self, name: str, rows: list[dict[str, Any]]) -> list[Any]:
        convert = self._converters[name]
        values = [convert(row.get(name)) for row in rows]
        missing = sum(row.get(name) is None for row in rows)
        self._too_long[name] += values.count(None) - missing
        return values


def _column(pa: Any, prop: Mapping[str, Any]) -> tuple[pa.DataType, Callable[[Any], Any]]:  # noqa: ANN401
    """Find the type of a column, and the function that converts its values."""
    named = prop.get("type", ())
    kinds = {named} if isinstance(named, str) else set(named)
    kinds.discard("null")
    if kinds == {"string"}:
        if prop.get("format") == "date-time":
            return pa.timestamp("us", tz="UTC"), _moment
        return pa.string(), _same
    if kinds == {"number"}:
        return pa.decimal128(_DIGITS, _DECIMALS), _number
    if kinds == {"integer"}:
        return pa.int64(), _integer
    if kinds == {"boolean"}:
        return pa.bool_(), _same
    return pa.string(), _text


def _same(value: Any) -> Any:  # noqa: ANN401 - of the type that the schema says
    return value


def _moment(value: str | None) -> datetime | None:
    return None if value is None else parse_moment(value)


def _number(value: Decimal | int | None) -> Decimal | None:
    """Bring a number to nine decimals; null if it has more than 29 digits before them."""
    if value is None:
        return None
    try:
        return Decimal(value).quantize(_UNIT, context=_ROUNDING)
    except InvalidOperation:
        return None


def _integer(value: int | None) -> int | None:
    return value if value is None or value in _INTEGERS else None


def _text(value: Any) -> str | None:  # noqa: ANN401 - anything that JSON has
    """Write text as it is, and all other values as JSON."""
    return value if value is None or isinstance(value, str) else encode(value).decode()
