"""Which field each property of a stream is written to."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from tap_insightly.api import Field
from tap_insightly.api.records.requests import PARENT_ID, PARENT_TYPE
from tap_insightly.api.records.stages import STAGE
from tap_insightly.openapi import COMPONENTS
from tap_insightly.openapi.objects import CUSTOM_FIELDS

if TYPE_CHECKING:
    from collections.abc import Mapping

    from tap_insightly.api import Fields

EMPTY: tuple[object, ...] = (None, "")
_HINT = "Name its field in field_map, or an empty text to leave it out."
_HINT_FOR_RECORD = "Its schema does not name it; an empty text for it in field_map leaves it out."


class FieldNames:
    """Finds the field of a property by its name in any case, and by field_map."""

    def __init__(
        self, fields: Fields, field_map: Mapping[str, str | None], schema: Mapping[str, Any]
    ) -> None:
        """Take the names of one stream."""
        self._fields = fields
        self._field_map = field_map
        self._properties: Mapping[str, Any] = schema.get("properties", {})
        self._component = COMPONENTS[fields.obj.component]["properties"]
        self._write_only = {field.name: field for field in _write_only_fields(fields)}
        self.in_schema = frozenset(self._properties)
        """The properties that the schema names."""

    def find(self, name: str) -> Field | None:
        """The field of a property, None if it is left out; a `ValueError` if there is none."""
        is_of_tap = self._component.get(name, {}).get("x-added-by-tap")
        if name.startswith("_sdc_") or is_of_tap or self._field_map.get(name, name) in EMPTY:
            return None
        wanted = str(self._field_map.get(name, name))
        field = self._fields.find(wanted) or self._write_only.get(wanted.upper())
        # Where the name of a custom field was taken, the tap has its name as the column's title.
        schema = self._properties.get(name) if name not in self._field_map else None
        title = schema.get("title") if isinstance(schema, dict) else None
        field = field or (self._fields.find(title) if isinstance(title, str) else None)
        if field is None:
            hint = _HINT if name in self.in_schema else _HINT_FOR_RECORD
            msg = f"{self._fields.unknown(wanted)} {hint}"
            raise ValueError(msg)
        return field

    def all_properties(self, problems: list[str]) -> dict[str, Field]:
        """The fields of all properties that the schema names; adds sentences to the problems."""
        if self.in_schema:
            problems += [
                f"field_map names '{name}', which the stream does not have."
                for name, field_name in self._field_map.items()
                if field_name and name not in self.in_schema
            ]
        found: dict[str, Field] = {}
        for name in self._properties:
            try:
                field = self.find(name)
            except ValueError as error:
                problems.append(str(error))
                continue
            if field is None:
                continue
            if field in found.values():
                other = next(other for other, one in found.items() if one is field)
                problems.append(f"Both '{other}' and '{name}' would be written to {field.name}.")
            else:
                found[name] = field
        has_columns = any(field.is_custom for field in found.values())
        return {
            name: field
            for name, field in found.items()
            if field.name != CUSTOM_FIELDS or not has_columns
        }


def _write_only_fields(fields: Fields) -> list[Field]:
    """What an object is written with that its records are not answered with."""
    obj = fields.obj
    names: list[tuple[str, str]] = []
    if obj.has_stages:
        names += [(name, "integer") for name in STAGE]  # leads do not tell theirs (spec)
    if obj.is_about_another:
        names += [(PARENT_TYPE, "string"), (PARENT_ID, "integer")]
    return [Field(name, kind) for name, kind in names if fields.find(name) is None]
