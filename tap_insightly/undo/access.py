"""Reads and writes the records of an account, or only shows what would be written."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from typing_extensions import override

from tap_insightly.api import (
    ConflictError,
    NotAvailableError,
    UnknownOutcomeError,
    UnsupportedOperationError,
)
from tap_insightly.api.records.fields import spread_custom_fields
from tap_insightly.api.records.stages import STAGE
from tap_insightly.loader.links import link_options
from tap_insightly.loader.lists import all_records
from tap_insightly.openapi.objects import CUSTOM_FIELDS

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from tap_insightly.api import Fields, InsightlyClient, InsightlyObject, Request

    Record = dict[str, Any]
    Changes = Callable[[Record | None], Mapping[str, Any]]

_MAX_ATTEMPTS = 3


class AccountAccess:
    """Reads and writes records."""

    def __init__(self, client: InsightlyClient) -> None:
        """Take the account."""
        self.client = client

    def read(self, obj: InsightlyObject, record_id: int) -> Record | None:
        """Read a record; None if there is none."""
        return self._read_with_etag(obj, record_id)[0]

    def read_all(self, obj: InsightlyObject) -> list[Record]:
        """Read all records of an object."""
        return list(all_records(self.client, obj))

    def update(self, fields: Fields, record_id: int, changes: Changes) -> None:
        """Change a record, unless somebody else changes it at the same time.

        `changes` is given the record as it is, or None if it is gone, and says what to write; it
        is asked again if the record was changed meanwhile.
        """
        for attempt in range(1, _MAX_ATTEMPTS + 1):
            record, etag = self._read_with_etag(fields.obj, record_id)
            values = changes(record)
            if not values:
                return
            try:
                self._update(fields, record_id, values, etag)
            except (ConflictError, UnknownOutcomeError):  # reading it again tells
                if attempt == _MAX_ATTEMPTS:
                    raise
            else:
                return

    def delete(self, obj: InsightlyObject, record_id: int) -> None:
        """Delete a record."""
        self.client.delete(obj.name, record_id)

    def create(self, request: Request, fields: Fields, old: Record) -> int:
        """Create a record that was deleted before, given as it was; its id."""
        del old
        return int(self.client.make(request, fields)[str(fields.obj.key)])

    def move(self, obj: InsightlyObject, record_id: int, stage: Mapping[str, int | None]) -> None:
        """Put a record into a pipeline and a stage, by `STAGE`."""
        self.client.session.send(_stage_request(self.client, obj, record_id, stage))

    def link(self, obj: InsightlyObject, record_id: int, link: Mapping[str, Any]) -> None:
        """Link a record to another, unless it is; a link as records have it."""
        name, other_id = link["LINK_OBJECT_NAME"], link["LINK_OBJECT_ID"]
        self.client.link(obj.name, record_id, name, other_id, **link_options(link))

    def unlink(self, obj: InsightlyObject, record_id: int, link_id: int) -> None:
        """Remove a link of a record."""
        self.client.unlink(obj.name, record_id, link_id)

    def _read_with_etag(
        self, obj: InsightlyObject, record_id: int
    ) -> tuple[Record | None, str | None]:
        if "get" not in obj.can:
            found = (one for one in self.read_all(obj) if one.get(str(obj.key)) == record_id)
            return next(found, None), None
        try:
            return self.client.get_with_etag(obj.name, record_id)
        except NotAvailableError as error:
            if not error.is_missing:
                raise
            return None, None

    def _update(
        self, fields: Fields, record_id: int, values: Mapping[str, Any], etag: str | None
    ) -> None:
        self.client.update(fields.obj.name, record_id, values, if_match=etag)


class DryRunAccess(AccountAccess):
    """Shows each request instead of sending it, and goes on as if it had been sent."""

    def __init__(self, client: InsightlyClient, show: Callable[[Request], object]) -> None:
        """Take the account, and what shows a request."""
        super().__init__(client)
        self._show = show
        self._records: dict[tuple[str, int], Record | None] = {}

    @override
    def delete(self, obj: InsightlyObject, record_id: int) -> None:
        self._show(self.client.build_delete_request(obj.name, record_id))
        self._records[obj.path, record_id] = None

    @override
    def create(self, request: Request, fields: Fields, old: Record) -> int:
        """Return the id that it had, as nobody knows which it would get."""
        self._show(request)
        record_id = int(old[str(fields.obj.key)])
        self._records[fields.obj.path, record_id] = old | dict.fromkeys(
            (name for name in STAGE if name in old), None
        )
        return record_id

    @override
    def move(self, obj: InsightlyObject, record_id: int, stage: Mapping[str, int | None]) -> None:
        self._show(_stage_request(self.client, obj, record_id, stage))
        self._records[obj.path, record_id] = {**(self.read(obj, record_id) or {}), **stage}

    @override
    def link(self, obj: InsightlyObject, record_id: int, link: Mapping[str, Any]) -> None:
        name, other_id = link["LINK_OBJECT_NAME"], link["LINK_OBJECT_ID"]
        options = link_options(link)
        self._show(self.client.build_link_request(obj.name, record_id, name, other_id, **options))

    @override
    def unlink(self, obj: InsightlyObject, record_id: int, link_id: int) -> None:
        self._show(self.client.build_unlink_request(obj.name, record_id, link_id))

    @override
    def _read_with_etag(
        self, obj: InsightlyObject, record_id: int
    ) -> tuple[Record | None, str | None]:
        if (obj.path, record_id) in self._records:
            return self._records[obj.path, record_id], None
        return super()._read_with_etag(obj, record_id)

    @override
    def _update(
        self, fields: Fields, record_id: int, values: Mapping[str, Any], etag: str | None
    ) -> None:
        del etag
        record = self.read(fields.obj, record_id) or {}
        request = self.client.build_update_request(fields, record_id, values, record)
        if request is not None:
            self._show(request)
        updated = dict(spread_custom_fields(record)) | dict(values)
        custom = {name for name in updated if (field := fields.find(name)) and field.is_custom}
        items = [{"FIELD_NAME": name, "FIELD_VALUE": updated.pop(name)} for name in custom]
        self._records[fields.obj.path, record_id] = {**updated, CUSTOM_FIELDS: items}


def _stage_request(
    client: InsightlyClient, obj: InsightlyObject, record_id: int, stage: Mapping[str, int | None]
) -> Request:
    both = {name: stage.get(name) for name in STAGE}
    request = client.build_move_request(obj.name, record_id, both)
    if request is None:  # only if there is no stage, or the record is in it
        msg = f"{obj.name} {record_id}: there is nowhere to move it to."
        raise UnsupportedOperationError(msg)
    return request
