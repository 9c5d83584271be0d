"""What is asked of an account: one request for each list, and a few that show its habits."""

from __future__ import annotations

from contextlib import suppress
from dataclasses import dataclass
from datetime import timedelta
from functools import cached_property
from http import HTTPStatus
from typing import TYPE_CHECKING, Any

from tap_insightly.api.records.objects import custom_object, standard_objects
from tap_insightly.values import parse_moment, utc_text

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping
    from datetime import datetime

    from tap_insightly.api import InsightlyObject
    from tap_insightly.probe.asking import Asker, Heard

UPDATED = "DATE_UPDATED_UTC"
SIZE = 50
"""How many records of each list are looked at."""
LARGEST = 500
NOT_PAGED = frozenset({"/Countries", "/Currencies", "/CustomObjects"})
NOBODY = 2**31 - 1
"""The id of no record."""
UNKNOWN = "NoSuchObject__c"
LONG_AGO = "1990-01-01T00:00:00Z"
LATER = "2190-01-01T00:00:00Z"

# Some lists are asked for in a way of their own, so that each answer shows something more. If one
# is refused, it is asked for as all others.
_PAGED = {"top": str(SIZE), "count_total": "true"}
_WAYS: Mapping[str, tuple[str, Mapping[str, str]]] = {
    "/Countries": ("/countries", {"top": "1"}),
    "/Currencies": ("/Currencies/", {"top": "1"}),
    "/Tasks": ("/Tasks", {"count_total": "true"}),
    "/Notes": ("/Notes", {**_PAGED, "updated_after_utc": LATER}),
    "/Emails": ("/Emails/Search", {**_PAGED, "updated_after_utc": LONG_AGO}),
    "/DocumentTemplates": ("/DocumentTemplates/Search", {**_PAGED, "updated_after_utc": LONG_AGO}),
}
_NEEDED = {
    "/LeadStatuses": {"include_converted": "true"},
    "/Tags": {"record_type": "contacts"},
}


@dataclass(frozen=True)
class Listed:
    """The list of an object, as far as it was read."""

    obj: InsightlyObject
    heard: Heard
    first: Heard
    """The answer to what was asked first; the same, unless that was refused."""

    @property
    def rows(self) -> list[dict[str, Any]]:
        """Its records."""
        return self.heard.rows if self.heard.is_list else []

    @property
    def ids(self) -> list[int]:
        """Their ids; none if they have none."""
        found = [row.get(self.obj.key or "") for row in self.rows]
        return [one for one in found if isinstance(one, int)]

    @property
    def top(self) -> int:
        """How many records were asked for."""
        return int(self.heard.params.get("top", "100"))

    @property
    def number(self) -> int:
        """How many records there are, as far as is known."""
        return max(len(self.rows), self.heard.total or 0)


class Account:
    """An account, asked for what is needed and not before; nothing is asked twice."""

    def __init__(self, asker: Asker) -> None:
        """Get ready; nothing is asked yet."""
        self.asker = asker

    @cached_property
    def lists(self) -> list[Listed]:
        """The lists of all standard objects; those that are not answered are left out."""
        found = [self._list(obj) for obj in standard_objects()]
        return [one for one in found if one is not None]

    @cached_property
    def readable(self) -> list[Listed]:
        """The lists that this user may read."""
        return [one for one in self.lists if one.heard.is_list]

    @cached_property
    def paged(self) -> list[Listed]:
        """The lists that come in pages."""
        return [one for one in self.readable if one.obj.path not in NOT_PAGED]

    @cached_property
    def main(self) -> Listed | None:
        """The largest list of what can be searched by date, at which habits are looked at."""
        able = [
            one
            for one in self.paged
            if one.obj.key and "search" in one.obj.can and _dates(one.rows) and one.ids
        ]
        return max(able, key=lambda one: one.number, default=None)

    @cached_property
    def custom_objects(self) -> list[InsightlyObject]:
        """The objects that the account has defined."""
        rows = self.list_of("/CustomObjects")
        return [custom_object(row) for row in rows if isinstance(row.get("OBJECT_NAME"), str)]

    @cached_property
    def custom_records(self) -> Listed | None:
        """Records of the first of these objects."""
        return self._list(self.custom_objects[0]) if self.custom_objects else None

    @cached_property
    def definitions(self) -> list[dict[str, Any]]:
        """All custom fields, as they are answered for an object that there is not."""
        heard = self.asker.get(f"/CustomFields/{UNKNOWN}")
        return heard.rows if heard is not None and heard.is_list else []

    @cached_property
    def latest(self) -> str | None:
        """The date of the newest update among the records of the main list, as it is written."""
        dates = _dates(self.main.rows) if self.main else []
        return max(dates, default=None)

    def list_of(self, path: str) -> list[dict[str, Any]]:
        """Give the records of a list."""
        return next((one.rows for one in self.readable if one.obj.path == path), [])

    def large_page(self, top: int) -> Heard | None:
        """Ask for a large page of the main list."""
        if self.main is None:
            return None
        return self.asker.get(self.main.obj.path, top=str(top), count_total="true")

    def search(self, seconds_before: int, *, is_iso: bool = True) -> Heard | None:
        """Search the main list for what was updated after its newest record, or just before."""
        if self.main is None or self.latest is None:
            return None
        since: datetime = parse_moment(self.latest) - timedelta(seconds=seconds_before)
        text = utc_text(since) if is_iso else f"{since:%Y-%m-%d %H:%M:%S}"
        return self.asker.get(
            f"{self.main.obj.path}/Search",
            updated_after_utc=text,
            top=str(LARGEST),
            count_total="true",
            brief="true",
        )

    def one(self) -> Heard | None:
        """Ask for the first record of the main list alone."""
        if self.main is None:
            return None
        return self.asker.get(self.main.obj.path_of(self.main.ids[0]))

    def _list(self, obj: InsightlyObject) -> Listed | None:
        path, query = _WAYS.get(obj.path, (obj.path, _usual(obj)))
        first = self.asker.get(path, **query)
        heard = first
        if first is not None and obj.path in _WAYS and _shows_nothing(first):
            heard = self.asker.get(obj.path, **_usual(obj))
        return Listed(obj, heard, first or heard) if heard is not None else None


def _shows_nothing(first: Heard) -> bool:
    """Tell whether a list that was asked for in a way of its own may be another in the usual."""
    is_denied = first.status in {HTTPStatus.UNAUTHORIZED, HTTPStatus.FORBIDDEN}
    return not is_denied and not (first.is_list and first.rows)


def _usual(obj: InsightlyObject) -> dict[str, str]:
    takes_pages = obj.path not in NOT_PAGED
    return {**(_PAGED if takes_pages else {}), **_NEEDED.get(obj.path, {})}


def moments(rows: Iterable[Mapping[str, Any]]) -> list[datetime]:
    """Give the dates of the last update of records, as far as they can be read."""
    return [moment for _, moment in _dated(rows)]


def _dates(rows: Iterable[Mapping[str, Any]]) -> list[str]:
    return [text for text, _ in _dated(rows)]


def _dated(rows: Iterable[Mapping[str, Any]]) -> Iterator[tuple[str, datetime]]:
    for row in rows:
        text = str(row.get(UPDATED) or "")
        with suppress(ValueError, OverflowError):
            yield text, parse_moment(text)
