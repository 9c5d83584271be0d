"""What a catalog has to say of a stream, however it was edited: keys are always read."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from singer_sdk.singerlib import Schema
from singer_sdk.singerlib.catalog import Metadata

from tap_insightly.api import UsageError
from tap_insightly.values import converter

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence

    from singer_sdk.singerlib import CatalogEntry

_SAMPLES = {"integer": 1, "number": 1, "boolean": True, "string": "x"}
_DATE = "2026-01-31 08:00:00"


def complete(
    entry: CatalogEntry,
    standard: Mapping[str, Any],
    own_key: Sequence[str],
    replication_key: str | None,
) -> Iterator[str]:
    """Give the entry of a stream what it lacks, and say in sentences what of it is not taken over.

    `standard` is the schema of the stream's standard fields, `own_key` what identifies a record to
    the API, and `replication_key` the property that the stream is read by, if it is not read whole.

    Raises:
        UsageError: If the entry asks for a key that the stream does not have.
    """
    name = entry.tap_stream_id
    if entry.stream not in {None, name}:
        yield (
            f"the catalog calls it '{entry.stream}' (stream), but it is sent as '{name}' "
            "(tap_stream_id). To rename it, use stream_maps with __alias__."
        )
    entry.stream = name
    if not entry.schema.properties:  # which says nothing, so all counts that there is
        entry.schema = Schema.from_dict(dict(standard))
    entry.key_properties = list(_keys(entry, own_key))
    needed = [*own_key, *entry.key_properties, *([replication_key] if replication_key else [])]
    yield from _add_properties(entry, standard["properties"], needed)
    for prop in needed:
        entry.metadata["properties", prop] = Metadata(inclusion=Metadata.InclusionType.AUTOMATIC)


def _keys(entry: CatalogEntry, own_key: Sequence[str]) -> Sequence[str]:
    """Find the key that a target is to go by, of which the catalog may say nothing."""
    said = entry.key_properties, entry.metadata.root.table_key_properties
    if said == (None, None):
        return own_key
    return said[0] or said[1] or ()


def _add_properties(
    entry: CatalogEntry, standard: Mapping[str, Any], names: Iterable[str]
) -> Iterator[str]:
    properties = entry.schema.properties or {}
    missing: dict[str, Schema] = {}
    for name in dict.fromkeys(names):
        own, given = standard.get(name), properties.get(name)
        if given is not None:
            if own is not None and not _holds(given.to_dict(), own):
                yield (
                    f"{name} cannot be of the type that the catalog says, because it is a key; it "
                    f"is read as {own['type']}."
                )
                properties[name] = Schema.from_dict(own)
        elif own is not None:
            missing[name] = Schema.from_dict(own)
        else:
            msg = (
                f"The catalog has '{name}' as a key of stream {entry.tap_stream_id}, which has no "
                "such property. Correct key_properties, or discover the catalog again."
            )
            raise UsageError(msg)
    entry.schema.properties = {**missing, **properties}


def _holds(given: Mapping[str, Any], own: Mapping[str, Any]) -> bool:
    """Tell whether the values of a key can be kept under another schema."""
    types = given.get("type", "string")
    if set([types] if isinstance(types, str) else types) <= {"null"}:
        return False
    kinds = own["type"]
    kind = next(one for one in ([kinds] if isinstance(kinds, str) else kinds) if one != "null")
    is_date = own.get("format") == "date-time"
    value = _DATE if is_date else _SAMPLES[kind]
    try:
        kept = converter(given)(value)
        return kept is not None and (not is_date or kept == converter(own)(value))
    except ValueError:
        return False
