"""Loads one record: finds it, compares it, and creates, updates or deletes it."""

from __future__ import annotations

import logging
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, NamedTuple

from tap_insightly.api import InvalidFieldsError, NotAvailableError
from tap_insightly.api.records.diff import is_alike, is_same
from tap_insightly.api.records.reading import value_of
from tap_insightly.loader.errors import ChangedKeyError
from tap_insightly.loader.writer import RecordWriter
from tap_insightly.openapi.objects import CUSTOM_FIELDS

if TYPE_CHECKING:
    from collections.abc import Mapping

    from typing_extensions import Unpack

    from tap_insightly.api import InsightlyClient
    from tap_insightly.loader.key_cache import CacheKey, KeyCache
    from tap_insightly.loader.stream_mapping import MappedRecord, StreamMapping
    from tap_insightly.loader.writer import WriterOptions

    Record = dict[str, Any]

logger = logging.getLogger(__name__)


@dataclass(frozen=True)
class LoadRules:
    """How the records of a stream are written."""

    mode: str = "upsert"
    """One of the `MODES` of `settings`."""
    skip_unchanged: bool = True
    """Whether to send only what differs, or nothing."""
    allow_delete: bool = False
    """Whether to delete what is gone at its source."""


_ATTEMPTS = 2  # a record that was found, and is gone when it is written, is looked for once more


class LoadResult(NamedTuple):
    """What became of a record."""

    outcome: str
    """``created``, ``updated``, ``unchanged``, ``deleted``, ``ignored`` for a deletion that is not
    allowed, or ``absent`` for a record that is not here and is not to be created."""

    record_id: int | None = None
    """Its id here, if it has one."""


class _Found(NamedTuple):
    record_id: int
    record: Record | None
    is_searched: bool
    """Whether a search, or this run's memory, has found it, and may be behind."""


