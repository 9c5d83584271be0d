"""What dlt is told of a stream: its key, and of its columns what Arrow does not say."""

from __future__ import annotations

import logging
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from dlt.common.libs.pyarrow import py_arrow_to_table_schema_columns

from tap_insightly.tombstone import DELETED_AT
from tap_insightly.values import types_of

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    import pyarrow as pa
    from dlt.common.schema.typing import TColumnSchema

    from tap_insightly.streams import InsightlyStream

Normalize = Callable[[str], str]

logger = logging.getLogger("tap-insightly")


@dataclass(frozen=True)
class Table:
    """A stream as a table of dlt."""

    name: str
    """The name of the resource, which is that of the stream."""
    renamed: Mapping[str, str]
    """The names of columns that would not be the only ones of their name in a destination."""
    columns: dict[str, TColumnSchema]
    primary_key: list[str]
    description: str


def table_of(stream: InsightlyStream, normalize: Normalize) -> Table:
    """Describe a stream. `normalize` makes the names that columns have in the destination."""
    properties: Mapping[str, Mapping[str, Any]] = stream.schema["properties"]
    renamed = renamed_columns(properties, normalize)
    for name, column in renamed.items():
        logger.warning(
            "%s: %s would be the same column as another one (%s), so it is %s.",
            stream.name,
            name,
            normalize(name),
            column,
        )
    date = stream.replication_key
    hints = {
        renamed.get(name, name): _hint(prop, is_newest_kept=name == date)
        for name, prop in properties.items()
    }
    if DELETED_AT in hints:
        # Tombstones remove their rows; of a table that keeps versions, they are the last one.
        hints[DELETED_AT]["hard_delete"] = True
    return Table(
        name=stream.name,
        renamed=renamed,
        columns=hints,
        primary_key=[renamed.get(key, key) for key in stream.primary_keys],
        description=str(stream.schema.get("description", "")),
    )


def renamed_columns(names: Iterable[str], normalize: Normalize) -> dict[str, str]:
    """Find other names for columns whose own would become that of another column.

    Standard fields come first and keep theirs. For dlt all letters that are not ASCII are the
    same: ``Größe__c`` and ``Gräße__c`` are ``gr_e__c``.
    """
    taken: set[str] = set()
    renamed: dict[str, str] = {}
    waiting: list[str] = []
    for name in names:
        column = normalize(name)
        if column in taken:
            waiting.append(name)
        taken.add(column)
    for name in waiting:
        number = 2
        while normalize(f"{name}_{number}") in taken:
            number += 1
        renamed[name] = f"{name}_{number}"
        taken.add(normalize(renamed[name]))
    return renamed


def variants(
    table: Table, schema: pa.Schema, known: Mapping[str, TColumnSchema], normalize: Normalize
) -> dict[str, TColumnSchema]:
    """Find the columns whose type is another one than the destination has.

    As a custom field that became a number: its values go into a column beside the old one, which
    is called as dlt calls it (``size__c__v_decimal``). Otherwise the load would fail, for ever.

    Args:
        table: The stream.
        schema: Its types now.
        known: The columns that the destination has.
        normalize: Makes the names of columns.

    Returns:
        What dlt has to know of the new columns, by the names of the columns of the stream.
    """
    found: dict[str, TColumnSchema] = {}
    for name, column in py_arrow_to_table_schema_columns(schema).items():
        own = table.renamed.get(name, name)
        kind = table.columns[own].get("data_type") or column["data_type"]
        was = known.get(normalize(own), {}).get("data_type")
        if was is not None and was != kind:
            found[name] = {**table.columns[own], "name": f"{own}__v_{kind}", "data_type": kind}
    return found


def _hint(prop: Mapping[str, Any], *, is_newest_kept: bool) -> TColumnSchema:
    hint: TColumnSchema = {}
    if description := prop.get("description"):
        hint["description"] = description
    if {"array", "object"} & types_of({"type": "object", **prop}):
        hint["data_type"] = "json"
    if is_newest_kept:
        # Of a record that was read twice, as it was changed meanwhile, the newer one counts.
        hint["dedup_sort"] = "desc"
    return hint
