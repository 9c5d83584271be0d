"""The tap: settings and streams."""

from __future__ import annotations

import os
import threading
from functools import cached_property, partial
from typing import TYPE_CHECKING, Any, BinaryIO, ClassVar

from singer_sdk import Tap
from singer_sdk.helpers.capabilities import PluginCapabilities, TapCapabilities

from tap_insightly import discovery
from tap_insightly.api import InsightlyError, Prefetcher
from tap_insightly.command import checked
from tap_insightly.connection import open_session
from tap_insightly.output import MessageWriter
from tap_insightly.plugin import InsightlyPlugin
from tap_insightly.progress import Progress, progress_for
from tap_insightly.settings import CONFIG_JSONSCHEMA, SETTINGS
from tap_insightly.streams import (
    STREAMS,
    ArrayStream,
    ChildStream,
    InsightlyStream,
    RelatedStream,
)

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from concurrent.futures import Future
    from datetime import datetime
    from types import FrameType

    from singer_sdk import Stream
    from singer_sdk.about import AboutInfo
    from singer_sdk.helpers._state import StateWriter
    from singer_sdk.helpers.capabilities import CapabilitiesEnum

    from tap_insightly.api import InsightlySession, PagedRequest, Response
    from tap_insightly.streams.reading import StreamSync
    from tap_insightly.streams.related_reading import EmbeddedSync

SECONDS_TO_END = 1.5  # after a signal, before the process ends in whatever it is doing


