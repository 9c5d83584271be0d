"""Where the records of a stream go: which object, and which field for each property."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from tap_insightly.api import InsightlyError, InvalidFieldsError, NotPossibleError
from tap_insightly.api.fields import CUSTOM_FIELDS
from tap_insightly.api.objects import UnknownObjectError
from tap_insightly.openapi import COMPONENTS

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from tap_insightly.api import Field, Fields, InsightlyClient, InsightlyObject

DELETED = "_sdc_deleted_at"
"""The property of a record that is gone at its source."""

_EMPTY: tuple[object, ...] = (None, "")


class RouteError(InsightlyError):
    """A stream cannot be written as the settings say."""

    def __init__(self, stream: str, problems: Iterable[str]) -> None:
        """Say what is wrong.

        Args:
            stream: The stream's name, text.
            problems: What is wrong, a sentence each.
        """
        super().__init__(f"Stream '{stream}' cannot be written: {' '.join(problems)}")


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


@dataclass(frozen=True)
class Route:
    """Where the records of one stream go."""

    stream: str
    fields: Fields
    properties: Mapping[str, Field]
    """The field for each property that is written or that tells which record is meant."""

    match_on: Field | None = None
    """The field by which records without an id are found."""

    left_out: tuple[str, ...] = ()
    """Properties that the API does not take with a record, as they are called in the stream."""

    _new: frozenset[str] = frozenset()
    """Fields that only a new record can be given."""

    @property
    def of(self) -> InsightlyObject:
        """The object."""
        return self.fields.of

    def row(self, record: Mapping[str, Any]) -> Row:
        """Read a record.

        Args:
            record: The record as it came.

        Returns:
            What it means.

        Raises:
            InvalidFieldsError: If it does not say which record is meant.
        """
        record_id, match = None, None
        values: dict[str, Any] = {}
        for name, value in record.items():
            one = self.properties.get(name)
            if one is None:
                continue
            if one.name == self.of.key:
                record_id = self._converted(one, value)
                continue
            if one is self.match_on:
                match = self._converted(one, value)
            if one.name == CUSTOM_FIELDS:
                values |= self._custom(value)
            elif one.is_writable or one.name in self._new:
                values[one.name] = value
        if record_id is None and self.match_on is not None and match in _EMPTY:
            msg = f"{self.match_on.name} is empty, which no record is found by."
            raise InvalidFieldsError(self.of.name, [msg])
        return Row(
            record_id=record_id,
            match=match or None,
            values=values,
            is_deleted=bool(record.get(DELETED)),
        )

    def name_of(self, record: Mapping[str, Any]) -> str:
        """Say which record is meant, to a person.

        Args:
            record: The record as it came.

        Returns:
            Text such as ``EMAIL_ADDRESS 'ann@example.com'``; empty if nothing tells.
        """
        for wanted in (self.of.key, self.match_on and self.match_on.name):
            for name, one in self.properties.items():
                value = record.get(name)
                if one.name == wanted and value not in _EMPTY:
                    return f"{one.name} {value!r}"
        return ""

    def _converted(self, one: Field, value: object) -> Any:  # noqa: ANN401 - any value
        try:
            return one.convert(value)
        except ValueError as error:
            raise InvalidFieldsError(self.of.name, [f"{one.name}: {error}."]) from None

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


class Router:
    """Finds the route of each stream, by the settings and the account."""

    def __init__(self, client: InsightlyClient, config: Mapping[str, Any]) -> None:
        """Take the settings.

        Args:
            client: The account.
            config: The settings.
        """
        self._client = client
        self._objects: Mapping[str, str] = config.get("stream_to_object") or {}
        self._maps: Mapping[str, Mapping[str, str | None]] = config.get("field_map") or {}
        self._match_on: Mapping[str, str] = config.get("match_on") or {}

    def object(self, stream: str) -> InsightlyObject:
        """Find the object of a stream.

        Args:
            stream: The stream's name.

        Returns:
            The object.

        Raises:
            RouteError: If there is none.
        """
        name = self._objects.get(stream, stream)
        try:
            return self._client.object(name)
        except UnknownObjectError as error:
            hint = "" if stream in self._objects else " Name the object in stream_to_object."
            raise RouteError(stream, [f"{error}{hint}"]) from None

    def route(self, stream: str, schema: Mapping[str, Any], *, is_written: bool = True) -> Route:
        """Find the route of a stream.

        Args:
            stream: The stream's name.
            schema: Its schema.
            is_written: Whether its records are to be written, not only looked at.

        Returns:
            The route.

        Raises:
            RouteError: If the settings do not fit the stream and the account.
            InsightlyError: If the account does not tell what it has.
        """
        of = self.object(stream)
        if is_written and (of.key is None or not {"create", "update"} & of.can):
            raise RouteError(stream, [f"The API can neither create nor update {of.path[1:]}."])
        fields = self._client.fields(of.name)
        problems: list[str] = []
        found = self._properties(stream, schema, fields, problems)
        match_on = self._match(stream, fields, found, problems)
        new = of.set_once.union(below.parent_field for below in of.below if below.parent_field)
        left_out = tuple(
            name
            for name, one in found.items()
            if not one.is_writable and one.name != of.key and one.name not in new
        )
        if problems:
            raise RouteError(stream, problems)
        return Route(stream, fields, found, match_on, left_out, new)

    def _properties(
        self, stream: str, schema: Mapping[str, Any], fields: Fields, problems: list[str]
    ) -> dict[str, Field]:
        properties: Mapping[str, Any] = schema.get("properties", {})
        renamed = self._maps.get(stream, {})
        missing = [name for name, one in renamed.items() if one and name not in properties]
        problems += [
            f"field_map names '{name}', which the stream does not have." for name in missing
        ]
        component = COMPONENTS[fields.of.component]["properties"]
        found: dict[str, Field] = {}
        for name, one in properties.items():
            is_ours = component.get(name, {}).get("x-added-by-tap")
            if name.startswith("_sdc_") or is_ours or renamed.get(name, name) in _EMPTY:
                continue
            wanted = str(renamed.get(name, name))
            # A tap names a column of a custom field so, where its own name was taken already.
            title = one.get("title") if isinstance(one, dict) and name not in renamed else None
            known = fields.find(wanted) or (fields.find(title) if title else None)
            if known is None:
                hint = "Name its field in field_map, or an empty text to leave it out."
                problems.append(f"{fields.unknown(wanted)} {hint}")
            elif known in found.values():
                other = next(other for other, field in found.items() if field is known)
                problems.append(f"Both '{other}' and '{name}' would be written to {known.name}.")
            else:
                found[name] = known
        is_column = any(one.is_custom for one in found.values())
        return {
            name: one for name, one in found.items() if one.name != CUSTOM_FIELDS or not is_column
        }

    def _match(
        self, stream: str, fields: Fields, found: Mapping[str, Field], problems: list[str]
    ) -> Field | None:
        of = fields.of
        name = self._match_on.get(stream) or next(
            (one for key, one in self._match_on.items() if self._named(key) == of), None
        )
        if name is None:
            return None
        one = fields.find(name)
        if one is None:
            problems.append(f"match_on: {fields.unknown(name)}")
        elif "search" not in of.can:
            problems.append(f"match_on: the API has no search for {of.path[1:]}.")
        elif not one.is_writable or one.kind == "array":
            problems.append(f"match_on: no record can be found by {one.name}.")
        elif one not in found.values() and of.key not in {other.name for other in found.values()}:
            problems.append(f"match_on names {one.name}, which no property of it is written to.")
        return one

    def _named(self, key: str) -> InsightlyObject | None:
        """Find the object that a key of `match_on` names; None if it names a stream."""
        if key in self._objects:
            return None
        try:
            return self._client.object(key)
        except UnknownObjectError as error:
            msg = f"Setting 'match_on': {error} Nor does stream_to_object name such a stream."
            raise NotPossibleError(msg) from None
