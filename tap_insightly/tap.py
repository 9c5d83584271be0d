"""The tap: settings, streams, and what the user is told when something goes wrong."""

from __future__ import annotations

import io
import json
import sys
from functools import cached_property
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar, TextIO

import click
from singer_sdk import Tap
from singer_sdk.exceptions import ConfigValidationError
from singer_sdk.plugin_base import SingerCommand
from singer_sdk.singerlib import Catalog

from tap_insightly import discovery
from tap_insightly.api import InsightlyError, InsightlySession, base_url
from tap_insightly.output import Writer
from tap_insightly.settings import CONFIG_JSONSCHEMA, cleaned, from_environment, problems

if TYPE_CHECKING:
    from collections.abc import Sequence

    from singer_sdk import Stream
    from singer_sdk.helpers._state import StateWriter


class TapCommand(SingerCommand):
    """The command line, which reports what a user can cause in a sentence, not a traceback."""

    def main(self, *args: Any, **kwargs: Any) -> Any:  # noqa: ANN401 - as click has it
        """Run the command.

        Args:
            *args: As click has them.
            **kwargs: As click has them.

        Returns:
            What click returns, if it does.
        """
        try:
            return super().main(*args, **kwargs)
        except ConfigValidationError as error:
            for problem in error.errors:
                self.logger.error("%s", problem)  # noqa: TRY400 - no traceback for a user's slip
        except InsightlyError as error:
            self.logger.error("%s", error)  # noqa: TRY400 - as above
        sys.exit(1)


