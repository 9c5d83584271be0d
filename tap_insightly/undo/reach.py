"""What undoing asks of an account: done, or only shown."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from tap_insightly.api import (
    ConflictError,
    NotAvailableError,
    UnknownOutcomeError,
    UnsupportedOperationError,
)
from tap_insightly.api.records.fields import CUSTOM_FIELDS
from tap_insightly.api.records.stages import STAGE
from tap_insightly.undo.identities import flat

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from tap_insightly.api import Fields, InsightlyClient, InsightlyObject, Request

    Record = dict[str, Any]
    Changes = Callable[[Record | None], Mapping[str, Any]]

_MOST_TRIES = 3
# Converted statuses are left out unless they are asked for (spec).
_ALL_OF_THEM = {"/LeadStatuses": {"include_converted": "true"}}


class Reach:
    """Reads and writes records of an account."""

    def __init__(self, client: InsightlyClient) -> None:
        """Take the account.

        Args:
            client: The account.
        """
        self.client = client
        """The account."""

    def record(self, obj: InsightlyObject, record_id: int) -> Record | None:
        """Read a record.

        Args:
            obj: The object.
            record_id: Its id.

        Returns:
            The record; None if there is none.

        Raises:
            InsightlyError: If it cannot be read.
        """
        return self._with_etag(obj, record_id)[0]

    def list(self, obj: InsightlyObject) -> list[Record]:
        """Read all records of a list.

        Args:
            obj: The object.

        Returns:
            The records.

        Raises:
            InsightlyError: If they cannot be read.
        """
        return list(self.client.records(obj.name, params=_ALL_OF_THEM.get(obj.path)))

    def update(self, fields: Fields, record_id: int, changes: Changes) -> None:
        """Change a record, unless somebody else changes it at the same time.

        Args:
            fields: The fields of the object.
            record_id: Its id.
            changes: Says of the record as it is what is to be written; None for no record.

        Raises:
            InsightlyError: If that is refused.
        """
        for number in range(_MOST_TRIES):
            record, etag = self._with_etag(fields.obj, record_id)
            values = changes(record)
            if not values:
                return
            try:
                self._update(fields, record_id, values, etag)
            except (ConflictError, UnknownOutcomeError):  # what it is by now tells
                if number == _MOST_TRIES - 1:
                    raise
            else:
                return

    def delete(self, obj: InsightlyObject, record_id: int) -> None:
        """Delete a record.

        Args:
            obj: The object.
            record_id: Its id.

        Raises:
            InsightlyError: If that is refused.
        """
        self.client.delete(obj.name, record_id)

    def create(self, request: Request, fields: Fields, old: Record) -> int:
        """Create a record.

        Args:
            request: What to send.
            fields: The fields of its object.
            old: What it was.

        Returns:
            Its id.

        Raises:
            InsightlyError: If that is refused.
        """
        del old
        return int(self.client.make(request, fields)[str(fields.obj.key)])

    def move(self, obj: InsightlyObject, record_id: int, place: Mapping[str, int | None]) -> None:
        """Put a record into a pipeline and a stage.

        Args:
            obj: The object.
            record_id: Its id.
            place: Where it is to be: `STAGE`.

        Raises:
            InsightlyError: If that is refused.
        """
        self.client.session.send(_moving(self.client, obj, record_id, place))

    def link(self, obj: InsightlyObject, record_id: int, link: Mapping[str, Any]) -> None:
        """Link a record to another, unless it is.

        Args:
            obj: The object.
            record_id: Its id.
            link: The link, as records have it.

        Raises:
            InsightlyError: If that is refused.
        """
        name, other = link["LINK_OBJECT_NAME"], link["LINK_OBJECT_ID"]
        self.client.link(obj.name, record_id, name, other, **_about(link))

    def _with_etag(self, obj: InsightlyObject, record_id: int) -> tuple[Record | None, str | None]:
        if "get" not in obj.can:
            found = (one for one in self.list(obj) if one.get(str(obj.key)) == record_id)
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


class Rehearsal(Reach):
    """Shows what would be written, and goes on as if it had been."""

    def __init__(self, client: InsightlyClient, show: Callable[[Request], object]) -> None:
        """Take the account.

        Args:
            client: The account.
            show: What to do with a request instead of sending it.
        """
        super().__init__(client)
        self._show = show
        self._records: dict[tuple[str, int], Record | None] = {}

    def delete(self, obj: InsightlyObject, record_id: int) -> None:
        """Show a deletion.

        Args:
            obj: The object.
            record_id: Its id.
        """
        self._show(self.client.build_delete_request(obj.name, record_id))
        self._records[obj.path, record_id] = None

    def create(self, request: Request, fields: Fields, old: Record) -> int:
        """Show a creation.

        Args:
            request: What would be sent.
            fields: The fields of its object.
            old: What it was.

        Returns:
            The id that it had, as nobody knows which it would get.
        """
        self._show(request)
        record_id = int(old[str(fields.obj.key)])
        self._records[fields.obj.path, record_id] = old | dict.fromkeys(
            (name for name in STAGE if name in old), None
        )
        return record_id

    def move(self, obj: InsightlyObject, record_id: int, place: Mapping[str, int | None]) -> None:
        """Show a move.

        Args:
            obj: The object.
            record_id: Its id.
            place: Where it would be.
        """
        self._show(_moving(self.client, obj, record_id, place))
        self._records[obj.path, record_id] = {**(self.record(obj, record_id) or {}), **place}

    def link(self, obj: InsightlyObject, record_id: int, link: Mapping[str, Any]) -> None:
        """Show a link.

        Args:
            obj: The object.
            record_id: Its id.
            link: The link.
        """
        name, other = link["LINK_OBJECT_NAME"], link["LINK_OBJECT_ID"]
        self._show(self.client.build_link_request(obj.name, record_id, name, other, **_about(link)))

    def _with_etag(self, obj: InsightlyObject, record_id: int) -> tuple[Record | None, str | None]:
        if (obj.path, record_id) in self._records:
            return self._records[obj.path, record_id], None
        return super()._with_etag(obj, record_id)

    def _update(
        self, fields: Fields, record_id: int, values: Mapping[str, Any], etag: str | None
    ) -> None:
        del etag
        record = self.record(fields.obj, record_id) or {}
        request = self.client.build_update_request(fields, record_id, values, record)
        if request is not None:
            self._show(request)
        now = flat(record) | dict(values)
        custom = {name for name in now if (field := fields.find(name)) and field.is_custom}
        items = [{"FIELD_NAME": name, "FIELD_VALUE": now.pop(name)} for name in custom]
        self._records[fields.obj.path, record_id] = {**now, CUSTOM_FIELDS: items}


def _moving(
    client: InsightlyClient, obj: InsightlyObject, record_id: int, place: Mapping[str, int | None]
) -> Request:
    whole = {name: place.get(name) for name in STAGE}
    request = client.build_move_request(obj.name, record_id, whole)
    if request is None:  # only if nothing is said, or the record is there
        msg = f"{obj.name} {record_id}: there is nowhere to move it to."
        raise UnsupportedOperationError(msg)
    return request


def _about(link: Mapping[str, Any]) -> Any:  # noqa: ANN401 - the arguments of a function
    names = ("ROLE", "DETAILS", "RELATIONSHIP_ID", "IS_FORWARD")
    return {name.lower(): link.get(name) for name in names}
