"""What tap and target share as plugins of the SDK: settings, and errors that can be read."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, ClassVar

import click
from singer_sdk.exceptions import ConfigValidationError
from singer_sdk.plugin_base import PluginBase
from typing_extensions import override

from tap_insightly.account_choice import (
    AccountChoiceError,
    combined,
    environment,
    settings_file,
)
from tap_insightly.accounts import ConfigFileError
from tap_insightly.command import TapCommand
from tap_insightly.config_schema import cleaned, problems
from tap_insightly.environment import VariablesError, from_environment
from tap_insightly.exit_codes import SUMMARY
from tap_insightly.given_files import settings_in

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from tap_insightly.account_choice import Layer
    from tap_insightly.config_schema import Setting


class InsightlyPlugin(PluginBase):
    """A plugin that names a wrong setting and what is accepted, and says what to do on errors."""

    package_name = "tap-insightly"

    settings: ClassVar[Sequence[Setting]]
    """All settings of its own."""

    takes_account: ClassVar[bool] = True
    """Whether an account of the configuration file may be meant; where settings are complete
    already, none is looked for."""

    summary: ClassVar[str]
    """A sentence for ``--help``."""

    def __init__(
        self,
        *,
        config: dict[str, Any] | None = None,
        parse_env_config: bool = False,
        **kwargs: Any,  # noqa: ANN401 - the SDK's, passed on
    ) -> None:
        """Read the settings, those in the environment too if `parse_env_config` is set."""
        layers = [settings_file(config or {})]
        if parse_env_config:
            self.append_builtin_config(self.config_jsonschema)
            schema = self.config_jsonschema
            layers.append(environment(self._variables(schema)))
        given = self._combined(layers) if self.takes_account else layers[0].values
        super().__init__(config=cleaned(given, self.settings), **kwargs)

    @classmethod
    def _variables(cls, schema: Mapping[str, Any]) -> dict[str, Any]:
        types = {name: one["type"] for name, one in schema["properties"].items()}
        try:
            return from_environment(cls._env_var_prefix, types, cls.settings)
        except VariablesError as error:
            summary = "Config validation failed"
            raise ConfigValidationError(summary, errors=error.problems, schema={}) from None

    @staticmethod
    def _combined(layers: list[Layer]) -> dict[str, Any]:
        try:
            return combined(layers)
        except (ConfigFileError, AccountChoiceError) as error:
            summary = "Config validation failed"
            raise ConfigValidationError(summary, errors=[str(error)], schema={}) from None

    def problems(self) -> list[str]:
        """List what is wrong with the settings, a sentence each."""
        return list(problems(self.config, self.settings, self._where))

    @classmethod
    def _where(cls, setting: Setting) -> str:
        variable = f"{cls._env_var_prefix}{setting.name.upper()}"
        return f"Set it in a file (--config FILE), or the variable {variable} (--config=ENV)."

    @override
    def _validate_config(self, *, raise_errors: bool = True) -> list[str]:
        """Check the settings before anything else happens.

        The SDK's own hook for this; its messages name neither the setting nor what is accepted.
        """
        found = self.problems()
        if not found:
            return super()._validate_config(raise_errors=raise_errors)
        if raise_errors:
            summary = "Config validation failed"
            raise ConfigValidationError(summary, errors=found, schema=self.config_jsonschema)
        return found

    @override
    @classmethod
    def get_singer_command(cls) -> click.Command:
        """Build the command line: the SDK's, with errors that can be read."""
        command = super().get_singer_command()
        for param in command.params:
            if param.name in {"catalog", "state"}:
                param.type = click.File("rb")  # in whatever encoding
        return TapCommand(
            name=command.name,
            callback=command.callback,
            params=command.params,
            help=cls.summary,
            epilog=SUMMARY,
            context_settings=command.context_settings,
            logger=cls.logger,
        )

    @override
    @classmethod
    def cb_config(cls, ctx: click.Context, param: click.Option, value: tuple[str, ...]) -> Any:
        """Read the configuration files in any Unicode encoding."""
        found = super().cb_config(ctx, param, tuple(name for name in value if name == "ENV"))
        for name in value:
            if name != "ENV":
                found.config |= settings_in(name)
        return found
