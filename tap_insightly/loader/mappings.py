"""Where the records of each stream go, by the settings and the account."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from tap_insightly.api import InsightlyError, InvalidFieldsError
from tap_insightly.api.records.objects import UnknownObjectError
from tap_insightly.api.records.stages import STAGE
from tap_insightly.loader.field_names import FieldNames
from tap_insightly.loader.stream_mapping import StreamMapping

if TYPE_CHECKING:
    from collections.abc import Iterable

    from tap_insightly.api import Field, Fields, InsightlyClient, InsightlyObject


class MappingError(InsightlyError):
    """A stream cannot be written as the settings say."""

    def __init__(self, stream: str, problems: Iterable[str]) -> None:
        """Say what is wrong.

        Args:
            stream: The stream's name, text.
            problems: What is wrong, a sentence each.
        """
        super().__init__(f"Stream '{stream}' cannot be written: {' '.join(problems)}")


class SettingError(InsightlyError):
    """A setting is about nothing that there is."""


BY_STREAM = ("field_map", "match_on", "mode", "mirror_filter", "mirror_field")
"""The settings that have a value for each object or stream."""


class StreamMappings:
    """Finds the route of each stream, by the settings and the account."""

    def __init__(self, client: InsightlyClient, config: Mapping[str, Any]) -> None:
        """Take the settings.

        Args:
            client: The account.
            config: The settings.
        """
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
        """Find the object of a stream.

        Args:
            stream: The stream's name.

        Returns:
            The object.

        Raises:
            MappingError: If there is none.
        """
        name = self._objects.get(stream, stream)
        try:
            return self._client.object(name)
        except UnknownObjectError as error:
            hint = "" if stream in self._objects else " Name the object in stream_to_object."
            raise MappingError(stream, [f"{error}{hint}"]) from None

    def route(
        self, stream: str, schema: Mapping[str, Any], *, is_written: bool = True
    ) -> StreamMapping:
        """Find the route of a stream.

        Args:
            stream: The stream's name.
            schema: Its schema.
            is_written: Whether its records are to be written, not only looked at.

        Returns:
            The route.

        Raises:
            MappingError: If the settings do not fit the stream and the account.
            InsightlyError: If the account does not tell what it has.
        """
        self._check()
        obj = self.object(stream)
        if is_written and (obj.key is None or not {"create", "update"} & obj.can):
            raise MappingError(stream, [f"The API can neither create nor update {obj.path[1:]}."])
        fields = self._client.fields(obj.name)
        naming = FieldNames(fields, self.setting("field_map", stream) or {}, schema)
        problems: list[str] = []
        found = naming.properties(problems)
        match_on = self._match(stream, fields, found, problems)
        new = obj.set_once.union(below.parent_field for below in obj.below if below.parent_field)
        stage = STAGE if obj.has_stages else ()
        left_out = tuple(
            name
            for name, one in found.items()
            if not one.is_writable and one.name not in {obj.key, *new, *stage}
        )
        if problems:
            raise MappingError(stream, problems)
        return StreamMapping(stream, fields, found, naming, match_on, left_out, new)

    def setting(self, name: str, stream: str) -> Any:  # noqa: ANN401 - any setting
        """Look up what a setting says of a stream: by its name, or else by its object.

        Args:
            name: One of `BY_STREAM`.
            stream: The stream's name.

        Returns:
            What it says; None if nothing.
        """
        settings = self._settings.get(name, {})
        key: str | None = stream
        if stream not in settings:
            obj = self.object(stream)
            key = next((one for one in settings if self._named(one) == obj), None)
        if key is None:
            return None
        self._used.add((name, key))
        return settings[key]

    def mode(self, stream: str) -> str:
        """Say what may be done with the records of a stream.

        Args:
            stream: The stream's name.

        Returns:
            One of the words of the setting `mode`.
        """
        return str(self._mode or self.setting("mode", stream) or "upsert")

    def mirror(
        self, stream: str, fields: Fields, found: Mapping[str, Field]
    ) -> tuple[tuple[Field, Any] | None, dict[str, Any] | None]:
        """Say how a stream is mirrored.

        Args:
            stream: The stream's name.
            fields: The fields of its object.
            found: The field for each of its properties.

        Returns:
            Which records belong to it: those with a value in a field; None for all of the
            object. And what those are given that are not in the stream; None to delete them.

        Raises:
            MappingError: If the settings do not say so, or something that cannot be done.
        """
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
        own = {one.name for one in found.values()}
        if found and fields.obj.key not in own and self.setting("match_on", stream) is None:
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

    def unused(self) -> list[str]:
        """Say which settings are about streams that did not come.

        Returns:
            A sentence for each.
        """
        return [
            f"Setting '{name}' is about '{key}', of which no stream came."
            for name, settings in self._settings.items()
            for key in settings
            if (name, key) not in self._used
        ]

    def _check(self) -> None:
        """Refuse settings that are about what is neither an object nor a known stream."""
        if self._is_checked:
            return
        for name, settings in self._settings.items():
            for key in settings:
                self._named(key, name)
        self._is_checked = True

    def _match(
        self, stream: str, fields: Fields, found: Mapping[str, Field], problems: list[str]
    ) -> Field | None:
        obj, name = fields.obj, self.setting("match_on", stream)
        if name is None:
            return None
        one = fields.find(name)
        if one is None:
            problems.append(f"match_on: {fields.unknown(name)}")
        elif "search" not in obj.can:
            problems.append(f"match_on: the API has no search for {obj.path[1:]}.")
        elif not one.is_writable or one.kind == "array":
            problems.append(f"match_on: no record can be found by {one.name}.")
        elif found and not {one.name, obj.key} & {other.name for other in found.values()}:
            problems.append(f"match_on names {one.name}, which no property of it is written to.")
        return one

    def _named(self, key: str, setting: str = "") -> InsightlyObject | None:
        """Find the object that a key of a setting names; None if it names a stream."""
        if key in self._objects:
            return None
        try:
            return self._client.object(key)
        except UnknownObjectError as error:
            msg = f"Setting '{setting}': {error} Nor does stream_to_object name such a stream."
            raise SettingError(msg) from None
