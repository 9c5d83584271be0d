"""How messages leave: fast, every stream ends with the state, and a signal cuts no line in two."""

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

from tap_insightly.api import InsightlyError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

    from singer_sdk.singerlib import Message


class PipeError(InsightlyError):
    """Standard output cannot be written, or standard input cannot be read."""


@contextmanager
def watched_pipes() -> Iterator[None]:
    """Run a command that reads and writes pipes, and see to it that all is written.

    The interpreter writes what is left when it ends, too late for anything but a traceback.
    """
    if sys.stderr is None:  # nobody is to be told anything, which is no reason to end
        sys.stderr = Path(os.devnull).open("w", encoding="utf-8")  # noqa: SIM115 - until the end
    if sys.stdout is None:
        msg = "Standard output is closed, but that is where everything is written to."
        raise PipeError(msg)
    if isinstance(sys.stdout, io.TextIOWrapper) and sys.stdout.errors == "strict":
        # Data is bytes in UTF-8. Tables for people are in the encoding of the place, which may
        # lack a character.
        sys.stdout.reconfigure(errors="backslashreplace")
    try:
        yield
        _flush()
    except SystemExit:
        _flush()
        raise
    except RuntimeError:
        if sys.stdin is None:  # as click says it of a file that is called `-`
            msg = "Standard input is closed, but that is what is to be read."
            raise PipeError(msg) from None
        raise
    finally:
        with suppress(OSError, ValueError):
            _leave_nothing()


def _flush() -> None:
    try:
        sys.stdout.flush()
    except BrokenPipeError:
        sys.exit(1)  # nobody reads any more, which whoever ended the reader knows


def _leave_nothing() -> None:
    """See to it that the interpreter has nothing to write at its end that cannot be written."""
    try:
        sys.stdout.flush()
    except OSError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


def said_of(error: OSError) -> str:
    """Say in a sentence what could not be written or read."""
    if error.filename is None:
        return f"Output cannot be written: {error.strerror}."
    return f"{error.filename}: {error.strerror}."


class MessageWriter(MsgSpecWriter):
    """Writes a state again if other messages came after it, and only then.

    Some targets drop a state that records come after. The SDK does not repeat a state that has
    not changed, as after a sync that found nothing new.

    Records are not flushed one by one, which costs more time than all else about them; all other
    messages are, and a state comes every few seconds.
    """

    def __init__(self) -> None:
        """Start with nothing written."""
        super().__init__()
        self._last: Mapping[str, Any] | None = None
        self._is_writing = False
        self._afterwards: Callable[[], object] | None = None

    def write_message(self, message: Message) -> None:
        """Write a message."""
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
            raise PipeError(said_of(error)) from error
        finally:
            self._is_writing = False
        if self._afterwards is not None:
            do, self._afterwards = self._afterwards, None
            do()

    @staticmethod
    def check_that_somebody_reads() -> None:
        """Find out about a target that is gone, while there is nothing to be written to it."""
        if not hasattr(select, "poll"):  # Windows: the next message will tell
            return
        with suppress(TypeError, ValueError):  # standard output may be something that is no file
            poll = select.poll()
            poll.register(sys.stdout, 0)
            if any(event & select.POLLERR for _, event in poll.poll(0)):
                raise BrokenPipeError(errno.EPIPE, os.strerror(errno.EPIPE))

    def between_messages(self, do: Callable[[], object]) -> None:
        """Do something as soon as no message is half written: now, or after the one under way."""
        if self._is_writing:
            self._afterwards = do
        else:
            do()
