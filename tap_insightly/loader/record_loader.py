"""Writing one record: found, compared, and created, updated or deleted."""

from __future__ import annotations

import logging
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, NamedTuple

from tap_insightly.api import (
    InsightlyError,
    InvalidFieldsError,
    NotAvailableError,
    RefusedError,
    UnsupportedOperationError,
)
from tap_insightly.api.records.diff import is_alike, is_same
from tap_insightly.api.records.reading import value_of
from tap_insightly.loader.writer import RecordWriter
from tap_insightly.openapi.objects import CUSTOM_FIELDS

if TYPE_CHECKING:
    from collections.abc import Mapping

    from typing_extensions import Unpack

    from tap_insightly.api import InsightlyClient
    from tap_insightly.loader.key_cache import CacheKey, KeyCache
    from tap_insightly.loader.stream_mapping import Row, StreamMapping
    from tap_insightly.loader.writer import WriterOptions

    Record = dict[str, Any]

logger = logging.getLogger(__name__)

MODES = ("upsert", "update", "insert", "mirror")
"""What may be done with the records of a stream; see the setting `mode`."""


def is_refusal(error: InsightlyError) -> bool:
    """Tell whether an error is about one record, so that others may do better.

    Args:
        error: What went wrong.

    Returns:
        Whether it is; if not, there is no use in going on.
    """
    if isinstance(error, RefusedError):
        return error.status is not None and error.status >= 400  # noqa: PLR2004 - not a redirect
    return isinstance(error, InvalidFieldsError | NotAvailableError | UnsupportedOperationError)


class ChangedKeyError(InsightlyError):
    """The account changes the values that records are matched on."""


@dataclass(frozen=True)
class LoadRules:
    """How the records of a stream are written."""

    mode: str = "upsert"
    """One of `MODES`."""
    skip_unchanged: bool = True
    """Whether to send only what differs, or nothing."""
    allow_delete: bool = False
    """Whether to delete what is gone at its source."""


_TRIES = 2  # a record that was found, and is gone when it is written, is looked for once more


class LoadResult(NamedTuple):
    """What became of a record."""

    outcome: str
    """``created``, ``updated``, ``unchanged``, ``deleted``, ``ignored`` for a deletion that is not
    allowed, or ``absent`` for a record that is not there and is not to be created."""

    record_id: int | None = None
    """Its id here, if it has one."""


class _Found(NamedTuple):
    record_id: int
    record: Record | None
    is_searched: bool
    """Whether a search, or this run's memory, has found it, and may be behind."""


