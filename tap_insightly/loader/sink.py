"""What takes the records of one stream, and has them written."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Any

from singer_sdk.sinks import Sink

from tap_insightly.api import InsightlyError, InvalidFieldsError
from tap_insightly.loader.mirror import Mirror
from tap_insightly.loader.record_loader import LoadRules, RecordLoader
from tap_insightly.loader.tombstones import DELETED

if TYPE_CHECKING:
    from collections.abc import Hashable, Sequence

    from tap_insightly.api import InsightlyClient, Request
    from tap_insightly.loader.stream_mapping import Row
    from tap_insightly.loader.target import TargetInsightly


class RawSink(Sink):
    """Takes records as they come, for the library to check."""

    def get_validator(self) -> None:
        """Have no validator: what the API takes is checked, not what the tap promised.

        The SDK's ends the run at the first record that is not as its schema says, whatever
        `on_error` is.
        """

    def _validate_and_parse(self, record: dict[str, Any]) -> dict[str, Any]:
        """Leave dates as they came, for the library to read.

        A private method of the SDK, which ends the run at the first text that is no date.

        Args:
            record: The record.

        Returns:
            The same.
        """
        return record

    def _remove_sdc_metadata_from_record(self, record: dict[str, Any]) -> None:
        """Keep what says that a record is deleted; other such properties are no field's.

        A private method of the SDK, which takes that away too.

        Args:
            record: The record.
        """
        for name in [name for name in record if name.startswith("_sdc_") and name != DELETED]:
            del record[name]


class InsightlySink(RawSink):
    """Takes the records of one stream. They are written at once, by the target's threads."""

    def __init__(
        self,
        target: TargetInsightly,
        stream_name: str,
        schema: dict[str, Any],
        key_properties: Sequence[str] | None,
    ) -> None:
        """Find out where the records go.

        Args:
            target: The target.
            stream_name: The stream's name.
            schema: Its schema.
            key_properties: Its primary key.

        Raises:
            InsightlyError: If its records cannot be written.
        """
        super().__init__(target, stream_name, schema, key_properties)
        self._target = target
        self._number = 0
        self._route = target.mappings.route(stream_name, schema)
        if self._route.left_out:
            names = ", ".join(self._route.left_out)
            self.logger.info(
                "%s: left out, as the API sets or takes them otherwise: %s.", stream_name, names
            )
        stats = target.report.open_stream(stream_name, target.client.session.stats)
        client = target.client.with_stats(stats)
        config = target.config
        self._loader = RecordLoader(
            client,
            self._route,
            LoadRules(
                mode=target.mappings.mode(stream_name),
                skip_unchanged=config["skip_unchanged"],
                allow_delete=config["allow_delete"],
            ),
            target.keys[self._route.obj.path],
            recorder=target.recorder,
            say=self._say if config["dry_run"] else None,
        )
        self._mirror = self._mirrored(client) if self._loader.rules.mode == "mirror" else None

    def _mirrored(self, client: InsightlyClient) -> Mirror:
        mirrors, stream = self._target.ending.mirrors, self.stream_name
        if stream in mirrors:
            mirrors[stream].begin(self._loader)
        else:
            condition, values = self._target.mappings.mirror(
                stream, self._route.fields, self._route.properties
            )
            mirrors[stream] = Mirror(client, self._loader, condition, values)
        return mirrors[stream]

    def process_record(self, record: dict[str, Any], context: dict[str, Any]) -> None:  # noqa: ARG002 - the SDK's
        """Have a record written, after those before it that are the same one.

        Args:
            record: The record.
            context: Not used.

        Raises:
            InsightlyError: If a record before was refused, and that is to end the run.
        """
        self._number += 1
        number, target = self._number, self._target
        if self._mirror is not None:
            self._mirror.note(is_end=False)
        try:
            row = self._route.row(record)
            if self._mirror is not None and row.record_id is None and row.match is None:
                msg = "It does not say which record it is, without which none can be mirrored."
                raise InvalidFieldsError(self._route.obj.name, [msg])
        except InsightlyError as error:
            target.work.submit(partial(self._refuse, record, number, error))
            return
        do, keys = partial(self._load, record, number, row), self._keys(row)
        if target.ending.takes(self._loader, row, keys):
            target.ending.add(self._loader, row, record, keys, do)
        else:
            target.work.submit(do, keys)

    def process_batch(self, context: dict[str, Any]) -> None:
        """Wait until all is written; and write first what came as a file.

        Args:
            context: The records of a file, if there is one.

        Raises:
            InsightlyError: If a record was refused, and that is to end the run.
        """
        for record in context.get("records", ()):
            self.process_record(record, context)
        self._target.work.wait()

    def _keys(self, row: Row) -> list[Hashable]:
        path = self._route.obj.path
        if row.record_id is not None:
            return [(path, row.record_id)]
        key = self._route.key_of(row)
        return [] if key is None else [(path, key.alike)]

    def _load(self, record: dict[str, Any], number: int, row: Row) -> None:
        try:
            loaded = self._loader.load(row)
        except InsightlyError as error:
            self._refuse(record, number, error)
            return
        self._target.report.count(self.stream_name, loaded.outcome)
        if self._target.is_mirroring:
            self._target.ending.see(self._route.obj.path, loaded.record_id)

    def _refuse(self, record: dict[str, Any], number: int, error: InsightlyError) -> None:
        name = self._route.name_of(record) or f"number {number:,}"
        self._target.refuse(self._route, record, name, error)

    def _say(self, request: Request) -> None:
        body = (request.body or b"").decode()
        self.logger.info(
            "Dry run: %s: %s %s %s", self.stream_name, request.method, request.path, body
        )
