"""Turns the records of the API into rows that are valid by the catalog."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from tap_insightly.conversion_warnings import ConversionWarnings
from tap_insightly.openapi.objects import CUSTOM_FIELDS
from tap_insightly.values import converter, type_as_it_is

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence


class Conformer:
    """Turns the records of one stream into rows that are valid by its schema.

    `custom` has the columns of custom fields, by the names of the fields.
    """

    def __init__(
        self,
        schema: Mapping[str, Any],
        *,
        key_properties: Sequence[str] = (),
        custom: Mapping[str, str] | None = None,
        is_wanted: Callable[[str], bool] = lambda _: True,
    ) -> None:
        """Prepare a converter for each property that is wanted."""
        properties = schema["properties"]
        self._warnings = ConversionWarnings(key_properties)
        self.keys = tuple(key_properties)
        """The primary key."""
        wanted = {name: prop for name, prop in properties.items() if is_wanted(name)}
        columns = {
            name: (type_as_it_is(convert), convert)
            for name, prop in wanted.items()
            for convert in [converter(prop, name, self._warnings)]
        }
        self._custom = {
            field: (column, *columns.pop(column))
            for field, column in (custom or {}).items()
            if column in columns
        }
        self._standard = columns
        self._converters = {**columns, **{one[0]: one[1:] for one in self._custom.values()}}
        self._empty = dict.fromkeys(wanted)
        self._unwanted = frozenset(properties) - frozenset(wanted) | {CUSTOM_FIELDS}
        self._unwanted_custom = frozenset(custom or ()) - frozenset(self._custom)
        self._counts_custom = bool(custom) or CUSTOM_FIELDS not in properties

    def __call__(self, record: Mapping[str, Any]) -> dict[str, Any] | None:
        """Convert a record; None if it lacks its primary key."""
        warnings, row, standard = self._warnings, self._empty.copy(), self._standard
        warnings.record = record
        for name, value in record.items():
            known = standard.get(name)
            if known is None:
                if name not in self._unwanted:
                    warnings.unknown[name] += 1
            elif type(value) is known[0]:
                row[name] = value
            elif value is not None:
                row[name] = warnings.attempt(name, known[1], value)
        fields = record.get(CUSTOM_FIELDS)
        if isinstance(fields, list):
            self._add_custom(row, fields)
        for key in self.keys:
            if row[key] is None:
                warnings.without_key += 1
                return None
        return row

    def _add_custom(self, row: dict[str, Any], fields: Sequence[Any]) -> None:
        custom = self._custom
        for field in fields:
            name = field.get("FIELD_NAME") if isinstance(field, dict) else None
            known = custom.get(name) if isinstance(name, str) else None
            if known is None:
                self._count_unknown(name)
                continue
            value = field.get("FIELD_VALUE")
            if type(value) is known[1]:
                row[known[0]] = value
            elif value is not None:
                row[known[0]] = self._warnings.attempt(known[0], known[2], value)

    def _count_unknown(self, name: object) -> None:
        is_new = isinstance(name, str) and name not in self._unwanted_custom
        if is_new and self._counts_custom:
            self._warnings.unknown_custom[str(name)] += 1

    # The same by column

    def columns(self, records: Sequence[Mapping[str, Any]]) -> dict[str, list[Any]] | None:
        """Collect the values of records by column, as the API sent them.

        None, and nothing counted, if a record has several values for a custom field: which of them
        counts is known only when they are converted.
        """
        standard, unwanted, empty = self._standard, self._unwanted, [None] * len(records)
        found = set[str]().union(*records)
        columns = {
            name: [record.get(name) for record in records] if name in found else empty
            for name in standard
        }
        custom = {name: empty.copy() for name in self._custom}
        unknown = []
        for at, record in enumerate(records):
            fields = record.get(CUSTOM_FIELDS)
            for field in fields if isinstance(fields, list) else ():
                name = field.get("FIELD_NAME") if isinstance(field, dict) else None
                column = custom.get(name) if isinstance(name, str) else None
                if column is None:
                    unknown.append(name)
                elif (value := field.get("FIELD_VALUE")) is not None:
                    if column[at] is not None:
                        return None
                    column[at] = value
        for name in unknown:
            self._count_unknown(name)
        for name in found - standard.keys() - unwanted:
            self._warnings.unknown[name] += sum(name in record for record in records)
        return columns | {self._custom[name][0]: values for name, values in custom.items()}

    def converted(
        self, column: str, values: Sequence[Any], records: Sequence[Mapping[str, Any]]
    ) -> list[Any]:
        """Convert the values of a column of these records."""
        (as_it_is, convert), warnings = self._converters[column], self._warnings
        result = []
        for value, record in zip(values, records, strict=True):
            if value is None or type(value) is as_it_is:
                result.append(value)
            else:
                warnings.record = record
                result.append(warnings.attempt(column, convert, value))
        return result

    def have_key(self, columns: Mapping[str, Sequence[Any]]) -> list[bool] | None:
        """Tell which records have their primary key, of columns converted; None if all have."""
        keys = [columns[key] for key in self.keys]
        if not any(None in values for values in keys):
            return None
        found = [None not in key for key in zip(*keys, strict=True)]
        self._warnings.without_key += found.count(False)
        return found

    def warnings(self) -> Iterator[str]:
        """Say what was lost of the records so far, a sentence each."""
        yield from self._warnings.warnings()
