"""What takes the records of one stream of another account, and keeps them to be written."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from tap_insightly.api import InsightlyError
from tap_insightly.loader.sink import RawSink

if TYPE_CHECKING:
    from collections.abc import Sequence

    from tap_insightly.loader.target import TargetInsightly


class CopySink(RawSink):
    """Takes the records of one stream of another account. They are written at the end."""

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
        self._copied = target.copier.open(stream_name, schema)
        if self._copied is None:
            self.logger.warning(
                "%s: left out, as the API has no way to make such records.", stream_name
            )

    def process_record(self, record: dict[str, Any], context: dict[str, Any]) -> None:  # noqa: ARG002 - the SDK's
        """Keep a record to be written.

        Args:
            record: The record.
            context: Not used.

        Raises:
            InsightlyError: If it has no id, and that is to end the run.
        """
        if self._copied is None:
            return
        try:
            self._target.copier.take(self._copied, record)
        except InsightlyError as error:
            self._target.refuse(self._copied.route, record, "", error)

    def process_batch(self, context: dict[str, Any]) -> None:
        """Keep what came as a file.

        Args:
            context: The records of a file, if there is one.

        Raises:
            InsightlyError: As `process_record` does.
        """
        for record in context.get("records", ()):
            self.process_record(record, context)
