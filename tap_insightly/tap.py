"""The tap: settings and streams."""

from __future__ import annotations

from functools import cached_property
from importlib.metadata import PackageNotFoundError, version
from typing import TYPE_CHECKING, Any, ClassVar, TextIO

from singer_sdk import Tap
from singer_sdk.exceptions import ConfigValidationError

from tap_insightly import discovery
from tap_insightly.api import InsightlyError, InsightlySession, base_url
from tap_insightly.command import TapCommand, check_config, checked
from tap_insightly.output import Writer
from tap_insightly.settings import CONFIG_JSONSCHEMA, cleaned, from_environment, problems

if TYPE_CHECKING:
    from collections.abc import Sequence

    import click
    from singer_sdk import Stream
    from singer_sdk.helpers._state import StateWriter


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
                check_config(name)
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
            state=checked(state, "state"),
            catalog=checked(catalog, "catalog"),
            **kwargs,
        )


def _version() -> str:
    try:
        return version("tap-insightly")
    except PackageNotFoundError:  # run from a source tree that was not installed
        return "0"
