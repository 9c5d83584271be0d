"""Finds the mapping of each stream, by the settings and the account."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from tap_insightly.api import InvalidFieldsError
from tap_insightly.api.records.objects import UnknownObjectError
from tap_insightly.api.records.stages import STAGE
from tap_insightly.loader.errors import MappingError, SettingError
from tap_insightly.loader.field_names import FieldNames
from tap_insightly.loader.stream_mapping import StreamMapping

if TYPE_CHECKING:
    from tap_insightly.api import Field, Fields, InsightlyClient, InsightlyObject


BY_STREAM = ("field_map", "match_on", "mode", "mirror_filter", "mirror_field")
"""The settings that have a value for each object or stream."""


def is_mirroring(config: Mapping[str, Any]) -> bool:
    """Whether any stream is mirrored."""
    mode = config.get("mode")
    return "mirror" in (mode.values() if isinstance(mode, dict) else (mode,))


class StreamMappings:
    """Finds the mapping of each stream."""

    def __init__(self, client: InsightlyClient, config: Mapping[str, Any]) -> None:
        """Take the settings; nothing is asked yet."""
        self._client = client
        self._objects: Mapping[str, str] = config.get("stream_to_object") or {}
        given = {name: config.get(name) or {} for name in BY_STREAM}
        self._settings: dict[str, Mapping[str, Any]] = {
            name: value for name, value in given.items() if isinstance(value, Mapping)
        }
        mode = config.get("mode")
        self._mode = mode if isinstance(mode, str) else None
        self._allow_delete = bool(config.get("allow_delete"))
        self._is_checked = False
        self._used: set[tuple[str, str]] = set()

    def object(self, stream: str) -> InsightlyObject:
        """The object of a stream; a `MappingError` if there is none."""
        name = self._objects.get(stream, stream)
        try:
            return self._client.object(name)
        except UnknownObjectError as error:
            hint = "" if stream in self._objects else " Name the object in stream_to_object."
            raise MappingError(stream, [f"{error}{hint}"]) from None

    def mapping(
        self, stream: str, schema: Mapping[str, Any], *, is_written: bool = True
    ) -> StreamMapping:
        """The mapping of a stream, which may be of records that are only looked at (`is_written`).

        A `MappingError` says all that does not fit.
        """
        self._check_settings()
        obj = self.object(stream)
        if is_written and (obj.key is None or not {"create", "update"} & obj.can):
            raise MappingError(stream, [f"The API can neither create nor update {obj.path[1:]}."])
        fields = self._client.fields(obj.name)
        field_names = FieldNames(fields, self.setting("field_map", stream) or {}, schema)
        problems: list[str] = []
        properties = field_names.all_properties(problems)
        match_on = self._match_on(stream, fields, properties, problems)
        only_new = obj.set_once.union(
            below.parent_field for below in obj.below if below.parent_field
        )
        stage = STAGE if obj.has_stages else ()
        left_out = tuple(
            name
            for name, field in properties.items()
            if not field.is_writable and field.name not in {obj.key, *only_new, *stage}
        )
        if problems:
            raise MappingError(stream, problems)
        return StreamMapping(stream, fields, properties, field_names, match_on, left_out, only_new)

    def setting(self, name: str, stream: str) -> Any:  # noqa: ANN401 - any setting
        """The value of one of `BY_STREAM` for a stream, by its name, or else by its object."""
        settings = self._settings.get(name, {})
        key: str | None = stream
        if stream not in settings:
            obj = self.object(stream)
            key = next((one for one in settings if self._object_of(one) == obj), None)
        if key is None:
            return None
        self._used.add((name, key))
        return settings[key]

    def mode(self, stream: str) -> str:
        """What may be done with the records of a stream, by the setting `mode`."""
        return str(self._mode or self.setting("mode", stream) or "upsert")

    def mirror_rules(
        self, mapping: StreamMapping
    ) -> tuple[tuple[Field, Any] | None, dict[str, Any] | None]:
        """How a stream is mirrored; a `MappingError` if the settings do not say so.

        First the field and the value that the records of the stream have; None if it is about all
        of its object. Then what is written to records that are missing in it; None to delete them.
        """
        stream, fields = mapping.stream, mapping.fields
        wanted, values = self.setting("mirror_filter", stream), self.setting("mirror_field", stream)
        problems = []
        condition = None
        if wanted is None:
            problems.append(
                "mode mirror needs mirror_filter, which says which records of "
                f"{fields.obj.path[1:]} belong to it; {{}} for all of them."
            )
        for name, value in (wanted or {}).items():
            field = fields.find(name)
            if field is None:
                problems.append(f"mirror_filter: {fields.unknown(name)}")
            elif "search" not in fields.obj.can:
                problems.append(
                    f"mirror_filter: the API has no search for {fields.obj.path[1:]}; {{}} is all."
                )
            else:
                condition = field, value
        names = {field.name for field in mapping.properties.values()}
        if names and fields.obj.key not in names and self.setting("match_on", stream) is None:
            problems.append("mode mirror needs the id, or match_on, to tell which record is which.")
        if values is None and not self._allow_delete:
            problems.append("mode mirror needs allow_delete, or mirror_field.")
        try:
            if condition is not None:
                condition[0].convert(condition[1])
            fields.body(values or {}, is_new=False)
        except (ValueError, InvalidFieldsError) as error:
            problems.append(f"mirror: {error}")
        if problems:
            raise MappingError(stream, problems)
        return condition, values

    def unused_settings(self) -> list[str]:
        """A sentence for each setting that is about a stream which did not come."""
        return [
            f"Setting '{name}' is about '{key}', of which no stream came."
            for name, settings in self._settings.items()
            for key in settings
            if (name, key) not in self._used
        ]

    def _check_settings(self) -> None:
        """Refuse settings that name neither an object nor a known stream."""
        if self._is_checked:
            return
        for name, settings in self._settings.items():
            for key in settings:
                self._object_of(key, name)
        self._is_checked = True

    def _match_on(
        self, stream: str, fields: Fields, properties: Mapping[str, Field], problems: list[str]
    ) -> Field | None:
        obj, name = fields.obj, self.setting("match_on", stream)
        if name is None:
            return None
        field = fields.find(name)
        if field is None:
            problems.append(f"match_on: {fields.unknown(name)}")
        elif "search" not in obj.can:
            problems.append(f"match_on: the API has no search for {obj.path[1:]}.")
        elif not field.is_writable or field.kind == "array":
            problems.append(f"match_on: no record can be found by {field.name}.")
        elif properties and not {field.name, obj.key} & {one.name for one in properties.values()}:
            problems.append(f"match_on names {field.name}, which no property of it is written to.")
        return field

    def _object_of(self, key: str, setting: str = "") -> InsightlyObject | None:
        """The object that a key of a setting names; None if it names a stream."""
        if key in self._objects:
            return None
        try:
            return self._client.object(key)
        except UnknownObjectError as error:
            msg = f"Setting '{setting}': {error} Nor does stream_to_object name such a stream."
            raise SettingError(msg) from None
