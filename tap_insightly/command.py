"""The command line: files are looked at first, and errors are told in a sentence."""

from __future__ import annotations

import io
import json
import sys
import traceback
from pathlib import Path
from typing import Any, TextIO

import click
from singer_sdk import Stream
from singer_sdk.exceptions import ConfigValidationError, SingerSDKError
from singer_sdk.plugin_base import SingerCommand
from singer_sdk.singerlib import Catalog

from tap_insightly.api import GaveUpError, InsightlyError, QuotaExhaustedError

RESUMES = "The sync goes on from the state written so far."

# Code of the SDK and its libraries that does what a setting says, and fails as it says.
_SETTINGS = {
    "singer_sdk.mapper": "stream_maps",
    "singer_sdk.contrib.batch_encoder_jsonl": "batch_config",
    "singer_sdk.contrib.batch_encoder_parquet": "batch_config",
    "fsspec.registry": "batch_config",
}


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
            problems = error.errors
        except InsightlyError as error:
            hint = RESUMES if isinstance(error, GaveUpError | QuotaExhaustedError) else ""
            problems = [f"{error} {hint}".strip()]
        except Exception as error:
            blamed = _blamed(error)
            if blamed is None:
                raise
            problems = [blamed]
        for problem in problems:
            self.logger.error("%s", problem)
        sys.exit(1)


def _blamed(error: Exception) -> str | None:
    """Say what a user did wrong that shows only when the SDK does as told.

    Args:
        error: What went wrong.

    Returns:
        A sentence; None if nobody but a programmer can do anything about it.
    """
    frames = [frame for frame, _ in traceback.walk_tb(error.__traceback__)]
    modules = {frame.f_globals.get("__name__") for frame in frames}
    settings = sorted({setting for module, setting in _SETTINGS.items() if module in modules})
    if not settings and not isinstance(error, SingerSDKError):
        return None
    streams = [
        one.name for frame in frames if isinstance(one := frame.f_locals.get("self"), Stream)
    ]
    where = f"{streams[0]}: " if streams else ""
    cause = f" ({error.__cause__})" if error.__cause__ else ""
    said = f"{type(error).__name__}: {error}".rstrip(".") + f"{cause}."
    hint = f" This comes from the setting '{settings[0]}'." if settings else ""
    return f"{where}{said}{hint}"


def check_config(name: str) -> None:
    """Make sure that a configuration file holds settings.

    Args:
        name: Its path, text.

    Raises:
        BadParameter: If it does not.
    """
    try:
        content = json.loads(Path(name).read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        msg = f"{name} cannot be read as JSON: {error}"
        raise click.BadParameter(msg, param_hint="--config") from None
    if not isinstance(content, dict):
        msg = f"{name} does not hold a JSON object of settings."
        raise click.BadParameter(msg, param_hint="--config")


def checked(file: TextIO | None, kind: str) -> TextIO | None:
    """Make sure that a file holds what it should, before the SDK takes it for granted.

    Args:
        file: The file; None if there is none.
        kind: ``catalog`` or ``state``, which is also the name of the option.

    Returns:
        The same content, to be read again.

    Raises:
        BadParameter: If it does not.
    """
    if file is None:
        return None
    try:
        text = file.read()
        _CHECKS[kind](json.loads(text))
    except (ValueError, TypeError, KeyError, AttributeError) as error:
        msg = f"{file.name} does not hold a Singer {kind}: {type(error).__name__}: {error}"
        raise click.BadParameter(msg, param_hint=f"--{kind}") from None
    return io.StringIO(text)


def _check_catalog(catalog: Any) -> None:  # noqa: ANN401 - anything that JSON can be
    _ = catalog["streams"]  # the SDK would take a catalog without for an empty one
    Catalog.from_dict(catalog)


def _check_state(state: Any) -> None:  # noqa: ANN401 - anything that JSON can be
    for bookmark in state.get("bookmarks", {}).values():
        bookmark.items()


_CHECKS = {"catalog": _check_catalog, "state": _check_state}
