"""The command line: files are looked at first, and errors are told in a sentence."""

from __future__ import annotations

import io
import json
import sys
import traceback
from typing import Any, BinaryIO, TextIO

import click
from singer_sdk import Stream
from singer_sdk.exceptions import ConfigValidationError, SingerSDKError
from singer_sdk.plugin_base import SingerCommand

from tap_insightly.api import InsightlyError, QuotaExhaustedError, RetriesExhaustedError
from tap_insightly.catalogs import understood
from tap_insightly.files import decoded, parsed, read_settings
from tap_insightly.output import said_of, watched_pipes
from tap_insightly.states import read_state

RESUMES = "The sync goes on from the state written so far."

# Code of the SDK and its libraries that does what a setting says, and fails as it says.
_SETTINGS = {
    "singer_sdk.mapper": "stream_maps",
    "singer_sdk.contrib.batch_encoder_jsonl": "batch_config",
    "singer_sdk.contrib.batch_encoder_parquet": "batch_config",
    "fsspec.registry": "batch_config",
    "tap_insightly.parquet": "batch_config",
}


class TapCommand(SingerCommand):
    """The command line, which reports what a user can cause in a sentence, not a traceback."""

    def main(self, *args: Any, **kwargs: Any) -> Any:  # noqa: ANN401 - as click has it
        """Run the command."""
        try:
            with watched_pipes():
                return super().main(*args, **kwargs)
        except ConfigValidationError as error:
            problems = error.errors
        except InsightlyError as error:
            hint = RESUMES if isinstance(error, RetriesExhaustedError | QuotaExhaustedError) else ""
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
    """Say what a user did wrong that shows only when the SDK does as told."""
    frames = [frame for frame, _ in traceback.walk_tb(error.__traceback__)]
    modules = {frame.f_globals.get("__name__") for frame in frames}
    settings = sorted({setting for module, setting in _SETTINGS.items() if module in modules})
    if not settings and isinstance(error, OSError) and error.errno is not None:
        return said_of(error)  # a disk, a file
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


def settings_in(name: str) -> dict[str, Any]:
    """Read a configuration file."""
    try:
        return read_settings(name)
    except ValueError as error:
        msg = f"{name} {error}"
        raise click.BadParameter(msg, param_hint="--config") from None


def content_of(file: BinaryIO | None, kind: str) -> dict[str, Any] | None:
    """Read a catalog or a state, in any form that is understood."""
    if file is None:
        return None
    try:
        return _READERS[kind](decoded(file.read()))
    except OSError as error:
        said = f"cannot be read: {error.strerror or error}."
    except ValueError as error:
        said = f"does not hold a Singer {kind}: {error}."
    msg = f"{getattr(file, 'name', kind)} {said}"
    raise click.BadParameter(msg, param_hint=f"--{kind}") from None


def checked(file: BinaryIO | None, kind: str) -> TextIO | None:
    """Bring a file into the form that the SDK takes for granted, before it does."""
    content = content_of(file, kind)
    return None if content is None else io.StringIO(json.dumps(content))


def _read_catalog(text: str) -> dict[str, Any]:
    return understood(parsed(text))


_READERS = {"catalog": _read_catalog, "state": read_state}
