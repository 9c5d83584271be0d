"""Creating records, each once: what may have been done is looked for before it is done again.

A POST whose outcome is not known, because its answer was lost, must not be repeated as it is. So
it is settled by looking: whether the object's search finds a record that was created since, with
all that was sent, and that is none of those that were created here. While that is done, nothing
else of the object is created here, so that a record can be no other one's.
"""

from __future__ import annotations

import copy
import logging
import threading
from collections import defaultdict
from contextlib import suppress
from datetime import timedelta
from typing import TYPE_CHECKING, Any

from tap_insightly.api.answer import Answer
from tap_insightly.api.comparing import changes
from tap_insightly.api.errors import InsightlyError, NotAvailableError, UnknownOutcomeError
from tap_insightly.api.fields import CUSTOM_FIELDS
from tap_insightly.api.locks import SharedLock
from tap_insightly.api.objects import plain
from tap_insightly.api.paging import Cursor, Listing
from tap_insightly.api.reader import Reader
from tap_insightly.api.tally import Tally
from tap_insightly.values import parse_moment, utc_text

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator, Mapping
    from datetime import datetime

    from tap_insightly.api.fields import Fields
    from tap_insightly.api.request import Request
    from tap_insightly.api.session import InsightlySession

    Record = Mapping[str, Any]

logger = logging.getLogger(__name__)

LOOKS = (0.0, 2.0, 6.0)  # seconds to wait before each look: what was sent may still be under way
MOST_TRIES = 5
MARGIN = timedelta(seconds=5)  # between two clocks of the server, which need not be one machine


