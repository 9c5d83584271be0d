"""Sends the writes of one stream: only what differs, recorded before it is sent, or only shown."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from typing_extensions import TypedDict

from tap_insightly.api import InvalidFieldsError, NotAvailableError, RefusedError, Response
from tap_insightly.api.records.reading import value_of
from tap_insightly.api.records.stages import STAGE
from tap_insightly.loader.clock import server_now_text
from tap_insightly.openapi.objects import CUSTOM_FIELDS
from tap_insightly.undo_file.lines import (
    CreatedLine,
    CreatingLine,
    DeletedLine,
    MovedLine,
    UpdatedLine,
)

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from typing_extensions import Unpack

    from tap_insightly.api import InsightlyClient, Request
    from tap_insightly.loader.stream_mapping import MappedRecord, StreamMapping
    from tap_insightly.undo_file.lines import WriteLine
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
        self._recorder = options.get("recorder") if self._show is None else None

    @property
    def is_recording(self) -> bool:
        """Whether records have to be read before they are written, to record what they were."""
        return self._recorder is not None

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
        body, since = _body(request), server_now_text(self._client.session)
        self._record(
            CreatingLine(
                object_name=obj.name,
                stream=mapping.stream,
                path=request.path,
                values=body,
                since=since,
            )
        )
        created = self._client.make(request, mapping.fields, find)
        record_id = int(created[str(obj.key)])
        self._record(
            CreatedLine(
                object_name=obj.name, stream=mapping.stream, record_id=record_id, values=body
            )
        )
        return created

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
        after = _body(request)
        after.pop(str(fields.obj.key), None)
        self._record(
            UpdatedLine(
                object_name=fields.obj.name,
                stream=self._mapping.stream,
                record_id=record_id,
                before=_before(after, record or {}),
                after=after,
            )
        )
        self._send(request)
        return True

    def set_stage(
        self, record_id: int, stage: Mapping[str, int | None], record: Record | None
    ) -> bool:
        """Put a record into its pipeline and stage; whether it was elsewhere."""
        obj, known = self._mapping.obj, record or {}
        request = (
            self._client.build_move_request(obj.name, record_id, stage, record) if stage else None
        )
        if request is None:
            return False
        before = {name: known[name] for name in STAGE if name in known}
        if before:  # leads do not tell
            self._record(
                MovedLine(
                    object_name=obj.name,
                    stream=self._mapping.stream,
                    record_id=record_id,
                    before=before,
                    after={**before, **stage},
                )
            )
        self._send(request)
        return True

    def delete(self, record_id: int) -> None:
        """Delete a record; a `NotAvailableError` if there is none."""
        obj = self._mapping.obj
        request = self._client.build_delete_request(obj.name, record_id)
        if self.is_recording:
            before = self._client.get(obj.name, record_id)
            self._record(
                DeletedLine(
                    object_name=obj.name,
                    stream=self._mapping.stream,
                    record_id=record_id,
                    before=before,
                )
            )
        self._send(request)

    def _record(self, line: WriteLine) -> None:
        if self._recorder is not None:
            self._recorder.add(line)

    def _send(self, request: Request) -> None:
        if self._show is None:
            self._client.session.send(request)
        else:
            self._show(request)


def _body(request: Request) -> Record:
    body: Record = Response(request.body or b"{}").data
    return body


def _before(after: Mapping[str, Any], record: Mapping[str, Any]) -> Record:
    """What the fields of a body were before, in the shape of a body."""
    before = {name: record.get(name) for name in after if name != CUSTOM_FIELDS}
    names = [item["FIELD_NAME"] for item in after.get(CUSTOM_FIELDS) or ()]
    custom = [{"FIELD_NAME": name, "FIELD_VALUE": value_of(record, name)} for name in names]
    return before | ({CUSTOM_FIELDS: custom} if custom else {})
