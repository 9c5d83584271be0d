"""What options, a file and the environment say together, and the client that is made of it."""

from __future__ import annotations

import functools
from typing import TYPE_CHECKING, Any

import click

from tap_insightly.cli.connection_options import connection_options
from tap_insightly.cli.given_settings import CONFIG, PREFIX, combined, made
from tap_insightly.connection_settings import ACCOUNT, WITH_ACCOUNT

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from tap_insightly.config_schema import Setting


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
    given = root_options() | made(options)
    config = combined(config_file, given, settings, may_lack_key=may_lack_key)
    # An empty text is no value, so the default counts.
    config = fallback | cleaned(config, settings)
    is_known = bool(config.get("api_key")) or not may_lack_key
    asked = [setting for setting in settings if is_known or not setting.is_secret]
    if found := list(problems(config, asked, _where)):
        raise click.UsageError(" ".join(found))
    return config


def _where(setting: Setting) -> str:
    return (
        f"Set the variable {PREFIX}{setting.name.upper()}, here or in a file .env, or "
        f"'{setting.name}' in a file of settings (--config), or choose an account (--account)."
    )


def root_options() -> dict[str, Any]:
    """List the settings that were made by options before the name of the command."""
    params = _root_params()
    return made({setting.name: params.get(setting.name) for setting in WITH_ACCOUNT})


def root_account() -> str | None:
    """Say which account was given by the option before the name of the command."""
    found: str | None = _root_params().get(ACCOUNT.name)
    return found


def _root_params() -> Mapping[str, Any]:
    context = click.get_current_context(silent=True)
    return context.find_root().params if context else {}
