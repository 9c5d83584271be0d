"""Writing messages: fast, with the state after every stream, and with no line cut by a signal."""

from __future__ import annotations

import errno
import io
import os
import select
import sys
from contextlib import contextmanager, suppress
from copy import deepcopy
from pathlib import Path
from typing import TYPE_CHECKING, Any

from singer_sdk.contrib.msgspec import MsgSpecWriter
from singer_sdk.singerlib import RecordMessage, StateMessage
from typing_extensions import override

from tap_insightly.api import InsightlyError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

    from singer_sdk.singerlib import Message


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


class MessageWriter(MsgSpecWriter):
    """Writes a state again if other messages came after it, and only then.

    Some targets drop a state if records follow it, and the SDK does not repeat a state that has
    not changed.

    Records are not flushed one by one, which would take more time than all else. All other
    messages are, and a state comes every few seconds.
    """

    def __init__(self) -> None:
        """Start with nothing written."""
        super().__init__()
        self._last: Mapping[str, Any] | None = None
        self._is_writing = False
        self._pending_action: Callable[[], object] | None = None

    @override
    def write_message(self, message: Message) -> None:
        if not isinstance(message, StateMessage):
            self._last = None
        elif message.value == self._last:
            return
        else:
            self._last = deepcopy(message.value)
        self._is_writing = True
        try:
            sys.stdout.buffer.write(self.format_message(message))
            if not isinstance(message, RecordMessage):
                sys.stdout.flush()
        except BrokenPipeError:
            raise
        except OSError as error:
            raise PipeError(os_error_text(error)) from error
        finally:
            self._is_writing = False
        if self._pending_action is not None:
            do, self._pending_action = self._pending_action, None
            do()

    @staticmethod
    def check_that_somebody_reads() -> None:
        """Raise a BrokenPipeError if the target is gone, while there is nothing to write to it."""
        if not hasattr(select, "poll"):  # Windows: the next message shows it
            return
        with suppress(TypeError, ValueError):  # standard output may be something that is no file
            poll = select.poll()
            poll.register(sys.stdout, 0)
            if any(event & select.POLLERR for _, event in poll.poll(0)):
                raise BrokenPipeError(errno.EPIPE, os.strerror(errno.EPIPE))

    def between_messages(self, do: Callable[[], object]) -> None:
        """Do something when no message is half written: now, or after the current one."""
        if self._is_writing:
            self._pending_action = do
        else:
            do()
