"""What stands between tap and target: it leaves out what the target was sent the last time.

In a sync with nothing new, the tap still sends all schemas, the lists that the API only gives
whole, and the newest record of each stream. A stream of which exactly these messages were the last
that the target has loaded tells it nothing. So they are held back until the next STATE, and dropped
if they are the same. A target that would have nothing to do is not even started.
"""

from __future__ import annotations

from collections import Counter
from hashlib import blake2b
from typing import TYPE_CHECKING

import msgspec

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

MOST_BYTES = 2_000_000
"""Of a stream, more is neither held back nor remembered."""


class Message(msgspec.Struct):
    """A Singer message, with all that is inside of it left as it is written."""

    type: str
    stream: str = ""
    value: msgspec.Raw = msgspec.Raw()
    record: msgspec.Raw = msgspec.Raw()
    schema: msgspec.Raw = msgspec.Raw()
    key_properties: msgspec.Raw = msgspec.Raw()
    manifest: msgspec.Raw = msgspec.Raw()

    @property
    def content(self) -> bytes:
        """What it tells of the data; without the time at which it was read, and the version."""
        parts = (self.schema, self.key_properties, self.record, self.manifest)
        return b"\n".join((self.type.encode(), *map(bytes, parts), b""))


_DECODER = msgspec.json.Decoder(Message)


class _Held:
    """The messages of a stream, in this run."""

    def __init__(self) -> None:
        self.lines: list[bytes] = []
        self.schema = b""
        self.size = 0
        self.is_schema_due = False
        self._digest = blake2b(digest_size=16)

    def add(self, line: bytes, message: Message) -> None:
        self.size += len(line)
        if message.type == "SCHEMA":
            self.schema, self.is_schema_due = line, False
        elif self.is_schema_due:  # the one that was dropped with what came before
            self.lines.append(self.schema)
            self.is_schema_due = False
        self.lines.append(line)
        if self.is_remembered:
            self._digest.update(message.content)

    @property
    def is_remembered(self) -> bool:
        return self.size <= MOST_BYTES

    @property
    def digest(self) -> str | None:
        return self._digest.hexdigest() if self.is_remembered else None


class Changes:
    """Takes the lines of the tap, and hands on those that the target needs."""

    def __init__(
        self,
        sent: Mapping[str, str],
        send: Callable[[bytes], object],
        keep: Callable[[bytes], object],
        begin: Callable[[str], object] = lambda _: None,
    ) -> None:
        """Start a run.

        Args:
            sent: What the target has loaded of each stream, as `digests` gave it.
            send: Takes a line for the target.
            keep: Takes the value of a state that covers all that was sent or dropped.
            begin: Called before the first line of a stream is sent: from then on it is no longer
                known what the target has.
        """
        self._sent, self._send, self._keep, self._begin = sent, send, keep, begin
        self._held: dict[str, _Held] = {}
        self._begun: set[str] = set()
        self.records: Counter[str] = Counter()
        """How many records were sent of each stream."""

    def take(self, line: bytes) -> None:
        """Take the next line of the tap.

        Raises:
            ValueError: If it is no message.
        """
        message = _DECODER.decode(line)
        if message.type == "STATE":
            self.settle()
            if self._begun:
                self._send(line)
            else:
                self._keep(bytes(message.value))
            return
        if not message.stream:
            self._begun.add("")
            self._send(line)
            return
        held = self._held.setdefault(message.stream, _Held())
        held.add(line, message)
        if message.type == "RECORD":
            self.records[message.stream] += 1
        if message.stream not in self._sent or not held.is_remembered:
            self._flush(message.stream, held)

    def settle(self) -> None:
        """Drop what the target has already, and send the rest of what is held back."""
        for stream, held in self._held.items():
            if not held.lines:
                continue
            if stream not in self._begun and held.digest == self._sent.get(stream):
                held.lines.clear()
                held.is_schema_due = True
                self.records.pop(stream, None)
            else:
                self._flush(stream, held)

    @property
    def digests(self) -> dict[str, str]:
        """What the target has of each stream, once it has loaded all that was sent."""
        kept = {name: old for name, old in self._sent.items() if name not in self._held}
        new = {name: digest for name, held in self._held.items() if (digest := held.digest)}
        return kept | new

    def _flush(self, stream: str, held: _Held) -> None:
        if stream not in self._begun:
            self._begun.add(stream)
            self._begin(stream)
        for line in held.lines:
            self._send(line)
        held.lines.clear()
