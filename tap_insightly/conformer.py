"""Turns the records of the API into rows that are valid by the catalog."""

from __future__ import annotations

from functools import cached_property
from typing import TYPE_CHECKING, Any

from tap_insightly.conversion_warnings import ConversionWarnings
from tap_insightly.openapi.objects import CUSTOM_FIELDS
from tap_insightly.page_records import PageDecoder, PageRecord, entry_of
from tap_insightly.values import converter, type_as_it_is

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence


class Conformer:
    """Turns the records of one stream into rows that are valid by its schema.

    `custom` has the columns of custom fields, by the names of the fields. `identity` is what the
    API tells records by, if it is not their key.
    """

    def __init__(
        self,
        schema: Mapping[str, Any],
        *,
        key_properties: Sequence[str] = (),
        custom: Mapping[str, str] | None = None,
        identity: Sequence[str] = (),
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
        self._identity = tuple(identity) or self.keys
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

    def columns(self, records: Sequence[Mapping[str, Any]]) -> dict[str, Sequence[Any]] | None:
        """Collect the values of records by column, as the API sent them.

        None, and nothing counted, if a record has several values for a custom field: which of them
        counts is known only when they are converted.
        """
        if records and isinstance(records[0], PageRecord):
            columns = self.decode_page.values(records, list(self._standard))
            pairs_of = _pairs if CUSTOM_FIELDS in self._standard else _pairs_of_entries
            unknown: Mapping[str, int] = {}
        else:
            columns, unknown = self._of_dictionaries(records)
            pairs_of = _pairs
        custom: dict[str, list[Any]] = {name: [None] * len(records) for name in self._custom}
        unknown_custom = []
        for at, record in enumerate(records):
            fields = record.get(CUSTOM_FIELDS)
            for name, value in pairs_of(fields) if isinstance(fields, list) else ():
                column = custom.get(name) if isinstance(name, str) else None
                if column is None:
                    unknown_custom.append(name)
                elif value is not None:
                    if column[at] is not None:
                        return None
                    column[at] = value
        for name in unknown_custom:
            self._count_unknown(name)
        self._warnings.unknown.update(unknown)
        return {**columns, **{self._custom[name][0]: values for name, values in custom.items()}}

    def _of_dictionaries(
        self, records: Sequence[Mapping[str, Any]]
    ) -> tuple[dict[str, Sequence[Any]], dict[str, int]]:
        """Collect the values of fields, and count those that the schema does not have."""
        found, empty = set[str]().union(*records), [None] * len(records)
        columns: dict[str, Sequence[Any]] = {
            name: [record.get(name) for record in records] if name in found else empty
            for name in self._standard
        }
        unknown = found - self._standard.keys() - self._unwanted
        return columns, {name: sum(name in one for one in records) for name in unknown}

    @cached_property
    def decode_page(self) -> PageDecoder:
        """What reads pages as `columns` takes them in no time, if they are as usual."""
        names = dict.fromkeys([*self._standard, *self._unwanted, *self._identity])
        has_entries = CUSTOM_FIELDS not in self._standard
        return PageDecoder(names, self._identity, has_entries=has_entries)

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


def _pairs(fields: Sequence[Any]) -> Iterable[tuple[Any, Any]]:
    return [
        (field.get("FIELD_NAME"), field.get("FIELD_VALUE"))
        if isinstance(field, dict)
        else (None, 0)
        for field in fields
    ]


def _pairs_of_entries(fields: Sequence[Any]) -> Iterable[tuple[Any, Any]]:
    return map(entry_of, fields)
