"""Which id a record has now: one that was created anew has another than the undo file says."""

from __future__ import annotations

from collections import defaultdict
from typing import TYPE_CHECKING, Any

from tap_insightly.api import UnknownObjectError
from tap_insightly.api.records.diff import is_same
from tap_insightly.api.records.reading import value_of
from tap_insightly.loader.copying.references import lookups_of
from tap_insightly.openapi.objects import references_of

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from tap_insightly.api import Fields, InsightlyClient, InsightlyObject
    from tap_insightly.undo.progress import UndoProgress
    from tap_insightly.undo_file.recorder import UndoEntry

    Key = tuple[str, int]

# Ids that the items of these arrays have of their own; new items get new ones.
_ITEM_IDS = frozenset({"DATE_ID", "EMAIL_DOMAIN_ID", "PERMISSION_ID", "TEAM_ID"})


class RecordIds:
    """Knows the ids of the records that the file is about, and of those that fields lead to.

    A key is the path of a list and the id that a record had.
    """

    def __init__(
        self, client: InsightlyClient, entries: Iterable[UndoEntry], progress: UndoProgress
    ) -> None:
        """Take what the entries and the progress say."""
        self._client = client
        self._paths: dict[str, str | None] = {}
        self._current: dict[Key, int] = {}
        self._created_ids: defaultdict[str, set[int]] = defaultdict(set)
        self._references: dict[str, Mapping[str, str]] = {}
        self.deletions: dict[Key, UndoEntry] = {}
        """The last deletion of each record that was there before."""
        self.created: set[Key] = set()
        """The records that the file says were created."""
        for entry in entries:
            key = self.key(entry)
            if key is None:
                continue
            if entry.action == "created":
                self.created.add(key)
                self._created_ids[key[0]].add(key[1])
            elif entry.action == "deleted" and key not in self.created:
                self.deletions[key] = entry
                new_id = progress.status(entry).new_id
                if new_id is not None:
                    self.put(key, new_id)

    def path(self, object_name: str) -> str | None:
        """The path of an object's list; None if the account has no such object any more."""
        if object_name not in self._paths:
            try:
                self._paths[object_name] = self._client.object(object_name).path
            except UnknownObjectError:
                self._paths[object_name] = None
        return self._paths[object_name]

    def key(self, entry: UndoEntry) -> Key | None:
        """The key of the record that an entry is about, if it says that."""
        path = self.path(entry.object_name)
        return None if path is None or entry.record_id is None else (path, entry.record_id)

    def current(self, path: str, record_id: int) -> int:
        """The id that a record has now."""
        return self._current.get((path, record_id), record_id)

    def put(self, key: Key, new_id: int) -> None:
        """Note that a record was created anew."""
        self._current[key] = new_id
        self._created_ids[key[0]].add(new_id)

    def created_ids(self, path: str) -> set[int]:
        """The ids in a list of which it is known what has created them."""
        return self._created_ids[path]

    def target(self, obj: InsightlyObject, name: str, value: object) -> Key | None:
        """The key of the record that the value of a field leads to."""
        path = self._references_of(obj).get(name)
        try:
            record_id = int(str(value))
        except ValueError:
            return None
        return None if path is None else (path, record_id)

    def translate(self, obj: InsightlyObject, name: str, value: Any) -> Any:  # noqa: ANN401 - any value
        """A value of a field with the id that it leads to now; items of arrays lose their own."""
        key = self.target(obj, name, value)
        if key is not None and key in self._current:
            return self._current[key]
        if isinstance(value, list):
            return [
                {one: part for one, part in item.items() if one not in _ITEM_IDS}
                if isinstance(item, dict)
                else item
                for item in value
            ]
        return value

    def is_before(
        self, fields: Fields, record: Mapping[str, Any], name: str, value: object
    ) -> bool:
        """Whether a field of a record already has the value that it is to have again."""
        wanted = self.translate(fields.obj, name, value)
        return is_same(fields.find(name), wanted, value_of(record, name))

    def is_after(
        self,
        fields: Fields,
        record: Mapping[str, Any],
        name: str,
        value: object,
        *,
        or_empty: bool = True,
    ) -> bool:
        """Whether a field of a record still has the value that it was given.

        If it led to a record that was deleted, it may lead to the new one, or be empty, unless
        `or_empty` is false.
        """
        wanted = [value, self.translate(fields.obj, name, value)]
        if or_empty and self.target(fields.obj, name, value) in self.deletions:
            wanted.append(None)
        field, found = fields.find(name), value_of(record, name)
        return any(is_same(field, one, found) for one in wanted)

    def _references_of(self, obj: InsightlyObject) -> Mapping[str, str]:
        if obj.path not in self._references:
            self._references[obj.path] = {
                **references_of(obj.component),
                **lookups_of(self._client, obj),
            }
        return self._references[obj.path]
