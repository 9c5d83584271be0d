"""Which field each property of a stream is written to."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from tap_insightly.api import Field
from tap_insightly.api.records.fields import CUSTOM_FIELDS
from tap_insightly.api.records.requests import PARENT_ID, PARENT_TYPE
from tap_insightly.api.records.stages import STAGE
from tap_insightly.openapi import COMPONENTS

if TYPE_CHECKING:
    from collections.abc import Mapping

    from tap_insightly.api import Fields

EMPTY: tuple[object, ...] = (None, "")
_HINT = "Name its field in field_map, or an empty text to leave it out."
_HINT_OF_RECORD = "Its schema does not name it; an empty text for it in field_map leaves it out."


class FieldNames:
    """Finds the field of a property by its name, in whatever case, and by what is set."""

    def __init__(
        self, fields: Fields, renamed: Mapping[str, str | None], schema: Mapping[str, Any]
    ) -> None:
        """Take the names.

        Args:
            fields: The fields of the object.
            renamed: The field for each property that is called otherwise; nothing leaves it out.
            schema: The schema of the stream.
        """
        self._fields = fields
        self._renamed = renamed
        self._schema: Mapping[str, Any] = schema.get("properties", {})
        self._component = COMPONENTS[fields.obj.component]["properties"]
        self._more = {one.name: one for one in _more(fields)}
        self.in_schema = frozenset(self._schema)
        """The properties that the schema names."""

    def field(self, name: str) -> Field | None:
        """Find the field of a property.

        Args:
            name: The property.

        Returns:
            The field; None if the property is left out.

        Raises:
            ValueError: If there is none; the text says what to do.
        """
        is_ours = self._component.get(name, {}).get("x-added-by-tap")
        if name.startswith("_sdc_") or is_ours or self._renamed.get(name, name) in EMPTY:
            return None
        wanted = str(self._renamed.get(name, name))
        known = self._fields.find(wanted) or self._more.get(wanted.upper())
        # A tap names a column of a custom field so, where its own name was taken already.
        one = self._schema.get(name)
        title = one.get("title") if isinstance(one, dict) and name not in self._renamed else None
        known = known or (self._fields.find(title) if isinstance(title, str) else None)
        if known is None:
            hint = _HINT if name in self.in_schema else _HINT_OF_RECORD
            msg = f"{self._fields.unknown(wanted)} {hint}"
            raise ValueError(msg)
        return known

    def properties(self, problems: list[str]) -> dict[str, Field]:
        """Find the fields of all properties that the schema names.

        Args:
            problems: Where to add what is wrong, a sentence each.

        Returns:
            Fields by property; those that are left out are not among them.
        """
        missing = [n for n, one in self._renamed.items() if one and n not in self.in_schema]
        if self.in_schema:
            problems += [
                f"field_map names '{name}', which the stream does not have." for name in missing
            ]
        found: dict[str, Field] = {}
        for name in self._schema:
            try:
                known = self.field(name)
            except ValueError as error:
                problems.append(str(error))
                continue
            if known is None:
                continue
            if known in found.values():
                other = next(other for other, field in found.items() if field is known)
                problems.append(f"Both '{other}' and '{name}' would be written to {known.name}.")
            else:
                found[name] = known
        is_column = any(one.is_custom for one in found.values())
        return {
            name: one for name, one in found.items() if one.name != CUSTOM_FIELDS or not is_column
        }


def _more(fields: Fields) -> list[Field]:
    """List what is written of an object besides the fields that its records are answered with."""
    obj = fields.obj
    names: list[tuple[str, str]] = []
    if obj.has_stages:
        names += [(name, "integer") for name in STAGE]  # leads do not tell theirs (spec)
    if obj.is_about_another:
        names += [(PARENT_TYPE, "string"), (PARENT_ID, "integer")]
    return [Field(name, kind) for name, kind in names if fields.find(name) is None]
