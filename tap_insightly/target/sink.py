"""What takes the records of one stream, and has them written."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Any

from singer_sdk.sinks import Sink

from tap_insightly.api import InsightlyError
from tap_insightly.target.loading import Loader
from tap_insightly.target.route import DELETED

if TYPE_CHECKING:
    from collections.abc import Hashable, Sequence

    from tap_insightly.api import Request
    from tap_insightly.target.route import Row
    from tap_insightly.target.target import TargetInsightly


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
        self._route = target.router.route(stream_name, schema)
        if self._route.left_out:
            names = ", ".join(self._route.left_out)
            self.logger.info(
                "%s: left out, as the API sets or takes them otherwise: %s.", stream_name, names
            )
        tally = target.ledger.open_stream(stream_name, target.client.session.total)
        self._loader = Loader(
            target.client.counting(tally),
            self._route,
            skip_unchanged=target.config["skip_unchanged"],
            allow_delete=target.config["allow_delete"],
            say=self._say if target.config["dry_run"] else None,
        )

    def process_record(self, record: dict[str, Any], context: dict[str, Any]) -> None:  # noqa: ARG002 - the SDK's
        """Have a record written, after those before it that are the same one.

        Args:
            record: The record.
            context: Not used.

        Raises:
            InsightlyError: If a record before was refused, and that is to end the run.
        """
        self._number += 1
        number = self._number
        try:
            row = self._route.row(record)
        except InsightlyError as error:
            self._target.work.submit(partial(self._refuse, record, number, error))
            return
        self._target.work.submit(partial(self._load, record, number, row), self._keys(row))

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
        path = self._route.of.path
        if row.record_id is not None:
            return [(path, row.record_id)]
        return [] if row.match is None else [(path, str(row.match).casefold())]

    def _load(self, record: dict[str, Any], number: int, row: Row) -> None:
        try:
            outcome = self._loader.load(row)
        except InsightlyError as error:
            self._refuse(record, number, error)
        else:
            self._target.ledger.count(self.stream_name, outcome)

    def _refuse(self, record: dict[str, Any], number: int, error: InsightlyError) -> None:
        name = self._route.name_of(record) or f"number {number:,}"
        self._target.refuse(self._route, record, name, error)

    def _say(self, request: Request) -> None:
        body = (request.body or b"").decode()
        self.logger.info(
            "Dry run: %s: %s %s %s", self.stream_name, request.method, request.path, body
        )