class TapInsightly(Tap):
    """Extracts everything that the Insightly CRM API (v3.1) offers."""

    name = "tap-insightly"
    package_name = "tap-insightly"
    dynamic_catalog = True
    config_jsonschema: ClassVar[dict[str, Any]] = CONFIG_JSONSCHEMA
    message_writer_class = Writer

    def __init__(
        self,
        *,
        config: dict[str, Any] | None = None,
        parse_env_config: bool = False,
        **kwargs: Any,  # noqa: ANN401 - the SDK's, passed on
    ) -> None:
        """Read the settings and find the streams.

        Args:
            config: The settings.
            parse_env_config: Whether to read settings from the environment too.
            **kwargs: As `singer_sdk.Tap` has them.

        Raises:
            ConfigValidationError: If a setting is wrong.
            InsightlyError: If discovery, where there is no catalog, cannot read from the API.
        """
        self._skipped: set[str] = set()
        settings = dict(config or {})
        if parse_env_config:
            self.append_builtin_config(self.config_jsonschema)
            settings |= from_environment(self._env_var_prefix, self.config_jsonschema)
        super().__init__(config=cleaned(settings), **kwargs)

    def _validate_config(self, *, raise_errors: bool = True) -> list[str]:
        """Check the settings before anything else happens.

        The SDK's own hook for this; its messages name neither the setting nor what is accepted.

        Args:
            raise_errors: Whether to raise what is found.

        Returns:
            What is wrong, a sentence each.

        Raises:
            ConfigValidationError: If a setting is wrong and `raise_errors` is set.
        """
        found = list(problems(self.config))
        if not found:
            return super()._validate_config(raise_errors=raise_errors)
        if raise_errors:
            summary = "Config validation failed"
            raise ConfigValidationError(summary, errors=found, schema=self.config_jsonschema)
        return found

    @cached_property
    def session(self) -> InsightlySession:
        """The one connection to Insightly that all streams share."""
        config = self.config
        return InsightlySession(
            base_url(config["pod"], config.get("api_url"), config["api_version"]),
            config["api_key"],
            requests_per_second=config["requests_per_second"],
            request_timeout=config["request_timeout"],
            max_retries=config["max_retries"],
            quota_reserve=config["quota_reserve"],
            user_agent=f"tap-insightly/{_version()}",
        )

    def discover_streams(self) -> Sequence[Stream]:
        """Make the streams: from the catalog if there is one, else from the account.

        Returns:
            The streams.
        """
        catalog = self.input_catalog
        if catalog is not None:
            return list(discovery.catalogued(self, catalog))
        return list(discovery.discovered(self))

    def custom_object_names(self) -> list[str]:
        """List the account's custom objects, asked for once.

        Returns:
            Their names, such as ``Fruit__c``.
        """
        return self._custom_object_names

    @cached_property
    def _custom_object_names(self) -> list[str]:
        return discovery.custom_object_names(self.session)

    def objects_with_custom_fields(self) -> list[str]:
        """List the objects of the account that can have custom fields.

        Returns:
            Their names as the API knows them.
        """
        return discovery.objects_with_custom_fields() + self.custom_object_names()

    def skip(self, stream_name: str) -> None:
        """Take note of a stream that this user or plan cannot read.

        Args:
            stream_name: The stream's name.

        Raises:
            InsightlyError: If no selected stream is left to be read.
        """
        self._skipped.add(stream_name)
        selected = {stream.name for stream in self.streams.values() if stream.selected}
        if selected <= self._skipped:
            msg = (
                f"None of the {len(selected)} selected streams can be read with this API key. "
                "Select others, or ask an Insightly administrator what this user may see."
            )
            raise InsightlyError(msg)

    @property
    def state_writer(self) -> StateWriter:
        """A writer of states that remembers none, so that `Writer` decides what to repeat."""
        return type(super().state_writer)(self.message_writer)

    @classmethod
    def get_singer_command(cls) -> click.Command:
        """Build the command line.

        Returns:
            The SDK's command, with errors a person can read.
        """
        command = super().get_singer_command()
        return TapCommand(
            name=command.name,
            callback=command.callback,
            params=command.params,
            help="Extract data from Insightly CRM, as Singer messages.",
            context_settings=command.context_settings,
            logger=cls.logger,
        )

    @classmethod
    def cb_config(cls, ctx: click.Context, param: click.Option, value: tuple[str, ...]) -> Any:  # noqa: ANN401 - a private type of the SDK
        """Read the configuration files.

        Args:
            ctx: The command's context.
            param: The option.
            value: Paths, or ``ENV``.

        Returns:
            What the SDK makes of them.

        Raises:
            BadParameter: If a file cannot be read.
        """
        for name in value:
            if name != "ENV":
                try:
                    content = json.loads(Path(name).read_text(encoding="utf-8"))
                except (OSError, ValueError) as error:
                    msg = f"{name} cannot be read as JSON: {error}"
                    raise click.BadParameter(msg, ctx, param) from None
                if not isinstance(content, dict):
                    msg = f"{name} does not hold a JSON object of settings."
                    raise click.BadParameter(msg, ctx, param)
        return super().cb_config(ctx, param, value)

    @classmethod
    def invoke(  # type: ignore[override]  # as the SDK's own Tap.invoke has it
        cls,
        *,
        state: TextIO | None = None,
        catalog: TextIO | None = None,
        **kwargs: Any,  # noqa: ANN401 - the SDK's, passed on
    ) -> None:
        """Sync, after a look at the files that were given.

        Args:
            state: The state file.
            catalog: The catalog file.
            **kwargs: As `singer_sdk.Tap.invoke` has them.
        """
        super().invoke(
            state=_checked(state, "--state", _check_state),
            catalog=_checked(catalog, "--catalog", _check_catalog),
            **kwargs,
        )


def _checked(file: TextIO | None, option: str, check: Any) -> TextIO | None:  # noqa: ANN401
    """Make sure that a file holds what it should, before the SDK takes it for granted.

    Args:
        file: The file.
        option: The option that named it, for the message.
        check: A function that fails if the content is not right.

    Returns:
        The same content, to be read again.

    Raises:
        BadParameter: If it is not right.
    """
    if file is None:
        return None
    text = file.read()
    try:
        check(json.loads(text))
    except (ValueError, TypeError, KeyError, AttributeError) as error:
        kind = option.removeprefix("--")
        msg = f"{file.name} does not hold a Singer {kind}: {type(error).__name__}: {error}"
        raise click.BadParameter(msg, param_hint=option) from None
    return io.StringIO(text)


def _check_catalog(catalog: Any) -> None:  # noqa: ANN401 - anything that JSON can be
    _ = catalog["streams"]  # the SDK would take a catalog without for an empty one
    Catalog.from_dict(catalog)


def _check_state(state: Any) -> None:  # noqa: ANN401 - anything that JSON can be
    for bookmark in state.get("bookmarks", {}).values():
        bookmark.items()


def _version() -> str:
    try:
        return version("tap-insightly")
    except PackageNotFoundError:  # run from a source tree that was not installed
        return "0"
