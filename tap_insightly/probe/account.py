"""What an account is asked: each list once, and a few requests that show its habits."""

from __future__ import annotations

from contextlib import suppress
from dataclasses import dataclass
from datetime import timedelta
from functools import cached_property
from http import HTTPStatus
from typing import TYPE_CHECKING, Any

from tap_insightly.api.records.definitions import objects_in
from tap_insightly.api.records.objects import standard_objects
from tap_insightly.values import parse_moment, utc_text

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping
    from datetime import datetime

    from tap_insightly.api import InsightlyObject
    from tap_insightly.probe.client import ProbeClient, ProbeResponse

UPDATED = "DATE_UPDATED_UTC"
SIZE = 50
"""How many records of each list are looked at."""
LARGEST = 500
NOBODY = 2**31 - 1
"""The id of no record."""
UNKNOWN = "NoSuchObject__c"
LONG_AGO = "1990-01-01T00:00:00Z"
LATER = "2190-01-01T00:00:00Z"

# Some lists are asked for in another way, so that their answers show something more. If that is
# refused, they are asked for in the usual way.
_PAGED = {"top": str(SIZE), "count_total": "true"}
_FIRST_REQUESTS: Mapping[str, tuple[str, Mapping[str, str]]] = {
    "/Countries": ("/countries", {"top": "1"}),
    "/Currencies": ("/Currencies/", {"top": "1"}),
    "/Tasks": ("/Tasks", {"count_total": "true"}),
    "/Notes": ("/Notes", {**_PAGED, "updated_after_utc": LATER}),
    "/Emails": ("/Emails/Search", {**_PAGED, "updated_after_utc": LONG_AGO}),
    "/DocumentTemplates": ("/DocumentTemplates/Search", {**_PAGED, "updated_after_utc": LONG_AGO}),
}


@dataclass(frozen=True)
class ListSample:
    """The first records of the list of an object."""

    obj: InsightlyObject
    response: ProbeResponse
    first: ProbeResponse
    """The answer to the first request; another one only if that was refused."""

    @property
    def rows(self) -> list[dict[str, Any]]:
        """Its records."""
        return self.response.rows if self.response.is_list else []

    @property
    def ids(self) -> list[int]:
        """Their ids; none if they have none."""
        found = [row.get(self.obj.key or "") for row in self.rows]
        return [one for one in found if isinstance(one, int)]

    @property
    def top(self) -> int:
        """How many records were asked for."""
        return int(self.response.params.get("top", "100"))

    @property
    def number(self) -> int:
        """How many records there are, as far as is known."""
        return max(len(self.rows), self.response.total or 0)


class ProbedAccount:
    """An account that is asked for things when they are needed, and once."""

    def __init__(self, client: ProbeClient) -> None:
        self.client = client

    @cached_property
    def lists(self) -> list[ListSample]:
        """The lists of all standard objects that the server answers."""
        found = [self._list(obj) for obj in standard_objects()]
        return [one for one in found if one is not None]

    @cached_property
    def readable(self) -> list[ListSample]:
        """The lists that this user may read."""
        return [one for one in self.lists if one.response.is_list]

    @cached_property
    def paged(self) -> list[ListSample]:
        """The lists that come in pages."""
        return [one for one in self.readable if one.obj.is_paged]

    @cached_property
    def main(self) -> ListSample | None:
        """The largest list that can be searched by date; most checks look at this one."""
        able = [
            one
            for one in self.paged
            if one.obj.key and "search" in one.obj.can and _dates(one.rows) and one.ids
        ]
        return max(able, key=lambda one: one.number, default=None)

    @cached_property
    def custom_objects(self) -> list[InsightlyObject]:
        """The objects that the account has defined."""
        return objects_in(self.list_of("/CustomObjects"))

    @cached_property
    def custom_records(self) -> ListSample | None:
        """Records of the first of these objects."""
        return self._list(self.custom_objects[0]) if self.custom_objects else None

    @cached_property
    def definitions(self) -> list[dict[str, Any]]:
        """All custom fields: what is answered for an object that does not exist."""
        response = self.client.get(f"/CustomFields/{UNKNOWN}")
        return response.rows if response is not None and response.is_list else []

    @cached_property
    def latest(self) -> str | None:
        """The newest date of update in the main list, as it is written."""
        dates = _dates(self.main.rows) if self.main else []
        return max(dates, default=None)

    def list_of(self, path: str) -> list[dict[str, Any]]:
        """Give the records of a list, as far as they were read."""
        return next((one.rows for one in self.readable if one.obj.path == path), [])

    def large_page(self, top: int) -> ProbeResponse | None:
        """Ask for a large page of the main list."""
        if self.main is None:
            return None
        return self.client.get(self.main.obj.path, top=str(top), count_total="true")

    def search(self, seconds_before: int, *, is_iso: bool = True) -> ProbeResponse | None:
        """Search the main list from its newest update, or from some seconds before it."""
        if self.main is None or self.latest is None:
            return None
        since: datetime = parse_moment(self.latest) - timedelta(seconds=seconds_before)
        text = utc_text(since) if is_iso else f"{since:%Y-%m-%d %H:%M:%S}"
        return self.client.get(
            f"{self.main.obj.path}/Search",
            updated_after_utc=text,
            top=str(LARGEST),
            count_total="true",
            brief="true",
        )

    def one(self) -> ProbeResponse | None:
        """Ask for the first record of the main list alone."""
        if self.main is None:
            return None
        return self.client.get(self.main.obj.path_of(self.main.ids[0]))

    def _list(self, obj: InsightlyObject) -> ListSample | None:
        path, query = _FIRST_REQUESTS.get(obj.path, (obj.path, _usual_query(obj)))
        first = self.client.get(path, **query)
        response = first
        if first is not None and obj.path in _FIRST_REQUESTS and _shows_nothing(first):
            response = self.client.get(obj.path, **_usual_query(obj))
        return ListSample(obj, response, first or response) if response is not None else None


def _shows_nothing(first: ProbeResponse) -> bool:
    """Tell whether a list has to be asked for again in the usual way."""
    is_denied = first.status in {HTTPStatus.UNAUTHORIZED, HTTPStatus.FORBIDDEN}
    return not is_denied and not (first.is_list and first.rows)


def _usual_query(obj: InsightlyObject) -> dict[str, str]:
    return {**(_PAGED if obj.is_paged else {}), **obj.needs}


def moments(rows: Iterable[Mapping[str, Any]]) -> list[datetime]:
    """Give the dates of update of records, as far as they can be read."""
    return [moment for _, moment in _dated(rows)]


def _dates(rows: Iterable[Mapping[str, Any]]) -> list[str]:
    return [text for text, _ in _dated(rows)]


def _dated(rows: Iterable[Mapping[str, Any]]) -> Iterator[tuple[str, datetime]]:
    for row in rows:
        text = str(row.get(UPDATED) or "")
        with suppress(ValueError, OverflowError):
            yield text, parse_moment(text)
