"""What options, a file and the environment say together, and the client that is made of it."""

from __future__ import annotations

import functools
from typing import TYPE_CHECKING, Any

import click

from tap_insightly.cli.connection_options import CONFIG, connection_options
from tap_insightly.connection_settings import ACCOUNT, WITH_ACCOUNT

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from tap_insightly.account_choice import Layer
    from tap_insightly.config_schema import Setting

PREFIX = "TAP_INSIGHTLY_"


def with_client(function: Callable[..., Any]) -> Callable[..., Any]:
    """Add the options of a connection; the command gets a client first."""

    @with_config
    @functools.wraps(function)
    def wrapped(config: Mapping[str, Any], *args: Any, **kwargs: Any) -> Any:  # noqa: ANN401 - as click has it
        from tap_insightly.api import InsightlyClient
        from tap_insightly.connection import open_session

        with InsightlyClient.from_session(open_session(config, "insightly")) as client:
            return function(client, *args, **kwargs)

    return wrapped


def with_config(function: Callable[..., Any]) -> Callable[..., Any]:
    """Add the options of a connection; the command gets the settings first."""
    return with_settings()(function)


def with_settings(
    settings: Sequence[Setting] = WITH_ACCOUNT, *, may_lack_key: bool = False, **defaults: object
) -> Callable[[Callable[..., Any]], Callable[..., Any]]:
    """Add options for these settings; the command gets the settings first.

    `defaults` go before the defaults of the settings.
    """

    def decorate(function: Callable[..., Any]) -> Callable[..., Any]:
        @functools.wraps(function)
        def wrapped(*args: Any, config_file: str | None, **kwargs: Any) -> Any:  # noqa: ANN401 - as click has it
            given = {setting.name: kwargs.pop(setting.name) for setting in settings}
            config = read_config(
                config_file, given, settings, may_lack_key=may_lack_key, defaults=defaults
            )
            return function(config, *args, **kwargs)

        decorated: Callable[..., Any] = wrapped
        return connection_options(settings, is_hidden=True)(decorated)

    return decorate


def read_config(
    config_file: str | None,
    options: Mapping[str, object],
    settings: Sequence[Setting] = WITH_ACCOUNT,
    *,
    may_lack_key: bool = False,
    defaults: Mapping[str, object] | None = None,
) -> dict[str, Any]:
    """Collect the settings: options go first, then the file, the environment, a file ``.env``.

    Last comes an account of the configuration file.
    """
    from tap_insightly.config_schema import cleaned, problems

    fallback = {setting.name: setting.default for setting in settings} | dict(defaults or {})
    config_file = config_file or _root_params().get(CONFIG)
    given = root_options() | _given(options)
    config = _combined(config_file, given, settings, may_lack_key=may_lack_key)
    # An empty text is no value, so the default counts.
    config = fallback | cleaned(config, settings)
    is_known = bool(config.get("api_key")) or not may_lack_key
    asked = [setting for setting in settings if is_known or not setting.is_secret]
    if found := list(problems(config, asked, _where)):
        raise click.UsageError(" ".join(found))
    return config


def _combined(
    config_file: str | None,
    options: Mapping[str, object],
    settings: Sequence[Setting],
    *,
    may_lack_key: bool,
) -> dict[str, Any]:
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

    options = _given({setting.name: params.get(setting.name) for setting in WITH_ACCOUNT})
    found = _combined(params.get(CONFIG), options, WITH_ACCOUNT, may_lack_key=True)
    return {one.name: one.default for one in WITH_ACCOUNT} | cleaned(found, WITH_ACCOUNT)


def _where(setting: Setting) -> str:
    return (
        f"Set the variable {PREFIX}{setting.name.upper()}, here or in a file .env, or "
        f"'{setting.name}' in a file of settings (--config), or choose an account (--account)."
    )


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


def root_options() -> dict[str, Any]:
    """List the settings that were made by options before the name of the command."""
    params = _root_params()
    return _given({setting.name: params.get(setting.name) for setting in WITH_ACCOUNT})


def root_account() -> str | None:
    """Say which account was given by the option before the name of the command."""
    found: str | None = _root_params().get(ACCOUNT.name)
    return found


def _root_params() -> Mapping[str, Any]:
    context = click.get_current_context(silent=True)
    return context.find_root().params if context else {}


def _given(options: Mapping[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in options.items() if value is not None}
