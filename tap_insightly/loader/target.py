"""The target: settings, and how a run begins and ends."""

from __future__ import annotations

import sys
import threading
from collections import defaultdict
from contextlib import closing
from functools import cached_property, partial
from typing import TYPE_CHECKING, Any, ClassVar, NoReturn

from singer_sdk import Target
from singer_sdk.exceptions import RecordsWithoutSchemaException
from singer_sdk.helpers.capabilities import PluginCapabilities
from singer_sdk.singerlib.exceptions import InvalidInputLine

from tap_insightly.api import InsightlyClient, InsightlyError
from tap_insightly.connection import open_session
from tap_insightly.loader.copying import Copier, CopySink
from tap_insightly.loader.copying.id_map import IdMap
from tap_insightly.loader.deferred import DeferredDeletions
from tap_insightly.loader.key_cache import KeyCache
from tap_insightly.loader.mappings import StreamMappings
from tap_insightly.loader.messages import MessageReader, as_utf8
from tap_insightly.loader.queue import WriteQueue
from tap_insightly.loader.record_loader import is_refusal
from tap_insightly.loader.report import LoadReport, RejectedError
from tap_insightly.loader.settings import CONFIG_JSONSCHEMA, SETTINGS
from tap_insightly.loader.shares import Share
from tap_insightly.loader.sink import InsightlySink
from tap_insightly.plugin import InsightlyPlugin
from tap_insightly.undo.lines import account_of
from tap_insightly.undo.recording import Recorder

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping
    from types import FrameType
    from typing import IO

    from singer_sdk.helpers.capabilities import CapabilitiesEnum
    from singer_sdk.plugin_base import _ConfigInput
    from singer_sdk.sinks import Sink

    from tap_insightly.loader.mirror import Mirror
    from tap_insightly.loader.stream_mapping import StreamMapping


_OF_MODES = ("mirror_filter", "mirror_field")


