"""The command `insightly`: errors are a sentence and an exit code."""

from __future__ import annotations

import logging
import signal
import sys
from typing import TYPE_CHECKING, Any

import click
from typing_extensions import override

from tap_insightly.api import InsightlyError
from tap_insightly.connection import package_version
from tap_insightly.exit_codes import FAILED, SUMMARY, USAGE, exit_code
from tap_insightly.output import os_error_text, watched_pipes

if TYPE_CHECKING:
    from types import FrameType

_SIGNALS = (signal.SIGINT, signal.SIGTERM)


class Group(click.Group):
    """Commands whose errors are a sentence for people and an exit code for the shell."""

    @override
    def main(self, *args: Any, **kwargs: Any) -> Any:
        before = {number: signal.signal(number, _stop) for number in _SIGNALS}
        try:
            with watched_pipes():
                return super().main(*args, **kwargs)
        except InsightlyError as error:
            click.echo(f"Error: {error}", err=True)
            sys.exit(exit_code(error))
        except UnicodeEncodeError:  # only arguments can cause it: all other text was decoded
            click.echo("Error: An argument holds bytes that are no text in UTF-8.", err=True)
            sys.exit(USAGE)
        except OSError as error:  # a disk, a file
            click.echo(f"Error: {os_error_text(error)}", err=True)
            sys.exit(FAILED)
        finally:
            for number, handler in before.items():
                signal.signal(number, handler)


class Failure(click.ClickException):
    """A failure that is told in other words, with the exit code of the error behind it."""

    def __init__(self, message: str, error: Exception) -> None:
        super().__init__(message)
        self.exit_code = exit_code(error)  # type: ignore[misc]  # click asks the exception


def _stop(number: int, _: FrameType | None) -> None:
    """End with the exit code that shells expect after a signal."""
    sys.exit(128 + number)


@click.group(cls=Group, epilog=SUMMARY, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(package_version(), prog_name="insightly")
@click.option(
    "--account", metavar="NAME", help="An account of the configuration file: see accounts."
)
def main(**_: object) -> None:
    """Insightly CRM from a terminal: look, ask, write.

    Settings are those of tap-insightly: the API key in TAP_INSIGHTLY_API_KEY and the pod in
    TAP_INSIGHTLY_POD, or in a file .env, or in a file of settings (--config), or as options.
    With several accounts, they are in one configuration file, and --account or INSIGHTLY_ACCOUNT
    chooses: see insightly accounts. Data goes to standard output, everything
    else to standard error.
    """
    logging.basicConfig(format="%(message)s", level=logging.WARNING, stream=sys.stderr)