class RecordLoader:
    """Loads the records of one stream, for any number of threads."""

    def __init__(
        self,
        client: InsightlyClient,
        mapping: StreamMapping,
        rules: LoadRules,
        key_cache: KeyCache,
        **options: Unpack[WriterOptions],
    ) -> None:
        """Take the rules; the cache is that of all streams of the same object."""
        self.mapping = mapping
        """Where the records go."""
        self.rules = rules
        """How they are written."""
        self._client = client
        self._key_cache = key_cache
        self._writer = RecordWriter(client, mapping, **options)
        self._has_logged_wait = False
        self._loose_keys: set[str] = set()  # fields whose search does not mind the spelling

    def load(self, mapped: MappedRecord) -> LoadResult:
        """Load a record."""
        if mapped.is_deleted:
            return self._delete(mapped) if self.may_delete else LoadResult("ignored")
        for _ in range(_ATTEMPTS):
            found = self._find(mapped)
            if found is None:
                break
            if self.rules.mode == "insert":
                if not found.is_searched:
                    self._client.get(self.mapping.obj.name, found.record_id)  # or it is refused
                return LoadResult("unchanged", found.record_id)
            result = self._update(mapped, found)
            if result is not None:
                return result
        if self.rules.mode != "update":
            return self._create(mapped)
        if mapped.match_value is None:
            msg = "It does not say which record it is, and none is to be created (mode: update)."
            raise InvalidFieldsError(self.mapping.obj.name, [msg])
        return LoadResult("absent")

    @property
    def may_delete(self) -> bool:
        """Whether deletions are done."""
        return self.rules.allow_delete and self.rules.mode != "insert"

    def find_id(self, mapped: MappedRecord) -> int | None:
        """The id of the record that is meant, if it is here; it is read to be sure."""
        if mapped.record_id is None and mapped.match_value is None:
            msg = "It is deleted at its source, and does not say which record it is here."
            raise InvalidFieldsError(self.mapping.obj.name, [msg])
        found = self._find(mapped)
        if found is None:
            return None
        # A search may show what was there before; nobody else's record must be taken for it.
        record = self.read(found.record_id)
        is_there = record is not None and (
            not found.is_searched or self._has_key(record, mapped.match_value)
        )
        return found.record_id if is_there else None

    def delete(self, record_id: int) -> LoadResult:
        """Delete a record by its id; it is ``unchanged`` if it is gone already."""
        try:
            self._writer.delete(record_id)
        except NotAvailableError as error:
            if not error.is_missing:
                raise
            return LoadResult("unchanged")
        self._key_cache.forget(record_id)
        return LoadResult("deleted", record_id)

    def update(self, record_id: int, values: Mapping[str, Any], record: Record) -> LoadResult:
        """Give some fields of a record other values, as far as they differ."""
        if not self._writer.update(record_id, values, record, is_compared=True):
            return LoadResult("unchanged", record_id)
        self._key_cache.put(record_id, None)
        return LoadResult("updated", record_id)

    def read(self, record_id: int) -> Record | None:
        """Read a record; None if there is none."""
        try:
            return self._client.get(self.mapping.obj.name, record_id)
        except NotAvailableError as error:
            if not error.is_missing:
                raise
            return None

    def _delete(self, mapped: MappedRecord) -> LoadResult:
        record_id = mapped.record_id if mapped.record_id is not None else self.find_id(mapped)
        return LoadResult("unchanged") if record_id is None else self.delete(record_id)

    def _has_key(self, record: Record, match_value: object) -> bool:
        """Whether what was found by a key has that key, or only had it before."""
        field = self.mapping.match_on
        return field is None or is_alike(field.convert(value_of(record, field.name)), match_value)

    def _find(self, mapped: MappedRecord) -> _Found | None:
        """Find the record that is meant; one with an id is believed to be there."""
        if mapped.record_id is not None:
            return _Found(mapped.record_id, None, is_searched=False)
        key = self.mapping.cache_key(mapped)
        if key is None:
            return None
        cached_id = self._key_cache.find(key)
        if cached_id is not None:
            return _Found(cached_id, None, is_searched=True)
        sent_at = self._key_cache.now()
        found = self._search(mapped.match_value, key)
        wait = 0.0 if found is not None else self._key_cache.lag_left(sent_at, key)
        if wait:
            # What was written a moment ago, by the run before or with another spelling of the key,
            # may not be shown yet.
            self._log_wait(wait)
            self._client.session.sleep(wait)
            found = self._search(mapped.match_value, key)
        return found

    def _log_wait(self, wait: float) -> None:
        if not self._has_logged_wait:
            self._has_logged_wait = True
            logger.info(
                "%s: no record is found by its key. Looking again in %.1f s, as a search may not "
                "show yet what was just written (search_lag_seconds).",
                self.mapping.stream,
                wait,
            )

    def _search(
        self, match_value: object, key: CacheKey, *, is_read: bool = False
    ) -> _Found | None:
        """Search for a record by its key; with `is_read`, it is read to see that it has it."""
        obj, field = self.mapping.obj, self.mapping.match_on
        if field is None:
            return None
        sent_at = self._key_cache.now()
        record = self._client.find_one(obj.name, field.name, match_value)
        if record is None:
            return None
        record_id = int(record[str(obj.key)])
        if self._key_cache.is_stale(record_id, key):
            return None
        found = _Found(record_id, record, is_searched=True)
        if not is_read and not self._key_cache.lag_left(sent_at, key, record_id):
            return found
        # A search that may not show yet what was written shows what was there before.
        current = self.read(record_id)
        if current and self._has_key(current, match_value):
            return found._replace(record=current)
        return None

    def _create(self, mapped: MappedRecord) -> LoadResult:
        key = self.mapping.cache_key(mapped)

        def find() -> Record | None:
            found = None if key is None else self._search(mapped.match_value, key, is_read=True)
            return None if found is None else found.record

        created = self._writer.create(mapped, None if key is None else find)
        if created is None:
            return LoadResult("created")
        record_id = int(created[str(self.mapping.obj.key)])
        self._key_cache.put(record_id, key)
        self._writer.set_first_stage(record_id, mapped.stage, created)
        if key is not None:
            self._check_key(mapped.match_value, key, record_id, created)
        return LoadResult("created", record_id)

    def _check_key(
        self, match_value: object, key: CacheKey, record_id: int, created: Record
    ) -> None:
        """Raise a `ChangedKeyError` if a new record will not be found by the key it was given."""
        field = self.mapping.match_on
        if field is None or not {field.name, CUSTOM_FIELDS} & created.keys():
            return  # a response need not hold all of a record
        value = value_of(created, field.name)
        if is_same(field, match_value, value) or field.name in self._loose_keys:
            return
        if is_alike(field.convert(value), match_value) and self._is_found(match_value, key):
            self._loose_keys.add(field.name)
            return
        msg = (
            f"Stream '{self.mapping.stream}': {self.mapping.obj.name} {record_id} was created with "
            f"{field.name} {match_value!r}, which the account has changed to {value!r}. A search "
            "does not find it by that: each run would create it again. Match on a field that stays "
            "as it is."
        )
        raise ChangedKeyError(msg)

    def _is_found(self, match_value: object, key: CacheKey) -> bool:
        """Whether a search finds a record by a key that is spelled otherwise."""
        self._client.session.sleep(self._key_cache.lag_left(self._key_cache.now(), key))
        return self._search(match_value, key) is not None

    def _update(self, mapped: MappedRecord, found: _Found) -> LoadResult | None:
        """Update a record; None if it was found, and is not there any more."""
        record, record_id = found.record, found.record_id
        is_compared = self.rules.skip_unchanged
        try:
            if record is None and (is_compared or self._writer.is_recording or mapped.stage):
                record = self._client.get(self.mapping.obj.name, record_id)
            is_changed = self._writer.update(
                record_id, mapped.values, record, is_compared=is_compared
            )
        except NotAvailableError as error:
            if not (error.is_missing and found.is_searched):
                raise
            self._key_cache.forget(record_id)
            return None
        is_changed |= self._writer.set_stage(record_id, mapped.stage, record)
        if is_changed:
            self._key_cache.put(record_id, self.mapping.cache_key(mapped))
        return LoadResult("updated" if is_changed else "unchanged", record_id)
