"""How messages leave: fast, every stream ends with the state, and a signal cuts no line in two."""

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

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from singer_sdk.singerlib import Message


class Writer(MsgSpecWriter):
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
        """Write a message.

        Args:
            message: The message.
        """
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
        finally:
            self._is_writing = False
        if self._afterwards is not None:
            do, self._afterwards = self._afterwards, None
            do()

    @staticmethod
    def check_that_somebody_reads() -> None:
        """Find out about a target that is gone, while there is nothing to be written to it.

        Raises:
            BrokenPipeError: If the other end of the pipe was closed.
        """
        if not hasattr(select, "poll"):  # Windows: the next message will tell
            return
        with suppress(TypeError, ValueError):  # standard output may be something that is no file
            poll = select.poll()
            poll.register(sys.stdout, 0)
            if any(event & select.POLLERR for _, event in poll.poll(0)):
                raise BrokenPipeError(errno.EPIPE, os.strerror(errno.EPIPE))

    def between_messages(self, do: Callable[[], object]) -> None:
        """Do something as soon as no message is half written: now, or after the one under way.

        Args:
            do: What to do.
        """
        if self._is_writing:
            self._afterwards = do
        else:
            do()
