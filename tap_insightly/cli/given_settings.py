"""What options, a file and the environment say together, before anything is checked."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import click

from tap_insightly.connection_settings import WITH_ACCOUNT

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from tap_insightly.account_choice import Layer
    from tap_insightly.config_schema import Setting

PREFIX = "TAP_INSIGHTLY_"
CONFIG = "config_file"
"""The parameter of a command that names a file of settings."""


def combined(
    config_file: str | None,
    options: Mapping[str, object],
    settings: Sequence[Setting],
    *,
    may_lack_key: bool,
) -> dict[str, Any]:
    """Put together what options, a file, the environment and an account say."""
    from tap_insightly import account_choice
    from tap_insightly.accounts import ConfigFileError
    from tap_insightly.given_files import settings_in

    layers = [variables(settings)]
    if config_file is not None:
        layers.append(account_choice.settings_file(settings_in(config_file)))
    layers.append(account_choice.options(options))
    try:
        return account_choice.combined(layers, may_lack_key=may_lack_key)
    except (ConfigFileError, account_choice.AccountChoiceError) as error:
        raise click.UsageError(str(error)) from None


def given_settings(params: Mapping[str, Any]) -> dict[str, Any]:
    """Collect the settings of a connection as a command line has them so far, unchecked."""
    from tap_insightly.config_schema import cleaned

    options = made({setting.name: params.get(setting.name) for setting in WITH_ACCOUNT})
    found = combined(params.get(CONFIG), options, WITH_ACCOUNT, may_lack_key=True)
    return {one.name: one.default for one in WITH_ACCOUNT} | cleaned(found, WITH_ACCOUNT)


def variables(settings: Sequence[Setting] = WITH_ACCOUNT) -> Layer:
    """Read settings from the environment, and from a file ``.env``."""
    from tap_insightly import account_choice
    from tap_insightly.environment import VariablesError, from_environment

    types = {setting.name: setting.schema["type"] for setting in settings}
    try:
        found = from_environment(PREFIX, types, settings)
    except VariablesError as error:
        raise click.UsageError(" ".join(error.problems)) from None
    return account_choice.environment(found)


def made(options: Mapping[str, Any]) -> dict[str, Any]:
    """List the options that were given."""
    return {name: value for name, value in options.items() if value is not None}
