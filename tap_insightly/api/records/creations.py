"""What this process has created of one object, and what it may have."""

from __future__ import annotations

import re
import threading
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from tap_insightly.api.http.errors import UnknownOutcomeError
from tap_insightly.api.records.diff import changes, is_alike, normalized
from tap_insightly.api.records.reading import id_of
from tap_insightly.openapi.objects import CUSTOM_FIELDS

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence
    from datetime import datetime

    from tap_insightly.api.http.request import Request
    from tap_insightly.api.records.fields import Fields

    Record = Mapping[str, Any]


@dataclass(eq=False)
class SentCreation:
    """A request to create a record; nobody knows yet what became of it."""

    request: Request
    body: Mapping[str, Any]
    since: datetime | None
    """When it was first sent, or before, by the server's clock."""
    found: dict[str, Any] | None = None
    """The record that it has created."""
    suspects: list[Record] = field(default_factory=list)
    """Records that it may have created: they are like it, and nobody else's."""


class Created:
    """The ids of what was created, and what is under way or lost; for any number of threads."""

    def __init__(self) -> None:
        """Start with nothing."""
        self.ids: set[int] = set()
        """The records that are known to be of a request of this process."""
        self.changed = threading.Condition(threading.RLock())
        self._under_way: set[SentCreation] = set()
        self._lost: list[SentCreation] = []
        self._looking = threading.Lock()
        self._lookups_begun = 0
        self._lookups_ended = 0

    @contextmanager
    def sending(self, sent: SentCreation) -> Iterator[None]:
        """Hold a request for under way; and for lost, if nobody knows what became of it."""
        with self.changed:
            self._under_way.add(sent)
        try:
            yield
        except UnknownOutcomeError:
            self.mark_lost(sent)
            raise
        finally:
            with self.changed:
                self._under_way.discard(sent)
                self.changed.notify_all()

    def mark_lost(self, sent: SentCreation) -> None:
        """Note that the response to a request is lost."""
        with self.changed:
            sent.suspects = []
            self._lost.append(sent)

    def forget(self, sent: SentCreation) -> None:
        """Look no more for what became of a request."""
        with self.changed:
            if sent in self._lost:
                self._lost.remove(sent)

    def claim(self, record_id: int) -> None:
        """Note that a record is that of a request of this process."""
        with self.changed:
            self.ids.add(record_id)

    @contextmanager
    def lookup(self) -> Iterator[datetime | None]:
        """Let one thread at a time look for what is lost; yields since when to look.

        That is None if another thread has begun to look after this one came, and has ended.
        """
        with self.changed:
            wanted = self._lookups_begun + 1
        with self._looking:
            if self._lookups_ended >= wanted:
                yield None
                return
            with self.changed:
                self._lookups_begun += 1
                number = self._lookups_begun
                since = min((one.since for one in self._lost if one.since), default=None)
            yield since
            self._lookups_ended = number

    def not_under_way(self, records: Sequence[Record], key: str) -> list[Record]:
        """Say which of the records read just now are nobody's, once what is under way is done."""
        with self.changed:
            # A record may be that of a request that is under way: its response tells.
            before = set(self._under_way)
            self.changed.wait_for(lambda: not before & self._under_way)
            return [one for one in records if id_of(one, key) not in self.ids]

    def assign(
        self,
        records: Sequence[Record],
        key: str,
        is_made_of: Callable[[SentCreation, Record], bool],
        is_like: Callable[[SentCreation, Record], bool],
    ) -> None:
        """Say of each request that is lost which of the records is its own, and which may be.

        `is_made_of` tells whether a record has all that was sent; `is_like` tells whether it may be
        what was sent, changed by the account.
        """
        with self.changed:
            left = [one for one in records if id_of(one, key) not in self.ids]
            # What was sent may be all in the record of another request, which has sent more.
            for sent in sorted(self._lost, key=lambda sent: -_size(sent.body)):
                if sent.found is not None:
                    continue
                found = next((one for one in left if is_made_of(sent, one)), None)
                if found is not None:
                    sent.found = {**found, key: id_of(found, key)}
                    self.ids.add(sent.found[key])
                    left.remove(found)
            for sent in self._lost:
                if sent.found is None:
                    sent.suspects = [one for one in left if is_like(sent, one)]


def is_like(fields: Fields, body: Mapping[str, Any], record: Record) -> bool:
    """Tell whether a record may be what was sent, though the account has changed some of it.

    It may if it has the same name, or the same e-mail address, or most of what was sent; names in
    whatever case, and with whatever spaces.
    """
    sent = {name: value for name, value in body.items() if value is not None}
    names = [name for name in sent if _NAME.search(name)]
    names = names or [name for name in sent if name.upper() in {"TITLE", "SUBJECT"}]
    mails = [name for name in sent if _MAIL.search(name)]
    if names and all(_is_inside(sent[name], record.get(name)) for name in names):
        return True
    if any(is_alike(sent[name], record.get(name)) for name in mails):
        return True
    other, all_of_it = _size(changes(fields, sent, record)), _size(sent)
    return 2 * other < all_of_it or (all_of_it == _FEW and 2 * other == _FEW)


def _is_inside(one: object, other: object) -> bool:
    """Tell whether one name is the other, or in it, as if something was put before or behind."""
    if not isinstance(one, str) or not isinstance(other, str):
        return one == other
    texts = sorted((normalized(one), normalized(other)), key=len)
    return texts[0] == texts[1] or (len(texts[0]) >= _LEAST_NAME and texts[0] in texts[1])


_FEW = 2  # fields, of which half is all that there can be to go by
_LEAST_NAME = 3  # characters of a name that is in another by no chance
_NAME = re.compile(r"(^|_)NAME$", re.IGNORECASE)
_MAIL = re.compile(r"^EMAIL(_ADDRESS)?$", re.IGNORECASE)


def _size(body: Mapping[str, Any]) -> int:
    """Count the fields of a body, custom ones too."""
    return len(body.keys() - {CUSTOM_FIELDS}) + len(body.get(CUSTOM_FIELDS) or ())
