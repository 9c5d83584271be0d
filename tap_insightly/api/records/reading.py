"""One account, to read from: its objects, their fields and their records."""

from __future__ import annotations

import copy
import threading
from contextlib import closing
from typing import TYPE_CHECKING, Any

from tap_insightly.api.http.address import API_VERSION, base_url, origin_of
from tap_insightly.api.http.closeable import Closeable
from tap_insightly.api.http.errors import NotAvailableError
from tap_insightly.api.http.session import InsightlySession
from tap_insightly.api.http.stats import RequestStats
from tap_insightly.api.lists.paged_request import PAGE_SIZE, OffsetPaginator, PagedRequest
from tap_insightly.api.lists.prefetch import Prefetcher
from tap_insightly.api.records.conversions import search_text
from tap_insightly.api.records.definitions import custom_objects, definitions_of
from tap_insightly.api.records.fields import Fields, InvalidFieldsError
from tap_insightly.api.records.objects import (
    UnknownObjectError,
    UnsupportedOperationError,
    find_object,
    standard_objects,
)
from tap_insightly.openapi.objects import CUSTOM_FIELDS
from tap_insightly.values import parse_moment, utc_text

if TYPE_CHECKING:
    from collections.abc import Generator, Mapping
    from datetime import datetime

    from typing_extensions import Self

    from tap_insightly.api.records.objects import InsightlyObject

    Record = dict[str, Any]


