"""Creates deleted records anew, each once, after those that they lead to."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from tap_insightly.api import (
    InsightlyError,
    InvalidFieldsError,
    Request,
    UnknownOutcomeError,
)
from tap_insightly.api.records.diff import changes
from tap_insightly.api.records.fields import spread_custom_fields
from tap_insightly.api.records.stages import STAGE
from tap_insightly.loader.errors import is_refusal
from tap_insightly.undo_file.clock import ORPHANED_REQUEST_SECONDS, server_now, server_now_text
from tap_insightly.undo_file.lines import DeletedLine, UpdatedLine
from tap_insightly.values import EMPTY_DATES, parse_moment

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence

    from tap_insightly.api import Fields, InsightlyObject
    from tap_insightly.undo.access import AccountAccess
    from tap_insightly.undo.progress import CreatingStep, UndoProgress
    from tap_insightly.undo.record_ids import RecordIds
    from tap_insightly.undo_file.lines import CreatingLine
    from tap_insightly.undo_file.recorder import UndoEntry, UndoFile

    Key = tuple[str, int]
    Record = dict[str, Any]


class Restorer:
    """Creates deleted records anew."""

    def __init__(
        self, access: AccountAccess, undo_file: UndoFile, ids: RecordIds, progress: UndoProgress
    ) -> None:
        """Send nothing yet."""
        self._access = access
        self._client = access.client
        self._lines = undo_file.lines
        self._ids = ids
        self._progress = progress
        self.failed: set[Key] = set()
        """Records that this run could not create anew."""

    def order(self, entry: UndoEntry, *, is_due: Callable[[UndoEntry], bool]) -> list[UndoEntry]:
        """The deletions to undo before an update or a deletion, which is the last one.

        They are of records that it leads to, each after those that it leads to itself; `is_due`
        says whether a deletion is still to be undone, and may be.
        """
        ordered: list[UndoEntry] = []
        seen = {entry.position.number}
        stack = [(entry, self._needed_by(entry))]
        while stack:
            last, needed = stack[-1]
            for other in needed:
                if other.position.number not in seen and is_due(other):
                    seen.add(other.position.number)
                    stack.append((other, self._needed_by(other)))
                    break
            else:
                ordered.append(last)
                stack.pop()
        return ordered

    def restore(
        self, entry: UndoEntry, obj: InsightlyObject, line: DeletedLine
    ) -> tuple[str, list[str]]:
        """Create a record anew, unless it is there.

        A sentence that says what was done, and what of the record could not be restored.
        """
        key = (obj.path, line.record_id)
        name = f"{obj.name} {line.record_id}"
        status, fields = self._progress.status(entry), self._client.fields(obj.name)
        if status.creating is not None and (found := self._find_one(fields, status.creating)):
            self._progress.note_created(entry, int(found[str(obj.key)]))
        if status.new_id is None and self._access.read(obj, self._ids.current(*key)) is not None:
            return f"{name} is there, so that it need not come back.", []
        values, lost = self._values(obj, line.before)
        if status.new_id is None:
            self._create(entry, fields, line.before, values)
        new_id = status.new_id
        if new_id is None:
            msg = f"{name}: a new one was answered without an id."
            raise InsightlyError(msg)
        self._ids.put(key, new_id)
        lost += self._restore_stage(obj, new_id, line.before)
        lost += self._restore_links(obj, new_id, line)
        return f"{name} is back as {obj.name} {new_id}.", lost

    def find_created(
        self, fields: Fields, creations: Sequence[CreatingLine | CreatingStep]
    ) -> list[Record | UnknownOutcomeError | None]:
        """What requests have created, of an object that can be searched.

        For each the record; None if there is none; or the error that nobody can tell.
        """
        for creation in creations:
            self._wait_for_answer(creation.since)
        requests = [
            (Request.with_json("POST", one.path, one.values), parse_moment(one.since))
            for one in creations
        ]
        return self._client.find_created(requests, fields, self._ids.created_ids(fields.obj.path))

    def _needed_by(self, entry: UndoEntry) -> Iterator[UndoEntry]:
        """The deletions of the records that a record led to."""
        line = self._lines.read_line(entry.position)
        path = self._ids.path(entry.object_name)
        if not isinstance(line, DeletedLine | UpdatedLine) or path is None:
            return
        obj = self._client.object(entry.object_name)
        values = spread_custom_fields(line.before)
        keys = [self._ids.target(obj, name, value) for name, value in values]
        keys += [key for key, _ in self._links(line.before)]  # an update has none
        for key in keys:
            if key is not None and (other := self._ids.deletions.get(key)) is not None:
                yield other

    def _links(self, record: Mapping[str, Any]) -> Iterator[tuple[Key, Mapping[str, Any]]]:
        for link in record.get("LINKS") or ():
            path = self._ids.path(str(link.get("LINK_OBJECT_NAME")))
            other_id = link.get("LINK_OBJECT_ID")
            if path is not None and isinstance(other_id, int):
                yield (path, other_id), link

    def _is_missing(self, key: Key) -> bool:
        """Whether a record was deleted, and is not back."""
        entry = self._ids.deletions.get(key)
        if entry is None:
            return False
        status = self._progress.status(entry)
        return not status.is_done and status.new_id is None

    def _values(self, obj: InsightlyObject, record: Mapping[str, Any]) -> tuple[Record, list[str]]:
        """What is written with a record, and what of it cannot be."""
        fields, lost = self._client.fields(obj.name), []
        values: Record = {}
        parents = {below.parent_field for below in obj.below}
        for name, old_value in spread_custom_fields(record):
            field = fields.find(name)
            is_parent = field is not None and field.name in parents
            if field is None or not (is_parent or field.is_writable or field.is_set_once):
                continue
            value = self._ids.translate(obj, name, old_value)
            if value in (None, "", []) or (isinstance(value, str) and value in EMPTY_DATES):
                continue  # a new record needs no empty values
            key = self._ids.target(obj, name, old_value)
            if key is not None and self._is_missing(key):
                if key in self.failed:
                    msg = f"{name} leads to a record that is not back ({key[0]}/{key[1]})."
                    raise InvalidFieldsError(obj.name, [msg])
                lost.append(f"{name}, as the record that it leads to comes later")
                continue
            try:
                field.convert(value)
            except ValueError as error:
                lost.append(f"{name} ({error})")
            else:
                values[name] = value
        return values, lost

    def _create(
        self, entry: UndoEntry, fields: Fields, old: Record, values: Mapping[str, Any]
    ) -> None:
        obj, key = fields.obj, str(fields.obj.key)
        request = self._request(fields, old, values)
        is_searched = "search" in obj.can
        there = None if is_searched else [int(one[key]) for one in self._access.read_all(obj)]
        body = request.content
        since = server_now_text(self._client.session)
        self._progress.note_creating(entry, request.path, body, since, there)
        try:
            new_id = self._access.create(request, fields, old)
        except InsightlyError as error:
            if is_refusal(error):
                self._progress.note_refused(entry)
            raise
        self._progress.note_created(entry, new_id)

    def _request(self, fields: Fields, old: Record, values: Mapping[str, Any]) -> Request:
        obj = fields.obj
        parents = {below.path for below in obj.below if below.parent_field is None}
        if not parents:
            return self._client.build_create_request(fields, values)
        for (path, other_id), _ in self._links(old):  # a note is created below what it is linked to
            if path in parents and not self._is_missing((path, other_id)):
                parent = f"{path}/{self._ids.current(path, other_id)}/{obj.path[1:]}"
                return Request.with_json("POST", parent, fields.body(values, is_new=True))
        msg = "It was linked to no record that is there and that notes can be added to."
        raise InvalidFieldsError(obj.name, [msg])

    def _find_one(self, fields: Fields, creation: CreatingStep) -> Record | None:
        if creation.there is None:
            (found,) = self.find_created(fields, [creation])
            if isinstance(found, UnknownOutcomeError):
                raise found
            return found
        self._wait_for_answer(creation.since)
        key = str(fields.obj.key)
        others = {*creation.there, *self._ids.created_ids(fields.obj.path)}
        for record in self._access.read_all(fields.obj):
            if record[key] not in others and not changes(fields, creation.values, record):
                return record
        return None

    def _wait_for_answer(self, since: str) -> None:
        """Wait until a request of a process that is gone has been answered."""
        session = self._client.session
        age = (server_now(session) - parse_moment(since)).total_seconds()
        session.sleep(max(0.0, ORPHANED_REQUEST_SECONDS - age))

    def _restore_stage(self, obj: InsightlyObject, new_id: int, old: Record) -> list[str]:
        """Put a new record into its old stage; what was refused of that."""
        lost: list[str] = []
        stage = {name: old.get(name) for name in STAGE}
        if obj.has_stages and stage["PIPELINE_ID"] is not None:
            record = self._access.read(obj, new_id) or {}
            if {name: record.get(name) for name in STAGE} != stage:
                _try(lambda: self._access.move(obj, new_id, stage), "its stage", lost)
        return lost

    def _restore_links(self, obj: InsightlyObject, new_id: int, line: DeletedLine) -> list[str]:
        """Give a new record its old links; what was refused of them."""
        lost: list[str] = []
        for key, link in self._links(line.before):
            self._link(obj, new_id, key, link, lost)
            other = self._ids.deletions.get(key)
            if other is None or self._is_missing(key):
                continue
            # Of two that were linked to each other, the first could not be linked to this one yet.
            before = self._lines.read_line(other.position)
            if isinstance(before, DeletedLine) and self._progress.status(other).new_id is not None:
                for back_key, back_link in self._links(before.before):
                    if back_key == (obj.path, line.record_id):
                        other_obj = self._client.object(other.object_name)
                        other_id = self._ids.current(*key)
                        self._link(other_obj, other_id, back_key, back_link, lost)
        return lost

    def _link(
        self,
        obj: InsightlyObject,
        record_id: int,
        key: Key,
        link: Mapping[str, Any],
        lost: list[str],
    ) -> None:
        what = f"the link to {link['LINK_OBJECT_NAME']} {key[1]}"
        if "Links" not in obj.actions:
            lost.append(what)
        elif not self._is_missing(key):
            new_link = {**link, "LINK_OBJECT_ID": self._ids.current(*key)}
            _try(lambda: self._access.link(obj, record_id, new_link), what, lost)
        elif not self._links_back(key, obj, record_id):
            lost.append(f"{what}, which comes later")

    def _links_back(self, key: Key, obj: InsightlyObject, record_id: int) -> bool:
        """Whether a record that comes later has a link to this one, and makes both then."""
        line = self._lines.read_line(self._ids.deletions[key].position)
        if not isinstance(line, DeletedLine):
            return False
        return any(
            path == obj.path and self._ids.current(path, other_id) == record_id
            for (path, other_id), _ in self._links(line.before)
        )


def _try(do: Callable[[], object], what: str, lost: list[str]) -> None:
    try:
        do()
    except InsightlyError as error:
        if not is_refusal(error):
            raise
        lost.append(f"{what} ({str(error).rstrip('.')})")