class Creator:
    """Creates records of any object, for any number of threads."""

    def __init__(self, session: InsightlySession) -> None:
        """Get ready.

        Args:
            session: Where to send.
        """
        self._session = session
        self._locks: defaultdict[str, SharedLock] = defaultdict(SharedLock)
        self._claimed: defaultdict[str, set[int]] = defaultdict(set)
        self._lost: defaultdict[str, list[Mapping[str, Any]]] = defaultdict(list)
        self._lock = threading.Lock()

    def sending_through(self, session: InsightlySession) -> Creator:
        """Share this one's memory of what was created.

        Args:
            session: Where to send.

        Returns:
            Another that knows the same.
        """
        other = copy.copy(self)
        other._session = session  # noqa: SLF001 - its own class
        return other

    def create(self, request: Request, fields: Fields) -> dict[str, Any]:
        """Create a record.

        Args:
            request: What to send: a POST to the object's list, or to one below another record.
            fields: The fields of the object.

        Returns:
            The record.

        Raises:
            InsightlyError: If that is refused.
            UnknownOutcomeError: If it may be there, and nothing can tell.
        """
        of, body = fields.of, Answer(request.body or b"{}").data
        with self._lock:
            lock = self._locks[of.path]
        since = self._now()
        for _ in range(MOST_TRIES):
            with lock.shared():
                try:
                    return self._claim(fields, body, self._session.send(request))
                except UnknownOutcomeError as error:
                    if "search" not in of.can or of.key is None or since is None:
                        raise  # nothing tells new records from old ones
                    lost = error
                    self._lost[of.path].append(body)
            with lock.alone():
                try:
                    found = self._look(request, fields, since)
                except InsightlyError as error:
                    msg = f"{lost} That could not be found out: {error}"
                    raise UnknownOutcomeError(msg) from error
                finally:
                    self._lost[of.path].remove(body)
            if found is not None:
                logger.warning("%s It was done: %s %s.", lost, of.name, found[of.key])
                return found
            logger.warning("%s It was not done; once more.", lost)
        raise lost

    def add_once(self, request: Request) -> dict[str, Any]:
        """Add something to a list below a record, unless it is there.

        Args:
            request: What to send: a POST to a list such as ``/Contacts/12/Links``.

        Returns:
            What is there then.

        Raises:
            InsightlyError: If that is refused.
        """
        path, item = request.path, Answer(request.body or b"{}").data
        lost: UnknownOutcomeError | None = None
        for wait in (*LOOKS, LOOKS[-1]):
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
        raise lost or UnknownOutcomeError(path)

    def _now(self) -> datetime | None:
        """Say what time it is by the server's clock, or was when it last told."""
        if self._session.now() is None:
            with suppress(NotAvailableError):  # which tells the time all the same
                self._session.get("/Instance")
        return self._session.now()

    def _claim(self, fields: Fields, body: Mapping[str, Any], answer: Answer) -> dict[str, Any]:
        """Take the new record out of an answer, which may be a list (spec).

        Raises:
            UnknownOutcomeError: If there is none in it.
        """
        key = fields.of.key or ""
        records = [one for one in answer.records if isinstance(one, dict)]
        with self._lock:
            claimed = self._claimed[fields.of.path]
            if len(records) > 1:
                # All that is below the other record (assumed): the new one has the last id.
                records = [one for one in records if one.get(key) not in claimed] or records
                same = [one for one in records if not changes(fields, body, one)]
                records = sorted(same or records, key=lambda one: one.get(key) or 0)
            if not records:
                msg = f"{fields.of.name}: a new one was answered without a record."
                raise UnknownOutcomeError(msg)
            record: dict[str, Any] = records[-1]
            if isinstance(record.get(key), int):
                claimed.add(record[key])
            return record

    def look_for(
        self, request: Request, fields: Fields, since: datetime, known: Collection[int] = ()
    ) -> dict[str, Any] | None:
        """Find the record that a request has created, if it has.

        Args:
            request: The request.
            fields: The fields of the object.
            since: When it was sent, or before, by the server's clock.
            known: Ids of records that others have created.

        Returns:
            The record, which is taken for created by it from now on; None if there is none.

        Raises:
            InsightlyError: If the object cannot be searched.
        """
        body, claimed = Answer(request.body or b"{}").data, self._claimed[fields.of.path]
        # What was sent may be all in another record that was lost, too.
        others = [one for one in self._lost[fields.of.path] if _size(one) > _size(body)]
        for record in self._created_since(fields, since):
            number = record[str(fields.of.key)]
            if number in claimed or number in known or not _is_below(request, fields, record):
                continue
            if _is_made_of(body, fields, record) and not any(
                _is_made_of(other, fields, record) for other in others
            ):
                claimed.add(number)
                return dict(record)
        return None

    def _look(self, request: Request, fields: Fields, since: datetime) -> dict[str, Any] | None:
        for wait in LOOKS:
            if wait:
                self._session.sleep(wait)
            found = self.look_for(request, fields, since)
            if found is not None:
                return found
        return None

    def _created_since(self, fields: Fields, since: datetime) -> Iterator[Record]:
        of, key = fields.of, str(fields.of.key)
        params = {"updated_after_utc": utc_text((since - MARGIN).replace(microsecond=0))}
        tally = Tally(self._session.total)
        listing = Listing(f"{of.path}/Search", params, cursor=Cursor([key]), tally=tally)
        with Reader(self._session) as reader:
            for page in reader.read(listing):
                yield from (one for one in page.records if _is_created_since(one, since))


def _is_made_of(body: Mapping[str, Any], fields: Fields, record: Record) -> bool:
    return not changes(fields, body, record)


def _size(body: Mapping[str, Any]) -> int:
    """Count the fields of a body, custom ones too."""
    return len(body) + len(body.get(CUSTOM_FIELDS) or ())


def _is_created_since(record: Record, since: datetime) -> bool:
    try:
        created = parse_moment(record["DATE_CREATED_UTC"])
    except (KeyError, TypeError, ValueError, AttributeError):
        return True  # not every kind of record tells when it was created
    return created >= since - MARGIN


def _is_below(request: Request, fields: Fields, record: Record) -> bool:
    """Tell whether a record is below the other that it was sent to, as far as it says so."""
    parts = request.path.strip("/").split("/")
    for below in fields.of.below if len(parts) > 1 else ():
        if below.path.strip("/") != parts[0]:
            continue
        if below.parent_field is not None:
            return str(record.get(below.parent_field)) == parts[1]
        links = record.get("LINKS") or ()
        return any(
            str(link.get("LINK_OBJECT_ID")) == parts[1]
            and plain(str(link.get("LINK_OBJECT_NAME"))) == plain(parts[0])
            for link in links
        )
    return True
