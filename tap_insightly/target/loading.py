"""Writing one record: found, compared, and created, updated or deleted."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from tap_insightly.api import (
    InsightlyError,
    InvalidFieldsError,
    NotAvailableError,
    NotPossibleError,
    RefusedError,
)

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from tap_insightly.api import InsightlyClient, Request
    from tap_insightly.target.route import Route, Row

    Record = dict[str, Any]


def is_refusal(error: InsightlyError) -> bool:
    """Tell whether an error is about one record, so that others may do better.

    Args:
        error: What went wrong.

    Returns:
        Whether it is; if not, there is no use in going on.
    """
    if isinstance(error, RefusedError):
        return error.status is not None and error.status >= 400  # noqa: PLR2004 - not a redirect
    return isinstance(error, InvalidFieldsError | NotAvailableError | NotPossibleError)


class Loader:
    """Writes the records of one stream, for any number of threads."""

    def __init__(
        self,
        client: InsightlyClient,
        route: Route,
        *,
        skip_unchanged: bool = True,
        allow_delete: bool = False,
        say: Callable[[Request], object] | None = None,
    ) -> None:
        """Take the settings.

        Args:
            client: The account.
            route: Where the records go.
            skip_unchanged: Whether to send only what differs, or nothing.
            allow_delete: Whether to delete what is gone at its source.
            say: What to do with a request instead of sending it; None to send it.
        """
        self._client = client
        self._route = route
        self._skip_unchanged = skip_unchanged
        self._allow_delete = allow_delete
        self._say = say

    def load(self, row: Row) -> str:
        """Write a record.

        Args:
            row: The record.

        Returns:
            What became of it: ``created``, ``updated``, ``unchanged``, ``deleted``, or
            ``ignored`` for a deletion that is not allowed.

        Raises:
            InsightlyError: If that cannot be done.
        """
        if row.is_deleted:
            return self._delete(row) if self._allow_delete else "ignored"
        if row.record_id is not None:
            return self._update(row.record_id, row.values, None)
        if row.match is not None:
            found = self._find(row)
            if found is not None:
                return self._update(int(found[str(self._route.of.key)]), row.values, found)
        return self._create(row.values)

    def _find(self, row: Row) -> Record | None:
        of, field = self._route.of, self._route.match_on
        if field is None:
            return None
        return self._client.find_one(of.name, field.name, row.match)

    def _create(self, values: Mapping[str, Any]) -> str:
        # What is empty in a new record need not be said.
        given = {name: value for name, value in values.items() if value is not None}
        if self._say is None:
            self._client.create(self._route.of.name, given)
        else:
            self._say(self._client.creation(self._route.fields, given))
        return "created"

    def _update(self, record_id: int, values: Mapping[str, Any], found: Record | None) -> str:
        fields = self._route.fields
        record = None
        if self._skip_unchanged:
            record = found or self._client.get(fields.of.name, record_id)
        writable = {
            name: value
            for name, value in values.items()
            if (field := fields.find(name)) is None or field.is_writable
        }
        request = self._client.updating(fields, record_id, writable, record)
        if request is None:
            return "unchanged"
        self._send(request)
        return "updated"

    def _delete(self, row: Row) -> str:
        of, record_id = self._route.of, row.record_id
        if record_id is None:
            found = self._find(row) if row.match is not None else None
            if found is None:
                if row.match is not None:
                    return "unchanged"
                msg = "It is deleted at its source, and does not say which record it is here."
                raise InvalidFieldsError(of.name, [msg])
            record_id = int(found[str(of.key)])
        try:
            self._send(self._client.deletion(of.name, record_id))
        except NotAvailableError as error:
            if not error.is_missing:
                raise
            return "unchanged"
        return "deleted"

    def _send(self, request: Request) -> None:
        if self._say is None:
            self._client.session.send(request)
        else:
            self._say(request)
