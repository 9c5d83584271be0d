"""The target: its settings, the messages it takes, and how a run begins and ends."""

from __future__ import annotations

import sys
import threading
from contextlib import closing
from functools import cached_property, partial
from typing import TYPE_CHECKING, Any, ClassVar, NoReturn, cast

from singer_sdk import Target
from singer_sdk.exceptions import RecordsWithoutSchemaException
from singer_sdk.helpers.capabilities import PluginCapabilities
from singer_sdk.singerlib.exceptions import InvalidInputLine
from typing_extensions import override

from tap_insightly.api import InsightlyClient, InsightlyError
from tap_insightly.connection import open_session
from tap_insightly.loader.copying import Copier
from tap_insightly.loader.copying.id_map import IdMap
from tap_insightly.loader.mappings import is_mirroring
from tap_insightly.loader.messages import MessageReader, as_utf8
from tap_insightly.loader.run import LoadRun
from tap_insightly.loader.settings import SETTINGS
from tap_insightly.loader.sink import CopySink, InsightlySink
from tap_insightly.plugin import InsightlyPlugin
from tap_insightly.sdk_settings import config_schema

if TYPE_CHECKING:
    from collections.abc import Mapping
    from types import FrameType
    from typing import IO

    from singer_sdk.helpers.capabilities import CapabilitiesEnum
    from singer_sdk.plugin_base import _ConfigInput
    from singer_sdk.sinks import Sink


