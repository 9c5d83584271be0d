"""The command line of tap and target: files are checked first, and errors are sentences."""

from __future__ import annotations

import sys
import traceback
from typing import Any, NoReturn

import click
from singer_sdk import Stream
from singer_sdk.exceptions import ConfigValidationError, SingerSDKError
from singer_sdk.plugin_base import SingerCommand
from typing_extensions import override

from tap_insightly.api import InsightlyError
from tap_insightly.connection import package_version
from tap_insightly.exit_codes import FAILED, TRY_AGAIN, USAGE, exit_code
from tap_insightly.pipes import os_error_text, watched_pipes
from tap_insightly.sdk_log import quieten
from tap_insightly.telemetry import recording

RESUMES = "The sync goes on from the state written so far."

# Modules of the SDK and its libraries that fail if these settings are wrong.
_SETTINGS = {
    "singer_sdk.mapper": "stream_maps",
    "singer_sdk.contrib.batch_encoder_jsonl": "batch_config",
    "singer_sdk.contrib.batch_encoder_parquet": "batch_config",
    "fsspec.registry": "batch_config",
    "tap_insightly.batch_files": "batch_config",
}


class TapContext(click.Context):
    """Ends by wrong settings as such: the SDK tells of them, and ends as if it had failed."""

    @override
    def exit(self, code: int = 0) -> NoReturn:
        is_usage = isinstance(sys.exc_info()[1], ConfigValidationError)
        super().exit(USAGE if is_usage else code)


class TapCommand(SingerCommand):
    """A command that tells errors which a user can cause in a sentence, without a traceback."""

    context_class = TapContext

    @override
    def main(self, *args: Any, **kwargs: Any) -> Any:
        quieten()
        with recording(str(self.name), package_version()):
            return self._main(*args, **kwargs)

    def _main(self, *args: Any, **kwargs: Any) -> Any:  # noqa: ANN401 - as click has it
        try:
            with watched_pipes():
                return super().main(*args, **kwargs)
        except ConfigValidationError as error:
            problems, code = error.errors, USAGE
        except InsightlyError as error:
            code = exit_code(error)
            problems = [f"{error} {RESUMES if code == TRY_AGAIN else ''}".strip()]
        except Exception as error:
            text, code = _user_error(error)
            if text is None:
                raise
            problems = [text]
        for problem in problems:
            self.logger.error("%s", problem)
        sys.exit(code)


def _user_error(error: Exception) -> tuple[str | None, int]:
    """Explain an error of the SDK, and say what to end with; None if no user can mend it."""
    frames = [frame for frame, _ in traceback.walk_tb(error.__traceback__)]
    modules = {frame.f_globals.get("__name__") for frame in frames}
    settings = sorted({setting for module, setting in _SETTINGS.items() if module in modules})
    if not settings and isinstance(error, OSError) and error.errno is not None:
        return os_error_text(error), FAILED  # a disk, a file
    if not settings and not isinstance(error, SingerSDKError):
        return None, FAILED
    streams = [
        one.name for frame in frames if isinstance(one := frame.f_locals.get("self"), Stream)
    ]
    where = f"{streams[0]}: " if streams else ""
    cause = f" ({error.__cause__})" if error.__cause__ else ""
    text = f"{type(error).__name__}: {error}".rstrip(".") + f"{cause}."
    hint = f" This comes from the setting '{settings[0]}'." if settings else ""
    # A disk may be full, whatever the settings are.
    is_usage = settings and not isinstance(error, OSError)
    return f"{where}{text}{hint}", USAGE if is_usage else FAILED
