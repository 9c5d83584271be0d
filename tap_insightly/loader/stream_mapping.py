"""Which object the records of a stream go to, and which field each property."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from tap_insightly.api import InvalidFieldsError
from tap_insightly.api.records.conversions import search_text
from tap_insightly.api.records.requests import PARENT, PARENT_ID, PARENT_TYPE
from tap_insightly.api.records.stages import STAGE
from tap_insightly.loader.field_names import EMPTY, FieldNames
from tap_insightly.loader.key_cache import CacheKey
from tap_insightly.openapi.objects import CUSTOM_FIELDS
from tap_insightly.tombstone import DELETED_AT, is_deletion

if TYPE_CHECKING:
    from tap_insightly.api import Field, Fields, InsightlyObject


@dataclass(frozen=True)
class MappedRecord:
    """A record by the names of its object's fields."""

    record_id: int | None
    """The id of the record that it is, if it has one."""

    match_value: Any
    """The value of the field that it is found by without an id; None if it has none."""

    values: dict[str, Any]
    """Values by field, without the id."""

    is_deleted: bool

    stage: dict[str, int | None] = field(default_factory=dict)
    """The pipeline and the stage that it is to be in, as far as the record has them."""

    parent: dict[str, Any] = field(default_factory=dict)
    """What a new note is about, by `PARENT`: the object and the id of another record."""


@dataclass(frozen=True)
class StreamMapping:
    """Where the records of one stream go."""

    stream: str
    fields: Fields
    properties: Mapping[str, Field]
    """The field of each property that the schema names and that is written or has the key."""

    field_names: FieldNames
    """Finds the field of properties that the schema does not name."""

    match_on: Field | None = None
    """The field by which records without an id are found."""

    left_out: tuple[str, ...] = ()
    """Properties that the API does not take with a record, as the stream calls them."""

    _only_new: frozenset[str] = frozenset()
    """Fields that only a new record can be given."""

    @property
    def obj(self) -> InsightlyObject:
        """The object."""
        return self.fields.obj

    def map(self, record: Mapping[str, Any]) -> MappedRecord:
        """Read a record; an `InvalidFieldsError` if it cannot be meant for this object."""
        given = self._by_field(record)
        record_id = self._value(self.obj.key, given)
        match_value = None if self.match_on is None else self._value(self.match_on.name, given)
        custom = self._custom_values(given[CUSTOM_FIELDS][1]) if CUSTOM_FIELDS in given else {}
        stage_fields = STAGE if self.obj.has_stages else ()
        stage = {name: self._value(name, given) for name in stage_fields if name in given}
        is_note = self.obj.is_about_another
        parent = {name: given[name][1] for name in PARENT if is_note and name in given}
        apart = {self.obj.key, CUSTOM_FIELDS, *stage_fields, *parent}
        values = {
            name: value
            for name, (field_, value) in given.items()
            if name not in apart and (field_.is_writable or name in self._only_new)
        }
        if is_note and not parent:
            parent = _parent_of_links(record)
        is_deleted = self._is_deleted(record)
        if record_id is None and self.match_on is not None and match_value in EMPTY:
            msg = f"{self.match_on.name} is empty, which no record is found by."
            raise InvalidFieldsError(self.obj.name, [msg])
        return MappedRecord(
            record_id=record_id,
            match_value=None if match_value in EMPTY else match_value,
            values=custom | values,  # a column counts before the raw array
            is_deleted=is_deleted,
            stage=stage,
            parent=parent,
        )

    def writable(self, values: Mapping[str, Any]) -> dict[str, Any]:
        """The values that can be written with a record, and those of unknown fields."""
        return {
            name: value
            for name, value in values.items()
            if (known := self.fields.find(name)) is None or known.is_writable
        }

    def cache_key(self, mapped: MappedRecord) -> CacheKey | None:
        """The key by which a record is found, if it has one."""
        if self.match_on is None or mapped.match_value is None:
            return None
        return CacheKey(self.match_on.name, search_text(mapped.match_value))

    def describe(self, record: Mapping[str, Any]) -> str:
        """Which record it is, such as ``EMAIL_ADDRESS 'ann@example.com'``; empty without a key."""
        for wanted in (self.obj.key, self.match_on and self.match_on.name):
            for name, known in self.properties.items():
                value = record.get(name)
                if known.name == wanted and value not in EMPTY:
                    return f"{known.name} {value!r}"
        return ""

    def _by_field(self, record: Mapping[str, Any]) -> dict[str, tuple[Field, Any]]:
        """The field and the value of each property, by the field's name."""
        given: dict[str, tuple[Field, Any]] = {}
        names: dict[str, str] = {}
        for name, value in record.items():
            known = self._field(name)
            if known is None:
                continue
            other = names.setdefault(known.name, name)
            if other != name:
                msg = f"Both '{other}' and '{name}' would be written to {known.name}."
                raise InvalidFieldsError(self.obj.name, [msg])
            given[known.name] = known, value
        return given

    def _field(self, name: str) -> Field | None:
        """The field of a property; None if it is left out."""
        known = self.properties.get(name)
        if known is not None or name in self.field_names.in_schema:
            return known
        try:
            return self.field_names.find(name)
        except ValueError as error:
            raise InvalidFieldsError(self.obj.name, [str(error)]) from None

    def _value(self, name: str | None, given: Mapping[str, tuple[Field, Any]]) -> Any:  # noqa: ANN401 - any value
        """The value of a field as the API takes it; None if it is not given."""
        if name is None or name not in given:
            return None
        known, value = given[name]
        try:
            return known.convert(value)
        except ValueError as error:
            raise InvalidFieldsError(self.obj.name, [f"{name}: {error}."]) from None

    def _is_deleted(self, record: Mapping[str, Any]) -> bool:
        try:
            return is_deletion(record.get(DELETED_AT))
        except ValueError as error:
            raise InvalidFieldsError(self.obj.name, [f"{DELETED_AT}: {error}."]) from None

    def _custom_values(self, items: Any) -> dict[str, Any]:  # noqa: ANN401 - anything that JSON can be
        """The custom fields of the raw array, as far as they can be written."""
        if items is None:
            return {}
        if not isinstance(items, list) or not all(isinstance(item, dict) for item in items):
            return {CUSTOM_FIELDS: items}  # which is refused when it is written
        return self.writable({str(i.get("FIELD_NAME")): i.get("FIELD_VALUE") for i in items})


def _parent_of_links(record: Mapping[str, Any]) -> dict[str, Any]:
    """What a note is about if nothing says so: the first record that it is linked to."""
    links = record.get("LINKS") or record.get("links")
    for link in links if isinstance(links, list) else ():
        if isinstance(link, Mapping) and {"LINK_OBJECT_NAME", "LINK_OBJECT_ID"} <= link.keys():
            return {PARENT_TYPE: link["LINK_OBJECT_NAME"], PARENT_ID: link["LINK_OBJECT_ID"]}
    return {}
