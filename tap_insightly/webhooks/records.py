"""The record of a delivery, typed as the tap types records."""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING, Any

from tap_insightly.conversion_warnings import ConversionWarnings
from tap_insightly.openapi import COMPONENTS
from tap_insightly.values import converter
from tap_insightly.webhooks.dates import rewritten
from tap_insightly.webhooks.events import read

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    Schema = Mapping[str, Any]

_REFERENCE = "$ref"
_ANYTHING: Schema = {}


def typed_record(body: bytes) -> dict[str, Any]:
    """Give the record of a delivery, with the types that the tap gives its fields.

    Fields that came, and no others, in their order. Those that no document knows are as they came,
    but for dates. What is not of the type of its field is null, as in the tap.

    Args:
        body: The delivery as it came.

    Returns:
        Values by field.

    Raises:
        RejectedError: If it cannot be understood.
    """
    delivery = read(body)
    schemas, converters, warnings = _converters(delivery.kind.component)
    row = {}
    for name, value in delivery.record.items():
        plain = _with_dates(value, schemas.get(name, _ANYTHING))
        convert = converters.get(name)
        if convert is not None and plain is not None:
            plain = warnings.attempt(name, convert, plain)
        row[name] = plain
    warnings.unknown.clear()  # nobody asks for them, and there is no end to their names
    return row


def _with_dates(value: Any, schema: Schema) -> Any:  # noqa: ANN401 - anything that JSON can be
    """Rewrite the dates, but not a text that happens to look like one."""
    if isinstance(value, str):
        is_text = schema.get("type") in _TEXTS and "format" not in schema
        return value if is_text else rewritten(value)
    if isinstance(value, list):
        items = schema.get("items", _ANYTHING)
        return [_with_dates(one, items) for one in value]
    if isinstance(value, dict):
        properties = schema.get("properties", _ANYTHING)
        return {
            name: _with_dates(one, properties.get(name, _ANYTHING)) for name, one in value.items()
        }
    return value


_TEXTS = ("string", ["string", "null"])


@cache
def _converters(
    component: str,
) -> tuple[Mapping[str, Schema], Mapping[str, Callable[[Any], Any]], ConversionWarnings]:
    warnings = ConversionWarnings()
    schemas = _resolved(COMPONENTS[component])["properties"]
    converters = {name: converter(one, name, warnings) for name, one in schemas.items()}
    return schemas, converters, warnings


def _resolved(schema: Any) -> Any:  # noqa: ANN401 - a schema, or a part of it
    """Put the components where a schema refers to them."""
    if isinstance(schema, list):
        return [_resolved(one) for one in schema]
    if not isinstance(schema, dict):
        return schema
    if _REFERENCE in schema:
        return _resolved(COMPONENTS[schema[_REFERENCE].rpartition("/")[2]])
    return {name: _resolved(one) for name, one in schema.items()}
