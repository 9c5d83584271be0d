"""Custom fields: the definitions of an account become typed, described columns."""

from __future__ import annotations

from copy import deepcopy
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any
from zlib import crc32

from tap_insightly.openapi.field_types import MANY, value_schema
from tap_insightly.openapi.objects import CUSTOM_FIELDS

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

# Other fields, such as calculated ones, keep whatever scalar the API sends.
_ANY = {"type": ["string", "number", "boolean", "null"]}


@dataclass(frozen=True)
class CustomField:
    """The definition of a custom field, as far as a column needs it."""

    name: str
    owner: str
    type: str
    label: str
    help: str

    @classmethod
    def parse(cls, definition: Mapping[str, Any]) -> CustomField | None:
        """Read an answer of ``GET /CustomFields/{object}``; None if it has no name."""
        name = definition.get("FIELD_NAME")
        if not isinstance(name, str) or not name:
            return None
        texts = {
            part: str(definition.get(key) or "").strip()
            for part, key in (
                ("owner", "FIELD_FOR"),
                ("type", "FIELD_TYPE"),
                ("label", "FIELD_LABEL"),
                ("help", "FIELD_HELP_TEXT"),
            )
        }
        return cls(name=name, **texts)

    def schema(self, column: str) -> dict[str, Any]:
        """Write the JSON schema of the column.

        Its title is the name of the field: a sync with only the catalog finds the values by it.
        """
        label = self.label or self.name
        end = "" if label[-1] in ".!?" else "."
        is_shortened = not column.startswith(self.name)
        full = f" In Insightly it is called {self.name}." if is_shortened else ""
        return {
            **_column(value_schema(self.type)),
            "title": self.name,
            "description": f"{label}{end} {self.help}".strip() + full,
        }


def _column(value: Mapping[str, Any]) -> Mapping[str, Any]:
    if not value:
        return _ANY
    if value.get("x-options") == MANY:
        return {"type": ["array", "null"], "items": {"type": "string"}}
    kinds = [value["type"]] if isinstance(value["type"], str) else value["type"]
    shape = {"format": value["format"]} if "format" in value else {}
    return {"type": [*kinds, "null"], **shape}


def add_columns(
    properties: dict[str, Any], fields: Iterable[CustomField], most_bytes: int = 0
) -> None:
    """Give each custom field a column.

    A column has the name of its field. Warehouses ignore case, so if the name is taken in any
    case, a number is added: ``Hobby__c``, ``hobby__c_2``.

    A name of more than `most_bytes` is cut, and ends in a checksum of the whole name. So no field
    that is made later can change it. 0 is no limit.
    """
    taken = {name.casefold() for name in properties}
    short: list[CustomField] = []
    long: list[CustomField] = []
    for field in sorted(fields, key=lambda field: (field.name.casefold(), field.name)):
        (long if 0 < most_bytes < len(field.name.encode()) else short).append(field)
    for field in [*short, *long]:  # names that fit go first
        column, number = _fitted(field.name, "", most_bytes), 1
        while column.casefold() in taken:
            number += 1
            column = _fitted(field.name, f"_{number}", most_bytes)
        taken.add(column.casefold())
        properties[column] = field.schema(column)


def _fitted(name: str, end: str, most_bytes: int) -> str:
    """Shorten a name to so many bytes; only by rare chance do two become the same."""
    if not 0 < most_bytes < len((name + end).encode()):
        return name + end
    end = f"_{crc32((name + end).encode()):08x}"[:most_bytes]
    # The decoder drops what is left of a character that is cut.
    return name.encode()[: most_bytes - len(end)].decode(errors="ignore") + end


def shortened(properties: Mapping[str, Any], most_bytes: int) -> dict[str, str]:
    """Find the columns whose names were shortened, by the names of their fields."""
    titles = {schema.get("title") or column: column for column, schema in properties.items()}
    return {
        name: column
        for name, column in titles.items()
        if name != column and 0 < most_bytes < len(name.encode())
    }


def columns_of(properties: Mapping[str, Any], standard: Iterable[str]) -> dict[str, str]:
    """Find the columns of custom fields in a schema, by the names of the fields."""
    known = set(standard)
    return {
        (schema.get("title") or column): column
        for column, schema in properties.items()
        if column not in known
    }


def with_custom_fields(
    standard: Mapping[str, Any], fields: Iterable[CustomField], how: str, most_bytes: int = 0
) -> dict[str, Any]:
    """Add the custom fields of an object to its schema, as the setting `custom_fields` says."""
    schema = deepcopy(dict(standard))
    properties = schema["properties"]
    raw = properties.pop(CUSTOM_FIELDS, None)
    if how != "array":
        add_columns(properties, fields, most_bytes)
    if how != "columns" and raw is not None:
        properties[CUSTOM_FIELDS] = raw
    return schema
