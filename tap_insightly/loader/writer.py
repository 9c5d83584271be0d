"""Sends the writes of one stream: only what differs, recorded before it is sent, or only shown."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from typing_extensions import TypedDict

from tap_insightly.api import InvalidFieldsError, NotAvailableError, RefusedError
from tap_insightly.api.records.stages import STAGE
from tap_insightly.undo_file.writes import RecordedWrites

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from typing_extensions import Unpack

    from tap_insightly.api import InsightlyClient, Request
    from tap_insightly.loader.stream_mapping import MappedRecord, StreamMapping
    from tap_insightly.undo_file.recorder import Recorder

    Record = dict[str, Any]


class WriterOptions(TypedDict, total=False):
    """What a writer may do besides sending."""

    recorder: Recorder | None
    """Where to record what writes replace."""
    show: Callable[[Request], object] | None
    """Takes each request instead of sending it: a dry run."""


class RecordWriter:
    """Sends the writes of one stream, for any number of threads."""

    def __init__(
        self, client: InsightlyClient, mapping: StreamMapping, **options: Unpack[WriterOptions]
    ) -> None:
        """Take the options; a dry run records nothing."""
        self._client = client
        self._mapping = mapping
        self._show = options.get("show")
        recorder = options.get("recorder") if self._show is None else None
        self._writes = RecordedWrites(client, recorder, mapping.stream)

    @property
    def is_recording(self) -> bool:
        """Whether records have to be read before they are written, to record what they were."""
        return self._writes.is_recording

    def create(
        self, mapped: MappedRecord, find: Callable[[], Record | None] | None = None
    ) -> Record | None:
        """Create a record; None in a dry run.

        If the response is lost, `find` looks for the record, if it has a key.
        """
        mapping, obj = self._mapping, self._mapping.obj
        # A new record needs no empty values.
        values = {name: value for name, value in mapped.values.items() if value is not None}
        request = self._client.build_create_request(mapping.fields, values | mapped.parent)
        if mapped.stage.get("STAGE_ID") is not None:
            self._client.pipeline_of(obj.name, mapped.stage["STAGE_ID"])  # before anything is sent
        if self._show is not None:
            self._show(request)
            return None
        return self._writes.create(request, mapping.fields, find)

    def set_first_stage(
        self, record_id: int, stage: Mapping[str, int | None], created: Record
    ) -> None:
        """Put a new record into its stage; an error says that it was created all the same."""
        obj = self._mapping.obj
        try:
            # A response need not hold all of a record.
            if stage and not created.keys() & set(STAGE):
                created = self._client.get(obj.name, record_id)
            self.set_stage(record_id, stage, created)
        except (RefusedError, NotAvailableError) as error:
            msg = f"{record_id} was created, but could not be put into its stage: {error}"
            raise InvalidFieldsError(obj.name, [f"{obj.name} {msg}"]) from error

    def update(
        self,
        record_id: int,
        values: Mapping[str, Any],
        record: Record | None,
        *,
        is_compared: bool,
    ) -> bool:
        """Change fields of a record; whether there was anything to change.

        With `is_compared`, only what differs from the record is sent.
        """
        fields = self._mapping.fields
        request = self._client.build_update_request(
            fields, record_id, self._mapping.writable(values), record if is_compared else None
        )
        if request is None:
            return False
        if self._show is not None:
            self._show(request)
        else:
            self._writes.update(request, fields, record_id, record or {})
        return True

    def set_stage(
        self, record_id: int, stage: Mapping[str, int | None], record: Record | None
    ) -> bool:
        """Put a record into its pipeline and stage; whether it was elsewhere."""
        obj = self._mapping.obj
        request = (
            self._client.build_move_request(obj.name, record_id, stage, record) if stage else None
        )
        if request is None:
            return False
        if self._show is not None:
            self._show(request)
        else:
            self._writes.move(request, obj, record_id, stage, record or {})
        return True

    def delete(self, record_id: int) -> None:
        """Delete a record; a `NotAvailableError` if there is none."""
        obj = self._mapping.obj
        if self._show is not None:
            self._show(self._client.build_delete_request(obj.name, record_id))
        else:
            self._writes.delete(obj, record_id)
