"""Files of BATCH messages as tables: Parquet or Arrow, typed by the catalog.

The SDK's own encoders let pyarrow guess the types of each file from its records. It fails on
numbers with and without decimals in one column, and on columns of several types; and a column that
is empty in one file gets another type than in the next.
"""

from __future__ import annotations

from typing import IO, TYPE_CHECKING
from uuid import uuid4

import pyarrow as pa
from pyarrow import parquet

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from singer_sdk.helpers._batch import BatchConfig


class TableBatcher:
    """Writes the tables of a stream to files, all of the same schema."""

    def __init__(
        self, tap_name: str, stream_name: str, batch_config: BatchConfig, schema: pa.Schema
    ) -> None:
        """Begin with no file."""
        self._name = f"{tap_name}--{stream_name}-{uuid4()}"
        self._config = batch_config
        self._schema = schema

    def get_batches(self, tables: Iterable[pa.Table]) -> Iterator[list[str]]:
        """Write a file for as many rows as a batch has, and yield its URL."""
        storage, kind = self._config.storage, self._config.encoding.format
        write = _write_parquet if kind == "parquet" else _write_arrow
        for number, table in enumerate(self._batches(tables), 1):
            name = f"{storage.prefix or ''}{self._name}-{number}.{kind}"
            with storage.open(name, "wb") as file:
                write(table, file, self._config.encoding.compression)
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
        whole = pa.concat_tables(tables, promote_options="default")
        return pa.table(whole.columns, schema=self._schema)


def _write_parquet(table: pa.Table, file: IO[bytes], compression: str | None) -> None:
    kind = "gzip" if compression == "gzip" else "snappy"
    parquet.write_table(table, file, compression=kind)


def _write_arrow(table: pa.Table, file: IO[bytes], _: str | None) -> None:
    # What the SDK's targets read it with knows no compression.
    with pa.ipc.new_file(file, table.schema) as writer:
        writer.write_table(table)
