"""The command `insightly`: errors are a sentence and an exit code."""

from __future__ import annotations

import signal
import sys
from collections.abc import Iterator, MutableMapping
from importlib import import_module
from typing import TYPE_CHECKING, Any

import click

from tap_insightly.api.http.errors import InsightlyError
from tap_insightly.cli.connection_options import connection_options, hint, is_of_connection
from tap_insightly.connection import package_version
from tap_insightly.exit_codes import FAILED, SUMMARY, USAGE, exit_code
from tap_insightly.pipes import os_error_text, watched_pipes
from tap_insightly.telemetry import recording

if TYPE_CHECKING:
    from types import FrameType

_SIGNALS = (signal.SIGINT, signal.SIGTERM)

COMMANDS = (
    *("accounts", "api", "check", "completion", "create", "delete", "fields", "files", "get"),
    *("link", "load", "mcp", "note", "objects", "plan", "probe", "serve", "stage", "state"),
    *("tag", "tokens", "undo", "unlink", "update", "verify", "webhooks"),
)
"""The commands: each is in the module of its name, in the folder `commands`."""


class Commands(MutableMapping[str, click.Command]):
    """Commands by name, each imported when it is asked for, as a run needs one of them."""

    def __init__(self, names: tuple[str, ...]) -> None:
        self._found: dict[str, click.Command | None] = dict.fromkeys(names)

    def __getitem__(self, name: str) -> click.Command:
        command = self._found[name]
        if command is None:
            module = import_module(f"tap_insightly.cli.commands.{name}")
            command = self._found[name] = hint(getattr(module, name))
        return command

    def __setitem__(self, name: str, command: click.Command) -> None:
        self._found[name] = command

    def __delitem__(self, name: str) -> None:
        del self._found[name]

    def __iter__(self) -> Iterator[str]:
        return iter(self._found)

    def __len__(self) -> int:
        return len(self._found)


class Group(click.Group):
    """Commands whose errors are a sentence for people and an exit code for the shell."""

    # Without the mark for what overrides: its import takes a fifth of the time of a page of help.
    def main(self, *args: Any, **kwargs: Any) -> Any:  # noqa: ANN401 - as click has it
        """Run, and tell errors in a sentence."""
        with recording("insightly", package_version()):
            return self._main(*args, **kwargs)

    def _main(self, *args: Any, **kwargs: Any) -> Any:  # noqa: ANN401 - as click has it
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

    def format_options(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """Write the options of a connection as a section of their own, behind the commands."""
        own: list[tuple[str, str]] = []
        of_connection: list[tuple[str, str]] = []
        for param in self.get_params(ctx):
            if (shown := param.get_help_record(ctx)) is not None:
                (of_connection if is_of_connection(param) else own).append(shown)
        with formatter.section("Options"):
            formatter.write_dl(own)
        self.format_commands(ctx, formatter)
        if of_connection:
            with formatter.section("Connection, before the name of a command or behind it"):
                formatter.write_dl(of_connection)


class Failure(click.ClickException):
    """A failure that is told in other words, with the exit code of the error behind it."""

    def __init__(self, message: str, error: Exception) -> None:
        super().__init__(message)
        self.exit_code = exit_code(error)  # type: ignore[misc]  # click asks the exception


def _stop(number: int, _: FrameType | None) -> None:
    """End with the exit code that shells expect after a signal."""
    sys.exit(128 + number)


def _version(context: click.Context, _: click.Parameter, is_wanted: bool) -> None:  # noqa: FBT001 - as click has it
    if is_wanted and not context.resilient_parsing:
        click.echo(f"insightly, version {package_version()}")
        context.exit()


@click.group(cls=Group, epilog=SUMMARY, context_settings={"help_option_names": ["-h", "--help"]})
@click.option(
    "--version",
    is_flag=True,
    expose_value=False,
    is_eager=True,
    callback=_version,
    help="Show the version and exit.",
)
@connection_options()
def main(**_: object) -> None:
    """Insightly CRM from a terminal: look, ask, write.

    Settings are those of tap-insightly: the API key in TAP_INSIGHTLY_API_KEY and the pod in
    TAP_INSIGHTLY_POD, or in a file .env, or in a file of settings (--config), or as options.
    With several accounts, they are in one configuration file, and --account or INSIGHTLY_ACCOUNT
    chooses: see insightly accounts. Data goes to standard output, everything
    else to standard error.
    """
    import logging

    logging.basicConfig(format="%(message)s", level=logging.WARNING, stream=sys.stderr)


main.commands = Commands(COMMANDS)
