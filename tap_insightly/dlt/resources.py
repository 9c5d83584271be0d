"""The resources of a source: each one stream, all of one reading."""

from __future__ import annotations

import logging
import threading
from typing import TYPE_CHECKING, Any, ClassVar, NamedTuple

import dlt
from dlt.extract.items import DataItemWithMeta
from dlt.extract.items_transform import ItemTransform
from typing_extensions import override

from tap_insightly.api import InsightlyError
from tap_insightly.dlt.columns import Table, variants
from tap_insightly.dlt.reading import STATE, Progress, Reading

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, MutableMapping

    import pyarrow as pa
    from dlt.extract import DltResource, DltSource


REPLACE = "replace"

logger = logging.getLogger("tap-insightly")
_dlt_logger = logging.getLogger("dlt")


class _NoJsonWarning(logging.Filter):
    """Keeps dlt from warning, of every table, that JSON comes as text: so it is meant."""

    @override
    def filter(self, record: logging.LogRecord) -> bool:
        return "when merging arrow schema with dlt schema, several" not in str(record.msg)


class Readings:
    """What the resources of a source share: of each extraction, the reading."""

    def __init__(self, config: Mapping[str, Any], catalog: Mapping[str, Any]) -> None:
        """Begin with none."""
        if not any(isinstance(one, _NoJsonWarning) for one in _dlt_logger.filters):
            _dlt_logger.addFilter(_NoJsonWarning())
        self._config = config
        self._catalog = catalog
        self._lock = threading.Lock()
        self._reading: Reading | None = None

    def resource(self, table: Table, *, is_selected: bool) -> DltResource:
        """Make the resource of a stream."""

        def read() -> Iterator[Any]:
            yield from self._items(table)

        resource: DltResource = dlt.resource(
            read,
            name=table.name,
            write_disposition="merge",
            primary_key=table.primary_key,
            columns=table.columns,
            selected=is_selected,
        )
        if table.description:
            resource.apply_hints(additional_table_hints={"description": table.description})
        resource.add_step(_KeepProgress())
        return resource

    def _items(self, table: Table) -> Iterator[Any]:
        """Read the stream of a resource, as dlt takes it."""
        state, name = dlt.current.source_state(), dlt.current.resource_name()
        source = dlt.current.source()
        is_replaced = _is_replaced(source.resources[name])
        is_new = STATE not in state.get("resources", {}).get(name, {})
        reading = self._reading_of(source, state, table.name, name)
        renamed = _names(source, source.resources[name], table, reading.schema_of(table.name))
        for part in reading.parts(table.name, name):
            if part is None:
                yield None
                continue
            progress, found = part.progress, part.table
            if is_replaced and progress.is_whole is False:
                _check_replaced(source, name, progress.reason)
            if found is None and is_new and progress.is_whole:
                # So that there is a table to be asked for what is in it.
                found = reading.schema_of(table.name).empty_table()
            if found is None:
                progress.keep_in(state)
            else:
                is_new = False
                yield DataItemWithMeta(_Mark(progress, state), _named(found, renamed))

    def _reading_of(
        self, source: DltSource, state: MutableMapping[str, Any], stream_name: str, resource: str
    ) -> Reading:
        with self._lock:
            reading = self._reading
            if reading is None or not reading.takes(state, stream_name):
                names = {resource.name for resource in source.resources.extracted}
                reading = Reading(self._config, self._catalog, state, names)
                self._reading = reading
            reading.begin(stream_name, resource)
            return reading


class _Mark(NamedTuple):
    """Goes with a table through the steps of a resource."""

    progress: Progress
    state: MutableMapping[str, Any]


class _KeepProgress(ItemTransform[Any, dict[str, Any]]):
    """Keeps how far a stream was read, once a table has passed all other steps.

    Not where tables are made: what is made in threads may be dropped yet, as by a limit.
    """

    placement_affinity: ClassVar[float] = 1.5  # behind dlt's own limit (1.1), before forks (2)

    def __init__(self) -> None:
        super().__init__(self.__call__)

    @override
    def __call__(self, item: Any, meta: object = None) -> Any:
        if isinstance(meta, _Mark):
            meta.progress.keep_in(meta.state)
        return item


def _is_replaced(resource: DltResource) -> bool:
    disposition = resource.write_disposition
    if isinstance(disposition, dict):
        disposition = disposition["disposition"]
    return bool(disposition == REPLACE)


def _check_replaced(source: DltSource, resource: str, reason: str | None) -> None:
    """Refuse to replace a table by a part of what is there.

    Raises:
        InsightlyError: If there is such a table; where there never was one, nothing can be lost.
    """
    seen = source.schema.data_tables(seen_data_only=True)
    if reason is not None or any(table.get("resource") == resource for table in seen):
        msg = (
            f"{resource}: not read to its end, so the table that it would replace is left as it "
            f"is, and nothing is loaded. {reason or 'The log says why.'}"
        )
        raise InsightlyError(msg)


def _names(
    source: DltSource, resource: DltResource, table: Table, schema: pa.Schema
) -> Mapping[str, str]:
    """Find other names for columns that cannot have theirs in the destination."""
    normalize = source.schema.naming.normalize_path
    there: Mapping[str, Any] = source.schema.tables.get(normalize(str(resource.table_name)), {})
    others = variants(table, schema, there.get("columns", {}), normalize)
    if others:
        named = {str(column["name"]): column for column in others.values()}
        resource.apply_hints(columns=named)
        logger.warning(
            "%s: of another type than the destination has, and now in columns of their own: %s.",
            resource.name,
            ", ".join(f"{name} ({column['name']})" for name, column in others.items()),
        )
    return {**table.renamed, **{name: str(column["name"]) for name, column in others.items()}}


def _named(found: pa.Table, renamed: Mapping[str, str]) -> pa.Table:
    if not renamed:
        return found
    return found.rename_columns([renamed.get(name, name) for name in found.column_names])
