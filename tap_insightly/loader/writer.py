"""Sending one write: only what differs, taken down before it is sent, or only said."""

from __future__ import annotations

from datetime import datetime, timezone
from typing import TYPE_CHECKING, Any

from typing_extensions import TypedDict

from tap_insightly.api import InvalidFieldsError, NotAvailableError, RefusedError, Response
from tap_insightly.api.records.fields import CUSTOM_FIELDS
from tap_insightly.api.records.reading import value_of
from tap_insightly.api.records.stages import STAGE
from tap_insightly.undo.lines import Created, Creating, Deleted, Moved, Updated
from tap_insightly.values import utc_text

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from typing_extensions import Unpack

    from tap_insightly.api import InsightlyClient, Request
    from tap_insightly.loader.stream_mapping import Row, StreamMapping
    from tap_insightly.undo.lines import AnyWrite
    from tap_insightly.undo.recording import Recorder

    Record = dict[str, Any]


class WriterOptions(TypedDict, total=False):
    """What a writer does besides."""

    recorder: Recorder | None
    """Where to take down what writes replace; None for nowhere."""
    say: Callable[[Request], object] | None
    """What to do with a request instead of sending it; None to send it."""


class RecordWriter:
    """Writes records of one stream, for any number of threads."""

    def __init__(
        self,
        client: InsightlyClient,
        route: StreamMapping,
        **options: Unpack[WriterOptions],
    ) -> None:
        """Take the settings.

        Args:
            client: The account.
            route: Where the records go.
            **options: What to do besides.
        """
        say = options.get("say")
        self._client = client
        self._route = route
        self._recorder = options.get("recorder") if say is None else None
        self._say = say

    @property
    def is_recording(self) -> bool:
        """Whether what writes replace is taken down, so that it has to be read."""
        return self._recorder is not None

    def create(self, row: Row, find: Callable[[], Record | None] | None = None) -> Record | None:
        """Create a record.

        Args:
            row: The record.
            find: Finds it, if the answer is lost; None if it has no key.

        Returns:
            The record; None if it is only said.

        Raises:
            InsightlyError: If that cannot be done.
        """
        route, obj = self._route, self._route.obj
        # What is empty in a new record need not be said.
        given = {name: value for name, value in row.values.items() if value is not None}
        request = self._client.build_create_request(route.fields, given | row.parent)
        if row.stage.get("STAGE_ID") is not None:
            self._client.pipeline_of(obj.name, row.stage["STAGE_ID"])  # before anything is sent
        if self._say is not None:
            self._say(request)
            return None
        values, now = _body(request), self._client.session.now() or datetime.now(timezone.utc)
        since = utc_text(now.replace(microsecond=0))
        self._record(
            Creating(
                object_name=obj.name,
                stream=route.stream,
                path=request.path,
                values=values,
                since=since,
            )
        )
        made = self._client.make(request, route.fields, find)
        record_id = int(made[str(obj.key)])
        self._record(
            Created(object_name=obj.name, stream=route.stream, record_id=record_id, values=values)
        )
        return made

    def place(self, record_id: int, stage: Mapping[str, int | None], made: Record) -> None:
        """Put a new record into its stage.

        Args:
            record_id: Its id.
            stage: Where it is to be, as far as that is said.
            made: The record, as creating it was answered.

        Raises:
            InsightlyError: If that cannot be done; that it was created is said.
        """
        obj = self._route.obj
        try:
            if stage and not made.keys() & set(STAGE):  # an answer need not hold all of a record
                made = self._client.get(obj.name, record_id)
            self.move(record_id, stage, made)
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
        """Change fields of a record.

        Args:
            record_id: Its id.
            values: Values by field name.
            record: The record as it is, as far as that is known.
            is_compared: Whether to send only what differs from that.

        Returns:
            Whether there was anything to be changed.

        Raises:
            InsightlyError: If that cannot be done.
        """
        fields = self._route.fields
        writable = {
            name: value
            for name, value in values.items()
            if (one := fields.find(name)) is None or one.is_writable
        }
        request = self._client.build_update_request(
            fields, record_id, writable, record if is_compared else None
        )
        if request is None:
            return False
        after = _body(request)
        after.pop(str(fields.obj.key), None)
        self._record(
            Updated(
                object_name=fields.obj.name,
                stream=self._route.stream,
                record_id=record_id,
                before=_before(after, record or {}),
                after=after,
            )
        )
        self._send(request)
        return True

    def move(self, record_id: int, stage: Mapping[str, int | None], record: Record | None) -> bool:
        """Put a record into its pipeline and stage, if it is not there.

        Args:
            record_id: Its id.
            stage: Where it is to be, as far as that is said.
            record: The record as it is, as far as that is known.

        Returns:
            Whether there was anything to be changed.

        Raises:
            InsightlyError: If that cannot be done.
        """
        obj, known = self._route.obj, record or {}
        request = (
            self._client.build_move_request(obj.name, record_id, stage, record) if stage else None
        )
        if request is None:
            return False
        before = {name: known[name] for name in STAGE if name in known}
        if before:  # leads do not tell
            self._record(
                Moved(
                    object_name=obj.name,
                    stream=self._route.stream,
                    record_id=record_id,
                    before=before,
                    after={**before, **stage},
                )
            )
        self._send(request)
        return True

    def delete(self, record_id: int) -> None:
        """Delete a record.

        Args:
            record_id: Its id.

        Raises:
            NotAvailableError: If there is none.
            InsightlyError: If that cannot be done.
        """
        obj = self._route.obj
        request = self._client.build_delete_request(obj.name, record_id)
        if self.is_recording:
            before = self._client.get(obj.name, record_id)
            self._record(
                Deleted(
                    object_name=obj.name,
                    stream=self._route.stream,
                    record_id=record_id,
                    before=before,
                )
            )
        self._send(request)

    def _record(self, line: AnyWrite) -> None:
        if self._recorder is not None:
            self._recorder.add(line)

    def _send(self, request: Request) -> None:
        if self._say is None:
            self._client.session.send(request)
        else:
            self._say(request)


def _body(request: Request) -> Record:
    body: Record = Response(request.body or b"{}").data
    return body


def _before(after: Mapping[str, Any], record: Mapping[str, Any]) -> Record:
    """Say what the fields of a body were before, in the shape of a body."""
    found = {name: record.get(name) for name in after if name != CUSTOM_FIELDS}
    names = [one["FIELD_NAME"] for one in after.get(CUSTOM_FIELDS) or ()]
    custom = [{"FIELD_NAME": name, "FIELD_VALUE": value_of(record, name)} for name in names]
    return found | ({CUSTOM_FIELDS: custom} if custom else {})
