"""Creating records, each once: what may have been done is looked up before it is done again.

A POST whose outcome is not known, because its response was lost, must not be repeated as it is. A
lookup settles it. If the record has a key of its own, the field that a caller matches records on,
a search for that key tells. If not, the object's search is asked for what was created since: a
record with all that was sent, that is none of those that were created here, is the one. One that
is only like it, because the account changes what it is sent, is reason to stop: nobody can tell
whose it is, and to send once more could make a second one.

Only what was lost waits meanwhile: one lookup settles whatever was lost by then.
"""

from __future__ import annotations

import copy
import logging
import threading
from collections import defaultdict
from contextlib import suppress
from datetime import timedelta
from typing import TYPE_CHECKING, Any

from tap_insightly.api.http.errors import (
    Facts,
    InsightlyError,
    NotAvailableError,
    UnknownOutcomeError,
)
from tap_insightly.api.http.stats import RequestStats
from tap_insightly.api.lists.paged_request import OffsetPaginator, PagedRequest
from tap_insightly.api.lists.prefetch import Prefetcher
from tap_insightly.api.records.creations import Created, SentCreation, is_like
from tap_insightly.api.records.diff import changes
from tap_insightly.api.records.objects import spelling_key
from tap_insightly.api.records.reading import created_at, id_of
from tap_insightly.api.records.search_lag import SEARCH_LAG
from tap_insightly.values import utc_text

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
    from datetime import datetime

    from tap_insightly.api.http.request import Request
    from tap_insightly.api.http.response import Response
    from tap_insightly.api.http.session import InsightlySession
    from tap_insightly.api.records.fields import Fields

    Record = Mapping[str, Any]

logger = logging.getLogger(__name__)

LOOKUP_DELAYS = (0.0, 2.0)  # seconds to wait before each lookup but the last
# Seconds that a request whose response is lost may still be under way, and be done after all; what
# it makes then, a search may be late to show.
UNDER_WAY, LEAST_WAIT = 3.0, 8.0
MOST_TRIES = 5
MARGIN = timedelta(seconds=5)  # between two clocks of the server, which need not be one machine
_SUSPECTS = 3  # ids that are named


