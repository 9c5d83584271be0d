"""The sinks: each takes the records of one stream, and has them written."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Any

from singer_sdk.sinks import Sink
from typing_extensions import override

from tap_insightly.api import InsightlyError, InvalidFieldsError
from tap_insightly.loader.mirror import Mirror
from tap_insightly.loader.record_loader import LoadRules, RecordLoader
from tap_insightly.tombstone import DELETED_AT

if TYPE_CHECKING:
    from collections.abc import Hashable, Sequence

    from singer_sdk.target_base import Target

    from tap_insightly.api import Request
    from tap_insightly.loader.copying import Copier
    from tap_insightly.loader.run import LoadRun
    from tap_insightly.loader.stream_mapping import MappedRecord


class UncheckedSink(Sink):
    """Takes records as they come: what the API takes is checked, not what the tap promised."""

    @override
    def get_validator(self) -> None:
        """Have none: the SDK's ends the run at the first wrong record, whatever `on_error` is."""

    @override
    def _validate_and_parse(self, record: dict[str, Any]) -> dict[str, Any]:
        """Leave dates as they came; this private method of the SDK fails at what is no date."""
        return record

    @override
    def _remove_sdc_metadata_from_record(self, record: dict[str, Any]) -> None:
        """Keep what marks a deletion, which this private method of the SDK would remove too."""
        for name in [name for name in record if name.startswith("_sdc_") and name != DELETED_AT]:
            del record[name]

    @override
    def process_batch(self, context: dict[str, Any]) -> None:
        """Take the records of a file; others were taken one by one."""
        for record in context.get("records", ()):
            self.process_record(record, context)


class InsightlySink(UncheckedSink):
    """Has the records of one stream written at once, by the threads of the run's queue."""

    def __init__(
        self,
        target: Target,
        stream_name: str,
        schema: dict[str, Any],
        key_properties: Sequence[str] | None,
        *,
        run: LoadRun,
        first_number: int = 1,
    ) -> None:
        """Find out where the records go; refused ones without a key are named by their number."""
        super().__init__(target, stream_name, schema, key_properties)
        self._run = run
        self._number = first_number - 1
        self._mapping = run.mappings.mapping(stream_name, schema)
        if self._mapping.left_out:
            names = ", ".join(self._mapping.left_out)
            self.logger.info(
                "%s: left out, as the API sets or takes them otherwise: %s.", stream_name, names
            )
        client = run.count_requests(stream_name)
        self._loader = RecordLoader(
            client,
            self._mapping,
            LoadRules(
                mode=run.mappings.mode(stream_name),
                skip_unchanged=run.config["skip_unchanged"],
                allow_delete=run.config["allow_delete"],
            ),
            run.key_caches[self._mapping.obj.path],
            recorder=run.recorder,
            show=self._show if run.config["dry_run"] else None,
        )
        self._mirror: Mirror | None = None
        if self._loader.rules.mode == "mirror":
            mirrors = run.deferred.mirrors
            if stream_name in mirrors:
                mirrors[stream_name].use_loader(self._loader)
            else:
                condition, values = run.mappings.mirror_rules(self._mapping)
                mirrors[stream_name] = Mirror(client, self._loader, condition, values)
            self._mirror = mirrors[stream_name]

    @override
    def process_record(self, record: dict[str, Any], context: dict[str, Any]) -> None:
        """Have a record written, after earlier ones that have the same key."""
        self._number += 1
        number, run = self._number, self._run
        if self._mirror is not None:
            self._mirror.note_record()
        try:
            mapped = self._mapping.map(record)
            has_key = mapped.record_id is not None or mapped.match_value is not None
            if self._mirror is not None and not has_key:
                msg = "It does not say which record it is, without which none can be mirrored."
                raise InvalidFieldsError(self._mapping.obj.name, [msg])
        except InsightlyError as error:
            run.queue.submit(partial(self._refuse, record, number, error))
            return
        load, keys = partial(self._load, record, number, mapped), self._keys(mapped)
        if run.deferred.must_wait(self._loader, mapped, keys):
            run.deferred.add(self._loader, mapped, record, keys, load)
        else:
            run.queue.submit(load, keys)

    @override
    def process_batch(self, context: dict[str, Any]) -> None:
        """Take the records of a file, and wait until everything is written."""
        super().process_batch(context)
        self._run.queue.wait()

    def _keys(self, mapped: MappedRecord) -> list[Hashable]:
        path = self._mapping.obj.path
        if mapped.record_id is not None:
            return [(path, mapped.record_id)]
        key = self._mapping.cache_key(mapped)
        return [] if key is None else [(path, key.loose)]

    def _load(self, record: dict[str, Any], number: int, mapped: MappedRecord) -> None:
        try:
            result = self._loader.load(mapped)
        except InsightlyError as error:
            self._refuse(record, number, error)
            return
        self._run.report.count(self.stream_name, result.outcome)
        if self._run.is_mirroring:
            self._run.deferred.note_present(self._mapping.obj.path, result.record_id)

    def _refuse(self, record: dict[str, Any], number: int, error: InsightlyError) -> None:
        name = self._mapping.describe(record) or f"number {number:,}"
        self._run.refuse(self._mapping, record, name, error)

    def _show(self, request: Request) -> None:
        body = (request.body or b"").decode()
        self.logger.info(
            "Dry run: %s: %s %s %s", self.stream_name, request.method, request.path, body
        )


class CopySink(UncheckedSink):
    """Hands the records of one stream of another account to the copier."""

    def __init__(
        self,
        target: Target,
        stream_name: str,
        schema: dict[str, Any],
        key_properties: Sequence[str] | None,
        *,
        copier: Copier,
    ) -> None:
        """Find out where the records go, if they can be copied."""
        super().__init__(target, stream_name, schema, key_properties)
        self._copier = copier
        self._stream_copy = copier.open_stream(stream_name, schema)
        if self._stream_copy is None:
            self.logger.warning(
                "%s: left out, as the API has no way to create such records.", stream_name
            )

    @override
    def process_record(self, record: dict[str, Any], context: dict[str, Any]) -> None:
        """Keep a record, to be written at the end."""
        if self._stream_copy is not None:
            self._copier.add(self._stream_copy, record)
