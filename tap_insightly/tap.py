"""The tap: settings and streams."""

from __future__ import annotations

import os
import threading
from functools import partial
from typing import TYPE_CHECKING, Any, BinaryIO, ClassVar

from singer_sdk.helpers.capabilities import (
    EMIT_ACTIVATE_VERSION_CONFIG,
    PluginCapabilities,
    TapCapabilities,
)
from typing_extensions import override

from tap_insightly.connection import open_session
from tap_insightly.discovery import catalogued, discovered
from tap_insightly.given_files import checked
from tap_insightly.memory import give_back_large_pieces
from tap_insightly.output import MessageWriter
from tap_insightly.plugin import InsightlyPlugin
from tap_insightly.sdk_settings import config_schema
from tap_insightly.settings import SETTINGS
from tap_insightly.streams import (
    STREAMS,
    ArrayStream,
    ChildStream,
    InsightlyStream,
    StreamsTap,
)
from tap_insightly.sync.run import Run
from tap_insightly.sync.webhook_events import WebhookEvents

if TYPE_CHECKING:
    from collections.abc import Sequence
    from types import FrameType

    from singer_sdk import Stream
    from singer_sdk.about import AboutInfo
    from singer_sdk.helpers._state import StateWriter
    from singer_sdk.helpers.capabilities import CapabilitiesEnum

SECONDS_TO_END = 1.5  # after a signal, before the process ends in whatever it is doing


_SCHEMA = config_schema(SETTINGS)
_SCHEMA["properties"] |= EMIT_ACTIVATE_VERSION_CONFIG["properties"]


class TapInsightly(InsightlyPlugin, StreamsTap):
    """Extracts everything that the Insightly CRM API (v3.1) offers."""

    name = "tap-insightly"
    settings = SETTINGS
    summary = "Extract data from Insightly CRM, as Singer messages."
    dynamic_catalog = True
    config_jsonschema: ClassVar[dict[str, Any]] = _SCHEMA
    # Those of the SDK's that MeltanoHub knows; from 0.55 on it has more.
    capabilities: ClassVar[list[CapabilitiesEnum]] = [
        TapCapabilities.CATALOG,
        TapCapabilities.STATE,
        TapCapabilities.DISCOVER,
        PluginCapabilities.ACTIVATE_VERSION,
        PluginCapabilities.ABOUT,
        PluginCapabilities.STREAM_MAPS,
        PluginCapabilities.FLATTENING,
        PluginCapabilities.BATCH,
        PluginCapabilities.STRUCTURED_LOGGING,
    ]
    message_writer_class = MessageWriter
    message_writer: MessageWriter

    _run: Run | None = None

    @override
    def setup_mapper(self) -> None:
        """Prepare the stream maps, once the streams have completed the catalog."""
        _ = self.streams
        super().setup_mapper()

    @property
    def run(self) -> Run:
        """The run under way; a new one once that is closed."""
        if self._run is None or self._run.is_closed:
            session = open_session(self.config, self.name)
            events = WebhookEvents(self.config, self.logger)
            self._run = Run(session, self, self.selected_streams, self.logger, events)
        return self._run

    def close(self) -> None:
        """End the run under way, with all its threads and connections."""
        if self._run is not None:
            self._run.close()

    @override
    def discover_streams(self) -> Sequence[Stream]:
        """Make the streams: from the catalog if there is one, else from the account."""
        if self.input_catalog is not None:
            return list(catalogued(self, self.input_catalog))
        return list(discovered(self, self.run.session, self.run.account))

    @property
    @override
    def streams(self) -> dict[str, Stream]:
        """The streams by name, in the order in which they are read.

        Those that are made of the records of others come last, as they may be read with these.
        """
        streams = super().streams
        return dict(sorted(streams.items(), key=lambda pair: isinstance(pair[1], ArrayStream)))

    def selected_streams(self) -> list[InsightlyStream]:
        """List what is to be read, in the order in which the SDK reads it."""
        streams = self.streams.values()
        return [one for one in streams if one.selected and isinstance(one, InsightlyStream)]

    @override  # type: ignore[misc]  # there is no other place for the error
    def sync_all(self) -> None:
        """Sync all streams.

        Raises:
            InsightlyError: If the API ends the sync, or if a stream was not finished.
        """
        run = self.run
        try:
            super().sync_all()
        finally:
            run.report()
            if report_file := self.config.get("report_file"):
                run.write_report(report_file)
        run.check()

    def check_that_somebody_reads(self) -> None:
        """Find out about a target that is gone, while there is nothing to be written to it."""
        self.message_writer.check_that_somebody_reads()

    @property
    @override
    def state_writer(self) -> StateWriter:
        """A writer without a memory, so that `MessageWriter` decides what to repeat."""
        return type(super().state_writer)(self.message_writer)

    def write_state(self) -> int:
        """Write the state in the middle of a stream. Returns how many bytes it has."""
        if self._run is not None:
            self._run.update_state()
        self.state_writer.write_state(self.state)
        return self.message_writer.state_bytes

    @override
    def _handle_termination(self, signum: int, frame: FrameType | None) -> None:
        """End on SIGTERM or SIGINT: with a last state, soon, and not as if all were well.

        The SDK's handler, which is private, is replaced because it writes the state into the
        middle of whatever line is being written, ends with exit code 0 as after a complete sync,
        and waits for threads.
        """
        code = 128 + signum  # as shells have it
        # A target that does not read any more would keep us in the middle of a line for ever.
        deadline = threading.Timer(SECONDS_TO_END, os._exit, [code])
        deadline.daemon = True
        deadline.start()
        if self._run is not None:  # now, as the deadline leaves no time for it
            self._run.hide_progress()
        self.message_writer.between_messages(partial(self._end, code))

    def _end(self, code: int) -> None:
        self.logger.info("Asked to stop. The next run goes on from the state written last.")
        # What was read for a file that is not complete is lost; the state before it stays.
        if self.state and not self.config.get("batch_config"):
            self.write_state()
        self.close()
        raise SystemExit(code)

    @classmethod
    @override
    def _get_about_info(cls) -> AboutInfo:
        """Say what ``--about`` says, and what the streams cost that are not selected by default.

        A private method of the SDK, because all that it shows comes from there.
        """
        info = super()._get_about_info()
        texts = [info.description or "", "Not selected by default:"]
        for kind in (ChildStream, ArrayStream):
            names = [stream.name for stream in STREAMS if issubclass(stream, kind)]
            texts.append(f"{', '.join(names)} (each costs {kind.cost}).")
        info.description = " ".join(texts)  # lines would upset the layout
        return info

    @classmethod
    @override
    def invoke(  # type: ignore[override]  # as the SDK's own Tap.invoke has it
        cls,
        *,
        state: BinaryIO | None = None,
        catalog: BinaryIO | None = None,
        **kwargs: Any,
    ) -> None:
        """Sync, after a look at the files that were given."""
        give_back_large_pieces()
        super().invoke(
            state=checked(state, "state"),
            catalog=checked(catalog, "catalog"),
            **kwargs,
        )
