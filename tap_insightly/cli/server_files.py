"""Where the files of `insightly serve` are, for commands that look into them."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

if TYPE_CHECKING:
    from collections.abc import Callable

    from tap_insightly.server.settings import ServerSettings


def server_file(given: str | None, choose: Callable[[ServerSettings], Path]) -> Path:
    """Say where a file is: what was given, else what the configuration file says."""
    if given:
        return Path(given)
    from tap_insightly.config_file import ConfigFileError, load
    from tap_insightly.server.settings import server_settings

    try:
        return choose(server_settings(load()))
    except ConfigFileError as error:
        raise click.UsageError(str(error)) from None
