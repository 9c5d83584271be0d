"""Catalogs as people edit them: brought into form, or refused in a sentence."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING, Any

from tap_insightly.files import kind_of

if TYPE_CHECKING:
    from collections.abc import Mapping

_TYPES = {"array", "boolean", "integer", "null", "number", "object", "string"}
_INCLUSIONS = {"available", "automatic", "unsupported"}
_WORDS = {"true": True, "1": True, "yes": True, "false": False, "0": False, "no": False}
_TEXTS = ("stream", "replication_key", "replication_method")
_METADATA_TEXTS = ("replication-key", "forced-replication-method")
_SCHEMA_TEXTS = ("title", "description", "format")


def normalize_catalog(content: Any) -> dict[str, Any]:  # noqa: ANN401 - anything that JSON can be
    """Bring a catalog into the form that the SDK expects; raise a ValueError if that cannot be."""
    if not isinstance(content, dict) or "streams" not in content:
        msg = f'found {kind_of(content)}; accepted is an object with "streams"'
        raise ValueError(msg)
    entries = _expect_list(content["streams"], "streams")
    streams = [_entry(entry, f"stream {number}") for number, entry in enumerate(entries, 1)]
    counts = Counter(stream["tap_stream_id"] for stream in streams)
    for name, count in counts.items():
        if count > 1:
            msg = f"stream {name} is in it {count} times; leave one"
            raise ValueError(msg)
    return {"streams": streams}


def _entry(entry: object, where: str) -> dict[str, Any]:
    given = _expect_object(entry, where)
    name = given.get("tap_stream_id") or given.get("stream")
    if not isinstance(name, str) or not name:
        msg = f"{where} has no name in tap_stream_id"
        raise ValueError(msg)
    where = f"stream {name}"
    result = {**given, "tap_stream_id": name}
    for part in _TEXTS:
        result[part] = _expect_text(given.get(part), f"{part} of {where}")
    result["key_properties"] = _expect_names(
        given.get("key_properties"), f"key_properties of {where}"
    )
    result["schema"] = schema = _schema(given.get("schema"), f"the schema of {where}")
    if "object" not in schema.get("type", "object"):
        msg = f"the schema of {where} is of type {schema['type']}, where object belongs"
        raise ValueError(msg)
    metadata = _metadata(given.get("metadata"), where)
    if () not in metadata:  # old catalogs say it outside of the metadata
        is_selected = _expect_boolean(given.get("selected"), f"selected of {where}")
        metadata[()] = {"selected": is_selected is not False}
    result["metadata"] = [
        {"breadcrumb": list(breadcrumb), "metadata": values}
        for breadcrumb, values in metadata.items()
    ]
    return result


def _metadata(items: object, where: str) -> dict[tuple[str, ...], dict[str, Any]]:
    result: dict[tuple[str, ...], dict[str, Any]] = {}
    for item in _expect_list(items, f"the metadata of {where}"):
        given = _expect_object(item, f"an item in the metadata of {where}")
        breadcrumb = _breadcrumb(given.get("breadcrumb"), where)
        result.setdefault(breadcrumb, {}).update(
            _entry_metadata(given.get("metadata"), breadcrumb, where)
        )
    return result


def _breadcrumb(given: object, where: str) -> tuple[str, ...]:
    """Read whether it is about the stream, or about a property."""
    if given is None or given in ("", []):
        return ()
    parts = tuple(given) if isinstance(given, list) else ()
    is_property = len(parts) > 1 and parts[0] == "properties"
    if not is_property or not all(isinstance(part, str) for part in parts):
        msg = (
            f"the metadata of {where} has a breadcrumb {given!r}; accepted is [] for the stream, "
            'and a list such as ["properties", "DATE_UPDATED_UTC"] for a property'
        )
        raise ValueError(msg)
    return parts


def _entry_metadata(given: object, breadcrumb: tuple[str, ...], where: str) -> dict[str, Any]:
    where = f"{breadcrumb[-1]} in {where}" if breadcrumb else where
    values = dict(_expect_object({} if given is None else given, f"the metadata of {where}"))
    for name in ("selected", "selected-by-default"):
        if name in values:
            values[name] = _expect_boolean(values[name], f"{name} of {where}")
    for name in _METADATA_TEXTS:
        if name in values:
            values[name] = _expect_text(values[name], f"{name} of {where}")
    if "table-key-properties" in values:
        keys = values["table-key-properties"]
        values["table-key-properties"] = _expect_names(keys, f"table-key-properties of {where}")
    inclusion = _expect_text(values.get("inclusion"), f"inclusion of {where}")
    if inclusion is not None:
        values["inclusion"] = inclusion.strip().lower()
        if values["inclusion"] not in _INCLUSIONS:
            msg = f"inclusion of {where} is {inclusion!r}; accepted is {_or(_INCLUSIONS)}"
            raise ValueError(msg)
    return values


def _schema(given: object, where: str) -> dict[str, Any]:
    """Read the schema of a stream, or of something inside it."""
    if given is None or given is True:
        return {}  # anything may be there
    schema = dict(_expect_object(given, where))
    if "type" in schema:
        schema["type"] = _type(schema["type"], where)
        if schema["type"] is None:
            del schema["type"]
    for name in _SCHEMA_TEXTS:
        if name in schema and _expect_text(schema[name], f"{name} in {where}") is None:
            del schema[name]
    if (properties := schema.pop("properties", None)) is not None:
        schema["properties"] = {
            name: _schema(prop, f"property {name} in {where}")
            for name, prop in _expect_object(properties, f"properties in {where}").items()
        }
    if (items := schema.pop("items", None)) is not None:
        schema["items"] = _schema(items, f"items in {where}")
    return schema


def _type(given: object, where: str) -> str | list[str] | None:
    names = given if isinstance(given, list) else [given]
    found = [name if isinstance(name, str) else "null" for name in names if name in (None, *_TYPES)]
    if len(found) < len(names):
        msg = f"type in {where} is {given!r}; accepted is {_or(_TYPES)}, or a list of these"
        raise ValueError(msg)
    if isinstance(given, list):
        return list(dict.fromkeys(found)) or None
    return None if given is None else found[0]


def _expect_names(given: object, where: str) -> list[str] | None:
    names = [given] if isinstance(given, str) else given
    if names is None:
        return None
    if not isinstance(names, list) or not all(isinstance(name, str) and name for name in names):
        msg = f"{where}: found {given!r}, where a list of names belongs"
        raise ValueError(msg)
    return names


def _expect_boolean(given: object, where: str) -> bool | None:
    if given is None or isinstance(given, bool):
        return given
    word = str(given).strip().lower() if isinstance(given, str | int) else ""
    if word not in _WORDS:
        msg = f"{where} is {given!r}; accepted is true or false"
        raise ValueError(msg)
    return _WORDS[word]


def _expect_text(given: object, where: str) -> str | None:
    if given is not None and not isinstance(given, str):
        msg = f"{where} is {kind_of(given)}, where a text belongs"
        raise ValueError(msg)
    return given


def _expect_list(given: object, where: str) -> list[Any]:
    if given is None:
        return []
    if not isinstance(given, list):
        msg = f"{where}: found {kind_of(given)}, where a list belongs"
        raise ValueError(msg)  # noqa: TRY004 - to the caller it is one failure
    return given


def _expect_object(given: object, where: str) -> Mapping[str, Any]:
    if not isinstance(given, dict):
        msg = f"{where}: found {kind_of(given)}, where an object belongs"
        raise ValueError(msg)  # noqa: TRY004 - as above
    return given


def _or(words: set[str]) -> str:
    *first, last = sorted(words)
    return f"{', '.join(first)} or {last}"
