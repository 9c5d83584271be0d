"""Writes the records of one stream of another account, then their stages and links."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from tap_insightly.api import InsightlyError, InvalidFieldsError, NotAvailableError, Request
from tap_insightly.api.records.stages import STAGE
from tap_insightly.loader.copying.translator import TranslatedRecord, Translator
from tap_insightly.loader.errors import is_refusal
from tap_insightly.loader.links import link_options
from tap_insightly.undo_file.clock import server_now_text

if TYPE_CHECKING:
    from collections.abc import Mapping

    from tap_insightly.api import InsightlyClient
    from tap_insightly.loader.copying.id_map import IdMap
    from tap_insightly.loader.copying.name_matcher import NameMatcher
    from tap_insightly.loader.stream_mapping import MappedRecord, StreamMapping

    Record = dict[str, Any]


class StreamCopy:
    """Writes the records of one stream of another account."""

    def __init__(self, client: InsightlyClient, mapping: StreamMapping, id_map: IdMap) -> None:
        """Find out which fields a new record cannot do without."""
        self.mapping = mapping
        """Where the records go."""
        self._client = client
        self._id_map = id_map
        self._translator = Translator(client, mapping, id_map)
        self._written: set[int] = set()
        obj = mapping.obj
        parents = {below.parent_field for below in obj.below if below.parent_field}
        self._needed = {*obj.required, *obj.set_once, *parents}
        self._parent_paths = {below.path for below in obj.below if below.parent_field is None}

    def translate(self, mapped: MappedRecord, record: Mapping[str, Any]) -> TranslatedRecord:
        """Translate a record, given as it was mapped and as it came."""
        return self._translator.translate(mapped, record)

    def was_written(self, source_id: int) -> bool:
        """Whether this run has written a record."""
        return source_id in self._written

    def note_written(self, source_id: int) -> None:
        """Note that this run has written a record."""
        self._written.add(source_id)

    def match(
        self, source_id: int, record: Mapping[str, Any], mapped: MappedRecord, names: NameMatcher
    ) -> str:
        """Find a record of the account's settings by its name, or else create it.

        Its outcome is ``unchanged``, ``created``, or ``absent`` if it is not here, and cannot be.
        """
        obj = self.mapping.obj
        if self._id_map.target_of(obj.path, source_id) is not None:
            return "unchanged"
        by_field = {one.name: record.get(name) for name, one in self.mapping.properties.items()}
        found = names.find(self._client, obj, by_field)
        if found is None and "create" in obj.can:
            translated = self.translate(mapped, record)
            if not self._needed & {*translated.pending, *translated.unresolvable}:
                self._create(source_id, translated)
                return "created"
        self._id_map.put(obj.path, source_id, found)
        return "absent" if found is None else "unchanged"

    def write(
        self, source_id: int, mapped: MappedRecord, translated: TranslatedRecord
    ) -> str | None:
        """Write a record, as far as it can be now; None if it cannot be created yet.

        Its outcome is ``created``, ``updated`` or ``unchanged``.
        """
        obj = self.mapping.obj
        target_id = self._id_map.target_of(obj.path, source_id)
        outcome = "unchanged"
        if target_id is None and mapped.match_value is not None:
            target_id = self._find(source_id, mapped.match_value)
        if target_id is None:
            if self._needed & set(translated.pending) or self._waits_for_parent(translated):
                return None
            record = self._create(source_id, translated)
            target_id, outcome = int(record[str(obj.key)]), "created"
        else:
            record = self._client.get(obj.name, target_id)
            request = self._client.build_update_request(
                self.mapping.fields, target_id, self.mapping.writable(translated.values), record
            )
            if request is not None:
                self._client.session.send(request)
                outcome = "updated"
        is_moved = self._set_stage(target_id, translated, record)
        is_linked = self._add_links(target_id, translated, record)
        return "updated" if outcome == "unchanged" and (is_moved or is_linked) else outcome

    def delete(self, source_id: int) -> str:
        """Delete what is deleted there; ``deleted``, or ``unchanged`` if it is not here."""
        path = self.mapping.obj.path
        target_id = self._id_map.target_of(path, source_id)
        outcome = "unchanged"
        if target_id is not None:
            try:
                self._client.delete(self.mapping.obj.name, target_id)
                outcome = "deleted"
            except NotAvailableError as error:
                if not error.is_missing:
                    raise
        self._id_map.remove(path, source_id)
        return outcome

    def _find(self, source_id: int, match_value: Any) -> int | None:  # noqa: ANN401 - any value
        """Find a record by match_on that is not another's already."""
        obj, field = self.mapping.obj, self.mapping.match_on
        records = self._client.find(obj.name, field.name, match_value) if field else []
        ids = [int(record[str(obj.key)]) for record in records]
        taken = self._id_map.targets(obj.path)
        target_id = next((one for one in ids if one not in taken), None)
        if target_id is not None:
            self._id_map.put(obj.path, source_id, target_id)
        return target_id

    def _waits_for_parent(self, translated: TranslatedRecord) -> bool:
        if not self._parent_paths or self._parent(translated) is not None:
            return False
        return bool(translated.pending)

    def _parent(self, translated: TranslatedRecord) -> str | None:
        """The path of the record that a note is created below: one that it is linked to."""
        for link in translated.links:
            other = self._client.object(link["LINK_OBJECT_NAME"])
            if other.path in self._parent_paths:
                return other.path_of(link["LINK_OBJECT_ID"])
        return None

    def _create(self, source_id: int, translated: TranslatedRecord) -> Record:
        fields, obj = self.mapping.fields, self.mapping.obj
        # A new record needs no empty values.
        values = {name: value for name, value in translated.values.items() if value is not None}
        parent = self._parent(translated)
        if parent is None and self._parent_paths:
            msg = "It is linked to no record that notes can be added to."
            raise InvalidFieldsError(obj.name, [msg])
        if parent is None:
            request = self._client.build_create_request(fields, values)
        else:
            body = fields.body(self.mapping.writable(values), is_new=True)
            request = Request.with_json("POST", f"{parent}/{obj.path[1:]}", body)
        since = server_now_text(self._client.session)
        self._id_map.add_intent(obj.path, source_id, request.path, request.body or b"{}", since)
        try:
            created = self._client.make(request, fields)
        except InsightlyError as error:
            if is_refusal(error):
                self._id_map.remove_intent(obj.path, source_id)
            raise
        self._id_map.put(obj.path, source_id, int(created[str(obj.key)]))
        return created

    def _set_stage(self, target_id: int, translated: TranslatedRecord, record: Record) -> bool:
        """Put a record into its pipeline and stage; whether it was elsewhere."""
        stage = translated.stage
        unknown = {*translated.pending, *translated.unresolvable}
        if not stage or unknown & set(STAGE):
            return False
        obj = self.mapping.obj
        request = self._client.build_move_request(obj.name, target_id, stage, record)
        if request is None:
            return False
        self._client.session.send(request)
        return True

    def _add_links(self, target_id: int, translated: TranslatedRecord, record: Record) -> bool:
        """Add the links that a record does not have; whether there were any."""
        obj, is_changed = self.mapping.obj, False
        if "Links" not in obj.actions:
            return False
        existing = record.get("LINKS") or ()
        for link in translated.links:
            if any(link.items() <= one.items() for one in existing):
                continue
            name, other_id = link["LINK_OBJECT_NAME"], link["LINK_OBJECT_ID"]
            self._client.link(obj.name, target_id, name, other_id, **link_options(link))
            is_changed = True
        return is_changed