class TargetInsightly(InsightlyPlugin, Target):
    """Writes records to the Insightly CRM API (v3.1): creates, updates and deletes them."""

    name = "target-insightly"
    message_reader_class = MessageReader
    settings = SETTINGS
    summary = "Write Singer messages to Insightly CRM."
    config_jsonschema: ClassVar[dict[str, Any]] = config_schema(SETTINGS)
    capabilities: ClassVar[list[CapabilitiesEnum]] = [
        PluginCapabilities.ABOUT,
        PluginCapabilities.STREAM_MAPS,
        PluginCapabilities.FLATTENING,
        PluginCapabilities.STRUCTURED_LOGGING,
    ]

    def __init__(self, *, client: InsightlyClient | None = None, **kwargs: Any) -> None:  # noqa: ANN401 - the SDK's, passed on
        """Check the settings and open files, but send nothing; a given client is closed too."""
        super().__init__(**kwargs)
        self.max_parallelism = 1  # the threads are those of the run's queue
        self.run = LoadRun(self.config, self.logger, client or self._new_client())
        self._written_state: dict[str, Any] | None = None
        self._state_lock = threading.Lock()
        if self.config["on_error"] == "skip" and not self.config.get("rejects_file"):
            self.logger.warning(
                "on_error is skip, and rejects_file is not set: records that are refused will be "
                "in the log alone."
            )

    def _new_client(self) -> InsightlyClient:
        session = open_session(self.config, self.name)
        return InsightlyClient.from_session(
            session, search_lag_seconds=self.config["search_lag_seconds"]
        )

    @override
    def problems(self) -> list[str]:
        """Add what is wrong with settings together."""
        problems = super().problems()
        config = self.config
        if config.get("id_map") and config.get("dry_run"):
            problems.append(
                "Setting 'dry_run' cannot be used with 'id_map': ids come from writing."
            )
        if config.get("id_map"):
            problems += [
                f"Setting '{name}' cannot be used with 'id_map'."
                for name in ("undo_file", "mirror_filter", "mirror_field")
                if config.get(name)
            ]
        if is_mirroring(config) and not (config.get("allow_delete") or config.get("mirror_field")):
            problems.append(
                "Setting 'mode': mirror deletes what is not in the stream, and needs 'allow_delete'"
                ", or 'mirror_field' to set a field instead."
            )
        return problems

    @override
    @classmethod
    def append_builtin_config(cls, config_jsonschema: dict[str, Any]) -> None:
        """Add only those settings of the SDK that are not about tables."""
        super(Target, cls).append_builtin_config(config_jsonschema)  # past the one of Target

    @cached_property
    def _copier(self) -> Copier | None:
        """Writes the records of another account, if the input is from one."""
        path = self.config.get("id_map")
        if not path:
            return None
        id_map = IdMap(str(path), self.run.client.session.base_url)
        return self.run.opened.enter_context(Copier(self.run, id_map))

    @override
    def get_sink_class(self, stream_name: str) -> type[Sink]:
        """Give the sinks what they need besides the SDK's arguments."""
        if self._copier is not None:
            return cast("type[Sink]", partial(CopySink, copier=self._copier))
        return cast("type[Sink]", partial(InsightlySink, run=self.run))

    @override
    def process_endofpipe(self) -> None:
        """Write what was deferred, and the last state."""
        run = self.run
        if self._copier is not None:
            self._copier.run()
        else:
            run.queue.wait()
            run.report.check_rejects()
            run.deferred.run(run.refuse)
        run.check_all_rejects()
        for problem in run.mappings.unused_settings():
            self.logger.warning("%s", problem)
        super().process_endofpipe()
        run.report.is_finished = True

    @override
    def _process_state_message(self, message_dict: dict[str, Any]) -> None:
        """Write a state as soon as all that came before it is written.

        This private method of the SDK writes one every five minutes, if there are records to be
        read, and at the end.
        """
        super()._process_state_message(message_dict)
        for mirror in self.run.deferred.mirrors.values():
            mirror.note_end()
        self.run.queue.add_callback(partial(self._write_state_message, message_dict["value"]))

    @override
    def _process_batch_message(self, message_dict: dict[str, Any]) -> None:
        """Read a file of records.

        This private method of the SDK raises the errors of whatever library reads the file.
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
        reason = str(error) or type(error).__name__
        msg = f"The BATCH of stream '{message.get('stream')}' cannot be read ({files}): {reason}"
        raise InsightlyError(msg) from error

    @override
    def _process_activate_version_message(self, message_dict: dict[str, Any]) -> None:
        """Take a new version of a table for the end of its stream.

        This private method of the SDK warns of settings that mean nothing here.
        """
        stream = str(message_dict.get("stream"))
        maps = self.mapper.stream_maps.get(stream, ())
        names = {stream, *(one.stream_alias for one in maps)}
        for mirror in self.run.deferred.mirrors.values():
            if mirror.stream in names:
                mirror.note_end()

    @override
    def _write_state_message(self, state: dict[str, Any]) -> None:
        """Write a state, unless it is held back, or was written last.

        This private method of the SDK is called again at the end with the last state.
        """
        with self._state_lock:
            is_copy_pending = self._copier is not None and not self._copier.is_done
            if is_copy_pending or self.run.is_state_held or state == self._written_state:
                return
            self.emit_state(state)
            self._written_state = state

    def emit_state(self, state: dict[str, Any]) -> None:
        """Tell the world that everything before a state is written."""
        super()._write_state_message(state)

    def close(self) -> None:
        """End what is under way, and say what was done."""
        self.run.close()

    @override
    def _handle_termination(self, signum: int, frame: FrameType | None) -> None:
        """End on SIGTERM or SIGINT, after the requests that are under way.

        This private method of the SDK would wait, inside of whatever was being done, for all
        records that are still to be written, and end with exit code 0.
        """
        raise SystemExit(128 + signum)  # as shells have it

    @override
    @classmethod
    def invoke(  # type: ignore[override]  # as the SDK's own Target.invoke has it
        cls,
        *,
        about: bool = False,
        about_format: str | None = None,
        config: _ConfigInput | None = None,
        file_input: IO[str] | None = None,
    ) -> None:
        """Load the input, and close whatever happens."""
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
                msg = f"The input is no text in UTF-8, as Singer messages are: {error}."
                raise InsightlyError(msg) from None
            except (InvalidInputLine, RecordsWithoutSchemaException) as error:
                msg = f"The input is no Singer message: {error}"
                raise InsightlyError(msg) from None
