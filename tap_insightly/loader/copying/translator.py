"""Translates a record of another account into the ids of this one."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from tap_insightly.api.records.objects import UnknownObjectError
from tap_insightly.api.records.stages import STAGE
from tap_insightly.loader.copying.references import foreign_fields, lookups_of
from tap_insightly.openapi import COMPONENTS
from tap_insightly.openapi.objects import references_of

if TYPE_CHECKING:
    from collections.abc import Mapping

    from tap_insightly.api import InsightlyClient, InsightlyObject
    from tap_insightly.loader.copying.id_map import IdMap
    from tap_insightly.loader.stream_mapping import MappedRecord, StreamMapping


@dataclass
class TranslatedRecord:
    """A record as it is to be here, as far as the ids are known."""

    values: dict[str, Any] = field(default_factory=dict)
    """What is written with the record, by field."""

    stage: dict[str, int | None] = field(default_factory=dict)
    """Pipeline and stage, if the record has such fields."""

    links: list[dict[str, Any]] = field(default_factory=list)
    """Links of which both ends exist."""

    pending: list[str] = field(default_factory=list)
    """Fields that lead to records that are not written yet."""

    unresolvable: list[str] = field(default_factory=list)
    """Fields that lead to what is not here, and will not be."""


class Translator:
    """Translates the records of one stream."""

    def __init__(self, client: InsightlyClient, mapping: StreamMapping, id_map: IdMap) -> None:
        """Find out which fields have ids of other records."""
        self._client = client
        self._mapping = mapping
        self._id_map = id_map
        obj = mapping.obj
        self._references = dict(references_of(obj.component)) | lookups_of(client, obj)
        self._properties = {one.name: name for name, one in mapping.properties.items()}

    def translate(self, mapped: MappedRecord, record: Mapping[str, Any]) -> TranslatedRecord:
        """Translate a record, given as it was mapped and as it came."""
        result = TranslatedRecord()
        obj = self._mapping.obj
        for name, value in mapped.values.items():
            if name in foreign_fields(obj.component):
                if value is not None:
                    result.unresolvable.append(name)
            elif name in self._references and value not in (None, ""):
                target_id = self._target(self._references[name], value, name, result)
                if target_id is not None:
                    result.values[name] = target_id
            elif name != "TEAMMEMBERS":  # which are records of their own
                result.values[name] = _without_item_ids(name, value, obj)
        if obj.elsewhere.get("STAGE_ID") and obj.has_stages:
            for name in STAGE:
                value = self._raw(name, record)
                path = self._references[name]
                result.stage[name] = (
                    None if value is None else self._target(path, value, name, result)
                )
        self._translate_links(record, result)
        return result

    def _translate_links(self, record: Mapping[str, Any], result: TranslatedRecord) -> None:
        for link in self._raw("LINKS", record) or ():
            try:
                other = self._client.object(str(link.get("LINK_OBJECT_NAME")))
            except UnknownObjectError:
                result.unresolvable.append("LINKS")
                continue
            target_id = self._target(other.path, link["LINK_OBJECT_ID"], "LINKS", result)
            if target_id is None:
                continue
            translated = {
                "LINK_OBJECT_NAME": other.name,
                "LINK_OBJECT_ID": target_id,
                **{name: link.get(name) for name in ("ROLE", "DETAILS", "IS_FORWARD")},
            }
            kind = link.get("RELATIONSHIP_ID")
            if kind is not None:
                kind_id = self._target("/Relationships", kind, "LINKS", result)
                translated["RELATIONSHIP_ID"] = kind_id
            result.links.append({k: value for k, value in translated.items() if value is not None})

    def _raw(self, name: str, record: Mapping[str, Any]) -> Any:  # noqa: ANN401 - any value
        return record.get(self._properties.get(name, name))

    def _target(self, path: str, value: Any, name: str, result: TranslatedRecord) -> int | None:  # noqa: ANN401 - an id, number or text
        """The id here; if there is none, the field is pending or unresolvable."""
        known = self._id_map.find(path, int(value))
        if known is None:
            obj = self._client.object(path[1:])
            (result.pending if "create" in obj.can else result.unresolvable).append(name)
            return None
        if known.target_id is None:
            result.unresolvable.append(name)
        return known.target_id


def _without_item_ids(name: str, value: Any, obj: InsightlyObject) -> Any:  # noqa: ANN401 - any value
    """Remove the ids of a list's items, which are those of the other account."""
    items = COMPONENTS[obj.component]["properties"].get(name, {}).get("items", {})
    component = items.get("$ref", "").rpartition("/")[2]
    if not isinstance(value, list) or component not in COMPONENTS:
        return value
    keys = {key for key in COMPONENTS[component]["properties"] if key.endswith("_ID")}
    return [
        {key: part for key, part in item.items() if key not in keys}
        if isinstance(item, dict)
        else item
        for item in value
    ]
