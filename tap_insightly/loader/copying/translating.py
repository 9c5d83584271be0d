"""A record of the other account, in the words and ids of this one."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from tap_insightly.api.records.objects import UnknownObjectError
from tap_insightly.api.records.stages import STAGE
from tap_insightly.loader.copying.references import foreign_fields, lookups_of, references_of
from tap_insightly.openapi import COMPONENTS

if TYPE_CHECKING:
    from collections.abc import Mapping

    from tap_insightly.api import InsightlyClient, InsightlyObject
    from tap_insightly.loader.copying.id_map import IdMap
    from tap_insightly.loader.stream_mapping import Row, StreamMapping


@dataclass
class Translated:
    """A record as it is to be here, as far as that is known."""

    values: dict[str, Any] = field(default_factory=dict)
    """Values by field, those that are written with the record."""

    stage: dict[str, int | None] = field(default_factory=dict)
    """Pipeline and stage, if the record has such fields."""

    links: list[dict[str, Any]] = field(default_factory=list)
    """Links of which both ends exist."""

    pending: list[str] = field(default_factory=list)
    """Fields that lead to records that are not written yet."""

    unresolvable: list[str] = field(default_factory=list)
    """Fields that lead to what is not here, and will not be."""


class Translator:
    """Translates the ids in the records of one stream."""

    def __init__(self, client: InsightlyClient, route: StreamMapping, ids: IdMap) -> None:
        """Find out which fields have ids.

        Args:
            client: The account.
            route: Where the records go.
            ids: What is known of ids.

        Raises:
            InsightlyError: If the account does not tell of its custom fields.
        """
        self._client = client
        self._route = route
        self._ids = ids
        self._references = dict(references_of(route.obj.component)) | lookups_of(client, route.obj)
        self._properties = {one.name: name for name, one in route.properties.items()}

    def translate(self, row: Row, record: Mapping[str, Any]) -> Translated:
        """Translate a record.

        Args:
            row: The record, in the words of its object.
            record: The record as it came.

        Returns:
            What it is here.
        """
        result = Translated()
        for name, value in row.values.items():
            if name in foreign_fields(self._route.obj.component):
                if value is not None:
                    result.unresolvable.append(name)
            elif name in self._references and value not in (None, ""):
                target = self._target(self._references[name], value, name, result)
                if target is not None:
                    result.values[name] = target
            elif name != "TEAMMEMBERS":  # which are records of their own
                result.values[name] = _without_ids(name, value, self._route.obj)
        if self._route.obj.elsewhere.get("STAGE_ID") and self._route.obj.has_stages:
            for name in STAGE:
                value = self._raw(name, record)
                path = self._references[name]
                result.stage[name] = (
                    None if value is None else self._target(path, value, name, result)
                )
        self._link(record, result)
        return result

    def _link(self, record: Mapping[str, Any], result: Translated) -> None:
        for link in self._raw("LINKS", record) or ():
            try:
                other = self._client.object(str(link.get("LINK_OBJECT_NAME")))
            except UnknownObjectError:
                result.unresolvable.append("LINKS")
                continue
            target = self._target(other.path, link["LINK_OBJECT_ID"], "LINKS", result)
            if target is None:
                continue
            one = {
                "LINK_OBJECT_NAME": other.name,
                "LINK_OBJECT_ID": target,
                **{name: link.get(name) for name in ("ROLE", "DETAILS", "IS_FORWARD")},
            }
            kind = link.get("RELATIONSHIP_ID")
            if kind is not None:
                one["RELATIONSHIP_ID"] = self._target("/Relationships", kind, "LINKS", result)
            result.links.append({key: value for key, value in one.items() if value is not None})

    def _raw(self, name: str, record: Mapping[str, Any]) -> Any:  # noqa: ANN401 - any value
        return record.get(self._properties.get(name, name))

    def _target(self, path: str, value: Any, name: str, result: Translated) -> int | None:  # noqa: ANN401 - an id, number or text
        known = self._ids.find(path, int(value))
        if known is None:
            obj = self._client.object(path[1:])
            (result.pending if "create" in obj.can else result.unresolvable).append(name)
            return None
        if known[0] is None:
            result.unresolvable.append(name)
        return known[0]


def _without_ids(name: str, value: Any, obj: InsightlyObject) -> Any:  # noqa: ANN401 - any value
    """Take the ids of entries away, which are those of the other account."""
    items = COMPONENTS[obj.component]["properties"].get(name, {}).get("items", {})
    reference = items.get("$ref", "").rpartition("/")[2]
    if not isinstance(value, list) or reference not in COMPONENTS:
        return value
    keys = {key for key in COMPONENTS[reference]["properties"] if key.endswith("_ID")}
    return [
        {key: part for key, part in one.items() if key not in keys}
        if isinstance(one, dict)
        else one
        for one in value
    ]
