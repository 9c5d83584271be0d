"""Finds records of an account's settings, such as users and stages, by their names."""

from __future__ import annotations

import threading
from collections import defaultdict
from typing import TYPE_CHECKING, Any

from tap_insightly.loader.copying.references import NAMES
from tap_insightly.loader.lists import all_records
from tap_insightly.openapi.objects import references_of

if TYPE_CHECKING:
    from collections.abc import Mapping

    from tap_insightly.api import InsightlyClient, InsightlyObject
    from tap_insightly.loader.copying.id_map import IdMap


class NameMatcher:
    """Finds the record here that has the name of one there, each once."""

    def __init__(self, id_map: IdMap) -> None:
        """Read nothing yet."""
        self._id_map = id_map
        self._by_name: dict[str, dict[tuple[str, ...], list[int]]] = {}
        self._matched: defaultdict[str, set[int]] = defaultdict(set)
        self._lock = threading.Lock()

    def find(
        self, client: InsightlyClient, obj: InsightlyObject, record: Mapping[str, Any]
    ) -> int | None:
        """The id here of a record there; None if there is none that is not another's already."""
        translated = {}
        for field in NAMES[obj.path]:
            value = record.get(field)
            path = references_of(obj.component).get(field)
            if path is not None:
                target_id = None if value is None else self._id_map.target_of(path, int(value))
                if target_id is None:
                    return None
                value = target_id
            translated[field] = value
        with self._lock:
            if obj.path not in self._by_name:
                self._by_name[obj.path] = _read_names(client, obj)
            taken = self._id_map.targets(obj.path) | self._matched[obj.path]
            same_name = self._by_name[obj.path].get(_name(obj, translated), ())
            found = next((one for one in same_name if one not in taken), None)
            if found is not None:
                self._matched[obj.path].add(found)  # until the id map has it
            return found


def _name(obj: InsightlyObject, record: Mapping[str, Any]) -> tuple[str, ...]:
    return tuple(str(record.get(field) or "").strip().casefold() for field in NAMES[obj.path])


def _read_names(client: InsightlyClient, obj: InsightlyObject) -> dict[tuple[str, ...], list[int]]:
    found: dict[tuple[str, ...], list[int]] = {}
    for record in all_records(client, obj):
        found.setdefault(_name(obj, record), []).append(int(record[str(obj.key)]))
    return found
