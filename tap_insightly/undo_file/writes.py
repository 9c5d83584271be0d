"""Sends writes, each written down before it is sent, so that it can be undone."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from tap_insightly.api.records.reading import value_of
from tap_insightly.api.records.stages import STAGE
from tap_insightly.openapi.objects import CUSTOM_FIELDS
from tap_insightly.undo_file.clock import server_now_text
from tap_insightly.undo_file.lines import (
    CreatedLine,
    CreatingLine,
    DeletedLine,
    LinkedLine,
    MovedLine,
    UpdatedLine,
)

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from typing_extensions import Unpack

    from tap_insightly.api import Fields, InsightlyClient, InsightlyObject, Request
    from tap_insightly.api.records.requests import About
    from tap_insightly.undo_file.lines import WriteLine
    from tap_insightly.undo_file.recorder import Recorder

    Record = dict[str, Any]


class RecordedWrites:
    """Sends the writes of one stream, or of whoever writes, for any number of threads."""

    def __init__(
        self, client: InsightlyClient, recorder: Recorder | None, stream: str = ""
    ) -> None:
        """Take where to record what writes replace; None if that is not wanted."""
        self._client = client
        self._recorder = recorder
        self._stream = stream

    @property
    def is_recording(self) -> bool:
        """Whether records have to be read before they are written, to record what they were."""
        return self._recorder is not None

    def create(
        self, request: Request, fields: Fields, find: Callable[[], Record | None] | None = None
    ) -> Record:
        """Create a record, once; see `InsightlyClient.make`."""
        name, body = fields.obj.name, request.content
        self._record(
            CreatingLine(
                object_name=name,
                stream=self._stream,
                path=request.path,
                values=body,
                since=server_now_text(self._client.session),
            )
        )
        created = self._client.make(request, fields, find)
        record_id = int(created[str(fields.obj.key)])
        self._record(
            CreatedLine(object_name=name, stream=self._stream, record_id=record_id, values=body)
        )
        return created

    def update(
        self,
        request: Request,
        fields: Fields,
        record_id: int,
        record: Mapping[str, Any],
        send: Callable[[Mapping[str, Any]], object] | None = None,
    ) -> None:
        """Change a record that is as given; `send` is given the new values instead of the API."""
        after = request.content
        after.pop(str(fields.obj.key), None)
        self._record(
            UpdatedLine(
                object_name=fields.obj.name,
                stream=self._stream,
                record_id=record_id,
                before=_before(after, record),
                after=after,
            )
        )
        if send is None:
            self._client.session.send(request)
        else:
            send(after)

    def move(
        self,
        request: Request,
        obj: InsightlyObject,
        record_id: int,
        stage: Mapping[str, int | None],
        record: Mapping[str, Any],
    ) -> None:
        """Put a record into a stage and a pipeline, by `STAGE`."""
        before = {name: record[name] for name in STAGE if name in record}
        if before:  # leads do not tell
            self._record(
                MovedLine(
                    object_name=obj.name,
                    stream=self._stream,
                    record_id=record_id,
                    before=before,
                    after={**before, **stage},
                )
            )
        self._client.session.send(request)

    def delete(self, obj: InsightlyObject, record_id: int) -> None:
        """Delete a record; a `NotAvailableError` if there is none."""
        request = self._client.build_delete_request(obj.name, record_id)
        if self.is_recording:
            before = self._client.get(obj.name, record_id)
            self._record(
                DeletedLine(
                    object_name=obj.name, stream=self._stream, record_id=record_id, before=before
                )
            )
        self._client.session.send(request)

    def link(
        self,
        obj: InsightlyObject,
        record_id: int,
        other: InsightlyObject,
        other_id: int,
        **about: Unpack[About],
    ) -> Record:
        """Link a record to another that it is not linked to."""
        request = self._client.build_link_request(
            obj.name, record_id, other.name, other_id, **about
        )
        self._record(
            LinkedLine(
                object_name=obj.name,
                stream=self._stream,
                record_id=record_id,
                link=request.content,
            )
        )
        return self._client.link(obj.name, record_id, other.name, other_id, **about)

    def _record(self, line: WriteLine) -> None:
        if self._recorder is not None:
            self._recorder.add(line)


def _before(after: Mapping[str, Any], record: Mapping[str, Any]) -> Record:
    """What the fields of a body were before, in the shape of a body."""
    before = {name: record.get(name) for name in after if name != CUSTOM_FIELDS}
    names = [item["FIELD_NAME"] for item in after.get(CUSTOM_FIELDS) or ()]
    custom = [{"FIELD_NAME": name, "FIELD_VALUE": value_of(record, name)} for name in names]
    return before | ({CUSTOM_FIELDS: custom} if custom else {})
