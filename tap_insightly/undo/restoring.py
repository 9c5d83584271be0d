"""Creating records anew that were deleted, each once, after those that they lead to."""

from __future__ import annotations

from datetime import datetime, timezone
from typing import TYPE_CHECKING, Any

from tap_insightly.api import (
    InsightlyError,
    InvalidFieldsError,
    Request,
    Response,
    UnknownOutcomeError,
)
from tap_insightly.api.records.diff import changes
from tap_insightly.api.records.requests import STAGE
from tap_insightly.loader.copying.settling import LONGEST_UNDER_WAY
from tap_insightly.loader.record_loader import is_refusal
from tap_insightly.undo.identities import flat
from tap_insightly.undo.lines import Deleted, Updated
from tap_insightly.values import EMPTY_DATES, parse_moment, utc_text

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence

    from tap_insightly.api import Fields, InsightlyObject
    from tap_insightly.undo.identities import Identities
    from tap_insightly.undo.lines import Creating
    from tap_insightly.undo.progress import Begun, Progress
    from tap_insightly.undo.reach import Reach
    from tap_insightly.undo.recording import Entry, Recorded

    Key = tuple[str, int]
    Record = dict[str, Any]


class Restorer:
    """Creates records anew."""

    def __init__(
        self, reach: Reach, recorded: Recorded, identities: Identities, progress: Progress
    ) -> None:
        """Get ready.

        Args:
            reach: The account.
            recorded: What is undone.
            identities: What is known of ids.
            progress: What was done already.
        """
        self._reach = reach
        self._client = reach.client
        self._lines = recorded.lines
        self._ids = identities
        self._progress = progress
        self.failed: set[Key] = set()
        """Records that could not be created anew by this run."""

    def order(self, entry: Entry, *, is_due: Callable[[Entry], bool]) -> list[Entry]:
        """Say which records are to be back before a line is undone, as it leads to them.

        Args:
            entry: The line of an update or a deletion.
            is_due: Whether a deletion is still to be undone, and may be.

        Returns:
            The lines of their deletions, each after those that it leads to, this one last.
        """
        found: list[Entry] = []
        seen = {entry.place.number}
        stack = [(entry, self._needs(entry))]
        while stack:
            last, needs = stack[-1]
            for need in needs:
                if need.place.number not in seen and is_due(need):
                    seen.add(need.place.number)
                    stack.append((need, self._needs(need)))
                    break
            else:
                found.append(last)
                stack.pop()
        return found

    def restore(self, entry: Entry, obj: InsightlyObject, line: Deleted) -> tuple[str, list[str]]:
        """Create a record anew, if it is not there.

        Args:
            entry: The line of its deletion.
            obj: Its object.
            line: What the line says.

        Returns:
            What became of it, a sentence; and what of it could not be put back.

        Raises:
            InsightlyError: If that is refused.
        """
        key = (obj.path, line.record_id)
        name = f"{obj.name} {line.record_id}"
        standing, fields = self._progress.of(entry), self._client.fields(obj.name)
        if standing.begun is not None and (found := self._found(fields, standing.begun)):
            self._progress.make(entry, int(found[str(obj.key)]))
        if standing.made is None and self._reach.record(obj, self._ids.now(*key)) is not None:
            return f"{name} is there, so that it need not come back.", []
        values, lost = self._values(obj, line.before)
        if standing.made is None:
            self._create(entry, fields, line.before, values)
        made = standing.made
        if made is None:
            msg = f"{name}: a new one was answered without an id."
            raise InsightlyError(msg)
        self._ids.put(key, made)
        lost += self._finish(obj, made, line)
        return f"{name} is back as {obj.name} {made}.", lost

    def find(
        self, fields: Fields, begun: Sequence[Creating | Begun]
    ) -> list[Record | UnknownOutcomeError | None]:
        """Find the records that requests have created, if they have.

        Args:
            fields: The fields of their object, which can be searched.
            begun: What is said of the requests: where they went, what they held, and when.

        Returns:
            For each the record; None if there is none; or an error that says that nobody can tell.

        Raises:
            InsightlyError: If that cannot be found out.
        """
        for one in begun:
            self._wait(one.since)
        requests = [
            (Request.with_json("POST", one.path, one.values), parse_moment(one.since))
            for one in begun
        ]
        return self._client.find_created(requests, fields, self._ids.known(fields.obj.path))

    def _needs(self, entry: Entry) -> Iterator[Entry]:
        line = self._lines.at(entry.place)
        path = self._ids.path(entry.object_name)
        if not isinstance(line, Deleted | Updated) or path is None:
            return
        obj = self._client.object(entry.object_name)
        keys = [self._ids.leads_to(obj, name, value) for name, value in flat(line.before).items()]
        keys += [key for key, _ in self._links(line.before)]  # an update has none
        for key in keys:
            if key is not None and (need := self._ids.deletions.get(key)) is not None:
                yield need

    def _links(self, record: Mapping[str, Any]) -> Iterator[tuple[Key, Mapping[str, Any]]]:
        for link in record.get("LINKS") or ():
            path = self._ids.path(str(link.get("LINK_OBJECT_NAME")))
            other = link.get("LINK_OBJECT_ID")
            if path is not None and isinstance(other, int):
                yield (path, other), link

    def _is_away(self, key: Key) -> bool:
        """Tell whether a record was deleted, and is not back."""
        entry = self._ids.deletions.get(key)
        return entry is not None and not (
            self._progress.of(entry).is_ended or self._progress.of(entry).made is not None
        )

    def _values(self, obj: InsightlyObject, record: Mapping[str, Any]) -> tuple[Record, list[str]]:
        """Say what is written with a record, and what of it cannot be."""
        fields, values, lost = self._client.fields(obj.name), {}, []
        parents = {below.parent_field for below in obj.below}
        for name, given in flat(record).items():
            field = fields.find(name)
            is_parent = field is not None and field.name in parents
            if field is None or not (is_parent or field.is_writable or field.is_set_once):
                continue
            value = self._ids.mapped(obj, name, given)
            if value in (None, "", []) or (isinstance(value, str) and value in EMPTY_DATES):
                continue  # what is empty in a new record need not be said
            key = self._ids.leads_to(obj, name, given)
            if key is not None and self._is_away(key):
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

    def _create(self, entry: Entry, fields: Fields, old: Record, values: Mapping[str, Any]) -> None:
        obj, key = fields.obj, str(fields.obj.key)
        request = self._request(fields, old, values)
        there = None if "search" in obj.can else [int(one[key]) for one in self._reach.list(obj)]
        now = self._client.session.now() or datetime.now(timezone.utc)
        body = Response(request.body or b"{}").data
        self._progress.begin(entry, request.path, body, utc_text(now.replace(microsecond=0)), there)
        try:
            made = self._reach.create(request, fields, old)
        except InsightlyError as error:
            if is_refusal(error):
                self._progress.refuse(entry)
            raise
        self._progress.make(entry, made)

    def _request(self, fields: Fields, old: Record, values: Mapping[str, Any]) -> Request:
        obj = fields.obj
        parents = {below.path for below in obj.below if below.parent_field is None}
        if not parents:
            return self._client.build_create_request(fields, values)
        for (path, other), _ in self._links(old):  # a note is made below what it is linked to
            if path in parents and not self._is_away((path, other)):
                where = f"{path}/{self._ids.now(path, other)}/{obj.path[1:]}"
                return Request.with_json("POST", where, fields.body(values, is_new=True))
        msg = "It was linked to no record that is there and that notes can be added to."
        raise InvalidFieldsError(obj.name, [msg])

    def _found(self, fields: Fields, begun: Begun) -> Record | None:
        if begun.there is None:
            (found,) = self.find(fields, [begun])
            if isinstance(found, UnknownOutcomeError):
                raise found
            return found
        self._wait(begun.since)
        key, there = str(fields.obj.key), {*begun.there, *self._ids.known(fields.obj.path)}
        for record in self._reach.list(fields.obj):
            if record[key] not in there and not changes(fields, begun.values, record):
                return record
        return None

    def _wait(self, since: str) -> None:
        """Wait until what a process that is gone has sent is answered."""
        session = self._client.session
        now = session.now() or datetime.now(timezone.utc)
        session.sleep(max(0.0, LONGEST_UNDER_WAY - (now - parse_moment(since)).total_seconds()))

    def _finish(self, obj: InsightlyObject, made: int, line: Deleted) -> list[str]:
        """Put back what is not written with a record.

        Returns:
            What of that was refused.
        """
        lost: list[str] = []
        place = {name: line.before.get(name) for name in STAGE}
        if obj.has_stages and place["PIPELINE_ID"] is not None:
            record = self._reach.record(obj, made) or {}
            if {name: record.get(name) for name in STAGE} != place:
                _try(lambda: self._reach.move(obj, made, place), "its stage", lost)
        for key, link in self._links(line.before):
            self._link(obj, made, key, link, lost)
            other = self._ids.deletions.get(key)
            if other is None or self._is_away(key):
                continue
            # Of two that were linked to each other, the first could not be linked to this one yet.
            before = self._lines.at(other.place)
            if isinstance(before, Deleted) and self._progress.of(other).made is not None:
                for back, its in self._links(before.before):
                    if back == (obj.path, line.record_id):
                        kind = self._client.object(other.object_name)
                        self._link(kind, self._ids.now(*key), back, its, lost)
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
        elif not self._is_away(key):
            new = {**link, "LINK_OBJECT_ID": self._ids.now(*key)}
            _try(lambda: self._reach.link(obj, record_id, new), what, lost)
        elif not self._links_back(key, obj, record_id):
            lost.append(f"{what}, which comes later")

    def _links_back(self, key: Key, obj: InsightlyObject, record_id: int) -> bool:
        """Tell whether a record that comes later has a link to this one, and makes both then."""
        line = self._lines.at(self._ids.deletions[key].place)
        if not isinstance(line, Deleted):
            return False
        return any(
            path == obj.path and self._ids.now(path, one) == record_id
            for (path, one), _ in self._links(line.before)
        )


def _try(do: Callable[[], object], what: str, lost: list[str]) -> None:
    try:
        do()
    except InsightlyError as error:
        if not is_refusal(error):
            raise
        lost.append(f"{what} ({str(error).rstrip('.')})")
