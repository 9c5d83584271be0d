"""Standard input and output of a command: what is written arrives, or an error says so."""

from __future__ import annotations

import io
import os
import sys
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import TYPE_CHECKING

from tap_insightly.api.http.errors import InsightlyError

if TYPE_CHECKING:
    from collections.abc import Iterator


class PipeError(InsightlyError):
    """Standard output cannot be written, or standard input cannot be read."""


@contextmanager
def watched_pipes() -> Iterator[None]:
    """Run a command that reads and writes pipes, and make sure that all is written.

    What the interpreter writes at its end can only fail with a traceback.
    """
    if sys.stderr is None:  # nobody wants messages, which is no reason to end
        sys.stderr = Path(os.devnull).open("w", encoding="utf-8")  # noqa: SIM115 - until the end
    if sys.stdout is None:
        msg = "Standard output is closed, but that is where everything is written to."
        raise PipeError(msg)
    if isinstance(sys.stdout, io.TextIOWrapper) and sys.stdout.errors == "strict":
        # Data is bytes in UTF-8. Tables for people are in the locale's encoding, which may lack a
        # character.
        sys.stdout.reconfigure(errors="backslashreplace")
    try:
        yield
        _flush()
    except SystemExit:
        _flush()
        raise
    except RuntimeError:
        if sys.stdin is None:  # click raises it for the file `-`
            msg = "Standard input is closed, but that is what is to be read."
            raise PipeError(msg) from None
        raise
    finally:
        with suppress(OSError, ValueError):
            _discard_rest()


def _flush() -> None:
    try:
        sys.stdout.flush()
    except BrokenPipeError:
        sys.exit(1)  # whoever ended the reader knows


def _discard_rest() -> None:
    """Make sure that the interpreter has nothing left to write that cannot be written."""
    try:
        sys.stdout.flush()
    except OSError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


def os_error_text(error: OSError) -> str:
    """Say in a sentence what could not be written or read."""
    if error.filename is None:
        return f"Output cannot be written: {error.strerror}."
    return f"{error.filename}: {error.strerror}."
