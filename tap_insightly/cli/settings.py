"""From options, a file and the environment to a connection."""

from __future__ import annotations

import functools
import json
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import click
from singer_sdk import typing as th
from singer_sdk.exceptions import ConfigValidationError

from tap_insightly.api import InsightlyClient
from tap_insightly.command import check_config
from tap_insightly.connection import open_session
from tap_insightly.settings import CONNECTION, cleaned, from_environment, problems

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    Function = TypeVar("Function", bound=Callable[..., Any])

PREFIX = "TAP_INSIGHTLY_"
_SECRET = "Others on this machine can see it; better set TAP_INSIGHTLY_API_KEY."  # noqa: S105 - help


def with_client(function: Callable[..., Any]) -> Callable[..., Any]:
    """Give a command the options of a connection, and the client that comes of them.

    Args:
        function: The command, whose first argument is the client.

    Returns:
        The command.
    """

    @with_config
    @functools.wraps(function)
    def wrapped(config: Mapping[str, Any], *args: Any, **kwargs: Any) -> Any:  # noqa: ANN401 - as click has it
        with InsightlyClient.of(open_session(config, "insightly")) as client:
            return function(client, *args, **kwargs)

    return wrapped


def with_config(function: Callable[..., Any]) -> Callable[..., Any]:
    """Give a command the options of a connection, and the settings that come of them.

    Args:
        function: The command, whose first argument is the settings.

    Returns:
        The command.
    """

    @functools.wraps(function)
    def wrapped(*args: Any, config_file: str | None, **kwargs: Any) -> Any:  # noqa: ANN401 - as click has it
        given = {setting.name: kwargs.pop(setting.name) for setting in CONNECTION}
        return function(read_config(config_file, given), *args, **kwargs)

    decorated: Callable[..., Any] = wrapped
    for setting in reversed(CONNECTION):
        text = _SECRET if setting.is_secret else setting.description.partition(". ")[0]
        option = click.option(
            f"--{setting.name.replace('_', '-')}",
            setting.name,
            metavar="NUMBER" if setting.is_numeric else "TEXT",
            help=f"{text.rstrip('.')}.",
        )
        decorated = option(decorated)
    config = click.option(
        "--config",
        "config_file",
        type=click.Path(dir_okay=False),
        metavar="FILE",
        help="A JSON file of settings, such as the tap's.",
    )
    return config(decorated)


def read_config(config_file: str | None, options: Mapping[str, str | None]) -> dict[str, Any]:
    """Collect the settings: options go before the file, the file before the environment.

    Args:
        config_file: The path of a JSON file; None for none.
        options: What was given as options, by setting name; None for what was not.

    Returns:
        All settings of a connection, and whatever else the file has.

    Raises:
        UsageError: If a setting is wrong or missing.
    """
    schema = th.PropertiesList(*(setting.property() for setting in CONNECTION)).to_dict()
    config = {setting.name: setting.default for setting in CONNECTION}
    try:
        config |= from_environment(PREFIX, schema, CONNECTION)
    except ConfigValidationError as error:
        raise click.UsageError(" ".join(error.errors)) from None
    if config_file is not None:
        check_config(config_file)
        config |= json.loads(Path(config_file).read_text(encoding="utf-8"))
    config |= {name: value for name, value in options.items() if value is not None}
    # An empty text is a setting that was not made, so its default counts.
    config = {setting.name: setting.default for setting in CONNECTION} | cleaned(config, CONNECTION)
    if found := list(problems(config, CONNECTION)):
        raise click.UsageError(" ".join(found))
    return config
