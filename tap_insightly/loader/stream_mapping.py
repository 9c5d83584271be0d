"""Where the records of a stream go: which object, and which field for each property."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from tap_insightly.api import InvalidFieldsError
from tap_insightly.api.records.conversions import search_text
from tap_insightly.api.records.fields import CUSTOM_FIELDS
from tap_insightly.api.records.requests import PARENT, PARENT_ID, PARENT_TYPE, STAGE
from tap_insightly.loader.field_names import EMPTY, FieldNames
from tap_insightly.loader.key_cache import CacheKey
from tap_insightly.loader.tombstones import DELETED, is_deletion

if TYPE_CHECKING:
    from tap_insightly.api import Field, Fields, InsightlyObject


@dataclass(frozen=True)
class Row:
    """A record, in the words of its object."""

    record_id: int | None
    """The id of the record that it is; None if it has none, or is to be found otherwise."""

    match: Any
    """The value of the field that it is found by if it has no id; None if there is none."""

    values: dict[str, Any]
    """Values by field name, without the id."""

    is_deleted: bool

    stage: dict[str, int | None] = field(default_factory=dict)
    """The pipeline and the stage that it is to be in, as far as the record says so."""

    parent: dict[str, Any] = field(default_factory=dict)
    """What a new note is about: the object and the id of another record, by `PARENT`."""


@dataclass(frozen=True)
class StreamMapping:
    """Where the records of one stream go."""

    stream: str
    fields: Fields
    properties: Mapping[str, Field]
    """The field for each property that is written or that tells which record is meant."""

    naming: FieldNames
    """What says which field a property is written to that the schema does not name."""

    match_on: Field | None = None
    """The field by which records without an id are found."""

    left_out: tuple[str, ...] = ()
    """Properties that the API does not take with a record, as they are called in the stream."""

    _new: frozenset[str] = frozenset()
    """Fields that only a new record can be given."""

    @property
    def obj(self) -> InsightlyObject:
        """The object."""
        return self.fields.obj

    def row(self, record: Mapping[str, Any]) -> Row:
        """Read a record.

        Args:
            record: The record as it came.

        Returns:
            What it means.

        Raises:
            InvalidFieldsError: If it does not say which record is meant, or has a property that
                is no field's.
        """
        given = self._given(record)
        record_id = self._of(self.obj.key, given)
        match = None if self.match_on is None else self._of(self.match_on.name, given)
        custom = self._custom(given[CUSTOM_FIELDS][1]) if CUSTOM_FIELDS in given else {}
        moved = STAGE if self.obj.has_stages else ()
        stage = {name: self._of(name, given) for name in moved if name in given}
        is_note = self.obj.is_about_another
        parent = {name: given[name][1] for name in PARENT if is_note and name in given}
        apart = {self.obj.key, CUSTOM_FIELDS, *moved, *parent}
        values = {
            name: value
            for name, (one, value) in given.items()
            if name not in apart and (one.is_writable or name in self._new)
        }
        if is_note and not parent:
            parent = _parent_in(record)
        is_deleted = self._is_deleted(record)
        if record_id is None and self.match_on is not None and match in EMPTY:
            msg = f"{self.match_on.name} is empty, which no record is found by."
            raise InvalidFieldsError(self.obj.name, [msg])
        return Row(
            record_id=record_id,
            match=None if match in EMPTY else match,
            values=custom | values,  # a column counts before the raw array
            is_deleted=is_deleted,
            stage=stage,
            parent=parent,
        )

    def _given(self, record: Mapping[str, Any]) -> dict[str, tuple[Field, Any]]:
        """Find the field of each property, by the field's name."""
        given: dict[str, tuple[Field, Any]] = {}
        names: dict[str, str] = {}
        for name, value in record.items():
            one = self._field(name)
            if one is None:
                continue
            other = names.setdefault(one.name, name)
            if other != name:
                msg = f"Both '{other}' and '{name}' would be written to {one.name}."
                raise InvalidFieldsError(self.obj.name, [msg])
            given[one.name] = one, value
        return given

    def _of(self, name: str | None, given: Mapping[str, tuple[Field, Any]]) -> Any:  # noqa: ANN401 - any value
        """Take the value of a field, as the API takes it; None if it is not given."""
        return None if name is None or name not in given else self._converted(*given[name])

    def _field(self, name: str) -> Field | None:
        """Find the field of a property; None if it is left out."""
        one = self.properties.get(name)
        if one is not None or name in self.naming.in_schema:
            return one
        try:
            return self.naming.field(name)
        except ValueError as error:
            raise InvalidFieldsError(self.obj.name, [str(error)]) from None

    def _is_deleted(self, record: Mapping[str, Any]) -> bool:
        try:
            return is_deletion(record.get(DELETED))
        except ValueError as error:
            raise InvalidFieldsError(self.obj.name, [f"{DELETED}: {error}."]) from None

    def key_of(self, row: Row) -> CacheKey | None:
        """Say by which key a record is known.

        Args:
            row: The record.

        Returns:
            The key; None if it has none.
        """
        if self.match_on is None or row.match is None:
            return None
        return CacheKey(self.match_on.name, search_text(row.match))

    def name_of(self, record: Mapping[str, Any]) -> str:
        """Say which record is meant, to a person.

        Args:
            record: The record as it came.

        Returns:
            Text such as ``EMAIL_ADDRESS 'ann@example.com'``; empty if nothing tells.
        """
        for wanted in (self.obj.key, self.match_on and self.match_on.name):
            for name, one in self.properties.items():
                value = record.get(name)
                if one.name == wanted and value not in EMPTY:
                    return f"{one.name} {value!r}"
        return ""

    def _converted(self, one: Field, value: object) -> Any:  # noqa: ANN401 - any value
        try:
            return one.convert(value)
        except ValueError as error:
            raise InvalidFieldsError(self.obj.name, [f"{one.name}: {error}."]) from None

    def _custom(self, items: Any) -> dict[str, Any]:  # noqa: ANN401 - anything that JSON can be
        """Take the custom fields out of the raw array, as far as they can be written."""
        if items is None:
            return {}
        if not isinstance(items, list) or not all(isinstance(one, dict) for one in items):
            return {CUSTOM_FIELDS: items}  # which is told to be wrong when it is written
        values = {str(one.get("FIELD_NAME")): one.get("FIELD_VALUE") for one in items}
        found = {name: self.fields.find(name) for name in values}
        return {
            name: value
            for name, value in values.items()
            if (known := found[name]) is None or known.is_writable
        }


def _parent_in(record: Mapping[str, Any]) -> dict[str, Any]:
    """Find out which record a note is about, if nothing says so: the first that it is linked to."""
    links = record.get("LINKS") or record.get("links")
    for link in links if isinstance(links, list) else ():
        if isinstance(link, Mapping) and {"LINK_OBJECT_NAME", "LINK_OBJECT_ID"} <= link.keys():
            return {PARENT_TYPE: link["LINK_OBJECT_NAME"], PARENT_ID: link["LINK_OBJECT_ID"]}
    return {}