class RecordLoader:
    """Writes the records of one stream, for any number of threads."""

    def __init__(
        self,
        client: InsightlyClient,
        route: StreamMapping,
        rules: LoadRules,
        keys: KeyCache,
        **options: Unpack[WriterOptions],
    ) -> None:
        """Take the settings.

        Args:
            client: The account.
            route: Where the records go.
            rules: How they are written.
            keys: Which record of the object has which key, as far as this run has written them.
            **options: What `RecordWriter` has besides.
        """
        self.route = route
        """Where the records go."""
        self.rules = rules
        """How they are written."""
        self._client = client
        self._keys = keys
        self._writer = RecordWriter(client, route, **options)
        self._has_told = False
        self._loose_keys: set[str] = set()  # fields whose search does not mind the spelling

    def load(self, row: Row) -> LoadResult:
        """Write a record.

        Args:
            row: The record.

        Returns:
            What became of it.

        Raises:
            InsightlyError: If that cannot be done.
        """
        if row.is_deleted:
            return self.delete(row) if self.may_delete else LoadResult("ignored")
        for _ in range(_TRIES):
            found = self._locate(row)
            if found is None:
                break
            if self.rules.mode == "insert":
                if not found.is_searched:
                    self._client.get(self.route.obj.name, found.record_id)  # or it is refused
                return LoadResult("unchanged", found.record_id)
            loaded = self._update(row, found)
            if loaded is not None:
                return loaded
        if self.rules.mode != "update":
            return self._create(row)
        if row.match is None:
            msg = "It does not say which record it is, and none is to be created (mode: update)."
            raise InvalidFieldsError(self.route.obj.name, [msg])
        return LoadResult("absent")

    @property
    def may_delete(self) -> bool:
        """Whether deletions are done."""
        return self.rules.allow_delete and self.rules.mode != "insert"

    def find(self, row: Row) -> int | None:
        """Find out which record is meant.

        Args:
            row: The record.

        Returns:
            Its id here; None if there is none.

        Raises:
            InsightlyError: If that cannot be found out, or it does not say which one it is.
        """
        if row.record_id is None and row.match is None:
            msg = "It is deleted at its source, and does not say which record it is here."
            raise InvalidFieldsError(self.route.obj.name, [msg])
        found = self._locate(row)
        if found is None:
            return None
        # A search may show what was there before; nobody else's record must be taken for it.
        record = self.read(found.record_id)
        is_there = record is not None and (
            not found.is_searched or self._is_meant(row.match, record)
        )
        return found.record_id if is_there else None

    def delete(self, row: Row) -> LoadResult:
        """Delete a record.

        Args:
            row: The record.

        Returns:
            What became of it: it is ``unchanged`` if it is gone already.

        Raises:
            InsightlyError: If that cannot be done.
        """
        record_id = row.record_id if row.record_id is not None else self.find(row)
        return LoadResult("unchanged") if record_id is None else self.delete_one(record_id)

    def delete_one(self, record_id: int) -> LoadResult:
        """Delete a record by its id.

        Args:
            record_id: The id.

        Returns:
            What became of it: it is ``unchanged`` if it is gone already.

        Raises:
            InsightlyError: If that cannot be done.
        """
        try:
            self._writer.delete(record_id)
        except NotAvailableError as error:
            if not error.is_missing:
                raise
            return LoadResult("unchanged")
        self._keys.forget(record_id)
        return LoadResult("deleted", record_id)

    def change(self, record_id: int, values: Mapping[str, Any], record: Record) -> LoadResult:
        """Give some fields of a record other values.

        Args:
            record_id: Its id.
            values: Values by field name.
            record: The record as it is.

        Returns:
            What became of it.

        Raises:
            InsightlyError: If that cannot be done.
        """
        if not self._writer.update(record_id, values, record, is_compared=True):
            return LoadResult("unchanged", record_id)
        self._keys.put(record_id, None)
        return LoadResult("updated", record_id)

    def _is_meant(self, match: object, record: Record) -> bool:
        """Tell whether what was found by a key has that key, or only had it before."""
        field = self.route.match_on
        return field is None or is_alike(field.convert(value_of(record, field.name)), match)

    def _locate(self, row: Row) -> _Found | None:
        """Find the record that is meant; one with an id is believed to be there."""
        if row.record_id is not None:
            return _Found(row.record_id, None, is_searched=False)
        key = self.route.key_of(row)
        if key is None:
            return None
        known = self._keys.find(key)
        if known is not None:
            return _Found(known, None, is_searched=True)
        at = self._keys.now()
        found = self._searched(row.match, key)
        wait = 0.0 if found is not None else self._keys.blind_for(at, key)
        if wait:
            # What was written a moment ago, by the run before or with another spelling of the key,
            # may not be shown yet.
            self._tell(wait)
            self._client.session.sleep(wait)
            found = self._searched(row.match, key)
        return found

    def _tell(self, wait: float) -> None:
        if not self._has_told:
            self._has_told = True
            logger.info(
                "%s: no record is found by its key. Looking again in %.1f s, as a search may not "
                "show yet what was just written (search_lag_seconds).",
                self.route.stream,
                wait,
            )

    def _searched(self, match: object, key: CacheKey, *, is_checked: bool = False) -> _Found | None:
        """Search for a record.

        Args:
            match: The value that it has.
            key: The same as a key.
            is_checked: Whether to read what is found, to see that it has the value.

        Returns:
            The record; None if there is none that has it.
        """
        obj, field = self.route.obj, self.route.match_on
        if field is None:
            return None
        at = self._keys.now()
        record = self._client.find_one(obj.name, field.name, match)
        if record is None:
            return None
        record_id = int(record[str(obj.key)])
        if self._keys.is_stale(record_id, key):
            return None
        found = _Found(record_id, record, is_searched=True)
        if not is_checked and not self._keys.blind_for(at, key, record_id):
            return found
        # A search that may not show yet what was written shows what was there before.
        now = self.read(record_id)
        return found._replace(record=now) if now and self._is_meant(match, now) else None

    def _create(self, row: Row) -> LoadResult:
        key = self.route.key_of(row)

        def find() -> Record | None:
            found = None if key is None else self._searched(row.match, key, is_checked=True)
            return None if found is None else found.record

        made = self._writer.create(row, None if key is None else find)
        if made is None:
            return LoadResult("created")
        record_id = int(made[str(self.route.obj.key)])
        self._keys.put(record_id, key)
        self._writer.place(record_id, row.stage, made)
        if key is not None:
            self._check_key(row.match, key, record_id, made)
        return LoadResult("created", record_id)

    def _check_key(self, match: object, key: CacheKey, record_id: int, made: Record) -> None:
        """Make sure that a new record will be found by the key that it was given.

        Raises:
            ChangedKeyError: If the account has given it another.
        """
        field = self.route.match_on
        if field is None or not {field.name, CUSTOM_FIELDS} & made.keys():
            return  # an answer need not hold all of a record
        own = value_of(made, field.name)
        if is_same(field, match, own) or field.name in self._loose_keys:
            return
        if is_alike(field.convert(own), match) and self._is_found(match, key):
            self._loose_keys.add(field.name)
            return
        msg = (
            f"Stream '{self.route.stream}': {self.route.obj.name} {record_id} was created with "
            f"{field.name} {match!r}, and the account has made {own!r} of that, by which it is not "
            "found: each run would create it again. Match on a field that stays as it is."
        )
        raise ChangedKeyError(msg)

    def _is_found(self, match: object, key: CacheKey) -> bool:
        """Tell whether a search finds a record by a key that is spelled otherwise."""
        self._client.session.sleep(self._keys.blind_for(self._keys.now(), key))
        return self._searched(match, key) is not None

    def read(self, record_id: int) -> Record | None:
        """Read a record.

        Args:
            record_id: Its id.

        Returns:
            The record; None if there is none.

        Raises:
            InsightlyError: If it cannot be read.
        """
        try:
            return self._client.get(self.route.obj.name, record_id)
        except NotAvailableError as error:
            if not error.is_missing:
                raise
            return None

    def _update(self, row: Row, found: _Found) -> LoadResult | None:
        """Update a record; None if it was found, and is not there any more."""
        record, record_id = found.record, found.record_id
        is_compared = self.rules.skip_unchanged
        try:
            if record is None and (is_compared or self._writer.is_recording or row.stage):
                record = self._client.get(self.route.obj.name, record_id)
            is_changed = self._writer.update(record_id, row.values, record, is_compared=is_compared)
        except NotAvailableError as error:
            if not (error.is_missing and found.is_searched):
                raise
            self._keys.forget(record_id)
            return None
        is_changed |= self._writer.move(record_id, row.stage, record)
        if is_changed:
            self._keys.put(record_id, self.route.key_of(row))
        return LoadResult("updated" if is_changed else "unchanged", record_id)
