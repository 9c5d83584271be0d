"""Parquet files of BATCH messages, typed by the catalog.

The SDK's own encoder lets pyarrow guess the types of each file from its records. It fails on
numbers with and without decimals in one column, and on columns of several types; and a column that
is empty in one file gets another type than in the next.
"""

from __future__ import annotations

from typing import TYPE_CHECKING
from uuid import uuid4

import pyarrow as pa
from pyarrow import parquet

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from singer_sdk.helpers._batch import BatchConfig


class ParquetBatcher:
    """Writes the tables of a stream to Parquet files, all of the same schema."""

    def __init__(
        self, tap_name: str, stream_name: str, batch_config: BatchConfig, schema: pa.Schema
    ) -> None:
        """Begin with no file."""
        self._name = f"{tap_name}--{stream_name}-{uuid4()}"
        self._config = batch_config
        self._schema = schema

    def get_batches(self, tables: Iterable[pa.Table]) -> Iterator[list[str]]:
        """Write a file for as many rows as a batch has, and yield its URL."""
        storage = self._config.storage
        compression = "gzip" if self._config.encoding.compression == "gzip" else "snappy"
        for number, table in enumerate(self._batches(tables), 1):
            name = f"{storage.prefix or ''}{self._name}-{number}.parquet"
            with storage.open(name, "wb") as file:
                parquet.write_table(table, file, compression=compression)
            yield [storage.get_url(name)]

    def _batches(self, tables: Iterable[pa.Table]) -> Iterator[pa.Table]:
        """Put tables together, and cut them where a batch is full."""
        size, waiting, count = self._config.batch_size, [self._schema.empty_table()], 0
        for table in tables:
            waiting.append(table)
            count += table.num_rows
            if count < size:
                continue
            rows = self._joined(waiting)
            while rows.num_rows >= size:
                yield rows.slice(0, size)
                rows = rows.slice(size)
            waiting, count = [self._schema.empty_table(), rows], rows.num_rows
        if count:
            yield self._joined(waiting)

    def _joined(self, tables: list[pa.Table]) -> pa.Table:
        """Put tables together; what one lacks is null."""
        return pa.concat_tables(tables, promote_options="default")
