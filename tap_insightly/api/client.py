"""The client: objects by name, records as dictionaries, and any endpoint besides."""

from __future__ import annotations

from dataclasses import replace
from functools import partial
from http import HTTPStatus
from typing import TYPE_CHECKING, Any

from typing_extensions import override

from tap_insightly.api.http.errors import ConflictError, InvalidError, UnknownOutcomeError
from tap_insightly.api.http.request import Request
from tap_insightly.api.records.actions import ActionsClient
from tap_insightly.api.records.create_once import OnceCreator
from tap_insightly.api.records.fields import InvalidFieldsError
from tap_insightly.api.records.search_lag import SEARCH_LAG

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Mapping, Sequence
    from datetime import datetime

    from typing_extensions import Self, Unpack

    from tap_insightly.api.http.response import Response
    from tap_insightly.api.http.session import InsightlySession
    from tap_insightly.api.http.stats import RequestStats
    from tap_insightly.api.records.fields import Fields
    from tap_insightly.api.records.objects import InsightlyObject
    from tap_insightly.api.records.requests import About

    Record = dict[str, Any]


class InsightlyClient(ActionsClient):
    """One account, for any number of threads. Use it as a context manager, or close it.

    Objects are named as you like: ``contact``, ``Contacts``, ``quote``, ``Fruit__c``. Records are
    dictionaries as the API sends them, with a `decimal.Decimal` for each number that has a
    fraction. Whatever goes wrong is an `InsightlyError`.
    """

    search_lag_seconds: float = SEARCH_LAG
    """How long a search may take to show what was written, in seconds."""

    @classmethod
    @override
    def from_session(
        cls, session: InsightlySession, *, search_lag_seconds: float = SEARCH_LAG
    ) -> Self:
        """Make a client of a session, which is closed with it.

        Args:
            session: The session.
            search_lag_seconds: How long a search may take to show what was written, in seconds.

        Returns:
            The client.
        """
        client = super().from_session(session)
        client.search_lag_seconds = search_lag_seconds
        client._creator = OnceCreator(session, search_lag_seconds)  # noqa: SLF001 - its own class
        return client

    @override
    def _open(self, session: InsightlySession) -> None:
        super()._open(session)
        self._creator = OnceCreator(session)

    @override
    def with_stats(self, stats: RequestStats) -> Self:
        """Share this client, but count apart what is sent through it.

        Args:
            stats: Where to count: a part of what its session counts.

        Returns:
            A client with the same connections, rate limiter, quota and memory of what was created.
            It need not be closed.
        """
        other = super().with_stats(stats)
        other._creator = self._creator.with_session(other.session)  # noqa: SLF001 - its own class
        return other

    def create(
        self,
        object_name: str,
        values: Mapping[str, Any] | None = None,
        /,
        **more: Any,  # noqa: ANN401 - any value
    ) -> Record:
        """Create a record; once, even if the response to it is lost.

        Args:
            object_name: The object, by any of its names.
            values: Values by field name, standard and custom.
            **more: The same, as arguments.

        Returns:
            The record.

        Raises:
            InvalidFieldsError: If anything is wrong with the values; nothing was sent.
            UnsupportedOperationError: If such records cannot be created.
            UnknownOutcomeError: If it may have been created, and the API has no way to look.
            InsightlyError: If Insightly refuses it.
        """
        fields = self.fields(object_name)
        return self.make(self.build_create_request(fields, {**(values or {}), **more}), fields)

    def make(
        self,
        request: Request,
        fields: Fields,
        find: Callable[[], Record | None] | None = None,
    ) -> Record:
        """Create a record by a request; once, even if the response to it is lost.

        Args:
            request: What to send, as `build_create_request` or `build_note_request` makes it.
            fields: The fields of the object.
            find: Finds the record by what no other one has: that tells whether it was created, if
                the response is lost. Without it, the record must have all that was sent; if it only
                looks like it, nobody can tell.

        Returns:
            The record.

        Raises:
            UnknownOutcomeError: If it may have been created, and nothing can tell.
            InsightlyError: If Insightly refuses it.
        """
        return self._creator.create(request, fields, find)

    def find_created(
        self,
        requests: Sequence[tuple[Request, datetime]],
        fields: Fields,
        known: Collection[int] = (),
    ) -> list[Record | UnknownOutcomeError | None]:
        """Find the records that requests of an earlier run have created, if they have.

        Args:
            requests: Requests, and when each was sent, or before, by the server's clock.
            fields: The fields of the object.
            known: Ids of records that other requests have created.

        Returns:
            For each request the record; None if there is none; or an error that says that one is
            there that is like it, but not the same.

        Raises:
            InsightlyError: If the object cannot be searched.
        """
        return self._creator.find_created(requests, fields, known)

    def update(
        self,
        object_name: str,
        record_id: int,
        values: Mapping[str, Any] | None = None,
        /,
        *,
        if_match: str | None = None,
        skip_unchanged: bool = False,
        **more: Any,  # noqa: ANN401 - any value
    ) -> Record:
        """Change some fields of a record; the others stay as they are.

        Args:
            object_name: The object, by any of its names.
            record_id: Its id.
            values: New values by field name, standard and custom; None clears a field.
            if_match: The ETag that the record must still have; None if any will do.
            skip_unchanged: Whether to read the record first, and send only what differs.
            **more: Values, as arguments.

        Returns:
            The record as it is now.

        Raises:
            InvalidFieldsError: If anything is wrong with the values; nothing was sent.
            ConflictError: If the record has another ETag by now.
            NotAvailableError: If there is no such record, or this user may not change it.
            InsightlyError: If Insightly refuses it.
        """
        fields = self.fields(object_name)
        obj, record = fields.obj, None
        if skip_unchanged:
            record, now = self.get_with_etag(obj.name, record_id)
            if if_match not in {None, now}:
                raise _conflict(obj, record_id, str(if_match), now)
        request = self.build_update_request(fields, record_id, {**(values or {}), **more}, record)
        if request is None:
            return record or {}
        if if_match is not None:
            request = replace(request, headers={**request.headers, "If-Match": if_match})
        try:
            response = self.session.send(request)
        except InvalidError as error:
            if if_match is not None:
                self._raise_if_changed(obj, record_id, if_match, error.said)
            raise
        found = [one for one in response.records if isinstance(one, dict)]
        own = [one for one in found if one.get(obj.key or "") == record_id]
        return own[0] if own else self.get(obj.name, record_id)

    def delete(self, object_name: str, record_id: int) -> None:
        """Delete a record.

        Args:
            object_name: The object, by any of its names.
            record_id: Its id.

        Raises:
            NotAvailableError: If there is no such record, or this user may not delete it.
            UndeletableError: If Insightly could not delete it.
            InsightlyError: If that is not possible otherwise.
        """
        self.session.send(self.build_delete_request(object_name, record_id))

    def upsert(
        self,
        object_name: str,
        match_on: str,
        values: Mapping[str, Any],
        *,
        skip_unchanged: bool = True,
    ) -> Record:
        """Update the record that has a value, or create it if there is none.

        Args:
            object_name: The object, by any of its names.
            match_on: The field that tells which record is meant, such as ``EMAIL_ADDRESS``.
            values: Values by field name, that one among them.
            skip_unchanged: Whether to send only what differs, or nothing.

        Returns:
            The record as it is now.

        Raises:
            InvalidFieldsError: If anything is wrong with the values, or several records match.
            InsightlyError: If Insightly refuses it.
        """
        fields = self.fields(object_name)
        obj, field = fields.obj, fields.find(match_on)
        if field is None:
            raise InvalidFieldsError(obj.name, [fields.unknown(match_on)])
        given = {name: value for name, value in values.items() if fields.find(name) is field}
        value = next(iter(given.values()), None)
        if value in (None, ""):
            raise InvalidFieldsError(
                obj.name, [f"{field.name} is empty, which no record is found by."]
            )
        found = self.find_one(obj.name, field.name, value)
        if found is None:
            find = partial(self.find_one, obj.name, field.name, value)
            return self.make(self.build_create_request(fields, values), fields, find)
        record_id = int(found[str(obj.key)])
        return self.update(obj.name, record_id, values, skip_unchanged=skip_unchanged)

    def link(
        self,
        object_name: str,
        record_id: int,
        other_name: str,
        other_id: int,
        **about: Unpack[About],
    ) -> Record:
        """Link a record to another, unless it is already.

        Args:
            object_name: The object of the record that carries the link.
            record_id: Its id.
            other_name: The object of the other record.
            other_id: The id of the other record.
            **about: What there is to say about the link, as `About` has it: role, details, ...

        Returns:
            The link.

        Raises:
            UnsupportedOperationError: If such records carry no links that can be written.
            InsightlyError: If Insightly refuses it.
        """
        request = self.build_link_request(object_name, record_id, other_name, other_id, **about)
        return self._creator.add_once(request)

    def add_note(self, object_name: str, record_id: int, title: str, body: str = "") -> Record:
        """Add a note to a record.

        Args:
            object_name: The object, by any of its names.
            record_id: Its id.
            title: Its title.
            body: What it says, as plain text or HTML.

        Returns:
            The note.

        Raises:
            UnsupportedOperationError: If such records have no notes.
            InsightlyError: If Insightly refuses it.
        """
        request = self.build_note_request(object_name, record_id, title, body)
        return self.make(request, self.fields("note"))

    def request(
        self,
        method: str,
        path: str,
        *,
        params: Mapping[str, str] | None = None,
        body: Any = None,  # noqa: ANN401 - anything that JSON can be
        if_match: str | None = None,
        is_json: bool = True,
    ) -> Response:
        """Call any endpoint, with the key, rate limit, quota and retries of all other methods.

        Args:
            method: The HTTP method, in any case.
            path: The path below the base URL, such as ``/Contacts/12/Links``.
            params: Query parameters.
            body: What to send as JSON; None for nothing.
            if_match: The ETag that the record must still have; None if any will do.
            is_json: Whether the response has to be JSON; False for files.

        Returns:
            The response: its `data`, `status`, `headers`, and the `body` as it came.

        Raises:
            InsightlyError: If the API refuses it, or does not respond.
        """
        path = f"/{path.lstrip('/')}"
        made = Request.with_json(method.upper(), path, body, if_match=if_match)
        return self.session.send(replace(made, params=dict(params or {}), is_json=is_json))

    def _raise_if_changed(
        self, obj: InsightlyObject, record_id: int, etag: str, said: str | None
    ) -> None:
        _, now = self.get_with_etag(obj.name, record_id)
        if now != etag:
            raise _conflict(obj, record_id, etag, now, said)


def _conflict(
    obj: InsightlyObject, record_id: int, etag: str, now: str | None, said: str | None = None
) -> ConflictError:
    path = obj.path_of(record_id)
    msg = (
        f"{path} was changed by someone else: it has the ETag {now} now, not {etag}. Read it "
        "again, and decide anew."
    )
    # Where it is seen before anything is sent, this is the status that there would have been.
    status = HTTPStatus.BAD_REQUEST
    return ConflictError(msg, request=Request("PUT", path), status=status, said=said)
