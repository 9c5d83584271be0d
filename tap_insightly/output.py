"""Writing messages: fast, with the state after every stream, and with no line cut by a signal."""

from __future__ import annotations

import errno
import os
import select
import sys
from contextlib import suppress
from copy import deepcopy
from typing import TYPE_CHECKING, Any

from singer_sdk.contrib.msgspec import MsgSpecWriter
from singer_sdk.singerlib import RecordMessage, StateMessage
from typing_extensions import override

from tap_insightly.pipes import PipeError, os_error_text

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from singer_sdk.singerlib import Message


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
        self.state_bytes = 0
        """How long the state is that was written last."""
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
            line = self.format_message(message)
            sys.stdout.buffer.write(line)
            if not isinstance(message, RecordMessage):
                sys.stdout.flush()
            if isinstance(message, StateMessage):
                self.state_bytes = len(line)
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