class TargetInsightly(InsightlyPlugin, Target):
    """Writes records to the Insightly CRM API (v3.1): creates, updates and deletes them."""

    name = "target-insightly"
    message_reader_class = MessageReader
    settings = SETTINGS
    summary = "Write Singer messages to Insightly CRM."
    config_jsonschema: ClassVar[dict[str, Any]] = CONFIG_JSONSCHEMA
    capabilities: ClassVar[list[CapabilitiesEnum]] = [
        PluginCapabilities.ABOUT,
        PluginCapabilities.STREAM_MAPS,
        PluginCapabilities.FLATTENING,
        PluginCapabilities.STRUCTURED_LOGGING,
    ]

    def __init__(self, **kwargs: Any) -> None:  # noqa: ANN401 - the SDK's, passed on
        """Read the settings; nothing is sent yet.

        Args:
            **kwargs: As `InsightlyPlugin` and `singer_sdk.Target` have them.

        Raises:
            ConfigValidationError: If a setting is wrong.
            InsightlyError: If a file that a setting names cannot be written.
        """
        super().__init__(**kwargs)
        self.max_parallelism = 1  # the threads are the target's own
        config = self.config
        self.report = LoadReport(
            config.get("rejects_file"),
            self.logger,
            Share.of(config["max_rejects"]),
            config.get("report_file"),
        )
        """What counts what became of the records."""
        self.work = WriteQueue(self.config["max_concurrency"])
        """What writes them."""
        self._written_state: dict[str, Any] | None = None
        self._state_lock = threading.Lock()
        self._is_judged = False
        lag = float(config["search_lag_seconds"])
        self.keys: defaultdict[str, KeyCache] = defaultdict(partial(KeyCache, lag))
        """Which record has which key, as far as this run has written them; by path of the list."""
        if config["on_error"] == "skip" and not config.get("rejects_file"):
            self.logger.warning(
                "on_error is skip, and rejects_file is not set: records that are refused will be "
                "in the log alone."
            )

    def problems(self) -> list[str]:
        """Find what is wrong with the settings.

        Returns:
            A sentence for each that is wrong.
        """
        found = super().problems()
        config = self.config
        if config.get("id_map") and config.get("dry_run"):
            found.append("Setting 'dry_run' cannot be used with 'id_map': ids come from writing.")
        if config.get("id_map"):
            others = [name for name in ("undo_file", *_OF_MODES) if config.get(name)]
            found += [f"Setting '{name}' cannot be used with 'id_map'." for name in others]
        if self.is_mirroring and not (config.get("allow_delete") or config.get("mirror_field")):
            found.append(
                "Setting 'mode': mirror deletes what is not in the stream, and needs 'allow_delete'"
                ", or 'mirror_field' to set a field instead."
            )
        return found

    @classmethod
    def append_builtin_config(cls, config_jsonschema: dict[str, Any]) -> None:
        """Add the settings of the SDK that mean something here: none of those about tables.

        Args:
            config_jsonschema: The schema of the configuration.
        """
        super(Target, cls).append_builtin_config(config_jsonschema)  # past the one of Target

    @cached_property
    def client(self) -> InsightlyClient:
        """The account that is written to."""
        session = open_session(self.config, self.name)
        return InsightlyClient.from_session(
            session, search_lag_seconds=self.config["search_lag_seconds"]
        )

    @cached_property
    def mappings(self) -> StreamMappings:
        """What finds out where each stream goes."""
        return StreamMappings(self.client, self.config)

    @property
    def is_mirroring(self) -> bool:
        """Whether any stream is mirrored."""
        mode = self.config.get("mode")
        return "mirror" in (mode.values() if isinstance(mode, dict) else (mode,))

    @cached_property
    def ending(self) -> DeferredDeletions:
        """What waits for the end of the run."""
        most = Share.of(self.config["max_deletes"])
        return DeferredDeletions(self.client, self.work, self.report, most)

    @cached_property
    def recorder(self) -> Recorder | None:
        """Where to take down what writes replace; None for nowhere."""
        path = self.config.get("undo_file")
        return Recorder(path, account_of(self.client)) if path else None

    @cached_property
    def copier(self) -> Copier:
        """What writes the records of another account."""
        path = str(self.config["id_map"])
        return Copier(self, IdMap(path, self.client.session.base_url))

    def get_sink_class(self, stream_name: str) -> type[Sink]:  # noqa: ARG002 - the SDK's
        """Tell what takes the records of a stream.

        Args:
            stream_name: Not used.

        Returns:
            A class.
        """
        return CopySink if self.config.get("id_map") else InsightlySink

    def refuse(
        self, route: StreamMapping, record: Mapping[str, Any], name: str, error: InsightlyError
    ) -> None:
        """Do what `on_error` says with a record that was refused.

        Args:
            route: Where it was to go.
            record: The record as it came.
            name: Which one it is, text.
            error: Why it was refused.

        Raises:
            InsightlyError: If that ends the run.
        """
        if not is_refusal(error):
            raise error
        reason = f"the record with {name} was refused: {error}" if name else f"refused: {error}"
        if self.config["on_error"] == "fail":
            msg = (
                f"Stream '{route.stream}': {reason} Set on_error to skip to go on without such "
                "records."
            )
            raise RejectedError(msg) from error
        self.report.reject(route.stream, record, reason)

    def process_endofpipe(self) -> None:
        """Write what was kept until now, and what is left of the rest.

        Raises:
            InsightlyError: If a record was refused, and that is to end the run.
        """
        if self.config.get("id_map"):
            self.copier.run()
        else:
            self.work.wait()
            self.report.check_rejects()
            self.ending.finish(self.refuse)
        self.report.check_rejects()
        self._is_judged = True
        for problem in self.mappings.unused():
            self.logger.warning("%s", problem)
        super().process_endofpipe()
        self.report.is_finished = True

    def _process_state_message(self, message_dict: dict[str, Any]) -> None:
        """Pass a state on as soon as all that came before it is written.

        A private method of the SDK, which passes states on every five minutes, if there are
        records to be read, and at the end.

        Args:
            message_dict: The message.

        Raises:
            InsightlyError: If a record was refused, and that is to end the run.
        """
        super()._process_state_message(message_dict)
        for mirror in self._mirrors:
            mirror.note(is_end=True)
        self.work.mark(partial(self._write_state_message, message_dict["value"]))

    def _process_batch_message(self, message_dict: dict[str, Any]) -> None:
        """Read a file of records.

        A private method of the SDK, whose errors are those of whatever reads the file.

        Args:
            message_dict: The message.

        Raises:
            InsightlyError: If it cannot be read, or a record was refused, and that is to end the
                run.
        """
        try:
            super()._process_batch_message(message_dict)
        except (InsightlyError, OSError) as error:
            if isinstance(error, InsightlyError) or error.strerror:
                raise
            self._raise_unread(message_dict, error)
        except Exception as error:  # noqa: BLE001 - of any library for files and storage
            self._raise_unread(message_dict, error)

    @staticmethod
    def _raise_unread(message: Mapping[str, Any], error: Exception) -> NoReturn:
        files = ", ".join(str(one) for one in message.get("manifest") or ())[:200]
        said = str(error) or type(error).__name__
        msg = f"The BATCH of stream '{message.get('stream')}' cannot be read ({files}): {said}"
        raise InsightlyError(msg) from error

    @property
    def _mirrors(self) -> Iterable[Mirror]:
        return () if self.config.get("id_map") else self.ending.mirrors.values()

    def _process_activate_version_message(self, message_dict: dict[str, Any]) -> None:
        """Take what is about a whole table for the end of its stream.

        A private method of the SDK, which would warn of what is no matter here.

        Args:
            message_dict: The message.
        """
        stream = str(message_dict.get("stream"))
        maps = self.mapper.stream_maps.get(stream, ())
        names = {stream, *(one.stream_alias for one in maps)}
        for mirror in self._mirrors:
            if mirror.stream in names:
                mirror.note(is_end=True)

    def _write_state_message(self, state: dict[str, Any]) -> None:
        """Write a state, unless it was written last.

        A private method of the SDK, which writes the last one again at the end, and after a dry
        run, too, which has written nothing that a state could speak of.

        Args:
            state: The state.
        """
        with self._state_lock:
            # Records of another account are written at the end, and so are deletions. More rejects
            # than may be can still become few enough, or else end the run.
            is_copy = bool(self.config.get("id_map"))
            is_open = not self.copier.is_done if is_copy else self.ending.is_open
            is_held = is_open or (not self._is_judged and self.report.has_too_many_rejects())
            if self.config["dry_run"] or is_held or state == self._written_state:
                return
            self.pass_on(state)
            self._written_state = state

    def pass_on(self, state: dict[str, Any]) -> None:
        """Say that everything is written that came before a state.

        Args:
            state: The state.
        """
        super()._write_state_message(state)

    def close(self) -> None:
        """End what is under way, and say what was done."""
        if "client" in vars(self):
            self.client.session.stop_waiting()
        self.work.close()
        self.report.tell()
        try:
            self.report.close()
        finally:
            for name in ("copier", "recorder", "client"):
                one = vars(self).pop(name, None)
                if one is not None:
                    one.close()

    def _handle_termination(self, signum: int, frame: FrameType | None) -> None:  # noqa: ARG002 - the SDK's
        """End on SIGTERM or SIGINT, after the requests that are under way.

        The SDK's handler, which is private, is replaced because it waits inside of whatever was
        being done, for all records that wait to be written, and ends with exit code 0.

        Args:
            signum: The signal.
            frame: Not used.

        Raises:
            SystemExit: Always.
        """
        raise SystemExit(128 + signum)  # as shells have it

    @classmethod
    def invoke(  # type: ignore[override]  # as the SDK's own Target.invoke has it
        cls,
        *,
        about: bool = False,
        about_format: str | None = None,
        config: _ConfigInput | None = None,
        file_input: IO[str] | None = None,
    ) -> None:
        """Write what comes in, and close whatever happens.

        Args:
            about: Whether to say only what this is.
            about_format: How to say that.
            config: The settings.
            file_input: Where to read messages; None for standard input.

        Raises:
            InsightlyError: If something cannot be written, or what comes in is no message.
        """
        if about:
            cls.print_about(about_format)
            return
        cls.print_version(print_fn=cls.logger.info)
        given = config.config if config else {}
        target = cls(config=given, parse_env_config=bool(config and config.parse_env))
        if file_input is None and sys.stdin is None:
            msg = "Standard input is closed, but that is where messages are read from."
            raise InsightlyError(msg)
        with closing(target):
            try:
                target.listen(as_utf8(file_input or sys.stdin))
            except UnicodeDecodeError as error:
                msg = f"What comes in is no text in UTF-8, as Singer messages are: {error}."
                raise InsightlyError(msg) from None
            except (InvalidInputLine, RecordsWithoutSchemaException) as error:
                msg = f"What comes in is no Singer message: {error}"
                raise InsightlyError(msg) from None
