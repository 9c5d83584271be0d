"""The requests that write something, to be looked at before they are sent, or instead."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from typing_extensions import TypedDict

from tap_insightly.api.http.request import Request
from tap_insightly.api.records.diff import changes, is_same
from tap_insightly.api.records.fields import Field, InvalidFieldsError
from tap_insightly.api.records.objects import (
    UnknownObjectError,
    UnsupportedOperationError,
    require_action,
)
from tap_insightly.api.records.reading import value_of
from tap_insightly.api.records.stages import StageClient

if TYPE_CHECKING:
    from collections.abc import Mapping

    from typing_extensions import Unpack

    from tap_insightly.api.records.fields import Fields
    from tap_insightly.api.records.objects import InsightlyObject


PARENT_TYPE, PARENT_ID = "PARENT_TYPE", "PARENT_ID"
PARENT = (PARENT_TYPE, PARENT_ID)
"""What a new note is given to say which record it is about: the object, and the id."""


class About(TypedDict, total=False):
    """What a link says besides its two ends."""

    role: str | None
    """What the other record is to the first."""
    details: str | None
    """More about it."""
    relationship_id: int | None
    """Which kind of relation it is."""
    is_forward: bool | None
    """Whether the relation reads from the first to the other."""


class PlanningClient(StageClient):
    """One account, to be read; makes the requests that would write to it, and sends none."""

    def build_create_request(self, fields: Fields, values: Mapping[str, Any]) -> Request:
        """Make the request that would create a record, and send nothing.

        Args:
            fields: The fields of its object.
            values: Values by field name.

        Returns:
            The request.

        Raises:
            InvalidFieldsError: If anything is wrong with the values.
            UnsupportedOperationError: If such records cannot be created.
        """
        obj = fields.obj
        if "create" not in obj.can:
            msg = f"{obj.name}: the API cannot create these."
            raise UnsupportedOperationError(msg)
        if "POST" in obj.direct:
            return Request.with_json("POST", obj.path, fields.body(values, is_new=True))
        rest = dict(values)
        for below in obj.below:
            name = next((n for n in rest if n.upper() == below.parent_field), None)
            parent_id = rest.pop(name) if name else None
            if parent_id is not None and "POST" in below.can:
                # The field is read-only in the record: the path says it.
                number = self._number(fields, below.parent_field or "", parent_id)
                path = f"{below.path}/{number}/{below.name}"
                return Request.with_json("POST", path, fields.body(rest, is_new=True))
        names = [below.parent_field for below in obj.below if below.parent_field]
        if not names:
            return self._build_create_request_below(fields, rest)
        raise InvalidFieldsError(obj.name, [f"A new one needs {' or '.join(names)}."])

    def _build_create_request_below(self, fields: Fields, values: dict[str, Any]) -> Request:
        """Make the request for a record that names by words what it is below: a note."""
        obj = fields.obj
        given = {name: values.pop(name) for name in list(values) if name.upper() in PARENT}
        parent = {name.upper(): value for name, value in given.items()}
        lists = {below.path: below for below in obj.below if "POST" in below.can}
        accepted = ", ".join(self.object(path[1:]).name for path in lists)
        if None in (parent.get(PARENT_TYPE), parent.get(PARENT_ID)):
            msg = f"A new one needs {PARENT_TYPE} ({accepted}) and {PARENT_ID}, or add_note."
            raise InvalidFieldsError(obj.name, [msg])
        try:
            other = self.object(str(parent[PARENT_TYPE]))
        except UnknownObjectError as error:
            raise InvalidFieldsError(obj.name, [f"{PARENT_TYPE}: {error}"]) from None
        if other.path not in lists:
            msg = f"{PARENT_TYPE}: got {parent[PARENT_TYPE]!r}; accepted is {accepted}."
            raise InvalidFieldsError(obj.name, [msg])
        number = self._number(fields, PARENT_ID, parent[PARENT_ID])
        path = other.path_of(number, lists[other.path].name)
        return Request.with_json("POST", path, fields.body(values, is_new=True))

    def build_update_request(
        self,
        fields: Fields,
        record_id: int,
        values: Mapping[str, Any],
        record: Mapping[str, Any] | None = None,
    ) -> Request | None:
        """Make the request that would update a record, and change nothing.

        Args:
            fields: The fields of its object.
            record_id: Its id.
            values: New values by field name.
            record: The record as it is, to send only what differs; None to send all.

        Returns:
            The request; None if nothing differs.

        Raises:
            InvalidFieldsError: If anything is wrong with the values.
            UnsupportedOperationError: If such records cannot be updated.
            InsightlyError: If the record that it is below cannot be found out.
        """
        obj = fields.obj
        if "update" not in obj.can:
            msg = f"{obj.name}: the API cannot update these."
            raise UnsupportedOperationError(msg)
        if record is not None:
            # What is there already need not be valid: an option that is gone, a text too long.
            values = {n: v for n, v in values.items() if not _is_there(fields, n, v, record)}
        body = fields.body(values, is_new=False)
        if record is not None:
            body = changes(fields, body, record)
            if not body:
                return None
        path = obj.path
        if "PUT" not in obj.direct:
            path = self._path_below(obj, record or self.get(obj.name, record_id), "PUT")
        return Request.with_json("PUT", path, {str(obj.key): record_id, **body})

    def build_delete_request(self, object_name: str, record_id: int) -> Request:
        """Make the request that would delete a record, and delete nothing.

        Args:
            object_name: The object, by any of its names.
            record_id: Its id.

        Returns:
            The request.

        Raises:
            UnsupportedOperationError: If such records cannot be deleted.
            InsightlyError: If the record that it is below cannot be found out.
        """
        obj = self.object(object_name)
        if "delete" not in obj.can:
            msg = f"{obj.name}: the API cannot delete these."
            raise UnsupportedOperationError(msg)
        if "DELETE" not in obj.direct:
            path = self._path_below(obj, self.get(obj.name, record_id), "DELETE")
            return Request("DELETE", f"{path}/{record_id}")
        if "get" in obj.can:
            return Request("DELETE", obj.path_of(record_id))
        return Request("DELETE", obj.path, {"id": str(record_id)})  # two lists are that way (spec)

    def build_link_request(
        self,
        object_name: str,
        record_id: int,
        other_name: str,
        other_id: int,
        **about: Unpack[About],
    ) -> Request:
        """Make the request that would link a record to another, and link nothing.

        Args:
            object_name: The object of the record that carries the link.
            record_id: Its id.
            other_name: The object of the other record.
            other_id: The id of the other record.
            **about: What the link says, as `About` has it.

        Returns:
            The request.

        Raises:
            UnsupportedOperationError: If such records carry no links that can be written.
        """
        obj, other = self.object(object_name), self.object(other_name)
        if "Links" not in obj.actions:
            msg = f"{obj.name}: the API cannot link these; link the other record to it."
            raise UnsupportedOperationError(msg)
        given = {name.upper(): value for name, value in about.items() if value is not None}
        link = {"LINK_OBJECT_NAME": other.name, "LINK_OBJECT_ID": other_id, **given}
        return Request.with_json("POST", obj.path_of(record_id, "Links"), link)

    def build_note_request(
        self, object_name: str, record_id: int, title: str, body: str = ""
    ) -> Request:
        """Make the request that would add a note to a record, and add none.

        Args:
            object_name: The object, by any of its names.
            record_id: Its id.
            title: Its title.
            body: What it says, as plain text or HTML.

        Returns:
            The request.

        Raises:
            UnsupportedOperationError: If such records have no notes.
            InvalidFieldsError: If there is no title, or it is too long.
        """
        obj = self.object(object_name)
        if "Notes" not in obj.actions:
            msg = f"{obj.name}: the API cannot add notes to these."
            raise UnsupportedOperationError(msg)
        values = {"TITLE": title} | ({"BODY": body} if body else {})
        content = self.fields("note").body(values, is_new=True)
        return Request.with_json("POST", obj.path_of(record_id, "Notes"), content)

    def build_unlink_request(self, object_name: str, record_id: int, link_id: int) -> Request:
        """Make the request that would remove a link, and send nothing.

        Args:
            object_name: The object of the record that carries the link.
            record_id: Its id.
            link_id: The id of the link (``LINK_ID``).

        Returns:
            The request.

        Raises:
            UnsupportedOperationError: If such records carry no links that can be written.
        """
        obj = self.object(object_name)
        require_action(obj, "Links", "links")
        return Request("DELETE", obj.path_of(record_id, "Links", link_id))

    def build_add_tag_request(self, object_name: str, record_id: int, tag: str) -> Request | None:
        """Make the request that would add a tag, and send nothing; the tags are read first.

        Args:
            object_name: The object, by any of its names.
            record_id: Its id.
            tag: The tag.

        Returns:
            The request; None if the record has the tag already.

        Raises:
            UnsupportedOperationError: If such records have no tags.
            InsightlyError: If the tags cannot be read.
        """
        obj = self.object(object_name)
        require_action(obj, "Tags", "tags")
        path = obj.path_of(record_id, "Tags")
        # What happens to a tag that is added twice is not known, so it is looked for first.
        if any(one.get("TAG_NAME") == tag for one in self.session.get(path).data or []):
            return None
        return Request.with_json("POST", path, {"TAG_NAME": tag})

    def build_remove_tag_request(self, object_name: str, record_id: int, tag: str) -> Request:
        """Make the request that would remove a tag, and send nothing.

        Args:
            object_name: The object, by any of its names.
            record_id: Its id.
            tag: The tag.

        Returns:
            The request.

        Raises:
            UnsupportedOperationError: If such records have no tags.
        """
        obj = self.object(object_name)
        require_action(obj, "Tags", "tags")
        return Request.with_json("DELETE", obj.path_of(record_id, "Tags"), {"TAG_NAME": tag})

    @staticmethod
    def _number(fields: Fields, name: str, value: object) -> int:
        try:
            return int(Field(name, "integer").convert(value))
        except ValueError as error:
            raise InvalidFieldsError(fields.obj.name, [f"{name}: {error}."]) from None

    def _path_below(self, obj: InsightlyObject, record: Mapping[str, Any], method: str) -> str:
        for below in obj.below:
            parent_id = record.get(below.parent_field or "")
            if method in below.can and parent_id is not None:
                return f"{below.path}/{parent_id}/{below.name}"
        msg = f"{obj.name}: the record does not say which other it belongs to."
        raise UnsupportedOperationError(msg)


def _is_there(fields: Fields, name: str, value: object, record: Mapping[str, Any]) -> bool:
    field = fields.find(name)
    if field is None or not field.is_writable or field.kind == "array":
        return False
    return is_same(field, value, value_of(record, field.name))