class ReadingClient(Closeable):
    """One account, to be read, for any number of threads. Use it as a context manager, or close it.

    Objects are named as you like: ``contact``, ``Contacts``, ``quote``, ``Fruit__c``. Records are
    dictionaries as the API sends them, with a `decimal.Decimal` for each number that has a
    fraction. Whatever goes wrong is an `InsightlyError`.
    """

    def __init__(
        self,
        api_key: str,
        *,
        pod: str = "na1",
        api_url: str | None = None,
        api_version: str = API_VERSION,
        **options: Any,  # noqa: ANN401 - as `InsightlySession` has them
    ) -> None:
        """Get ready; nothing is sent yet.

        Args:
            api_key: The user's API key.
            pod: The pod of the account, such as ``na1``, or its API URL.
            api_url: A base URL that overrides pod and version; None for none.
            api_version: The version of the API.
            **options: What else `InsightlySession` takes, such as `requests_per_second`.

        Raises:
            InvalidAddressError: If the pod or the URL is none.
        """
        address = base_url(pod, api_url, api_version)
        options = {"address_origin": origin_of(pod, api_url), **options}
        self._open(InsightlySession(address, api_key, **options))

    @classmethod
    def from_session(cls, session: InsightlySession) -> Self:
        """Make a client of a session, which is closed with it.

        Args:
            session: The session.

        Returns:
            The client.
        """
        client = cls.__new__(cls)
        client._open(session)  # noqa: SLF001 - of its own class
        return client

    def _open(self, session: InsightlySession) -> None:
        self.session = session
        """What sends its requests, within one rate limit and quota."""
        self._custom: tuple[InsightlyObject, ...] | None = None
        self._fields: dict[str, Fields] = {}
        self._lock = threading.RLock()

    def with_stats(self, stats: RequestStats) -> Self:
        """Share this client, but count apart what is sent through it.

        Args:
            stats: Where to count: a part of what its session counts.

        Returns:
            A client with the same connections, rate limiter and quota. It need not be closed.
        """
        other = copy.copy(self)
        other.session = self.session.with_stats(stats)
        return other

    def close(self) -> None:
        """End all that is under way, and close the connections."""
        self.session.close()

    def objects(self) -> tuple[InsightlyObject, ...]:
        """List the objects of the account, custom ones last. They are read once.

        Returns:
            The objects.

        Raises:
            InsightlyError: If the account does not tell.
        """
        with self._lock:
            if self._custom is None:
                found = custom_objects(lambda: self.session.get("/CustomObjects"))
                self._custom = tuple(found)
            return (*standard_objects(), *self._custom)

    def object(self, name: str) -> InsightlyObject:
        """Find an object by any spelling of its name.

        Args:
            name: Such as ``contact``, ``Quotation`` or ``fruit``.

        Returns:
            The object.

        Raises:
            UnknownObjectError: If there is none.
            InsightlyError: If the account does not tell about custom objects.
        """
        try:
            return find_object(name, standard_objects())
        except UnknownObjectError:
            return find_object(name, self.objects())

    def fields(self, object_name: str) -> Fields:
        """Tell what the records of an object can hold, custom fields included. It is read once.

        Args:
            object_name: The object, by any of its names.

        Returns:
            The fields.

        Raises:
            InsightlyError: If the account does not tell.
        """
        obj = self.object(object_name)
        with self._lock:
            if obj.path not in self._fields:
                definitions: list[Record] = []
                if obj.has_custom_fields:
                    response = self.session.get(f"/CustomFields/{obj.name}")
                    definitions = definitions_of(obj.name, response.records)
                self._fields[obj.path] = Fields(obj, definitions)
            return self._fields[obj.path]

    def get(self, object_name: str, record_id: int) -> Record:
        """Read one record.

        Args:
            object_name: The object, by any of its names.
            record_id: Its id.

        Returns:
            The record.

        Raises:
            NotAvailableError: If there is none, or this user may not see it.
            InsightlyError: If it cannot be read.
        """
        return self.get_with_etag(object_name, record_id)[0]

    def get_with_etag(self, object_name: str, record_id: int) -> tuple[Record, str | None]:
        """Read one record and its version, to be given to `update`.

        Args:
            object_name: The object, by any of its names.
            record_id: Its id.

        Returns:
            The record, and its ETag; None for that if the API sends none.

        Raises:
            NotAvailableError: If there is none, or this user may not see it.
            InsightlyError: If it cannot be read.
        """
        obj = self.object(object_name)
        if "get" in obj.can:
            response = self.session.get(obj.path_of(record_id))
            return dict(response.records[0]), response.etag
        for record in self.records(obj.name):  # a list with no address for each (spec)
            if obj.key and record.get(obj.key) == record_id:
                return record, None
        raise NotAvailableError(obj.path_of(record_id), 404)

    def pages(
        self,
        object_or_path: str,
        *,
        updated_after: datetime | str | None = None,
        where: Mapping[str, Any] | None = None,
        params: Mapping[str, str] | None = None,
        limit: int | None = None,
    ) -> Generator[list[Record]]:
        """Read a list, page by page, as fast as the account allows.

        What exists all along comes exactly once, whatever others do to the list meanwhile.

        Args:
            object_or_path: The object; or a path, such as ``/Contacts/12/Notes``.
            updated_after: Only what was updated since: a datetime or ISO 8601; without a zone, UTC.
            where: Only records of which one field, standard or custom, has exactly this value.
            params: Other query parameters, such as ``{"brief": "true"}``.
            limit: The most records to read, from 1; None for all.

        Yields:
            Lists of up to 500 records, none of them empty.

        Raises:
            UnsupportedOperationError: If the object cannot be searched.
            InvalidFieldsError: If `updated_after` or `where` cannot be searched for.
            IncompleteError: If the list ends before all was read that there is, by its total.
            InsightlyError: If the list cannot be read.
        """
        path, query, key, is_paged = object_or_path, dict(params or {}), "", True
        if not path.startswith("/"):
            obj = self.object(path)
            key, is_paged = obj.key or "", obj.is_paged
            path, conditions = self.list_query(obj.name, updated_after=updated_after, where=where)
            query |= conditions
        elif updated_after is not None or where:
            msg = "a path is searched by params; updated_after and where are for objects."
            raise InvalidFieldsError(path, [msg])
        size = PAGE_SIZE if limit is None else max(2, min(PAGE_SIZE, limit))
        paginator = OffsetPaginator([key], page_size=size) if is_paged else None
        # Nothing is read ahead of somebody who wants no more than a few.
        stats = RequestStats(self.session.stats)
        paged_request = PagedRequest(
            path, query, paginator=paginator, stats=stats, is_eager=limit is None
        )
        left = limit
        with Prefetcher(self.session) as prefetcher:
            for page in prefetcher.read(paged_request):
                found = [dict(record) for record in page.records[:left]]
                if found:
                    yield found
                if left is not None and (left := left - len(found)) <= 0:
                    return

    def list_query(
        self,
        object_name: str,
        *,
        updated_after: datetime | str | None = None,
        where: Mapping[str, Any] | None = None,
    ) -> tuple[str, dict[str, str]]:
        """Say how a list or a search is asked for, and ask for nothing.

        Args:
            object_name: The object, by any of its names.
            updated_after: As `pages` has it.
            where: As `pages` has it.

        Returns:
            The path, and the parameters of the query besides those of paging.

        Raises:
            UnsupportedOperationError: If the object cannot be searched.
            InvalidFieldsError: If `updated_after` or `where` cannot be searched for.
            InsightlyError: If the account does not tell of its fields.
        """
        obj = self.object(object_name)
        conditions = self._conditions(obj, updated_after, where)
        return obj.path + ("/Search" if conditions else ""), conditions

    def records(
        self,
        object_or_path: str,
        **options: Any,  # noqa: ANN401 - as `pages` has them
    ) -> Generator[Record]:
        """Read a list, record by record; see `pages`.

        Args:
            object_or_path: The object, or a path.
            **options: As `pages` has them.

        Yields:
            Records.

        Raises:
            InsightlyError: As `pages` does.
        """
        with closing(self.pages(object_or_path, **options)) as pages:
            for page in pages:
                yield from page

    def _conditions(
        self,
        obj: InsightlyObject,
        updated_after: datetime | str | None,
        where: Mapping[str, Any] | None,
    ) -> dict[str, str]:
        if updated_after is None and not where:
            return {}
        if "search" not in obj.can:
            msg = f"{obj.name}: the API has no search for these; read them all and choose."
            raise UnsupportedOperationError(msg)
        query = {}
        if updated_after is not None:
            query["updated_after_utc"] = _moment(obj, updated_after)
        if where:
            if len(where) > 1:
                msg = f"where takes one field, as the API does, not {len(where)}."
                raise InvalidFieldsError(obj.name, [msg])
            ((name, value),) = where.items()
            query["field_name"], query["field_value"] = self._condition(obj, name, value)
        return query

    def _condition(self, obj: InsightlyObject, name: str, value: Any) -> tuple[str, str]:  # noqa: ANN401 - any value
        fields = self.fields(obj.name)
        field = fields.find(name)
        if field is None:
            raise InvalidFieldsError(obj.name, [fields.unknown(name)])
        try:
            wanted = field.convert(value)
        except ValueError as error:
            raise InvalidFieldsError(obj.name, [f"{field.name}: {error}."]) from None
        if wanted in (None, "", []):
            msg = f"{field.name}: no search finds what is empty."
            raise InvalidFieldsError(obj.name, [msg])
        is_spelled = isinstance(value, str) and field.kind == "number"
        return field.name, value.strip() if is_spelled else search_text(wanted)


