"""From the records that the API sends to rows that are valid by the catalog."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from tap_insightly.custom_fields import RAW
from tap_insightly.findings import Findings
from tap_insightly.values import converter

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence


class Conformer:
    """Turns the records of one stream into rows that are valid by the stream's schema."""

    def __init__(
        self,
        schema: Mapping[str, Any],
        *,
        key_properties: Sequence[str] = (),
        custom: Mapping[str, str] | None = None,
    ) -> None:
        """Prepare the converters of a stream.

        Args:
            schema: The stream's JSON schema.
            key_properties: The names of the primary key's properties.
            custom: The columns that come from custom fields: field name → column name.
        """
        properties = schema["properties"]
        self._findings = Findings(key_properties)
        self._keys = tuple(key_properties)
        converters = {
            name: converter(prop, name, self._findings) for name, prop in properties.items()
        }
        self._custom = {
            field: (column, converters.pop(column)) for field, column in (custom or {}).items()
        }
        self._standard = converters
        self._empty = dict.fromkeys(properties)

    def __call__(self, record: Mapping[str, Any]) -> dict[str, Any] | None:
        """Convert a record.

        Args:
            record: A record as the API sent it.

        Returns:
            A row with every property of the schema; None if the record lacks its primary key.
        """
        findings, row = self._findings, self._empty.copy()
        findings.record = record
        for name, value in record.items():
            if name in self._standard:
                if value is not None:
                    row[name] = findings.attempt(name, self._standard[name], value)
            elif name != RAW:
                findings.unknown[name] += 1
        self._add_custom(row, record)
        if any(row[key] is None for key in self._keys):
            findings.without_key += 1
            return None
        return row

    def _add_custom(self, row: dict[str, Any], record: Mapping[str, Any]) -> None:
        fields = record.get(RAW)
        for field in fields if isinstance(fields, list) else ():
            name = field.get("FIELD_NAME") if isinstance(field, dict) else None
            if name in self._custom:
                value = field.get("FIELD_VALUE")
                if value is not None:
                    column, convert = self._custom[name]
                    row[column] = self._findings.attempt(column, convert, value)
            elif isinstance(name, str) and (self._custom or RAW not in self._standard):
                self._findings.unknown_custom[name] += 1

    def warnings(self) -> Iterator[str]:
        """Say what could not be kept of the records so far.

        Yields:
            Sentences for the log.
        """
        yield from self._findings.warnings()
