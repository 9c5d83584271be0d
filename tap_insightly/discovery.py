"""Which streams there are: asked of the account, or read from a catalog."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from tap_insightly.api import NotAvailableError, Prefetcher
from tap_insightly.api.records.definitions import definitions_of
from tap_insightly.custom_fields import CustomField, shortened
from tap_insightly.streams import STREAMS, CustomObjectStream
from tap_insightly.sync.account import custom_object_names, standard_objects_with_custom_fields

if TYPE_CHECKING:
    import logging
    from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
    from concurrent.futures import Future

    from singer_sdk.singerlib import Catalog, CatalogEntry

    from tap_insightly.api import InsightlySession, Response
    from tap_insightly.streams import InsightlyStream, StreamsTap
    from tap_insightly.sync.account import Account

(CUSTOM_KEY,) = CustomObjectStream.primary_keys
_CLASSES = {stream.name: stream for stream in STREAMS}


def discovered(
    tap: StreamsTap,
    session: InsightlySession,
    account: Account,
    wanted: Collection[str] = (),
) -> Iterator[InsightlyStream]:
    """Make the streams of an account for a tap, with its custom fields and custom objects.

    Costs one request for each object that can have custom fields, and one for the custom objects,
    which `account` takes over. If only standard objects are `wanted`, the fields of others are not
    asked for, and their streams lack them.
    """
    owners = standard_objects_with_custom_fields()
    names: Sequence[str] = ()
    is_standard = bool(wanted) and set(wanted) <= set(_CLASSES)
    if is_standard:
        asked_for = {_CLASSES[name].custom_fields_for for name in wanted}
        owners = [owner for owner in owners if owner in asked_for]
    with Prefetcher(session) as prefetcher:
        if not is_standard:
            names = custom_object_names(prefetcher.ask("/CustomObjects"))
            account.custom_object_names = names
        asked = {name: prefetcher.ask(f"/CustomFields/{name}") for name in [*owners, *names]}
        fields = {name: _fields(tap.logger, name, response) for name, response in asked.items()}
    cut: list[str] = []
    for stream in _new_streams(tap, names, fields):
        cut += _shortened(stream)
        yield stream
    if cut:
        tap.logger.warning(
            "Names of columns that are longer than %d bytes (max_column_name_bytes) were "
            "shortened: %s. Their descriptions have the full names.",
            tap.config["max_column_name_bytes"],
            ", ".join(cut),
        )


def _new_streams(
    tap: StreamsTap, objects: Iterable[str], fields: Mapping[str, Sequence[CustomField]]
) -> Iterator[InsightlyStream]:
    for stream in STREAMS:
        yield stream(tap, custom_fields=fields.get(stream.custom_fields_for or "", ()))
    taken = set(_CLASSES)
    for object_name in objects:
        name = _stream_name(object_name, taken)
        taken.add(name)
        yield CustomObjectStream(tap, None, fields[object_name], name=name, object_name=object_name)


def _shortened(stream: InsightlyStream) -> Iterator[str]:
    properties, most_bytes = stream.schema["properties"], stream.config["max_column_name_bytes"]
    for field, column in shortened(properties, most_bytes).items():
        yield f"{field} of {stream.name} is {column}"


def catalogued(tap: StreamsTap, catalog: Catalog) -> Iterator[InsightlyStream]:
    """Make the streams that a catalog holds, with its schemas, without asking the API anything."""
    for name, entry in catalog.items():
        schema: dict[str, Any] = entry.schema.to_dict()
        if name in _CLASSES:
            yield _CLASSES[name](tap, schema)
        elif _is_custom_object(entry):
            object_name = entry.schema.title or name  # paths are not case-sensitive (seen live)
            yield CustomObjectStream(tap, schema, name=name, object_name=object_name)
        else:
            tap.logger.warning(
                "The catalog holds a stream that this tap does not have: %s. It is left out.", name
            )


def _is_custom_object(entry: CatalogEntry) -> bool:
    """Tell by what is left of it, as people edit catalogs, whether an entry is a custom object."""
    root = entry.metadata.root
    keys = {*(entry.key_properties or ()), *(root.table_key_properties or ())}
    return CUSTOM_KEY in {*keys, *(entry.schema.properties or ())}


def _fields(logger: logging.Logger, object_name: str, asked: Future[Response]) -> list[CustomField]:
    try:
        response = asked.result()
    except NotAvailableError as error:
        # Most likely the plan leaves the object out. If not, the sync warns of unknown fields.
        logger.info("%s has no custom fields in the catalog: %s", object_name, error)
        return []
    definitions = definitions_of(object_name, response.records)
    return [field for field in map(CustomField.parse, definitions) if field]


def _stream_name(object_name: str, taken: set[str]) -> str:
    name, number = object_name.lower(), 1
    while name in taken:
        number += 1
        name = f"{object_name.lower()}_{number}"
    return name
