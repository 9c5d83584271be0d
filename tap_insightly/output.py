"""How messages leave: fast, and every stream ends with the state."""

from __future__ import annotations

from copy import deepcopy
from typing import TYPE_CHECKING, Any

from singer_sdk.contrib.msgspec import MsgSpecWriter
from singer_sdk.singerlib import StateMessage

if TYPE_CHECKING:
    from collections.abc import Mapping

    from singer_sdk.singerlib import Message


class Writer(MsgSpecWriter):
    """Writes a state again if other messages came after it, and only then.

    Some targets drop a state that records come after. The SDK does not repeat a state that has
    not changed, as after a sync that found nothing new.
    """

    _last: Mapping[str, Any] | None = None

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
        super().write_message(message)