def _moment(obj: InsightlyObject, given: datetime | str) -> str:
    try:
        return utc_text(parse_moment(given) if isinstance(given, str) else given)
    except ValueError:
        accepted = "a datetime or ISO 8601, such as 2026-01-31 or 2026-01-31T08:00:00Z"
        msg = f"updated_after: got {given!r}; accepted is {accepted}."
        raise InvalidFieldsError(obj.name, [msg]) from None


def value_of(record: Mapping[str, Any], name: str) -> Any:  # noqa: ANN401 - any value
    """Look up a field of a record as the API sends it, standard or custom."""
    if name in record:
        return record[name]
    custom = record.get(CUSTOM_FIELDS) or ()
    return next((one.get("FIELD_VALUE") for one in custom if one.get("FIELD_NAME") == name), None)


def id_of(record: Mapping[str, Any], key: str) -> int | None:
    """Take the id out of a record; a server may write it as a text."""
    value = record.get(key)
    if isinstance(value, str) and value.isascii() and value.isdigit():
        return int(value)
    return value if isinstance(value, int) and not isinstance(value, bool) else None


def created_at(record: Mapping[str, Any]) -> datetime | None:
    """Say when a record was created, by its own date, aware; not every kind of record has one."""
    try:
        return parse_moment(record["DATE_CREATED_UTC"])
    except (KeyError, TypeError, ValueError, AttributeError):
        return None