class TapInsightly(InsightlyPlugin, Tap):
    """Extracts everything that the Insightly CRM API (v3.1) offers."""

    name = "tap-insightly"
    settings = SETTINGS
    summary = "Extract data from Insightly CRM, as Singer messages."
    dynamic_catalog = True
    config_jsonschema: ClassVar[dict[str, Any]] = CONFIG_JSONSCHEMA
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

    def __init__(self, **kwargs: Any) -> None:  # noqa: ANN401 - the SDK's, passed on
        """Read the settings and find the streams.

        Args:
            **kwargs: As `InsightlyPlugin` and `singer_sdk.Tap` have them.

        Raises:
            ConfigValidationError: If a setting is wrong.
            InsightlyError: If discovery, where there is no catalog, cannot read from the API.
        """
        self._skipped: set[str] = set()
        self._failures: list[str] = []
        self.began: datetime | None = None
        """What the server's clock said when a bookmark was first compared with it."""
        super().__init__(**kwargs)

    def setup_mapper(self) -> None:
        """Prepare the stream maps, once the streams have completed the catalog."""
        _ = self.streams
        super().setup_mapper()

    @cached_property
    def session(self) -> InsightlySession:
        """The one connection to Insightly that all streams share."""
        return open_session(self.config, "tap-insightly")

    @cached_property
    def prefetcher(self) -> Prefetcher:
        """What reads all streams, ahead of their turns."""
        return Prefetcher(self.session, self._expected())

    @cached_property
    def progress(self) -> Progress:
        """What shows how far the sync is, to whoever watches."""
        return progress_for(self.selected_streams(), self.session)

    def _expected(self) -> Iterator[PagedRequest]:
        for stream in self.selected_streams():
            yield from stream.ahead()

    def selected_streams(self) -> list[InsightlyStream]:
        """List what is to be read.

        Returns:
            The streams, in the order in which the SDK reads them.
        """
        streams = self.streams.values()
        return [one for one in streams if one.selected and isinstance(one, InsightlyStream)]

    @property
    def streams(self) -> dict[str, Stream]:
        """The streams by name, in the order in which they are read.

        As the SDK has them, by name; those that are made of the records of others come last, as
        they may be read along with these.
        """
        streams = super().streams
        return dict(sorted(streams.items(), key=lambda pair: isinstance(pair[1], ArrayStream)))

    def along(self, reading: StreamSync) -> list[EmbeddedSync]:
        """Find the selected streams that can be made of the records of another.

        Args:
            reading: How the other will be read.

        Returns:
            What makes their rows.

        Raises:
            InsightlyError: If a bookmark is no date.
        """
        if isinstance(reading.stream, RelatedStream):
            return []
        arrays = [one for one in self.selected_streams() if isinstance(one, ArrayStream)]
        return [along for one in arrays if (along := one.join(reading))]

    def finish(self, stream: InsightlyStream, *, is_whole: bool) -> None:
        """Take in that a stream is not read any further, and end the threads if none is.

        Args:
            stream: The stream.
            is_whole: Whether all was read that was wanted of it.
        """
        if is_whole:
            self.progress.finish(stream)
        if not is_whole or stream is self.selected_streams()[-1]:
            self.close()

    def close(self) -> None:
        """End all threads and connections; they are made anew if need be."""
        made = vars(self)  # where cached properties keep what they have made
        session, prefetcher = made.pop("session", None), made.pop("prefetcher", None)
        progress = made.pop("progress", None)
        made.pop("custom_objects", None)
        if progress is not None:
            progress.close()
        if session is not None:
            session.close()
        if prefetcher is not None:
            prefetcher.close()

    def discover_streams(self) -> Sequence[Stream]:
        """Make the streams: from the catalog if there is one, else from the account.

        Returns:
            The streams.
        """
        catalog = self.input_catalog
        if catalog is not None:
            return list(discovery.catalogued(self, catalog))
        return list(discovery.discovered(self))

    @cached_property
    def custom_object_names(self) -> list[str]:
        """The account's custom objects, such as ``Fruit__c``; asked for once."""
        return discovery.custom_object_names(self.custom_objects)

    def knows_custom_objects(self) -> bool:
        """Tell whether the account's custom objects are known, and ask for them if not.

        Returns:
            Whether they are.
        """
        if "custom_object_names" in vars(self):
            return True
        _ = self.custom_objects
        return False

    @cached_property
    def custom_objects(self) -> Future[Response]:
        """The answer that lists the account's custom objects, which is to come."""
        return self.prefetcher.ask("/CustomObjects")

    def objects_with_custom_fields(self) -> list[str]:
        """List the objects of the account that can have custom fields.

        Returns:
            Their names as the API knows them.
        """
        return discovery.objects_with_custom_fields() + self.custom_object_names

    def skip(self, stream_name: str) -> None:
        """Take note of a stream that this user or plan cannot read.

        Args:
            stream_name: The stream's name.

        Raises:
            InsightlyError: If no selected stream is left to be read.
        """
        self._skipped.add(stream_name)
        selected = {stream.name for stream in self.selected_streams()}
        if selected <= self._skipped:
            msg = (
                f"None of the {len(selected)} selected streams can be read with this API key. "
                "Select others, or ask an Insightly administrator what this user may see."
            )
            raise InsightlyError(msg)

    def fail(self, failure: str) -> None:
        """Take note of a stream that was not finished, while the others go on.

        Args:
            failure: What was the matter, a sentence that names the stream.
        """
        self.logger.error("%s", failure)
        self._failures.append(failure)

    def sync_all(self) -> None:  # type: ignore[misc]  # there is no other place for the error
        """Sync all streams.

        Raises:
            InsightlyError: If the API ends the sync, or if a stream was not finished.
        """
        super().sync_all()
        if self._failures:
            failures, self._failures = self._failures, []
            names = ", ".join(failure.partition(":")[0] for failure in failures)
            msg = f"Not finished, for reasons told above: {names}."
            raise InsightlyError(msg)

    @property
    def state_writer(self) -> StateWriter:
        """A writer without a memory, so that `MessageWriter` decides what to repeat."""
        return type(super().state_writer)(self.message_writer)

    def write_state(self) -> None:
        """Write the state in the middle of a stream."""
        for stream in self.selected_streams():
            if stream.reading is not None:
                stream.reading.remember()
        self.state_writer.write_state(self.state)

    def _handle_termination(self, signum: int, frame: FrameType | None) -> None:  # noqa: ARG002 - the SDK's
        """End on SIGTERM or SIGINT: with a last state, soon, and not as if all were well.

        The SDK's handler, which is private, is replaced because it writes the state into the
        middle of whatever line is being written, ends with exit code 0 as after a complete sync,
        and waits for threads.

        Args:
            signum: The signal.
            frame: Not used.
        """
        code = 128 + signum  # as shells have it
        # A target that does not read any more would keep us in the middle of a line for ever.
        deadline = threading.Timer(SECONDS_TO_END, os._exit, [code])
        deadline.daemon = True
        deadline.start()
        if "progress" in vars(self):  # now, as the deadline leaves no time for it
            self.progress.close()
        self.message_writer.between_messages(partial(self._end, code))

    def _end(self, code: int) -> None:
        self.logger.info("Asked to stop. The next run goes on from the state written last.")
        if self.state:
            self.write_state()
        self.close()
        raise SystemExit(code)

    @classmethod
    def _get_about_info(cls) -> AboutInfo:
        """Say what ``--about`` says, and what the streams cost that are not selected by default.

        A private method of the SDK, because all that it shows comes from there.

        Returns:
            As the SDK has it.
        """
        info = super()._get_about_info()
        texts = [info.description or "", "Not selected by default:"]
        for kind in (ChildStream, ArrayStream):
            names = [stream.name for stream in STREAMS if issubclass(stream, kind)]
            texts.append(f"{', '.join(names)} (each costs {kind.cost}).")
        info.description = " ".join(texts)  # lines would upset the layout
        return info

    @classmethod
    def invoke(  # type: ignore[override]  # as the SDK's own Tap.invoke has it
        cls,
        *,
        state: BinaryIO | None = None,
        catalog: BinaryIO | None = None,
        **kwargs: Any,  # noqa: ANN401 - the SDK's, passed on
    ) -> None:
        """Sync, after a look at the files that were given.

        Args:
            state: The state file.
            catalog: The catalog file.
            **kwargs: As `singer_sdk.Tap.invoke` has them.
        """
        super().invoke(
            state=checked(state, "state"),
            catalog=checked(catalog, "catalog"),
            **kwargs,
        )
