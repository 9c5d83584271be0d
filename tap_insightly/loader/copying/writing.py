"""Writing one record of another account: found, made or changed, then its stage and its links."""

from __future__ import annotations

from datetime import datetime, timezone
from typing import TYPE_CHECKING, Any

from tap_insightly.api import InsightlyError, InvalidFieldsError, NotAvailableError, Request
from tap_insightly.api.records.requests import STAGE
from tap_insightly.loader.copying.translating import Translated, Translator
from tap_insightly.loader.record_loader import is_refusal
from tap_insightly.values import utc_text

if TYPE_CHECKING:
    from collections.abc import Mapping

    from tap_insightly.api import InsightlyClient
    from tap_insightly.loader.copying.id_map import IdMap
    from tap_insightly.loader.copying.settling import Named
    from tap_insightly.loader.stream_mapping import Row, StreamMapping

    Record = dict[str, Any]


class Copied:
    """Writes the records of one stream of another account."""

    def __init__(self, client: InsightlyClient, route: StreamMapping, ids: IdMap) -> None:
        """Get ready.

        Args:
            client: The account.
            route: Where the records go.
            ids: What is known of ids.

        Raises:
            InsightlyError: If the account does not tell of its custom fields.
        """
        self.route = route
        """Where the records go."""
        self._client = client
        self._ids = ids
        self._translator = Translator(client, route, ids)
        self._seen: set[int] = set()
        obj = route.obj
        parents = {below.parent_field for below in obj.below if below.parent_field}
        self._needed = {*obj.required, *obj.set_once, *parents}
        self._parents = {below.path for below in obj.below if below.parent_field is None}

    def translate(self, row: Row, record: Mapping[str, Any]) -> Translated:
        """Translate a record.

        Args:
            row: The record, in the words of its object.
            record: The record as it came.

        Returns:
            What it is here, as far as that is known.
        """
        return self._translator.translate(row, record)

    def was_written(self, source: int) -> bool:
        """Tell whether a record was written by this run.

        Args:
            source: Its id there.

        Returns:
            Whether it was.
        """
        return source in self._seen

    def note_written(self, source: int) -> None:
        """Take down that a record was written by this run.

        Args:
            source: Its id there.
        """
        self._seen.add(source)

    def match(self, source: int, record: Mapping[str, Any], row: Row, named: Named) -> str:
        """Find what belongs to the settings of the account by its name, or else make it.

        Args:
            source: Its id there.
            record: The record as it came.
            row: The same, in the words of its object.
            named: What finds it.

        Returns:
            What became of it: ``unchanged``, ``created``, or ``rejected`` if it is not here.

        Raises:
            InsightlyError: If it cannot be made.
        """
        obj = self.route.obj
        known = self._ids.find(obj.path, source)
        if known is not None and known[0] is not None:
            return "unchanged"
        own = {one.name: record.get(name) for name, one in self.route.properties.items()}
        found = named.find(self._client, obj, own)
        if found is None and "create" in obj.can:
            translated = self.translate(row, record)
            if not self._needed & {*translated.pending, *translated.unresolvable}:
                self._create(source, translated)
                return "created"
        self._ids.put(obj.path, source, found)
        return "absent" if found is None else "unchanged"

    def write(self, source: int, row: Row, translated: Translated) -> str | None:
        """Write a record, as far as it can be now.

        Args:
            source: Its id there.
            row: The record, in the words of its object.
            translated: The record as it is to be here.

        Returns:
            What became of it: ``created``, ``updated`` or ``unchanged``; None if it cannot be
            made yet.

        Raises:
            InsightlyError: If it cannot be written.
        """
        obj = self.route.obj
        known = self._ids.find(obj.path, source)
        target, outcome = known[0] if known else None, "unchanged"
        if target is None and row.match is not None:
            target = self._found(source, row.match)
        if target is None:
            if self._needed & set(translated.pending) or self._waits_for_parent(translated):
                return None
            record = self._create(source, translated)
            target, outcome = int(record[str(obj.key)]), "created"
        else:
            record = self._client.get(obj.name, target)
            request = self._client.build_update_request(
                self.route.fields, target, self._writable(translated.values), record
            )
            if request is not None:
                self._client.session.send(request)
                outcome = "updated"
        moved = self._move(target, translated, record)
        linked = self._link(target, translated, record)
        return "updated" if outcome == "unchanged" and (moved or linked) else outcome

    def delete(self, source: int) -> str:
        """Delete a record that is deleted there.

        Args:
            source: Its id there.

        Returns:
            What became of it: ``deleted``, or ``unchanged`` if it is not here.

        Raises:
            InsightlyError: If it cannot be deleted.
        """
        path = self.route.obj.path
        known = self._ids.find(path, source)
        outcome = "unchanged"
        if known is not None and known[0] is not None:
            try:
                self._client.delete(self.route.obj.name, known[0])
                outcome = "deleted"
            except NotAvailableError as error:
                if not error.is_missing:
                    raise
        self._ids.forget(path, source)
        return outcome

    def _found(self, source: int, match: Any) -> int | None:  # noqa: ANN401 - any value
        obj, field = self.route.obj, self.route.match_on
        found = self._client.find(obj.name, field.name, match) if field else []
        ids = [int(one[str(obj.key)]) for one in found]
        free = [one for one in ids if one not in self._ids.targets(obj.path)]
        if not free:
            return None
        self._ids.put(obj.path, source, free[0])
        return free[0]

    def _writable(self, values: Mapping[str, Any]) -> Record:
        fields = self.route.fields
        return {
            name: value
            for name, value in values.items()
            if (field := fields.find(name)) is None or field.is_writable
        }

    def _waits_for_parent(self, translated: Translated) -> bool:
        return bool(self._parents) and self._parent(translated) is None and bool(translated.pending)

    def _parent(self, translated: Translated) -> str | None:
        """Find the record that a note is made below: one that it is linked to."""
        for link in translated.links:
            other = self._client.object(link["LINK_OBJECT_NAME"])
            if other.path in self._parents:
                return other.path_of(link["LINK_OBJECT_ID"])
        return None

    def _create(self, source: int, translated: Translated) -> Record:
        fields, obj = self.route.fields, self.route.obj
        # What is empty in a new record need not be said.
        values = {name: one for name, one in translated.values.items() if one is not None}
        parent = self._parent(translated)
        if parent is None and self._parents:
            msg = "It is linked to no record that notes can be added to."
            raise InvalidFieldsError(obj.name, [msg])
        if parent is None:
            request = self._client.build_create_request(fields, values)
        else:
            request = Request.with_json(
                "POST", f"{parent}/{obj.path[1:]}", fields.body(self._writable(values), is_new=True)
            )
        now = self._client.session.now()
        since = utc_text((now or datetime.now(timezone.utc)).replace(microsecond=0))
        self._ids.intend(obj.path, source, request.path, request.body or b"{}", since)
        try:
            made = self._client.make(request, fields)
        except InsightlyError as error:
            if is_refusal(error):
                self._ids.forget_intent(obj.path, source)
            raise
        self._ids.put(obj.path, source, int(made[str(obj.key)]))
        return made

    def _move(self, target: int, translated: Translated, record: Record) -> bool:
        """Put a record into its pipeline and stage, if it is not there."""
        stage = translated.stage
        unknown = {*translated.pending, *translated.unresolvable}
        if not stage or unknown & set(STAGE):
            return False
        request = self._client.build_stage_request(self.route.obj.name, target, stage, record)
        if request is None:
            return False
        self._client.session.send(request)
        return True

    def _link(self, target: int, translated: Translated, record: Record) -> bool:
        is_changed = False
        obj = self.route.obj
        if "Links" not in obj.actions:
            return False
        there = record.get("LINKS") or ()
        for link in translated.links:
            if any(link.items() <= one.items() for one in there):
                continue
            self._client.link(
                obj.name,
                target,
                link["LINK_OBJECT_NAME"],
                link["LINK_OBJECT_ID"],
                role=link.get("ROLE"),
                details=link.get("DETAILS"),
                relationship_id=link.get("RELATIONSHIP_ID"),
                is_forward=link.get("IS_FORWARD"),
            )
            is_changed = True
        return is_changed
