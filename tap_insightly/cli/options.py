"""The options of a connection, and what they, a file and the environment say together."""

from __future__ import annotations

import functools
from typing import TYPE_CHECKING, Any, TypeVar

import click
from singer_sdk.exceptions import ConfigValidationError

from tap_insightly import account_choice
from tap_insightly.account_choice import AccountChoiceError, Layer
from tap_insightly.accounts import ConfigFileError
from tap_insightly.api import InsightlyClient
from tap_insightly.command import settings_in
from tap_insightly.config_schema import cleaned, problems
from tap_insightly.connection import open_session
from tap_insightly.connection_settings import ACCOUNT, WITH_ACCOUNT
from tap_insightly.environment import from_environment
from tap_insightly.sdk_settings import config_schema

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from tap_insightly.config_schema import Setting

    Function = TypeVar("Function", bound=Callable[..., Any])

PREFIX = "TAP_INSIGHTLY_"
_SECRET = "Others on this machine can see it; better set TAP_INSIGHTLY_API_KEY."  # noqa: S105 - help


def with_client(function: Callable[..., Any]) -> Callable[..., Any]:
    """Add the options of a connection; the command gets a client first."""

    @with_config
    @functools.wraps(function)
    def wrapped(config: Mapping[str, Any], *args: Any, **kwargs: Any) -> Any:  # noqa: ANN401 - as click has it
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
        for setting in reversed(settings):
            decorated = _option(setting)(decorated)
        config = click.option(
            "--config",
            "config_file",
            type=click.Path(dir_okay=False),
            metavar="FILE",
            help="A JSON file of settings, such as the tap's.",
        )
        return config(decorated)

    return decorate


def _option(setting: Setting) -> Callable[[Callable[..., Any]], Callable[..., Any]]:
    text = _SECRET if setting.is_secret else setting.description.partition(". ")[0]
    name, text = setting.name.replace("_", "-"), f"{text.rstrip('.')}."
    if setting.is_boolean:
        return click.option(f"--{name}/--no-{name}", setting.name, default=None, help=text)
    metavar = "NUMBER" if setting.is_numeric else "TEXT"
    return click.option(f"--{name}", setting.name, metavar=metavar, help=text)


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
    fallback = {setting.name: setting.default for setting in settings} | dict(defaults or {})
    layers = [variables(settings)]
    if config_file is not None:
        layers.append(account_choice.settings_file(settings_in(config_file)))
    layers.append(account_choice.options(root_options() | _given(options)))
    try:
        config = account_choice.combined(layers, may_lack_key=may_lack_key)
    except (ConfigFileError, AccountChoiceError) as error:
        raise click.UsageError(str(error)) from None
    # An empty text is no value, so the default counts.
    config = fallback | cleaned(config, settings)
    is_known = bool(config.get("api_key")) or not may_lack_key
    asked = [setting for setting in settings if is_known or not setting.is_secret]
    if found := list(problems(config, asked)):
        raise click.UsageError(" ".join(found))
    return config


def variables(settings: Sequence[Setting] = WITH_ACCOUNT) -> Layer:
    """Read settings from the environment, and from a file ``.env``."""
    try:
        found = from_environment(PREFIX, config_schema(settings), settings)
    except ConfigValidationError as error:
        raise click.UsageError(" ".join(error.errors)) from None
    return account_choice.environment(found)


def root_options() -> dict[str, Any]:
    """List the settings that were made by options before the name of the command."""
    return _given({ACCOUNT.name: root_account()})


def root_account() -> str | None:
    """Say which account was given by the option before the name of the command."""
    context = click.get_current_context(silent=True)
    return context.find_root().params.get(ACCOUNT.name) if context else None


def _given(options: Mapping[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in options.items() if value is not None}
