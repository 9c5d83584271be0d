"""Which record is which: those that were created anew have other ids than the file says."""

from __future__ import annotations

from collections import defaultdict
from typing import TYPE_CHECKING, Any

from tap_insightly.api import UnknownObjectError
from tap_insightly.api.records.diff import is_same
from tap_insightly.api.records.reading import value_of
from tap_insightly.loader.copying.references import lookups_of
from tap_insightly.openapi.objects import CUSTOM_FIELDS, references_of

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from tap_insightly.api import Fields, InsightlyClient, InsightlyObject
    from tap_insightly.undo.progress import Progress
    from tap_insightly.undo.recording import Entry

    Key = tuple[str, int]

# What the items of these arrays have of their own, and new ones get anew.
_OWN_IDS = frozenset({"DATE_ID", "EMAIL_DOMAIN_ID", "PERMISSION_ID", "TEAM_ID"})


class Identities:
    """What is known of ids: of records that the file tells of, and in the fields of others."""

    def __init__(
        self, client: InsightlyClient, entries: Iterable[Entry], progress: Progress
    ) -> None:
        """Take what is known.

        Args:
            client: The account.
            entries: The lines that are to be undone.
            progress: What was done about them.

        Raises:
            InsightlyError: If the account does not tell of its objects.
        """
        self._client = client
        self._paths: dict[str, str | None] = {}
        self._now: dict[Key, int] = {}
        self._known: defaultdict[str, set[int]] = defaultdict(set)
        self._references: dict[str, Mapping[str, str]] = {}
        self.deletions: dict[Key, Entry] = {}
        """The last line that says that a record is deleted, by record."""
        self.created: set[Key] = set()
        """The records that the file says were created."""
        for entry in entries:
            key = self.key(entry)
            if key is None:
                continue
            if entry.action == "created":
                self.created.add(key)
                self._known[key[0]].add(key[1])
            elif entry.action == "deleted" and key not in self.created:
                self.deletions[key] = entry
                made = progress.of(entry).made
                if made is not None:
                    self.put(key, made)

    def path(self, object_name: str) -> str | None:
        """Find the list of an object.

        Args:
            object_name: The object, text.

        Returns:
            Its path; None if the account has no such object any more.
        """
        if object_name not in self._paths:
            try:
                self._paths[object_name] = self._client.object(object_name).path
            except UnknownObjectError:
                self._paths[object_name] = None
        return self._paths[object_name]

    def key(self, entry: Entry) -> Key | None:
        """Say which record a line is about.

        Args:
            entry: The line.

        Returns:
            The path of its list, and the id that it had; None if that is not known.
        """
        path = self.path(entry.object_name)
        return None if path is None or entry.record_id is None else (path, entry.record_id)

    def now(self, path: str, record_id: int) -> int:
        """Say which id a record has by now.

        Args:
            path: The path of its list.
            record_id: The id that it had.

        Returns:
            Its id.
        """
        return self._now.get((path, record_id), record_id)

    def put(self, key: Key, record_id: int) -> None:
        """Take down that a record was created anew.

        Args:
            key: What it was.
            record_id: Its new id.
        """
        self._now[key] = record_id
        self._known[key[0]].add(record_id)

    def known(self, path: str) -> set[int]:
        """List the ids that are those of records which were created by something that is known.

        Args:
            path: The path of the list.

        Returns:
            The ids.
        """
        return self._known[path]

    def leads_to(self, obj: InsightlyObject, name: str, value: object) -> Key | None:
        """Say to which record a field leads.

        Args:
            obj: The object.
            name: The field.
            value: Its value.

        Returns:
            The path of the list and the id; None if it leads to none.
        """
        path = self._references_of(obj).get(name)
        try:
            number = int(str(value))
        except ValueError:
            return None
        return None if path is None else (path, number)

    def mapped(self, obj: InsightlyObject, name: str, value: Any) -> Any:  # noqa: ANN401 - any value
        """Say what a value is by now: another if it is the id of a record that was created anew.

        Args:
            obj: The object.
            name: The field.
            value: Its value.

        Returns:
            The value; of arrays, without the ids of their items.
        """
        key = self.leads_to(obj, name, value)
        if key is not None and key in self._now:
            return self._now[key]
        if isinstance(value, list):
            return [
                {one: part for one, part in item.items() if one not in _OWN_IDS}
                if isinstance(item, dict)
                else item
                for item in value
            ]
        return value

    def is_before(
        self, fields: Fields, record: Mapping[str, Any], name: str, value: object
    ) -> bool:
        """Tell whether a field of a record has a value that it is to have again.

        Args:
            fields: The fields of the object.
            record: The record as it is.
            name: The field.
            value: The value as it was.

        Returns:
            Whether it has.
        """
        wanted = self.mapped(fields.obj, name, value)
        return is_same(fields.find(name), wanted, value_of(record, name))

    def is_after(
        self,
        fields: Fields,
        record: Mapping[str, Any],
        name: str,
        value: object,
        *,
        or_nothing: bool = True,
    ) -> bool:
        """Tell whether a field of a record has a value still, or what became of it by itself.

        Args:
            fields: The fields of the object.
            record: The record as it is.
            name: The field.
            value: The value that it was given.
            or_nothing: Whether a field that led to a record which was deleted may be empty.

        Returns:
            Whether it has; a field that led to a record which was deleted may lead to the new one.
        """
        field, found = fields.find(name), value_of(record, name)
        wanted = [value, self.mapped(fields.obj, name, value)]
        if or_nothing and self.leads_to(fields.obj, name, value) in self.deletions:
            wanted.append(None)
        return any(is_same(field, one, found) for one in wanted)

    def _references_of(self, obj: InsightlyObject) -> Mapping[str, str]:
        if obj.path not in self._references:
            self._references[obj.path] = {
                **references_of(obj.component),
                **lookups_of(self._client, obj),
            }
        return self._references[obj.path]


def flat(values: Mapping[str, Any]) -> dict[str, Any]:
    """Take values by name, custom fields among the others.

    Args:
        values: A record, or a body.

    Returns:
        Values by name.
    """
    found = {name: value for name, value in values.items() if name != CUSTOM_FIELDS}
    for item in values.get(CUSTOM_FIELDS) or ():
        found[str(item.get("FIELD_NAME"))] = item.get("FIELD_VALUE")
    return found