class OnceCreator:
    """Creates records of any object, for any number of threads."""

    def __init__(self, session: InsightlySession, search_lag: float = SEARCH_LAG) -> None:
        """Get ready; a search may take so many seconds to show what was written."""
        self._session = session
        last = max(LEAST_WAIT, UNDER_WAY + search_lag) - sum(LOOKUP_DELAYS)
        self._delays = (*LOOKUP_DELAYS, last)
        self._created: defaultdict[str, Created] = defaultdict(Created)
        self._users: list[int | None] = []  # one: whose key it is, once somebody asked
        self._own_users: set[int] = set()  # who has made what was created here
        self._skew = timedelta(0)  # how far dates of records are behind those of responses
        self._lock = threading.Lock()

    def with_session(self, session: InsightlySession) -> OnceCreator:
        """Send through another session, with the same memory of what was created."""
        other = copy.copy(self)
        other._session = session  # noqa: SLF001 - its own class
        return other

    def create(
        self,
        request: Request,
        fields: Fields,
        find: Callable[[], dict[str, Any] | None] | None = None,
    ) -> dict[str, Any]:
        """Create a record by a POST to the object's list, or to one below another record.

        Args:
            request: What to send.
            fields: The fields of the object.
            find: Searches for the record by a key that no other one has; None if it has none.

        Returns:
            The record.

        Raises:
            InsightlyError: If that is refused.
            UnknownOutcomeError: If it may be there, and nothing can tell.
        """
        obj, created = fields.obj, self._created_of(fields)
        since = self._now()
        sent = SentCreation(request, request.content, since)
        can_tell = find is not None or self._can_be_searched(sent, fields)
        for _ in range(MOST_TRIES):
            try:
                with created.sending(sent):
                    return self._claim(fields, sent, self._session.send(request))
            except UnknownOutcomeError as error:
                lost = error
            try:
                if not can_tell:
                    raise lost
                found = self._look_until_settled(sent, fields, find)
            except UnknownOutcomeError:
                raise
            except InsightlyError as error:
                msg = f"{lost} That could not be found out: {error}"
                facts = Facts(request=request, status=lost.status, said=lost.said)
                raise UnknownOutcomeError(msg, **facts) from error
            finally:
                created.forget(sent)
            if found is not None:
                created.claim(found[str(obj.key)])
                logger.warning("%s It was done: %s %s.", lost, obj.name, found[str(obj.key)])
                return found
            logger.warning("%s It was not done; once more.", lost)
        raise lost

    def add_once(self, request: Request) -> dict[str, Any]:
        """Add something to a list such as ``/Contacts/12/Links``, unless it is there."""
        path, item = request.path, request.content
        lost: UnknownOutcomeError | None = None
        for wait in (*self._delays, self._delays[-1]):
            if lost is not None:
                logger.warning("%s", lost)
                self._session.sleep(wait)
            for one in self._session.get(path).records:
                if item.items() <= one.items():
                    return one
            try:
                records = self._session.send(request).records
            except UnknownOutcomeError as error:
                lost = error
            else:
                return {**item, **(records[-1] or {})}
        raise lost or UnknownOutcomeError(path, request=request)

    def find_created(
        self,
        requests: Sequence[tuple[Request, datetime]],
        fields: Fields,
        known: Collection[int] = (),
    ) -> list[dict[str, Any] | UnknownOutcomeError | None]:
        """Find the records that requests have created, if they have.

        All are looked for together, as a record that is only like what one has sent may be that of
        another. What is found is taken for created by its request from now on.

        Args:
            requests: Requests, and when each was sent, or before, by the server's clock.
            fields: The fields of the object.
            known: Ids of records that others have created.

        Returns:
            For each request the record; None if there is none; or an error that says that one is
            there that is like it, but not the same.

        Raises:
            InsightlyError: If the object cannot be searched.
        """
        created = self._created_of(fields)
        all_sent = [SentCreation(request, request.content, since) for request, since in requests]
        for sent in all_sent:
            created.mark_lost(sent)
        try:
            if all_sent:
                self._look_up(fields, known)
            return [sent.found or self._doubt(sent, fields) for sent in all_sent]
        finally:
            for sent in all_sent:
                created.forget(sent)

    def _created_of(self, fields: Fields) -> Created:
        with self._lock:
            return self._created[fields.obj.path]

    def _now(self) -> datetime | None:
        """Say what time it is by the server's clock, or was when it last told."""
        if self._session.now() is None:
            with suppress(NotAvailableError):  # which tells the time all the same
                self._session.get("/Instance")
        return self._session.now()

    def _claim(self, fields: Fields, sent: SentCreation, response: Response) -> dict[str, Any]:
        """Take the new record out of a response, which may be a list (spec)."""
        key = fields.obj.key or ""
        records = [one for one in response.records if isinstance(one, dict)]
        created = self._created_of(fields)
        with created.changed:
            if len(records) > 1:
                # All that is below the other record (assumed): the new one has the last id.
                records = [one for one in records if one.get(key) not in created.ids] or records
                same = [one for one in records if not changes(fields, sent.body, one)]
                records = sorted(same or records, key=lambda one: one.get(key) or 0)
            record: dict[str, Any] = records[-1] if records else {}
            if not records or (key and id_of(record, key) is None):
                what = "its id" if records else "a record"
                msg = f"{fields.obj.name}: a new one was answered without {what}."
                raise UnknownOutcomeError(msg, request=sent.request, status=response.status)
            if key:
                record[key] = id_of(record, key)
                created.claim(record[key])
        self._learn(record, response.date)
        return record

    def _learn(self, record: Record, date: datetime | None) -> None:
        """Take from a new record by whom such are made, and by which clock."""
        user, made = record.get("CREATED_USER_ID"), created_at(record)
        with self._lock:
            if isinstance(user, int):
                self._own_users.add(user)
            if made is not None and date is not None:
                self._skew = min(self._skew, made - date)

    def _look_until_settled(
        self, sent: SentCreation, fields: Fields, find: Callable[[], dict[str, Any] | None] | None
    ) -> dict[str, Any] | None:
        """Find out what became of a request; None if nothing was done."""
        for wait in self._delays:
            if wait:
                self._session.sleep(wait)
            found = find() if find is not None else self._look_up_one(sent, fields)
            if found is not None:
                return found
        if find is None:
            return self._outcome(sent, fields)
        if self._can_be_searched(sent, fields):
            # The account may have changed even the key, or the search does not show it.
            self._look_up(fields)
            return self._outcome(sent, fields)
        return None

    def _outcome(self, sent: SentCreation, fields: Fields) -> dict[str, Any] | None:
        if sent.found is None and (doubt := self._doubt(sent, fields)) is not None:
            raise doubt
        return sent.found

    @staticmethod
    def _doubt(sent: SentCreation, fields: Fields) -> UnknownOutcomeError | None:
        """Say which records may be that of a request, if there are any."""
        if not sent.suspects:
            return None
        obj = fields.obj
        ids = [str(one[str(obj.key)]) for one in sent.suspects]
        names = ", ".join(ids[:_SUSPECTS]) + (" and others" if len(ids) > _SUSPECTS else "")
        msg = (
            f"POST {sent.request.path} may have been done, or not: its answer was lost, "
            f"and {obj.name} {names} was made since and is like what was sent, but not the same, "
            "as if the account changes new records itself. Look at what is there before you do it "
            "again; match_on lets a field tell which record is which."
        )
        return UnknownOutcomeError(msg, request=sent.request)

    @staticmethod
    def _can_be_searched(sent: SentCreation, fields: Fields) -> bool:
        """Tell whether new records can be told from old ones: by a search, and the time."""
        obj = fields.obj
        return "search" in obj.can and obj.key is not None and sent.since is not None

    def _look_up_one(self, sent: SentCreation, fields: Fields) -> dict[str, Any] | None:
        self._look_up(fields)
        return sent.found

    def _look_up(self, fields: Fields, known: Collection[int] = ()) -> None:
        """Look for all that is lost, unless someone else begins to do so from now on."""
        created, key = self._created_of(fields), str(fields.obj.key)
        with created.lookup() as since:
            if since is None:
                return
            records = list(self._created_since(fields, since))
            records = [one for one in records if id_of(one, key) is not None]
            unclaimed = created.not_under_way(records, key)
            free = [one for one in unclaimed if id_of(one, key) not in known and self._is_ours(one)]

            def can_be_of(sent: SentCreation, one: Record) -> bool:
                is_since = sent.since is None or self._is_since(one, sent.since)
                return is_since and _is_below(sent.request, fields, one)

            def is_made_of(sent: SentCreation, one: Record) -> bool:
                return can_be_of(sent, one) and not changes(fields, sent.body, one)

            def may_be_of(sent: SentCreation, one: Record) -> bool:
                return can_be_of(sent, one) and is_like(fields, sent.body, one)

            created.assign(free, key, is_made_of, may_be_of)

    def _is_ours(self, record: Record) -> bool:
        """Tell whether a record may be made by the user of this key, as far as it says by whom."""
        user = record.get("CREATED_USER_ID")
        if user is None:
            return True
        with self._lock:
            seen = set(self._own_users)
        return user in (seen or {self._user() or user})

    def _user(self) -> int | None:
        """Say whose key this is; None if that cannot be found out."""
        with self._lock:
            known = list(self._users)
        if not known:
            known = [None]
            with suppress(InsightlyError):
                found = self._session.get("/Users/Me").records
                number = found[0].get("USER_ID") if found and isinstance(found[0], dict) else None
                known = [number if isinstance(number, int) else None]
            with self._lock:
                self._users[:] = known
        return known[0]

    def _created_since(self, fields: Fields, since: datetime) -> Iterator[Record]:
        obj, key = fields.obj, str(fields.obj.key)
        params = {"updated_after_utc": utc_text(self._earliest(since).replace(microsecond=0))}
        stats = RequestStats(self._session.stats)
        paged_request = PagedRequest(
            f"{obj.path}/Search", params, paginator=OffsetPaginator([key]), stats=stats
        )
        with Prefetcher(self._session) as prefetcher:
            for page in prefetcher.read(paged_request):
                yield from (one for one in page.records if self._is_since(one, since))

    def _earliest(self, since: datetime) -> datetime:
        """Say which date a record may have that was created since, by whatever clock."""
        return since + self._skew - MARGIN

    def _is_since(self, record: Record, since: datetime) -> bool:
        made = created_at(record)  # not every kind of record tells
        return made is None or made >= self._earliest(since)


def _is_below(request: Request, fields: Fields, record: Record) -> bool:
    """Tell whether a record is below the other that it was sent to, as far as it says so."""
    parts = request.path.strip("/").split("/")
    for below in fields.obj.below if len(parts) > 1 else ():
        if below.path.strip("/") != parts[0]:
            continue
        if below.parent_field is not None:
            return str(record.get(below.parent_field)) == parts[1]
        links = record.get("LINKS") or ()
        return any(
            str(link.get("LINK_OBJECT_ID")) == parts[1]
            and spelling_key(str(link.get("LINK_OBJECT_NAME"))) == spelling_key(parts[0])
            for link in links
        )
    return True
