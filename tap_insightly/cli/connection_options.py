"""The options of a connection: shown once, and taken before or behind the name of a command."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, TypeVar

import click

from tap_insightly.cli import completing
from tap_insightly.cli.given_settings import CONFIG
from tap_insightly.connection_settings import ACCOUNT, WITH_ACCOUNT

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from tap_insightly.config_schema import Setting

    Function = TypeVar("Function", bound=Callable[..., Any])

_SECRET = "Others on this machine can see it; better set TAP_INSIGHTLY_API_KEY."  # noqa: S105 - help
_NAMES = {CONFIG, *(setting.name for setting in WITH_ACCOUNT)}
_HINT = "Options of the connection (--account, --pod, --config ...): insightly --help"


def connection_options(
    settings: Sequence[Setting] = WITH_ACCOUNT, *, is_hidden: bool = False
) -> Callable[[Function], Function]:
    """Add options for these settings, and for a file of settings, `config_file`.

    Those of a connection are not shown if `is_hidden` is set.
    """

    def decorate(function: Function) -> Function:
        for setting in reversed(settings):
            function = _option(setting, is_hidden=is_hidden)(function)
        config = click.option(
            "--config",
            CONFIG,
            type=click.Path(dir_okay=False),
            metavar="FILE",
            help="A JSON file of settings, such as the tap's.",
            hidden=is_hidden,
        )
        return config(function)

    return decorate


def _option(setting: Setting, *, is_hidden: bool) -> Callable[[Function], Function]:
    text = _SECRET if setting.is_secret else setting.description.partition(". ")[0]
    name, text = setting.name.replace("_", "-"), f"{text.rstrip('.')}."
    if setting.is_boolean:
        return click.option(f"--{name}/--no-{name}", setting.name, default=None, help=text)
    metavar = "NUMBER" if setting.is_numeric else "TEXT"
    hidden = is_hidden and setting.name in _NAMES
    return click.option(
        f"--{name}",
        setting.name,
        metavar=metavar,
        help=text,
        hidden=hidden,
        shell_complete=completing.accounts if setting is ACCOUNT else None,
    )


def is_of_connection(param: click.Parameter) -> bool:
    """Tell whether it is an option of a connection."""
    return param.name in _NAMES


def hint(command: click.Command) -> click.Command:
    """Have the help of a command, and of those below it, say where these options are shown."""
    if any(isinstance(one, click.Option) and one.hidden for one in command.params):
        command.epilog = _HINT
    for one in command.commands.values() if isinstance(command, click.Group) else ():
        hint(one)
    return command
