"""Records and files of any size, made while they are sent, so that they need no memory."""

from __future__ import annotations

import re
from abc import ABC, abstractmethod
from functools import lru_cache
from itertools import repeat
from random import Random
from typing import TYPE_CHECKING

from typing_extensions import override

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from tap_insightly.sandbox.account.table import Table

_LONG = re.compile("BACKGROUND|DESCRIPTION|DETAILS|BODY|MESSAGE", re.IGNORECASE)
"""What fields with long text are called."""

_BLOCK = 2**16  # bytes

_SENTENCE = b"It was a dark and stormy night; the rain fell in torrents, except at intervals. "


class Padding:
    """Makes records longer, by a text in a field that ``brief`` does not leave out."""

    def __init__(self, field: str, size: int) -> None:
        """Choose how."""
        self.size = size
        self._name = b'"' + field.encode() + b'":'

    def length(self, row: bytes) -> int:
        """Tell how long a record becomes, without making it so."""
        return max(self.size, sum(map(len, self._open(row))))

    def padded(self, row: bytes) -> bytes:
        """Make a record longer."""
        head, tail = self._open(row)
        missing = max(0, self.size - len(head) - len(tail))
        return b"".join((head, memoryview(_filler(self.size))[:missing], tail))

    def _open(self, row: bytes) -> tuple[bytes, bytes]:
        head, name, value = row.partition(self._name)
        if not name:
            return row[:-1] + b"," + self._name + b'"', b'"}'
        if value.startswith(b"null"):
            return head + name + b'"', b'"' + value[4:]
        return head + name + b'"', value[1:]


class Streamed(ABC):
    """A body that is made while it is sent."""

    @abstractmethod
    def __len__(self) -> int:
        """Count the bytes, without making them."""

    @abstractmethod
    def __iter__(self) -> Iterator[bytes]:
        """Make the body, piece by piece."""


class Content(Streamed):
    """What a file holds, which is made up."""

    def __init__(self, seed: bytes, size: int) -> None:
        """Choose it; the same seed and size make the same."""
        self._seed, self._size = seed, size

    @override
    def __len__(self) -> int:
        return self._size

    @override
    def __iter__(self) -> Iterator[bytes]:
        block = Random(self._seed).randbytes(_BLOCK)  # noqa: S311 - no secret
        whole, rest = divmod(self._size, _BLOCK)
        yield from repeat(block, whole)
        yield block[:rest]


class Padded(Streamed):
    """The body of a list of records that are made longer."""

    def __init__(self, rows: Sequence[bytes], padding: Padding) -> None:
        """Choose the records."""
        self._rows, self._padding = rows, padding

    @override
    def __len__(self) -> int:
        return sum(map(self._padding.length, self._rows)) + max(2, len(self._rows) + 1)

    @override
    def __iter__(self) -> Iterator[bytes]:
        yield b"["
        for number, row in enumerate(self._rows):
            yield b"," * (number > 0) + self._padding.padded(row)
        yield b"]"


def padding_of(table: Table, size: int) -> Padding | None:
    """Find out how the records of an object can be made longer."""
    texts = [
        (not _LONG.search(name), -schema.get("maxLength", 0), name)
        for name, schema in table.fields.items()
        if "string" in schema.get("type", ())
        and not {"format", "enum"} & set(schema)
        and name not in table.keys
    ]
    return Padding(min(texts)[-1], size) if texts else None


@lru_cache(maxsize=4)
def _filler(size: int) -> bytes:
    return _SENTENCE * (size // len(_SENTENCE) + 1)
